package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"graft/internal/store"
)

// page is how many rows are read at a time.
const page = 100

// Get returns a job. Errors: ErrNotFound.
func (s *Service) Get(ctx context.Context, id string) (Job, error) {
	j, err := s.o.Store.Jobs().Job(ctx, id)
	if err != nil {
		return Job{}, unknown(err, id)
	}
	r, err := readRecord(j)
	return r.Job, err
}

// List lists jobs, the latest first: at most limit of those before the job called
// after, "": all. metadata bounds them to jobs that have all its pairs; empty, not nil,
// to those that have none. more tells whether there are more. Errors: ErrNotFound, of
// after.
func (s *Service) List(ctx context.Context, after string, limit int, metadata map[string]string) (list []Job, more bool, err error) {
	seq := int64(0)
	if after != "" {
		j, err := s.o.Store.Jobs().Job(ctx, after)
		if err != nil {
			return nil, false, unknown(err, after)
		}
		seq = j.Seq
	}
	for {
		rows, err := s.o.Store.Jobs().Before(ctx, seq, page)
		if err != nil || len(rows) == 0 {
			return list, false, err
		}
		for _, row := range rows {
			seq = row.Seq
			r, err := readRecord(row)
			if err != nil {
				return nil, false, err
			}
			if !has(r.Spec.Metadata, metadata) {
				continue
			}
			if len(list) == limit {
				return list, true, nil
			}
			list = append(list, r.Job)
		}
	}
}

func has(have, want map[string]string) bool {
	if want != nil && len(want) == 0 {
		return len(have) == 0
	}
	for k, v := range want {
		if x, ok := have[k]; !ok || x != v {
			return false
		}
	}
	return true
}

// Events lists what happened to a job, the latest first: at most limit events of those
// before the one called after, "": all. Errors: ErrNotFound.
func (s *Service) Events(ctx context.Context, id, after string, limit int) (list []Event, more bool, err error) {
	if _, err := s.Get(ctx, id); err != nil {
		return nil, false, err
	}
	seq := int64(0)
	if after != "" {
		e, err := s.o.Store.Jobs().Event(ctx, id, after)
		if err != nil {
			return nil, false, unknown(err, after)
		}
		seq = e.Seq
	}
	rows, err := s.o.Store.Jobs().EventsBefore(ctx, id, seq, limit+1)
	if err != nil {
		return nil, false, err
	}
	for _, row := range rows[:min(limit, len(rows))] {
		e, err := readEvent(row)
		if err != nil {
			return nil, false, err
		}
		list = append(list, e)
	}
	return list, len(rows) > limit, nil
}

// Follow yields the events of a job in their order, those that are there and then those
// that come, until the job has ended, or ctx. after is the event before the first one,
// "": from the beginning. Errors: ErrNotFound, and that of ctx; they come last.
func (s *Service) Follow(ctx context.Context, id, after string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		seq := int64(0)
		if after != "" {
			e, err := s.o.Store.Jobs().Event(ctx, id, after)
			if err != nil {
				yield(Event{}, unknown(err, after))
				return
			}
			seq = e.Seq
		}
		for {
			s.mu.Lock()
			told := s.told
			s.mu.Unlock()
			j, err := s.Get(ctx, id)
			var rows []store.JobEvent
			if err == nil {
				rows, err = s.o.Store.Jobs().EventsAfter(ctx, id, seq, page)
			}
			for _, row := range rows {
				seq = row.Seq
				e, err := readEvent(row)
				if !yield(e, err) || err != nil {
					return
				}
			}
			if err != nil {
				yield(Event{}, err)
				return
			}
			if len(rows) > 0 {
				continue
			}
			if j.Status.Ended() {
				return
			}
			select {
			case <-ctx.Done():
				yield(Event{}, ctx.Err())
				return
			case <-told:
			}
		}
	}
}

// Checkpoints lists what a job has published on its way, the latest first: at most
// limit of those before the one called after, "": all. Errors: ErrNotFound.
func (s *Service) Checkpoints(ctx context.Context, id, after string, limit int) (list []Checkpoint, more bool, err error) {
	if _, err := s.Get(ctx, id); err != nil {
		return nil, false, err
	}
	step := 0
	if after != "" {
		c, err := s.o.Store.Jobs().Checkpoint(ctx, id, after)
		if err != nil {
			return nil, false, unknown(err, after)
		}
		step = c.Step
	}
	rows, err := s.o.Store.Jobs().CheckpointsBefore(ctx, id, step, limit+1)
	if err != nil {
		return nil, false, err
	}
	for _, row := range rows[:min(limit, len(rows))] {
		c, err := readCheckpoint(row)
		if err != nil {
			return nil, false, err
		}
		list = append(list, c)
	}
	return list, len(rows) > limit, nil
}

// unknown is ErrNotFound in the place of the store's.
func unknown(err error, id string) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: %q", ErrNotFound, id)
	}
	return err
}
