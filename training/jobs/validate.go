package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"graft/training/lint"
)

// validate checks the files of a job and queues it.
func (s *Service) validate(ctx context.Context, id string) error {
	j, err := s.change(ctx, id, func(r *record) ([]note, error) {
		if r.Status != Validating {
			return nil, errState{r.Status}
		}
		text := "Validating training file: " + r.Spec.TrainingFile
		if r.Spec.ValidationFile != "" {
			text += " and validation file: " + r.Spec.ValidationFile
		}
		return []note{{key: "validating", text: text}}, nil
	})
	if err != nil {
		return stopped(err)
	}
	p, err := s.check(ctx, &j)
	if err != nil {
		return s.fail(ctx, id, err)
	}
	defer p.base.Release()
	_, err = s.change(ctx, id, func(r *record) ([]note, error) {
		if r.Status != Validating {
			return nil, errState{r.Status}
		}
		r.Status, r.Copied, r.Hyper, r.Plan, r.Steps = Queued, true, p.settings.hyper, &p.plan, p.plan.Steps
		return []note{{key: "queued", text: "Files validated, moving job to queued state"}}, nil
	})
	return stopped(err)
}

// maxCheckpoints is how many a job may publish.
const maxCheckpoints = 200

// check copies the files of a job and prepares it, to see whether it can be trained.
func (s *Service) check(ctx context.Context, j *Job) (*prepared, error) {
	if err := os.MkdirAll(s.dir(j.ID), 0o700); err != nil {
		return nil, err
	}
	for _, f := range []struct{ param, id, name string }{
		{"training_file", j.Spec.TrainingFile, trainName}, {"validation_file", j.Spec.ValidationFile, validName},
	} {
		if f.id == "" {
			continue
		}
		err := s.copyFile(ctx, f.id, filepath.Join(s.dir(j.ID), f.name))
		if errors.Is(err, ErrNoFile) {
			return nil, invalidFile(f.param, fmt.Errorf("the file %s does not exist any more: upload it again", f.id), nil)
		}
		if err != nil {
			return nil, err
		}
	}
	p, err := s.prepare(ctx, j)
	var unread *failure
	if errors.As(err, &unread) && unread.set != nil { // the error names the first problems, the report all
		return nil, cmp.Or(s.examine(ctx, j, lint.Input{Set: unread.set}), err)
	}
	if err != nil {
		return nil, err
	}
	if err := s.ready(ctx, j, p); err != nil {
		p.base.Release()
		return nil, err
	}
	return p, nil
}

// ready tells whether a prepared job can start, and completes its plan.
func (s *Service) ready(ctx context.Context, j *Job, p *prepared) error {
	in, err := s.inspection(ctx, j, p)
	if err != nil {
		return err
	}
	if err := s.examine(ctx, j, in); err != nil {
		return err
	}
	t, err := p.trainer(nil, j, nil)
	if err != nil {
		return err
	}
	if every := p.settings.options.ValidateEvery; every > 0 && t.Total()/every > maxCheckpoints {
		return &InvalidError{p.settings.at(&j.Spec, "eval_steps"), fmt.Sprintf("%d checkpoints would be published, at most %d are allowed: give %d or more", t.Total()/every, maxCheckpoints, (t.Total()+maxCheckpoints-1)/maxCheckpoints)}
	}
	p.plan.Steps, p.plan.Parameters = t.Total(), t.Adapter().Size()
	p.plan.Share = float64(p.plan.Parameters) / float64(p.base.Model.Config.Params)
	return nil
}

// stopped is nil for what ends a work because the job's state says so.
func stopped(err error) error {
	if errors.Is(err, ErrState) || errors.Is(err, ErrNotFound) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// remedy is what somebody can do so that a job goes on; "": nothing. Hours of training are
// not lost for want of a model or of room on the disk.
func remedy(cause error) string {
	switch {
	case errors.Is(cause, ErrNoBase):
		return "serve it"
	case errors.Is(cause, ErrNoRoom), errors.Is(cause, syscall.ENOSPC), errors.Is(cause, syscall.EDQUOT):
		return "make room"
	}
	return ""
}

// fail ends a job that cannot go on. A work that was stopped is no failure, and a job
// that somebody can help waits for that.
func (s *Service) fail(ctx context.Context, id string, cause error) error {
	if ctx.Err() != nil || stopped(cause) == nil {
		return nil
	}
	if help := remedy(cause); help != "" {
		_, err := s.change(ctx, id, func(r *record) ([]note, error) {
			if r.Status.Ended() || r.Status == Paused {
				return nil, errState{r.Status}
			}
			r.Status, r.Finishing = Paused, false
			r.Turns++
			return []note{{key: fmt.Sprintf("turn:%d", r.Turns), level: "warn", text: "Fine-tuning job paused: " + cause.Error() + "; " + help + " and resume the job"}}, nil
		})
		return stopped(err)
	}
	e := Error{Code: "server_error", Message: cause.Error()}
	var f *failure
	var invalid *InvalidError
	switch {
	case errors.As(cause, &f):
		e = f.told
	case errors.As(cause, &invalid):
		e = Error{"invalid_hyperparameters", invalid.Error(), invalid.Param}
	}
	_, err := s.change(ctx, id, func(r *record) ([]note, error) {
		if r.Status.Ended() {
			return nil, errState{r.Status}
		}
		r.Status, r.Error, r.Ended = Failed, &e, s.o.Now().UTC()
		return []note{{key: "failed", level: "error", text: e.Message}}, nil
	})
	if err != nil {
		return stopped(err)
	}
	s.o.Logger.Warn("fine-tuning job failed", "job", id, "code", e.Code, "error", e.Message)
	return os.RemoveAll(s.dir(id))
}
