package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Errors of files, wrapped with what they concern.
var (
	ErrFull  = errors.New("there is no room for more files")
	ErrEnded = errors.New("the upload has ended")
)

// File is a file of a client, without its content.
type File struct {
	ID      string // "file-…"
	Owner   string // id of the key that made it; empty: made without one
	Name    string
	Purpose string
	Bytes   int64
	Digest  string // of the content: sha256, hex
	Created time.Time
	Expires time.Time // zero: never
}

// StageFile brings a content to the disk. It is no file yet: PutFile, PutPart or
// CompleteUpload make it one. Discard of it must be called.
func (s *Store) StageFile(r io.Reader) (*Content, error) { return s.files.stage(r) }

// PutFile makes a file, or replaces the one that has its id. Errors: ErrFull.
func (s *Store) PutFile(ctx context.Context, f File, c *Content) (File, error) {
	return s.putFile(ctx, f, c, s.room)
}

// PutResult is PutFile for a small file of graft's own, which has room in any case:
// hours of training do not end for want of it.
func (s *Store) PutResult(ctx context.Context, f File, c *Content) (File, error) {
	return s.putFile(ctx, f, c, func(context.Context, querier, int64) error { return nil })
}

func (s *Store) putFile(ctx context.Context, f File, c *Content, room func(context.Context, querier, int64) error) (File, error) {
	f.Bytes, f.Digest = c.Bytes, c.Digest
	if err := s.SweepFiles(ctx); err != nil {
		return f, err
	}
	old, err := s.File(ctx, f.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return f, err
	}
	err = s.change(ctx, func(q querier) error {
		if err := room(ctx, q, c.Bytes); err != nil {
			return err
		}
		return insertFile(ctx, q, f, c)
	})
	if err == nil && old.Digest != f.Digest {
		err = s.unref(ctx, old.Digest)
	}
	return f, err
}

// insertFile writes the row and gives the content its name, in one transaction.
func insertFile(ctx context.Context, q querier, f File, c *Content) error {
	_, err := q.ExecContext(ctx, `INSERT INTO files (id, owner, name, purpose, bytes, digest, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, purpose = excluded.purpose, bytes = excluded.bytes, digest = excluded.digest`,
		f.ID, f.Owner, f.Name, f.Purpose, f.Bytes, f.Digest, millis(f.Created), millisOr0(f.Expires))
	if err != nil {
		return err
	}
	return c.publish()
}

// room fails if there is none for so many bytes more.
func (s *Store) room(ctx context.Context, q querier, bytes int64) error {
	if s.MaxFileBytes <= 0 {
		return nil
	}
	var used int64
	err := q.QueryRowContext(ctx, `SELECT (SELECT COALESCE(SUM(bytes), 0) FROM files) + (SELECT COALESCE(SUM(bytes), 0) FROM upload_parts)`).Scan(&used)
	if err == nil && used+bytes > s.MaxFileBytes {
		err = fmt.Errorf("%w: %d bytes are taken of %d, and %d more are needed", ErrFull, used, s.MaxFileBytes, bytes)
	}
	return err
}

const fileColumns = `id, owner, name, purpose, bytes, digest, created, expires`

func scanFile(scan func(...any) error) (File, error) {
	var f File
	var created, expires int64
	err := scan(&f.ID, &f.Owner, &f.Name, &f.Purpose, &f.Bytes, &f.Digest, &created, &expires)
	f.Created, f.Expires = moment(created), moment(expires)
	return f, err
}

// File returns a file that has not expired. Errors: ErrNotFound.
func (s *Store) File(ctx context.Context, id string) (File, error) {
	f, err := scanFile(s.db.QueryRowContext(ctx, `SELECT `+fileColumns+` FROM files WHERE id = ? AND (expires = 0 OR expires > ?)`, id, millis(s.now())).Scan)
	return f, notFound(err, "file "+id)
}

// FileFilter says which files are meant.
type FileFilter struct {
	Everybody bool   // not only those of Owner
	Owner     string // id of a key, or ""
	Purpose   string // empty: any
	After     string // id of the file before the first; empty: from the start
	Ascending bool   // the oldest first; else the latest
	Limit     int
}

// Files lists files that have not expired, and tells whether there are more of
// them. Errors: ErrNotFound for After.
func (s *Store) Files(ctx context.Context, f FileFilter) (list []File, more bool, err error) {
	where, args := `(expires = 0 OR expires > ?) AND (? OR owner = ?) AND (? = '' OR purpose = ?)`,
		[]any{millis(s.now()), f.Everybody, f.Owner, f.Purpose, f.Purpose}
	if f.After != "" {
		if _, err := s.File(ctx, f.After); err != nil {
			return nil, false, err
		}
		sign := "<"
		if f.Ascending {
			sign = ">"
		}
		where += ` AND seq ` + sign + ` (SELECT seq FROM files WHERE id = ?)`
		args = append(args, f.After)
	}
	order := `DESC`
	if f.Ascending {
		order = `ASC`
	}
	rows, err := s.db.QueryContext(ctx, `SELECT `+fileColumns+` FROM files WHERE `+where+` ORDER BY seq `+order+` LIMIT ?`, append(args, f.Limit+1)...)
	if list, err = collect(rows, err, scanFile); len(list) > f.Limit {
		list, more = list[:f.Limit], true
	}
	return list, more, err
}

// OpenFile opens the content of a file. Errors: ErrNotFound.
func (s *Store) OpenFile(f File) (*os.File, error) { return s.files.Open(f.Digest) }

// DeleteFile deletes a file, and its content unless another has the same. Errors:
// ErrNotFound.
func (s *Store) DeleteFile(ctx context.Context, id string) error {
	f, err := s.File(ctx, id)
	if err != nil {
		return err
	}
	if _, err := s.db.ExecContext(ctx, `DELETE FROM files WHERE id = ?`, id); err != nil {
		return err
	}
	return s.unref(ctx, f.Digest)
}

// change runs f in a transaction that nobody writes beside.
func (s *Store) change(ctx context.Context, f func(querier) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// unref deletes contents that nothing refers to any more. A content gets its name in
// the transaction that refers to it, so nobody can begin to meanwhile.
func (s *Store) unref(ctx context.Context, digests ...string) error {
	return s.change(ctx, func(q querier) error {
		for _, digest := range digests {
			var used bool
			if digest == "" {
				continue
			}
			err := q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM files WHERE digest = ?) OR EXISTS (SELECT 1 FROM upload_parts WHERE digest = ?)`, digest, digest).Scan(&used)
			if err == nil && !used {
				err = s.files.Delete(digest)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// millisOr0 is the column of a time, 0 for never.
func millisOr0(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return millis(t)
}
