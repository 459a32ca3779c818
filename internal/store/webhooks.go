package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Webhook is what an endpoint is still to be told.
type Webhook struct {
	ID       string // "wh_…", the same at each attempt
	URL      string // of the endpoint
	Body     string // JSON, as it is sent
	Created  time.Time
	Next     time.Time // when the next attempt is due
	Attempts int       // made so far
}

// AddWebhook notes a webhook, to be sent at once.
func (t JobsTx) AddWebhook(ctx context.Context, w Webhook) error {
	_, err := t.q.ExecContext(ctx, `INSERT INTO webhooks (id, url, created, next, attempts, body) VALUES (?, ?, ?, ?, 0, ?)`, w.ID, w.URL, millis(w.Created), millis(w.Created), w.Body)
	return err
}

func scanWebhook(scan func(...any) error) (w Webhook, err error) {
	var created, next int64
	err = scan(&w.ID, &w.URL, &created, &next, &w.Attempts, &w.Body)
	w.Created, w.Next = moment(created), moment(next)
	return w, err
}

// DueWebhooks lists webhooks whose next attempt is due, at most limit of them.
func (s *Store) DueWebhooks(ctx context.Context, now time.Time, limit int) ([]Webhook, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, url, created, next, attempts, body FROM webhooks WHERE next <= ? ORDER BY next, seq LIMIT ?`, millis(now), limit)
	return collect(rows, err, scanWebhook)
}

// NextWebhook is when the next attempt is due; zero: there is nothing to send.
func (s *Store) NextWebhook(ctx context.Context) (time.Time, error) {
	var next int64
	err := s.db.QueryRowContext(ctx, `SELECT next FROM webhooks ORDER BY next LIMIT 1`).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return moment(next), err
}

// DelayWebhook notes how many attempts were made, and when the next one is due.
func (s *Store) DelayWebhook(ctx context.Context, id string, attempts int, next time.Time) error {
	_, err := s.db.ExecContext(ctx, `UPDATE webhooks SET attempts = ?, next = ? WHERE id = ?`, attempts, millis(next), id)
	return err
}

// DropWebhook forgets a webhook that has been delivered, or given up.
func (s *Store) DropWebhook(ctx context.Context, id string) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM webhooks WHERE id = ?`, id)
	return err
}
