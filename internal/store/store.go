// Package store keeps what must survive a restart: API keys, stored responses,
// the names of adapters, the files of clients, and large contents by their sha256. One SQLite file, and a directory of
// blobs beside it. Several processes may have it open: `graft keys` works while
// the server runs.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver

	"graft/internal/flock"
)

// Errors, wrapped with what they concern.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open store. Its methods may be called from any goroutine.
type Store struct {
	db         *sql.DB
	statements *statements
	blobs      string // directory
	files      *Blobs // contents of the files of clients
	// resolve is asked at each request that names an adapter.
	resolve *sql.Stmt
	now     func() time.Time
	// MaxResponses and MaxResponseBytes bound the stored responses; the oldest
	// go first. Set them before use.
	MaxResponses     int
	MaxResponseBytes int64
	// MaxFileBytes bounds the files and the parts of uploads together; 0: no bound.
	MaxFileBytes int64
}

// maxIdle is how many connections are kept for the next use: opening one takes
// longer than most questions.
const maxIdle = 8

// Open opens the store in a directory, making and migrating it as needed.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "graft.db")
	// Stored responses are private; SQLite gives its other files the same mode.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	f.Close()
	// FULL: what was answered with success survives a power cut. Writers wait
	// for each other instead of failing.
	dsn := "file:" + url.PathEscape(filepath.ToSlash(path)) + "?" + url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
		"_txlock": {"immediate"},
	}.Encode()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(maxIdle)
	s := &Store{db: db, statements: &statements{db: db, all: map[string]*sql.Stmt{}}, blobs: filepath.Join(dir, "blobs"), files: OpenBlobs(filepath.Join(dir, "files")), now: time.Now, MaxResponses: 10_000, MaxResponseBytes: 1 << 30}
	if err := s.migrate(ctx, path); err != nil {
		db.Close()
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	if s.resolve, err = db.PrepareContext(ctx, resolveQuery); err != nil {
		db.Close()
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	return s, nil
}

// migrate brings the tables up to date, one process at a time.
func (s *Store) migrate(ctx context.Context, path string) error {
	lock, err := flock.Acquire(ctx, path+".lock", nil)
	if err != nil {
		return err
	}
	defer lock.Release()
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	// Migrations stand alone: what two branches add may come in either order.
	p, err := goose.NewProvider(goose.DialectSQLite3, s.db, sub, goose.WithAllowOutofOrder(true))
	if err != nil {
		return err
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	sources := p.ListSources()
	if newest := sources[len(sources)-1].Version; have > newest {
		return fmt.Errorf("it was written by a newer graft (version %d, this one knows %d): use that one", have, newest)
	}
	_, err = p.Up(ctx)
	return err
}

// Close closes the store.
func (s *Store) Close() error { return s.db.Close() }

// Meta returns a named value. Errors: ErrNotFound.
func (s *Store) Meta(ctx context.Context, name string) (string, error) {
	var value string
	err := s.db.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`, name).Scan(&value)
	return value, notFound(err, "meta "+name)
}

// SetMeta stores a named value.
func (s *Store) SetMeta(ctx context.Context, name, value string) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}

// notFound turns an empty result into ErrNotFound.
func notFound(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	return err
}

func millis(t time.Time) int64 { return t.UnixMilli() }

// moment is the time of a column, zero for never.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
