package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"graft/internal/store"
)

// Create makes a job, which is then checked and queued. Errors: *InvalidError, ErrFull,
// ErrClosed.
func (s *Service) Create(ctx context.Context, spec Spec) (Job, error) {
	if s.closed.Load() {
		return Job{}, ErrClosed
	}
	if err := spec.check(); err != nil {
		return Job{}, err
	}
	base, err := s.o.Bases.Base(ctx, spec.Model)
	if errors.Is(err, ErrNoBase) {
		err = &InvalidError{"model", fmt.Sprintf("%q cannot be trained: %v", spec.Model, err)}
	}
	if err != nil {
		return Job{}, err
	}
	id, encoder := base.ID, base.Model.Config.Encoder
	base.Release()
	if encoder {
		return Job{}, &InvalidError{"model", fmt.Sprintf("%q is an encoder; models that write text are trained", id)}
	}
	if err := s.usable(ctx, "training_file", spec.TrainingFile); err != nil {
		return Job{}, err
	}
	if spec.ValidationFile != "" {
		if err := s.usable(ctx, "validation_file", spec.ValidationFile); err != nil {
			return Job{}, err
		}
	}
	spec.Model, spec.Method = id, cmp.Or(spec.Method, Supervised)
	if spec.Seed == nil {
		seed := int64(rand.Int32())
		spec.Seed = &seed
	}
	r := record{Job: Job{
		ID: randomID("ftjob-", 24), Created: s.o.Now().UTC(), Status: Validating, Spec: spec, Hyper: spec.Hyper,
		Suffixed: fmt.Sprintf("ft:%s:%s:%s:%s", id, s.o.Organization, spec.Suffix, randomID("", 8)),
	}}
	err = s.o.Store.ChangeJobs(ctx, func(tx store.JobsTx) error {
		waiting, err := tx.In(ctx, string(Validating), string(Queued), string(Running), string(Paused))
		if err != nil {
			return err
		}
		if len(waiting) >= s.o.MaxQueued {
			return fmt.Errorf("%w: %d have not ended; cancel one, or raise training.max_jobs", ErrFull, len(waiting))
		}
		if _, err := tx.DropJobs(ctx, s.o.Keep, ended...); err != nil {
			return err
		}
		return s.put(ctx, tx, &r, []note{{key: "created", text: "Created fine-tuning job: " + r.ID}})
	})
	if err == nil {
		s.tell()
	}
	return r.Job, err
}

// usable tells whether a file can be trained on, by its purpose.
func (s *Service) usable(ctx context.Context, param, id string) error {
	in, f, err := s.o.Files.Open(ctx, id)
	if errors.Is(err, ErrNoFile) {
		return &InvalidError{param, fmt.Sprintf("there is no file %q: upload it first, with purpose fine-tune", id)}
	}
	if err != nil {
		return err
	}
	in.Close()
	if f.Purpose != "fine-tune" {
		return &InvalidError{param, fmt.Sprintf("file %q has the purpose %q, want fine-tune", id, f.Purpose)}
	}
	return nil
}

// put stores a job and what happened to it.
func (s *Service) put(ctx context.Context, tx store.JobsTx, r *record, notes []note) error {
	row, err := r.row()
	if err == nil {
		err = tx.Put(ctx, row)
	}
	if err != nil {
		return err
	}
	now := s.o.Now().UTC()
	for _, n := range notes {
		if c := n.checkpoint; c != nil {
			body, err := json.Marshal(c)
			if err != nil {
				return err
			}
			if err := tx.AddCheckpoint(ctx, store.JobCheckpoint{Job: r.ID, Step: c.Step, ID: randomID("ftckpt_", 24), Created: now, Body: string(body)}); err != nil {
				return err
			}
		}
		kind := "message"
		if n.data != nil {
			kind = "metrics"
		}
		body, err := json.Marshal(eventBody{cmp.Or(n.level, "info"), n.text, n.data})
		if err != nil {
			return err
		}
		if err := tx.AddEvent(ctx, store.JobEvent{ID: randomID("ftevent-", 24), Job: r.ID, Key: n.key, Created: now, Type: kind, Body: string(body)}); err != nil {
			return err
		}
	}
	return nil
}

// Pause has a job wait, with all that it has learnt, until it is resumed. Where it was
// training, it has stopped when Pause returns. A paused job stays so. Errors:
// ErrNotFound, ErrState.
func (s *Service) Pause(ctx context.Context, id string) (Job, error) {
	j, err := s.change(ctx, id, func(r *record) ([]note, error) {
		switch {
		case r.Status == Paused:
			return nil, nil
		case r.Status.Ended() || r.Finishing:
			return nil, errState{r.Status}
		}
		r.Status = Paused
		r.Turns++
		return []note{{key: fmt.Sprintf("turn:%d", r.Turns), text: "Fine-tuning job paused"}}, nil
	})
	if err != nil {
		return j, err
	}
	return j, s.stop(ctx, id)
}

// Resume puts a paused job back into the queue. One that waits or trains stays so.
// Errors: ErrNotFound, ErrState.
func (s *Service) Resume(ctx context.Context, id string) (Job, error) {
	return s.change(ctx, id, func(r *record) ([]note, error) {
		switch {
		case r.Status.Ended():
			return nil, errState{r.Status}
		case r.Status != Paused:
			return nil, nil
		}
		r.Status = Queued
		if !r.Copied {
			r.Status = Validating
		}
		r.Turns++
		return []note{{key: fmt.Sprintf("turn:%d", r.Turns), text: "Fine-tuning job resumed, moving job to queued state"}}, nil
	})
}

// Cancel ends a job. Its checkpoints stay. A cancelled job stays so. Errors:
// ErrNotFound, ErrState.
func (s *Service) Cancel(ctx context.Context, id string) (Job, error) {
	j, err := s.change(ctx, id, func(r *record) ([]note, error) {
		switch {
		case r.Status == Cancelled:
			return nil, nil
		case r.Status.Ended() || r.Finishing:
			return nil, errState{r.Status}
		}
		r.Status, r.Ended = Cancelled, s.o.Now().UTC()
		return []note{{key: "cancelled", text: "Fine-tuning job cancelled"}}, nil
	})
	if err != nil {
		return j, err
	}
	ctx = context.WithoutCancel(ctx) // a client that leaves now leaves no folder behind
	if err := s.stop(ctx, id); err != nil {
		return j, err
	}
	return j, os.RemoveAll(s.dir(id))
}
