package store

import (
	"context"
	"fmt"
	"time"
)

// States of an upload.
const (
	UploadPending   = "pending"
	UploadCompleted = "completed"
	UploadCancelled = "cancelled"
	UploadExpired   = "expired"
)

// Upload is a file that comes in parts.
type Upload struct {
	ID       string // "upload_…"
	Owner    string
	Name     string
	Purpose  string
	Bytes    int64         // that the file will have
	Lifetime time.Duration // of the file; 0: no end
	Status   string
	File     string // its id, once it is there
	Created  time.Time
	Expires  time.Time // the upload
}

// Part is a part of a file.
type Part struct {
	ID      string // "part_…"
	Upload  string
	Bytes   int64
	Digest  string
	Created time.Time
}

// PutUpload begins an upload.
func (s *Store) PutUpload(ctx context.Context, u Upload) error {
	if err := s.SweepFiles(ctx); err != nil {
		return err
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO uploads (id, owner, name, purpose, bytes, lifetime, status, file, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		u.ID, u.Owner, u.Name, u.Purpose, u.Bytes, u.Lifetime.Milliseconds(), u.Status, u.File, millis(u.Created), millis(u.Expires))
	return err
}

// Upload returns an upload. Errors: ErrNotFound.
func (s *Store) Upload(ctx context.Context, id string) (Upload, error) {
	u := Upload{ID: id}
	var lifetime, created, expires int64
	err := s.db.QueryRowContext(ctx, `SELECT owner, name, purpose, bytes, lifetime, status, file, created, expires FROM uploads WHERE id = ?`, id).
		Scan(&u.Owner, &u.Name, &u.Purpose, &u.Bytes, &lifetime, &u.Status, &u.File, &created, &expires)
	u.Lifetime, u.Created, u.Expires = time.Duration(lifetime)*time.Millisecond, moment(created), moment(expires)
	if u.Status == UploadPending && !s.now().Before(u.Expires) {
		u.Status = UploadExpired
	}
	return u, notFound(err, "upload "+id)
}

// pending fails unless more may come. Errors: ErrNotFound, ErrEnded.
func (s *Store) pending(ctx context.Context, q querier, id string) error {
	var status string
	var expires int64
	err := q.QueryRowContext(ctx, `SELECT status, expires FROM uploads WHERE id = ?`, id).Scan(&status, &expires)
	if err == nil && status == UploadPending && expires <= millis(s.now()) {
		status = UploadExpired
	}
	if err == nil && status != UploadPending {
		err = fmt.Errorf("%w: upload %s is %s", ErrEnded, id, status)
	}
	return notFound(err, "upload "+id)
}

// PutPart adds a part. Errors: ErrNotFound, ErrEnded, ErrFull.
func (s *Store) PutPart(ctx context.Context, p Part, c *Content) error {
	return s.change(ctx, func(q querier) error {
		if err := s.pending(ctx, q, p.Upload); err != nil {
			return err
		}
		if err := s.room(ctx, q, c.Bytes); err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, `INSERT INTO upload_parts (id, upload, bytes, digest, created) VALUES (?, ?, ?, ?, ?)`,
			p.ID, p.Upload, c.Bytes, c.Digest, millis(p.Created)); err != nil {
			return err
		}
		return c.publish()
	})
}

// Parts returns the parts of an upload by their ids.
func (s *Store) Parts(ctx context.Context, upload string) (map[string]Part, error) {
	return parts(ctx, s.db, upload)
}

func parts(ctx context.Context, q querier, upload string) (map[string]Part, error) {
	byID := map[string]Part{}
	rows, err := q.QueryContext(ctx, `SELECT id, bytes, digest, created FROM upload_parts WHERE upload = ?`, upload)
	_, err = collect(rows, err, func(scan func(...any) error) (struct{}, error) {
		p := Part{Upload: upload}
		var created int64
		err := scan(&p.ID, &p.Bytes, &p.Digest, &created)
		p.Created = moment(created)
		byID[p.ID] = p
		return struct{}{}, err
	})
	return byID, err
}

// CompleteUpload makes the file and ends the upload. Errors: ErrNotFound, ErrEnded,
// ErrFull.
func (s *Store) CompleteUpload(ctx context.Context, id string, f File, c *Content) (File, error) {
	f.Bytes, f.Digest = c.Bytes, c.Digest
	return f, s.endUpload(ctx, id, UploadCompleted, f.ID, func(q querier) error {
		if err := s.room(ctx, q, c.Bytes); err != nil {
			return err
		}
		return insertFile(ctx, q, f, c)
	})
}

// CancelUpload ends an upload. Errors: ErrNotFound, ErrEnded.
func (s *Store) CancelUpload(ctx context.Context, id string) error {
	return s.endUpload(ctx, id, UploadCancelled, "", func(querier) error { return nil })
}

func (s *Store) endUpload(ctx context.Context, id, status, file string, f func(querier) error) error {
	var gone []string
	err := s.change(ctx, func(q querier) error {
		if err := s.pending(ctx, q, id); err != nil {
			return err
		}
		var err error
		if gone, err = dropParts(ctx, q, id); err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, `UPDATE uploads SET status = ?, file = ? WHERE id = ?`, status, file, id); err != nil {
			return err
		}
		return f(q)
	})
	if err != nil {
		return err
	}
	return s.unref(ctx, gone...)
}

// dropParts forgets the parts of an upload and returns their digests.
func dropParts(ctx context.Context, q querier, id string) (gone []string, err error) {
	list, err := parts(ctx, q, id)
	for _, p := range list {
		gone = append(gone, p.Digest)
	}
	if err == nil {
		_, err = q.ExecContext(ctx, `DELETE FROM upload_parts WHERE upload = ?`, id)
	}
	return gone, err
}
