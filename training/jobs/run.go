package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"graft/internal/kernel"
	"graft/training"
)

// train trains a job, from wherever it stands, and publishes what comes of it. A work
// that is stopped notes where the training stands.
func (s *Service) train(ctx context.Context, id string) error {
	j, err := s.change(ctx, id, func(r *record) ([]note, error) {
		if r.Status != Queued && r.Status != Running {
			return nil, errState{r.Status}
		}
		r.Status = Running
		if r.Started.IsZero() {
			r.Started = s.o.Now().UTC()
		}
		return []note{{key: "started", text: "Fine-tuning job started"}}, nil
	})
	if err != nil {
		return stopped(err)
	}
	err = s.trainJob(ctx, &j)
	if err != nil {
		return s.fail(ctx, id, err)
	}
	return nil
}

func (s *Service) trainJob(ctx context.Context, j *Job) error {
	p, err := s.prepare(ctx, j)
	if err != nil {
		return err
	}
	defer p.base.Release()
	pool := kernel.NewPool(s.o.Cores)
	defer pool.Close()
	memory := training.NewMemory()
	t, err := p.trainer(pool, j, func(o *training.Options) { o.Between, o.Memory = s.between, memory })
	if err != nil {
		return err
	}
	defer memory.Release()
	r := &run{s: s, p: p, t: t, job: j.ID, plain: &p.plain, state: filepath.Join(s.dir(j.ID), stateName), saved: s.o.Now()}
	if j.Plan != nil {
		r.base = j.Plan.NeutralBits
	}
	if r.base == 0 {
		if r.base, err = r.plain.bits(ctx, t, nil); err != nil {
			return err
		}
	}
	err = t.Resume(r.state)
	if errors.Is(err, fs.ErrNotExist) {
		err = r.begin(ctx)
	}
	if err != nil {
		return err
	}
	r.began, r.from = s.o.Now(), t.Steps()
	err = t.Run(ctx, func(report training.Report) error { return r.report(ctx, report) })
	if ctx.Err() != nil { // paused, cancelled, or the process ends
		if err := t.Checkpoint(r.state); err != nil {
			s.o.Logger.Error("where a training stands was not written down", "job", j.ID, "error", err.Error())
		}
		return ctx.Err()
	}
	if errors.Is(err, training.ErrDiverged) {
		return &failure{told: Error{Code: "training_diverged", Message: err.Error()}, cause: err}
	}
	if err != nil {
		return err
	}
	return r.finish(ctx)
}

// longestYield is how long a small piece of work waits for requests. A training that
// waits all the time would never end.
const longestYield = 250 * time.Millisecond

// between lets requests go first.
func (s *Service) between(ctx context.Context) error {
	if s.o.Busy == nil {
		return nil
	}
	for end := time.Now().Add(longestYield); s.o.Busy() && time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
	return nil
}

// run is a training under way.
type run struct {
	s     *Service
	p     *prepared
	t     *training.Trainer
	job   string
	state string    // file
	saved time.Time // when state was written
	began time.Time
	from  int // steps that were done then
	plain *plainText
	base  float64 // bits per byte of it
}

// begin notes the plan, with what a probe has measured.
func (r *run) begin(ctx context.Context) error {
	plan := r.p.plan
	plan.Steps, plan.Parameters = r.t.Total(), r.t.Adapter().Size()
	plan.Share = float64(plan.Parameters) / float64(r.p.base.Model.Config.Params)
	plan.NeutralBits = r.base
	if err := r.probe(ctx, &plan); err != nil {
		return err
	}
	_, err := r.s.change(ctx, r.job, func(rec *record) ([]note, error) {
		if rec.Status != Running {
			return nil, errState{rec.Status}
		}
		rec.Plan, rec.Steps = &plan, plan.Steps
		rec.EstimatedFinish = r.s.o.Now().UTC().Add(time.Duration(plan.Seconds * float64(time.Second)))
		return []note{{key: "plan", text: plan.String()}}, nil
	})
	return err
}

// save writes where the training stands.
func (r *run) save() error {
	r.saved = r.s.o.Now()
	return r.t.Checkpoint(r.state)
}

// report notes a step or a validation. What was computed is noted, even when the job is
// to pause: the training's state has it.
func (r *run) report(ctx context.Context, p training.Report) error {
	ctx = context.WithoutCancel(ctx)
	validates := r.p.valid.count() > 0
	at := r.boundary(p)
	publishes := at && p.Step > 0 && (p.Validation || !validates)
	var f *forgotten
	var err error
	if publishes {
		if f, err = r.forget(ctx); err != nil {
			return err
		}
	}
	_, err = r.s.change(ctx, r.job, func(rec *record) ([]note, error) {
		if rec.Status.Ended() {
			return nil, errState{rec.Status}
		}
		rec.Step, rec.Steps = p.Step, p.Total
		rec.TrainedTokens = int64(p.Epoch*float64(r.p.plan.Tokens) + 0.5)
		if done := p.Step - r.from; done > 0 && !p.Validation {
			left := r.s.o.Now().Sub(r.began) / time.Duration(done) * time.Duration(p.Total-p.Step)
			rec.EstimatedFinish = r.s.o.Now().UTC().Add(left)
		}
		if validates && at && !p.Validation {
			rec.Held = numbersOf(p) // its event comes with the validation's
			return nil, nil
		}
		n := r.note(rec, p, f)
		rec.Held = nil
		return n, nil
	})
	if err != nil {
		return err
	}
	if publishes {
		if err := f.beyond(p.Step, r.p.settings.most); err != nil {
			return err
		}
		if err := r.checkpoint(ctx, p); err != nil {
			return err
		}
		return r.save()
	}
	if r.s.o.Now().Sub(r.saved) >= r.s.o.SaveEvery {
		return r.save()
	}
	return nil
}

// boundary tells whether a validation belongs to this step, or would.
func (r *run) boundary(p training.Report) bool {
	switch every := r.p.settings.options.ValidateEvery; {
	case p.Validation || p.Step == p.Total:
		return true
	case every > 0:
		return p.Step%every == 0
	}
	return p.Epoch == float64(int(p.Epoch))
}

// checkpoint publishes the parameters as they are now.
func (r *run) checkpoint(ctx context.Context, p training.Report) error {
	var name string
	var m Metrics
	if _, err := r.s.change(ctx, r.job, func(rec *record) ([]note, error) {
		name, m = fmt.Sprintf("%s:ckpt-step-%d", rec.Suffixed, p.Step), rec.Last
		return nil, nil
	}); err != nil {
		return err
	}
	if err := r.publish(ctx, name, m); err != nil {
		return err
	}
	_, err := r.s.change(ctx, r.job, func(rec *record) ([]note, error) {
		if rec.Status.Ended() {
			return nil, errState{rec.Status}
		}
		return []note{{
			key: fmt.Sprintf("checkpoint:%d", p.Step), text: fmt.Sprintf("Checkpoint created at step %d with name: %s", p.Step, name),
			checkpoint: &Checkpoint{Name: name, Step: p.Step, Metrics: m},
		}}, nil
	})
	return err
}

// publish gives the parameters as they are now a name, with the numbers of their step.
func (r *run) publish(ctx context.Context, name string, m Metrics) error {
	row, err := r.s.o.Store.Jobs().Job(ctx, r.job)
	if err != nil {
		return err
	}
	j, err := readRecord(row)
	if err != nil {
		return err
	}
	q := Publication{
		Name: name, Job: r.job, Base: r.p.base.ID, BaseDigest: r.p.base.Digest, Owner: j.Spec.Owner,
		Targets: targets(r.p.base.Model, r.t.Adapter()), Adapter: r.t.Adapter(), Metrics: m,
		Dataset: r.p.digest, ValidDataset: r.p.checked, Template: templateOf(r.p.base.Tokenizer), Config: r.p.settings.configOf(&j.Job),
	}
	base := j.Base
	base.NeutralBits = &r.base
	q.Card = card(&q, &j.Job, j.Plan, base)
	return r.s.o.Publisher.Publish(ctx, q)
}

// metrics are the numbers of a step that a checkpoint was published of.
func (r *run) metrics(ctx context.Context, step int) (Metrics, error) {
	list, _, err := r.s.Checkpoints(ctx, r.job, "", maxCheckpoints+1)
	for _, c := range list {
		if c.Step == step {
			return c.Metrics, nil
		}
	}
	return Metrics{Step: step}, err
}

// finish publishes the result. From its first change on the job cannot be stopped.
func (r *run) finish(ctx context.Context) error {
	text, level := "", ""
	step, loss, validated := r.t.Best()
	switch {
	case validated && step == 0:
		level, text = "warn", "No checkpoint has a lower validation loss than the base model; the last one is taken"
	case validated && step < r.t.Steps():
		text = fmt.Sprintf("The checkpoint of step %d has the lowest validation loss (%.4f) and is taken", step, loss)
	}
	j, err := r.s.change(ctx, r.job, func(rec *record) ([]note, error) {
		if rec.Status != Running {
			return nil, errState{rec.Status}
		}
		rec.Finishing = true
		var notes []note
		if r.t.Steps() < r.t.Total() {
			notes = append(notes, note{key: "stopped", text: fmt.Sprintf("Training stopped at step %d/%d: the validation loss has not fallen for %d validations", r.t.Steps(), r.t.Total(), r.p.settings.options.Patience)})
		}
		if text != "" {
			notes = append(notes, note{key: "best", level: level, text: text})
		}
		return notes, nil
	})
	if err != nil {
		return err
	}
	if validated && step > 0 {
		r.t.UseBest()
	} else {
		step = r.t.Steps()
	}
	m, err := r.metrics(ctx, step)
	if err != nil {
		return err
	}
	if err := r.publish(ctx, j.Suffixed, m); err != nil {
		return err
	}
	if _, err := r.s.change(ctx, r.job, func(rec *record) ([]note, error) {
		rec.Model = rec.Suffixed
		return []note{{key: "model", text: "New fine-tuned model created: " + rec.Suffixed}}, nil
	}); err != nil {
		return err
	}
	result, err := r.s.putResult(ctx, &j)
	if err != nil {
		return err
	}
	_, err = r.s.change(ctx, r.job, func(rec *record) ([]note, error) {
		now := r.s.o.Now().UTC()
		rec.Status, rec.Ended, rec.EstimatedFinish, rec.ResultFiles = Succeeded, now, time.Time{}, []string{result}
		if rec.Report != "" {
			rec.ResultFiles = append(rec.ResultFiles, rec.Report)
		}
		return []note{{key: "completed", text: "The job has successfully completed"}}, nil
	})
	if err != nil {
		return err
	}
	return os.RemoveAll(r.s.dir(r.job))
}
