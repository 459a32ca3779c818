package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// Ages of what is left behind.
const (
	uploadAge = 24 * time.Hour // an upload that has ended can be looked at for so long
	stageAge  = 24 * time.Hour // a content that has not got its name by then never will
)

// SweepFiles deletes files and uploads whose time is over.
func (s *Store) SweepFiles(ctx context.Context) error {
	now := s.now()
	var due bool
	err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM files WHERE expires <> 0 AND expires <= ?)
		OR EXISTS (SELECT 1 FROM upload_parts p JOIN uploads u ON u.id = p.upload WHERE u.expires <= ?) OR EXISTS (SELECT 1 FROM uploads WHERE expires <= ?)`,
		millis(now), millis(now), millis(now.Add(-uploadAge))).Scan(&due)
	if err != nil || !due {
		return err
	}
	var gone []string
	err = s.change(ctx, func(q querier) error {
		text := func(scan func(...any) error) (v string, err error) { return v, scan(&v) }
		rows, err := q.QueryContext(ctx, `DELETE FROM files WHERE expires <> 0 AND expires <= ? RETURNING digest`, millis(now))
		if gone, err = collect(rows, err, text); err != nil {
			return err
		}
		rows, err = q.QueryContext(ctx, `SELECT id FROM uploads WHERE expires <= ?`, millis(now))
		over, err := collect(rows, err, text)
		if err != nil {
			return err
		}
		for _, id := range over {
			digests, err := dropParts(ctx, q, id)
			if err != nil {
				return err
			}
			gone = append(gone, digests...)
		}
		_, err = q.ExecContext(ctx, `DELETE FROM uploads WHERE expires <= ?`, millis(now.Add(-uploadAge)))
		return err
	})
	if err != nil {
		return err
	}
	return s.unref(ctx, gone...)
}

// MendFiles deletes contents that a process has left behind which was killed: those
// without a name, and those that nothing refers to.
func (s *Store) MendFiles(ctx context.Context) error {
	errs := []error{s.SweepFiles(ctx)}
	half, err := filepath.Glob(filepath.Join(s.files.dir, "new-*"))
	errs = append(errs, err)
	for _, path := range half {
		if st, err := os.Stat(path); err == nil && st.ModTime().Before(time.Now().Add(-stageAge)) {
			errs = append(errs, os.Remove(path))
		}
	}
	paths, err := filepath.Glob(filepath.Join(s.files.dir, "[0-9a-f][0-9a-f]", "*"))
	errs = append(errs, err)
	known := map[string]bool{}
	rows, err := s.db.QueryContext(ctx, `SELECT digest FROM files UNION SELECT digest FROM upload_parts`)
	_, err = collect(rows, err, func(scan func(...any) error) (struct{}, error) {
		var digest string
		err := scan(&digest)
		known[digest] = true
		return struct{}{}, err
	})
	if errs = append(errs, err); err != nil {
		return errors.Join(errs...)
	}
	var orphans []string
	for _, path := range paths {
		if digest := filepath.Base(path); !known[digest] && digestPattern.MatchString(digest) {
			orphans = append(orphans, digest)
		}
	}
	return errors.Join(append(errs, s.unref(ctx, orphans...))...)
}
