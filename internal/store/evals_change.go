package store

import (
	"context"
	"fmt"
)

// EvalsTx changes the tables of evals: all of it or, when it fails, nothing.
type EvalsTx struct{ Evals }

// ChangeEvals runs f in a transaction that no other process or goroutine writes beside.
func (s *Store) ChangeEvals(ctx context.Context, f func(EvalsTx) error) error {
	return s.change(ctx, func(q querier) error { return f(EvalsTx{Evals{q}}) })
}

// PutEval makes or changes an eval.
func (t EvalsTx) PutEval(ctx context.Context, e Eval) error {
	_, err := t.q.ExecContext(ctx, `INSERT INTO evals (id, owner, created, updated, body) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET updated = excluded.updated, body = excluded.body`, e.ID, e.Owner, millis(e.Created), millis(e.Updated), e.Body)
	return err
}

// DeleteEval deletes an eval with its runs. Errors: ErrNotFound.
func (t EvalsTx) DeleteEval(ctx context.Context, id string) error {
	return t.one(ctx, id, `DELETE FROM evals WHERE id = ?`, id)
}

// DeleteRun deletes a run with its items. Errors: ErrNotFound.
func (t EvalsTx) DeleteRun(ctx context.Context, id string) error {
	return t.one(ctx, id, `DELETE FROM eval_runs WHERE id = ?`, id)
}

// one changes the one row that id stands for.
func (t EvalsTx) one(ctx context.Context, id, query string, args ...any) error {
	result, err := t.q.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return fmt.Errorf("%s: %w", id, ErrNotFound)
}

// AddRun makes a run with its rows, all of them pending.
func (t EvalsTx) AddRun(ctx context.Context, r EvalRun, items []EvalItem) error {
	_, err := t.q.ExecContext(ctx, `INSERT INTO eval_runs (id, eval, owner, status, created, source, body) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		r.ID, r.Eval, r.Owner, r.Status, millis(r.Created), r.Source, r.Body)
	if err != nil {
		return err
	}
	for _, i := range items {
		if _, err := t.q.ExecContext(ctx, `INSERT INTO eval_items (run, n, id, status, created, row, body) VALUES (?, ?, ?, ?, 0, ?, '')`,
			r.ID, i.N, i.ID, ItemPending, i.Row); err != nil {
			return err
		}
	}
	return nil
}

// SetRun changes status and body of a run. Errors: ErrNotFound.
func (t EvalsTx) SetRun(ctx context.Context, id, status, body string) error {
	return t.one(ctx, id, `UPDATE eval_runs SET status = ?, body = ? WHERE id = ?`, status, body, id)
}

// EndItem gives a pending row its status; false: it had one already, or is gone.
func (t EvalsTx) EndItem(ctx context.Context, i EvalItem) (bool, error) {
	result, err := t.q.ExecContext(ctx, `UPDATE eval_items SET status = ?, created = ?, body = ? WHERE run = ? AND n = ? AND status = ?`,
		i.Status, millis(i.Created), i.Body, i.Run, i.N, ItemPending)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}
