package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Response is a stored answer of the responses API.
type Response struct {
	ID      string
	Owner   string // id of the key that made it; empty: made without one
	Created time.Time
	Body    json.RawMessage
}

// PutResponse stores a response, and deletes the oldest beyond the bounds.
func (s *Store) PutResponse(ctx context.Context, r Response) error {
	if !json.Valid(r.Body) {
		return fmt.Errorf("response %s: the body is not JSON", r.ID)
	}
	if int64(len(r.Body)) > s.MaxResponseBytes {
		return fmt.Errorf("response %s has %d bytes, more than all stored responses may have (%d)", r.ID, len(r.Body), s.MaxResponseBytes)
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `INSERT INTO responses (id, owner, created, bytes, body) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET body = excluded.body, bytes = excluded.bytes`,
		r.ID, r.Owner, millis(r.Created), len(r.Body), string(r.Body)); err != nil {
		return err
	}
	for {
		var count int
		var bytes int64
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM responses`).Scan(&count, &bytes); err != nil {
			return err
		}
		if count <= s.MaxResponses && bytes <= s.MaxResponseBytes {
			return tx.Commit()
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM responses WHERE id = (SELECT id FROM responses WHERE id <> ? ORDER BY created, id LIMIT 1)`, r.ID); err != nil {
			return err
		}
	}
}

// Response returns a stored response of an owner. Errors: ErrNotFound.
func (s *Store) Response(ctx context.Context, owner, id string) (Response, error) {
	r := Response{ID: id, Owner: owner}
	var created int64
	var body string
	err := s.db.QueryRowContext(ctx, `SELECT created, body FROM responses WHERE id = ? AND owner = ?`, id, owner).Scan(&created, &body)
	r.Created, r.Body = moment(created), json.RawMessage(body)
	return r, notFound(err, "response "+id)
}

// DeleteResponse deletes a stored response of an owner. Errors: ErrNotFound.
func (s *Store) DeleteResponse(ctx context.Context, owner, id string) error {
	result, err := s.db.ExecContext(ctx, `DELETE FROM responses WHERE id = ? AND owner = ?`, id, owner)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return fmt.Errorf("response %s: %w", id, ErrNotFound)
}
