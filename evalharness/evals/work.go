package evals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"graft/adapters"
	"graft/evalharness/graders"
	"graft/internal/store"
	"graft/serving"
)

// Work works on the runs until ctx ends, and waits for what it has begun. The rows
// that it breaks off are worked on anew by the next Work. Of all processes that have
// the store, one may be at it.
func (s *Service) Work(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	slots := make(chan struct{}, s.Parallel) // rows at once, of all runs
	for {
		if s.using() != nil {
			ids, err := s.Store.Evals().Unended(ctx, Queued, InProgress)
			if err != nil && ctx.Err() == nil {
				return fmt.Errorf("evals: %w", err)
			}
			for _, id := range ids {
				s.begin(ctx, &all, slots, id)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		}
	}
}

// begin works on a run beside the others, unless enough are worked on.
func (s *Service) begin(ctx context.Context, all *sync.WaitGroup, slots chan struct{}, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.active) >= maxActive || s.active[id] != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(ctx)
	s.active[id] = cancel
	all.Go(func() {
		defer func() {
			cancel(nil)
			s.mu.Lock()
			delete(s.active, id)
			s.mu.Unlock()
			s.stir()
		}()
		w := &worker{Service: s, id: id, slots: slots, models: s.using()}
		err := w.work(ctx)
		if err != nil && ctx.Err() == nil {
			s.Logger.Error("a run of an eval has failed", "run", id, "error", err)
			// Not left as it is: it would begin anew at once, with the same end.
			if err := w.end(context.WithoutCancel(ctx), Failed, errorOf(err)); err != nil {
				s.Logger.Error("a run of an eval could not be ended", "run", id, "error", err)
				<-ctx.Done()
			}
		}
	})
}

// worker works on one run.
type worker struct {
	*Service
	id     string
	slots  chan struct{}
	models Models

	eval     Eval
	kept     kept
	criteria []*graders.Grader
	prompt   *graders.Prompt    // nil: a reference, or nothing is asked
	ref      *graders.Reference // nil: a template, or nothing is asked
}

// work brings a run to its end. An error, while ctx goes on, is why it failed.
func (w *worker) work(ctx context.Context) error {
	if going, err := w.start(ctx); err != nil || !going {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var rows sync.WaitGroup
	defer rows.Wait()
	for next := 0; ; {
		pending, err := w.Store.Evals().Pending(ctx, w.id, next, w.Parallel)
		if err != nil {
			return fatal(ctx, err)
		}
		if len(pending) == 0 {
			break
		}
		for _, row := range pending {
			select {
			case w.slots <- struct{}{}:
			case <-ctx.Done():
				return fatal(ctx, ctx.Err())
			}
			rows.Go(func() {
				defer func() { <-w.slots }()
				if err := w.row(ctx, row); err != nil && ctx.Err() == nil {
					stop(err)
				}
			})
			next = row.N + 1
		}
	}
	rows.Wait()
	if ctx.Err() != nil {
		return fatal(ctx, ctx.Err())
	}
	return w.end(ctx, Completed, nil)
}

// fatal is why a run ended, where a row has said so.
func fatal(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// start reads the run and says that it goes on; false: there is nothing to do.
func (w *worker) start(ctx context.Context) (going bool, err error) {
	err = w.Store.ChangeEvals(ctx, func(tx store.EvalsTx) error {
		row, err := tx.Run(ctx, w.id)
		if errors.Is(err, store.ErrNotFound) || err == nil && row.Status != Queued && row.Status != InProgress {
			return nil
		}
		if err != nil {
			return err
		}
		if _, w.kept, err = runOf(row); err != nil {
			return err
		}
		if w.eval, err = w.get(ctx, tx.Evals, w.kept.Client, row.Eval); err != nil {
			return err
		}
		going = true
		if row.Status == Queued {
			w.kept.Usage, w.kept.Criteria = []ModelUsage{}, []CriterionCount{}
			for _, c := range w.eval.Criteria {
				w.kept.Criteria = append(w.kept.Criteria, CriterionCount{Criterion: c.ID})
			}
			return setRun(ctx, tx, w.id, InProgress, w.kept)
		}
		return nil
	})
	if err != nil || !going {
		return false, err
	}
	for _, c := range w.eval.Criteria {
		g, err := graders.Compile(c)
		if err != nil {
			return false, err
		}
		w.criteria = append(w.criteria, g)
	}
	switch {
	case w.kept.Kind == JSONL:
	case w.kept.Reference != "":
		w.ref, err = graders.ParseReference(w.kept.Reference)
	default:
		w.prompt, err = graders.CompilePrompt("template", w.kept.Template)
	}
	return err == nil, err
}

// end gives the run its last status, unless it has one.
func (w *worker) end(ctx context.Context, status string, why *Error) error {
	return w.Store.ChangeEvals(ctx, func(tx store.EvalsTx) error {
		row, err := tx.Run(ctx, w.id)
		if errors.Is(err, store.ErrNotFound) || err == nil && row.Status != InProgress && row.Status != Queued {
			return nil
		}
		if err != nil {
			return err
		}
		_, k, err := runOf(row)
		if err != nil {
			return err
		}
		k.Error = why
		return setRun(ctx, tx, w.id, status, k)
	})
}

// row asks, grades and counts one row. An error ends the run, unless ctx has ended.
func (w *worker) row(ctx context.Context, row store.EvalItem) (err error) {
	defer func() {
		if p := recover(); p != nil { // a bug; it must not take the server along
			w.Logger.Error("panic in a run of an eval", "run", w.id, "row", row.N, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = w.count(ctx, row, &outcome{status: Errored, Output: Output{Sample: emptySample(&Error{"internal_error", "internal error"})}})
		}
	}()
	out, err := w.outcome(ctx, row)
	if err != nil {
		return err
	}
	return w.count(ctx, row, out)
}

// count ends a row and counts it: both, once, or neither.
func (w *worker) count(ctx context.Context, row store.EvalItem, out *outcome) error {
	body, err := json.Marshal(out.Output)
	if err != nil {
		return err
	}
	return w.Store.ChangeEvals(ctx, func(tx store.EvalsTx) error {
		run, err := tx.Run(ctx, w.id)
		if errors.Is(err, store.ErrNotFound) || err == nil && run.Status != InProgress {
			return nil // canceled, failed or deleted meanwhile
		}
		if err != nil {
			return err
		}
		_, k, err := runOf(run)
		if err != nil {
			return err
		}
		row.Status, row.Body, row.Created = out.status, string(body), w.Now()
		if ended, err := tx.EndItem(ctx, row); err != nil || !ended {
			return err
		}
		k.add(out)
		return setRun(ctx, tx, w.id, InProgress, k)
	})
}

// errorOf is what a client is told of an error that ends a run.
func errorOf(err error) *Error {
	code, message := "server_error", "internal error"
	for _, known := range []struct {
		is   error
		code string
	}{
		{serving.ErrModelNotFound, "model_not_found"}, {adapters.ErrNotFound, "model_not_found"}, {serving.ErrNoChatTemplate, "no_chat_template"},
		{serving.ErrAdapter, "adapter_unavailable"}, {serving.ErrContextLength, "context_length_exceeded"}, {serving.ErrUnsupported, "unsupported_value"},
		{serving.ErrOverloaded, "rate_limit_exceeded"}, {serving.ErrDeadline, "deadline_exceeded"},
		{graders.ErrVariable, "invalid_variable"}, {graders.ErrReply, "model_grader_parse_error"}, {graders.ErrMeasure, "similarity_failed"}, {errItem, "invalid_item"},
	} {
		if errors.Is(err, known.is) {
			code, message = known.code, err.Error()
			break
		}
	}
	return &Error{code, message}
}

// Waiting for a server that is overloaded: longer each time, and not for ever.
const (
	firstWait = 200 * time.Millisecond
	mostWait  = 10 * time.Second
	patience  = 10 * time.Minute
)

// Ask asks under the run's pin of the model, again and again while the server is
// overloaded.
func (w *worker) Ask(ctx context.Context, q graders.Question) (*graders.Answer, error) {
	asked := q.Model
	q.Model = w.kept.Pins[asked]
	if q.Model == "" {
		return nil, fmt.Errorf("model %q: %w", asked, serving.ErrModelNotFound)
	}
	began := time.Now()
	for wait := firstWait; ; wait = min(2*wait, mostWait) {
		a, err := w.models.Ask(ctx, w.kept.Client, q)
		if err == nil {
			a.Model = asked
		}
		if !errors.Is(err, serving.ErrOverloaded) || time.Since(began) > patience {
			return a, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
