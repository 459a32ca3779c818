package store

import (
	"context"
	"time"
)

// AdapterVerdict is what an evaluation has shown of a generation.
type AdapterVerdict struct {
	Generation string
	Run        string // id of the evaluation
	Task       string
	Base       string
	Outcome    string
	Created    time.Time
	Author     string
	Body       string // JSON
}

// Verdicts lists those of a generation, the one that was recorded last first.
func (a Adapters) Verdicts(ctx context.Context, generation string) ([]AdapterVerdict, error) {
	rows, err := a.q.QueryContext(ctx, `SELECT generation, run, task, base, outcome, created, author, body FROM adapter_verdicts
		WHERE generation = ? ORDER BY seq DESC`, generation)
	return collect(rows, err, func(scan func(...any) error) (AdapterVerdict, error) {
		var v AdapterVerdict
		var created int64
		err := scan(&v.Generation, &v.Run, &v.Task, &v.Base, &v.Outcome, &created, &v.Author, &v.Body)
		v.Created = moment(created)
		return v, err
	})
}

// maxVerdicts is how many verdicts of a generation are kept.
const maxVerdicts = 100

// PutVerdict notes a verdict, in the place of an earlier one of the same run.
func (a AdaptersTx) PutVerdict(ctx context.Context, v AdapterVerdict) error {
	_, err := a.q.ExecContext(ctx, `INSERT INTO adapter_verdicts (generation, run, seq, task, base, outcome, created, author, body)
		VALUES (?, ?, (SELECT COALESCE(MAX(seq), 0) + 1 FROM adapter_verdicts WHERE generation = ?), ?, ?, ?, ?, ?, ?)
		ON CONFLICT (generation, run) DO UPDATE SET seq = excluded.seq, task = excluded.task, base = excluded.base, outcome = excluded.outcome,
		created = excluded.created, author = excluded.author, body = excluded.body`,
		v.Generation, v.Run, v.Generation, v.Task, v.Base, v.Outcome, millis(v.Created), v.Author, v.Body)
	if err != nil {
		return err
	}
	_, err = a.q.ExecContext(ctx, `DELETE FROM adapter_verdicts WHERE generation = ? AND run IN (
		SELECT run FROM adapter_verdicts WHERE generation = ? ORDER BY seq DESC LIMIT 1000000 OFFSET ?)`, v.Generation, v.Generation, maxVerdicts)
	return err
}
