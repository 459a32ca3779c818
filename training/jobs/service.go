package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"graft/internal/store"
	"graft/training/lint"
)

// Options of a Service. Store, Dir, Files, Bases and Publisher are needed.
type Options struct {
	Store     *store.Store
	Dir       string // where trainings stand, a folder for each job that has not ended
	Files     Files
	Bases     Bases
	Publisher Publisher

	Organization string      // in the names of results; "": graft
	Cores        int         // that a training computes with; 0: all
	MaxQueued    int         // jobs that have not ended; 0: 100
	Keep         int         // jobs that have ended and are remembered; 0: 1000
	Busy         func() bool // whether requests are being answered: the training waits for them; nil: it never does
	// Embedder lends a model that turns texts into vectors, by which validation files are
	// compared with training files; nil, and nil of it: they are compared by words alone.
	Embedder func(context.Context) (lint.Embedder, error)
	// Webhooks are the endpoints that are told when a job has ended, by URL; Ended is
	// called when there is something to tell, and must not wait; nil: it is not called.
	Webhooks []string
	Ended    func()
	// SaveEvery is how much of a training may be lost when the process is killed.
	SaveEvery time.Duration    // 0: 30 s
	Logger    *slog.Logger     // nil: nothing is logged
	Now       func() time.Time // nil: time.Now
}

// Service is the queue. Its methods may be called from any goroutine. One process has
// it at a time.
type Service struct {
	o  Options
	mu sync.Mutex
	// active are the jobs that a goroutine works on.
	active map[string]*work
	wake   chan struct{} // of the loops: closed and replaced when there is something to do
	told   chan struct{} // closed and replaced when there are new events
	closed atomic.Bool   // Run has been ended
}

// work is what is being done for a job.
type work struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// Open opens the queue. Nothing is done before Run.
func Open(o Options) (*Service, error) {
	if o.Organization == "" {
		o.Organization = "graft"
	}
	if o.MaxQueued == 0 {
		o.MaxQueued = 100
	}
	if o.Keep == 0 {
		o.Keep = 1000
	}
	if o.SaveEvery == 0 {
		o.SaveEvery = 30 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	return &Service{o: o, active: map[string]*work{}, wake: make(chan struct{}), told: make(chan struct{})}, nil
}

// Run checks and trains the jobs until ctx ends; then it notes where the training
// stands and returns.
func (s *Service) Run(ctx context.Context) error {
	s.closed.Store(false)
	defer s.closed.Store(true)
	if err := s.tidy(ctx); err != nil && ctx.Err() == nil { // an end while it starts is no failure
		return err
	}
	var loops sync.WaitGroup
	loops.Go(func() { s.loop(ctx, s.validate, Validating) })
	loops.Go(func() { s.loop(ctx, s.train, Running, Queued) })
	loops.Wait()
	return nil
}

// loop does f for the jobs in some states, one after another.
func (s *Service) loop(ctx context.Context, f func(ctx context.Context, id string) error, states ...Status) {
	for ctx.Err() == nil {
		s.mu.Lock()
		wake := s.wake
		s.mu.Unlock()
		id, err := s.next(ctx, states)
		if err == nil && id != "" {
			err = s.do(ctx, id, f)
			if err == nil {
				continue
			}
		}
		var again <-chan time.Time
		if err != nil && ctx.Err() == nil {
			s.o.Logger.Error("fine-tuning", "job", id, "error", err.Error())
			again = time.After(5 * time.Second)
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-again:
		}
	}
}

// next is the job that comes next of those in some states: the first state first, the
// oldest job first.
func (s *Service) next(ctx context.Context, states []Status) (string, error) {
	for _, status := range states {
		list, err := s.o.Store.Jobs().In(ctx, string(status))
		if err != nil {
			return "", err
		}
		if len(list) > 0 {
			return list[0].ID, nil
		}
	}
	return "", nil
}

// do does f for a job, which stop ends.
func (s *Service) do(ctx context.Context, id string, f func(ctx context.Context, id string) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &work{cancel, make(chan struct{})}
	s.mu.Lock()
	s.active[id] = w
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.active, id)
		s.mu.Unlock()
		close(w.done)
	}()
	return f(ctx, id)
}

// stop ends what is done for a job, whose state says already that it is to end, and
// waits for that.
func (s *Service) stop(ctx context.Context, id string) error {
	s.mu.Lock()
	w := s.active[id]
	s.mu.Unlock()
	if w == nil {
		return nil
	}
	w.cancel()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errState ends a change that the job's state does not allow.
type errState struct{ have Status }

func (e errState) Error() string { return fmt.Sprintf("%v: it is %s", ErrState, e.have) }
func (e errState) Unwrap() error { return ErrState }

// change is one step in the life of a job, with its events, all at once or not at all.
func (s *Service) change(ctx context.Context, id string, f func(r *record) ([]note, error)) (Job, error) {
	var r record
	ends := false
	err := s.o.Store.ChangeJobs(ctx, func(tx store.JobsTx) error {
		j, err := tx.Job(ctx, id)
		if err != nil {
			return err
		}
		if r, err = readRecord(j); err != nil {
			return err
		}
		ended := r.Status.Ended()
		notes, err := f(&r)
		if err != nil {
			return err
		}
		if ends = !ended && r.Status.Ended(); ends {
			if err := s.tellEndpoints(ctx, tx, &r); err != nil {
				return err
			}
		}
		return s.put(ctx, tx, &r, notes)
	})
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("%w: %q", ErrNotFound, id)
	}
	if err != nil {
		return r.Job, err
	}
	s.tell()
	if ends && s.o.Ended != nil {
		s.o.Ended()
	}
	return r.Job, nil
}

// tell wakes all who wait for jobs or events.
func (s *Service) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.wake)
	close(s.told)
	s.wake, s.told = make(chan struct{}), make(chan struct{})
}

// ended are the states of jobs of which nothing will become any more.
var ended = []string{string(Succeeded), string(Failed), string(Cancelled)}

// dir is the folder of a job.
func (s *Service) dir(id string) string { return filepath.Join(s.o.Dir, id) }

// tidy removes the folders of jobs that have ended, and forgets the oldest of these.
func (s *Service) tidy(ctx context.Context) error {
	err := s.o.Store.ChangeJobs(ctx, func(tx store.JobsTx) error {
		_, err := tx.DropJobs(ctx, s.o.Keep, ended...)
		return err
	})
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(s.o.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		j, err := s.o.Store.Jobs().Job(ctx, e.Name())
		if errors.Is(err, store.ErrNotFound) || err == nil && Status(j.Status).Ended() {
			err = os.RemoveAll(s.dir(e.Name()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
