package store

import (
	"context"
	"time"
)

// Eval is a test of models: its graders, and how its data look.
type Eval struct {
	Seq     int64 // the order that they came in; given by the store
	ID      string
	Owner   string // id of the key that made it; empty: made without one
	Created time.Time
	Updated time.Time
	Body    string // JSON
}

// EvalRun is one run of an eval.
type EvalRun struct {
	Seq     int64 // the order of the queue; given by the store
	ID      string
	Eval    string
	Owner   string
	Status  string
	Created time.Time
	Source  string // as the client wrote it: JSON
	Body    string // JSON
}

// ItemPending is the status of a row that has none of its own yet.
const ItemPending = "pending"

// EvalItem is a row of a run, and what became of it.
type EvalItem struct {
	Run     string
	N       int // number of the row, from 0
	ID      string
	Status  string    // ItemPending, then another, once
	Created time.Time // when it got that; zero: pending
	Row     string    // JSON
	Body    string    // JSON; empty: pending
}

// Evals reads the tables of evals.
type Evals struct{ q querier }

// Evals are the tables of evals as they are now.
func (s *Store) Evals() Evals { return Evals{s.db} }

const evalColumns = `SELECT seq, id, owner, created, updated, body FROM evals `

func scanEval(scan func(...any) error) (e Eval, err error) {
	var created, updated int64
	err = scan(&e.Seq, &e.ID, &e.Owner, &created, &updated, &e.Body)
	e.Created, e.Updated = moment(created), moment(updated)
	return e, err
}

// Eval returns an eval of an owner. Errors: ErrNotFound.
func (t Evals) Eval(ctx context.Context, owner, id string) (Eval, error) {
	e, err := scanEval(t.q.QueryRowContext(ctx, evalColumns+`WHERE id = ? AND owner = ?`, id, owner).Scan)
	return e, notFound(err, "eval "+id)
}

// Page says which part of a list is meant.
type Page struct {
	After      string // id of the element before the first; empty: from the start
	Descending bool   // the latest first; else the oldest
	Limit      int
}

// of is the end of a query: after what the page comes, and its order. The columns
// are compared as a pair, so that elements of one time have an order too.
func (p Page) of(table, column string, args []any) (string, []any) {
	direction, sign := `ASC`, `>`
	if p.Descending {
		direction, sign = `DESC`, `<`
	}
	text := ``
	if p.After != "" {
		text = ` AND (` + column + `, seq) ` + sign + ` (SELECT ` + column + `, seq FROM ` + table + ` WHERE id = ?)`
		args = append(args, p.After)
	}
	return text + ` ORDER BY ` + column + ` ` + direction + `, seq ` + direction + ` LIMIT ?`, append(args, p.Limit+1)
}

// cut takes the element away that only shows that there are more.
func cut[T any](list []T, limit int) ([]T, bool) {
	if len(list) > limit {
		return list[:limit], true
	}
	return list, false
}

// List lists the evals of an owner by creation, or by their last update, and tells
// whether there are more. Errors: ErrNotFound for After.
func (t Evals) List(ctx context.Context, owner string, byUpdate bool, p Page) ([]Eval, bool, error) {
	if p.After != "" {
		if _, err := t.Eval(ctx, owner, p.After); err != nil {
			return nil, false, err
		}
	}
	column := `created`
	if byUpdate {
		column = `updated`
	}
	tail, args := p.of(`evals`, column, []any{owner})
	rows, err := t.q.QueryContext(ctx, evalColumns+`WHERE owner = ?`+tail, args...)
	list, err := collect(rows, err, scanEval)
	list, more := cut(list, p.Limit)
	return list, more, err
}

const runColumns = `SELECT seq, id, eval, owner, status, created, source, body FROM eval_runs `

func scanRun(scan func(...any) error) (r EvalRun, err error) {
	var created int64
	err = scan(&r.Seq, &r.ID, &r.Eval, &r.Owner, &r.Status, &created, &r.Source, &r.Body)
	r.Created = moment(created)
	return r, err
}

// Run returns a run. Errors: ErrNotFound.
func (t Evals) Run(ctx context.Context, id string) (EvalRun, error) {
	r, err := scanRun(t.q.QueryRowContext(ctx, runColumns+`WHERE id = ?`, id).Scan)
	return r, notFound(err, "run "+id)
}

// Runs lists the runs of an eval, of one status or of all, and tells whether there
// are more. Errors: ErrNotFound for After.
func (t Evals) Runs(ctx context.Context, eval, status string, p Page) ([]EvalRun, bool, error) {
	if p.After != "" {
		if _, err := scanRun(t.q.QueryRowContext(ctx, runColumns+`WHERE id = ? AND eval = ?`, p.After, eval).Scan); err != nil {
			return nil, false, notFound(err, "run "+p.After)
		}
	}
	tail, args := p.of(`eval_runs`, `created`, []any{eval, status, status})
	rows, err := t.q.QueryContext(ctx, runColumns+`WHERE eval = ? AND (? = '' OR status = ?)`+tail, args...)
	list, err := collect(rows, err, scanRun)
	list, more := cut(list, p.Limit)
	return list, more, err
}

// Unended lists the runs of all owners in two states, the oldest first.
func (t Evals) Unended(ctx context.Context, a, b string) (ids []string, err error) {
	rows, err := t.q.QueryContext(ctx, `SELECT id FROM eval_runs WHERE status IN (?, ?) ORDER BY seq`, a, b)
	return collect(rows, err, func(scan func(...any) error) (id string, err error) { return id, scan(&id) })
}

const itemColumns = `SELECT run, n, id, status, created, row, body FROM eval_items `

func scanItem(scan func(...any) error) (i EvalItem, err error) {
	var created int64
	err = scan(&i.Run, &i.N, &i.ID, &i.Status, &created, &i.Row, &i.Body)
	i.Created = moment(created)
	return i, err
}

// Item returns a row of a run that is no longer pending. Errors: ErrNotFound.
func (t Evals) Item(ctx context.Context, run, id string) (EvalItem, error) {
	i, err := scanItem(t.q.QueryRowContext(ctx, itemColumns+`WHERE run = ? AND id = ? AND status <> ?`, run, id, ItemPending).Scan)
	return i, notFound(err, "output item "+id)
}

// Items lists the rows of a run that are no longer pending, of one status or of
// all, in their order in the data, and tells whether there are more. Errors:
// ErrNotFound for After.
func (t Evals) Items(ctx context.Context, run, status string, p Page) ([]EvalItem, bool, error) {
	where, args := `run = ? AND status <> ? AND (? = '' OR status = ?)`, []any{run, ItemPending, status, status}
	direction, sign := `ASC`, `>`
	if p.Descending {
		direction, sign = `DESC`, `<`
	}
	if p.After != "" {
		last, err := t.Item(ctx, run, p.After)
		if err != nil {
			return nil, false, err
		}
		where, args = where+` AND n `+sign+` ?`, append(args, last.N)
	}
	rows, err := t.q.QueryContext(ctx, itemColumns+`WHERE `+where+` ORDER BY n `+direction+` LIMIT ?`, append(args, p.Limit+1)...)
	list, err := collect(rows, err, scanItem)
	list, more := cut(list, p.Limit)
	return list, more, err
}

// Pending lists at most limit rows of a run that are pending, from number n on.
func (t Evals) Pending(ctx context.Context, run string, n, limit int) ([]EvalItem, error) {
	rows, err := t.q.QueryContext(ctx, itemColumns+`WHERE run = ? AND status = ? AND n >= ? ORDER BY n LIMIT ?`, run, ItemPending, n, limit)
	return collect(rows, err, scanItem)
}

// Count counts the evals of an owner, and the runs of all in two states.
func (t Evals) Count(ctx context.Context, owner, a, b string) (evals, runs int, err error) {
	err = t.q.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM evals WHERE owner = ?), (SELECT COUNT(*) FROM eval_runs WHERE status IN (?, ?))`, owner, a, b).Scan(&evals, &runs)
	return evals, runs, err
}
