package store

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
)

// Job is a fine-tuning job.
type Job struct {
	Seq     int64 // the order of the queue; given by the store
	ID      string
	Status  string
	Created time.Time
	Body    string // JSON
}

// JobEvent is something that happened to a job.
type JobEvent struct {
	Seq     int64 // their order; given by the store
	ID      string
	Job     string
	Key     string // what happened: of a job's events with one key, the first stays
	Created time.Time
	Type    string
	Body    string // JSON
}

// JobCheckpoint is what a job has published at a step.
type JobCheckpoint struct {
	Job     string
	Step    int
	ID      string
	Created time.Time
	Body    string // JSON
}

// Jobs reads the tables of jobs.
type Jobs struct{ q querier }

// Jobs are the tables of jobs as they are now.
func (s *Store) Jobs() Jobs { return Jobs{s.db} }

const jobColumns = `SELECT seq, id, status, created, body FROM jobs `

func scanJob(scan func(...any) error) (j Job, err error) {
	var created int64
	err = scan(&j.Seq, &j.ID, &j.Status, &created, &j.Body)
	j.Created = moment(created)
	return j, err
}

// Job returns a job. Errors: ErrNotFound.
func (t Jobs) Job(ctx context.Context, id string) (Job, error) {
	j, err := scanJob(t.q.QueryRowContext(ctx, jobColumns+`WHERE id = ?`, id).Scan)
	return j, notFound(err, fmt.Sprintf("job %q", id))
}

// Before lists jobs, the latest first: at most limit of those before seq; 0: all are.
func (t Jobs) Before(ctx context.Context, seq int64, limit int) ([]Job, error) {
	rows, err := t.q.QueryContext(ctx, jobColumns+`WHERE seq < ? ORDER BY seq DESC LIMIT ?`, before(seq), limit)
	return collect(rows, err, scanJob)
}

// In lists the jobs in some states, the oldest first.
func (t Jobs) In(ctx context.Context, states ...string) ([]Job, error) {
	args := make([]any, len(states))
	for i, s := range states {
		args[i] = s
	}
	rows, err := t.q.QueryContext(ctx, jobColumns+`WHERE status IN (?`+strings.Repeat(", ?", len(states)-1)+`) ORDER BY seq`, args...)
	return collect(rows, err, scanJob)
}

const eventColumns = `SELECT seq, id, job, key, created, type, body FROM job_events `

func scanJobEvent(scan func(...any) error) (e JobEvent, err error) {
	var created int64
	err = scan(&e.Seq, &e.ID, &e.Job, &e.Key, &created, &e.Type, &e.Body)
	e.Created = moment(created)
	return e, err
}

// Event returns an event of a job. Errors: ErrNotFound.
func (t Jobs) Event(ctx context.Context, job, id string) (JobEvent, error) {
	e, err := scanJobEvent(t.q.QueryRowContext(ctx, eventColumns+`WHERE job = ? AND id = ?`, job, id).Scan)
	return e, notFound(err, fmt.Sprintf("event %q of job %q", id, job))
}

// EventsBefore lists events of a job, the latest first: at most limit of those before
// seq; 0: all are.
func (t Jobs) EventsBefore(ctx context.Context, job string, seq int64, limit int) ([]JobEvent, error) {
	rows, err := t.q.QueryContext(ctx, eventColumns+`WHERE job = ? AND seq < ? ORDER BY seq DESC LIMIT ?`, job, before(seq), limit)
	return collect(rows, err, scanJobEvent)
}

// EventsAfter lists events of a job, the oldest first: at most limit of those after seq.
func (t Jobs) EventsAfter(ctx context.Context, job string, seq int64, limit int) ([]JobEvent, error) {
	rows, err := t.q.QueryContext(ctx, eventColumns+`WHERE job = ? AND seq > ? ORDER BY seq LIMIT ?`, job, seq, limit)
	return collect(rows, err, scanJobEvent)
}

const checkpointColumns = `SELECT job, step, id, created, body FROM job_checkpoints `

func scanCheckpoint(scan func(...any) error) (c JobCheckpoint, err error) {
	var created int64
	err = scan(&c.Job, &c.Step, &c.ID, &created, &c.Body)
	c.Created = moment(created)
	return c, err
}

// Checkpoint returns a checkpoint of a job. Errors: ErrNotFound.
func (t Jobs) Checkpoint(ctx context.Context, job, id string) (JobCheckpoint, error) {
	c, err := scanCheckpoint(t.q.QueryRowContext(ctx, checkpointColumns+`WHERE job = ? AND id = ?`, job, id).Scan)
	return c, notFound(err, fmt.Sprintf("checkpoint %q of job %q", id, job))
}

// CheckpointsBefore lists checkpoints of a job, the latest first: at most limit of
// those before a step; 0: all are.
func (t Jobs) CheckpointsBefore(ctx context.Context, job string, step, limit int) ([]JobCheckpoint, error) {
	rows, err := t.q.QueryContext(ctx, checkpointColumns+`WHERE job = ? AND step < ? ORDER BY step DESC LIMIT ?`, job, before(int64(step)), limit)
	return collect(rows, err, scanCheckpoint)
}

// before is an upper bound, where 0 means none.
func before(n int64) int64 {
	if n == 0 {
		return math.MaxInt64
	}
	return n
}

// JobsTx changes the tables of jobs: all of it or, when it fails, nothing.
type JobsTx struct{ Jobs }

// ChangeJobs runs f in a transaction that no other process or goroutine writes beside.
func (s *Store) ChangeJobs(ctx context.Context, f func(JobsTx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(JobsTx{Jobs{tx}}); err != nil {
		return err
	}
	return tx.Commit()
}

// Put makes or changes a job.
func (t JobsTx) Put(ctx context.Context, j Job) error {
	_, err := t.q.ExecContext(ctx, `INSERT INTO jobs (id, status, created, body) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET status = excluded.status, body = excluded.body`, j.ID, j.Status, millis(j.Created), j.Body)
	return err
}

// AddEvent notes an event, unless one of its key is there.
func (t JobsTx) AddEvent(ctx context.Context, e JobEvent) error {
	_, err := t.q.ExecContext(ctx, `INSERT INTO job_events (id, job, key, created, type, body) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (job, key) DO NOTHING`, e.ID, e.Job, e.Key, millis(e.Created), e.Type, e.Body)
	return err
}

// AddCheckpoint notes a checkpoint, unless there is one of its step.
func (t JobsTx) AddCheckpoint(ctx context.Context, c JobCheckpoint) error {
	_, err := t.q.ExecContext(ctx, `INSERT INTO job_checkpoints (job, step, id, created, body) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (job, step) DO NOTHING`, c.Job, c.Step, c.ID, millis(c.Created), c.Body)
	return err
}

// DropJobs deletes the jobs in some states, with all that belongs to them, but for the
// latest keep ones.
func (t JobsTx) DropJobs(ctx context.Context, keep int, states ...string) (ids []string, err error) {
	list, err := t.In(ctx, states...)
	if err != nil {
		return nil, err
	}
	for _, j := range list[:max(0, len(list)-keep)] {
		if _, err := t.q.ExecContext(ctx, `DELETE FROM jobs WHERE id = ?`, j.ID); err != nil {
			return nil, err
		}
		ids = append(ids, j.ID)
	}
	return ids, nil
}
