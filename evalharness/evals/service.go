package evals

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"graft/evalharness/graders"
	"graft/internal/store"
)

// Models answers in the name of a client, under the rules that hold for its own
// requests.
type Models interface {
	// Pin says what a name of a model stands for now, in a form that will stand for
	// the same later. Errors: those of serving and adapters for what cannot be asked.
	Pin(ctx context.Context, client Client, model string) (string, error)
	// Ask asks. serving.ErrOverloaded: later.
	Ask(ctx context.Context, client Client, q graders.Question) (*graders.Answer, error)
}

// Options are what a Service stands on.
type Options struct {
	Store    *store.Store
	Parallel int              // rows that are worked on at once; 0: 8
	Logger   *slog.Logger     // nil: nothing is logged
	Now      func() time.Time // nil: time.Now
	ID       func(prefix string) string
}

// Bounds.
const (
	MaxEvals    = 10_000 // of one client
	MaxQueued   = 256    // runs that have not ended
	MaxRows     = 50_000 // of a run
	MaxCriteria = 64
	maxActive   = 4 // runs that are worked on at once
)

// Service keeps evals and works on their runs.
type Service struct {
	Options
	wake      chan struct{} // there may be something to do
	comparing chan struct{} // held while two runs are compared

	mu     sync.Mutex
	models Models                             // nil: not known yet
	active map[string]context.CancelCauseFunc // runs that are worked on
}

// New returns a Service that answers questions; Work lets runs go on.
func New(o Options) *Service {
	if o.Parallel <= 0 {
		o.Parallel = 8
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ID == nil {
		o.ID = func(prefix string) string { return prefix + strings.ToLower(rand.Text()) }
	}
	return &Service{Options: o, wake: make(chan struct{}, 1), comparing: make(chan struct{}, 1), active: map[string]context.CancelCauseFunc{}}
}

// Use says who answers. Runs wait until it is called.
func (s *Service) Use(m Models) {
	s.mu.Lock()
	s.models = m
	s.mu.Unlock()
	s.stir()
}

func (s *Service) stir() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Service) using() Models {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.models
}

// Create makes an eval. Errors: *InvalidError, ErrFull.
func (s *Service) Create(ctx context.Context, client Client, spec Spec) (Eval, error) {
	now := s.Now()
	e := Eval{ID: s.ID("eval_"), Owner: client.ID, Created: now, Updated: now, Spec: spec}
	if len(spec.Criteria) == 0 || len(spec.Criteria) > MaxCriteria {
		return e, invalid("testing_criteria", "it is 1 to %d graders", MaxCriteria)
	}
	for i, c := range spec.Criteria {
		at := fmt.Sprintf("testing_criteria[%d]", i)
		if c.Type == graders.Multi {
			return e, invalid(at+".type", "a multi grader grades in /v1/fine_tuning/alpha/graders/run only: give its graders one by one")
		}
		if c.Type == graders.TextSimilarity && c.Pass == nil {
			return e, invalid(at+".pass_threshold", "it is missing")
		}
		if _, err := graders.Compile(c); err != nil {
			var bad *graders.InvalidError
			if errors.As(err, &bad) {
				return e, invalid(at+"."+bad.Param, "%s", bad.Message)
			}
			return e, err
		}
		c.ID = c.Name + "-" + uuid()
	}
	if spec.Config.Type == "custom" {
		if _, err := compileSchema(spec.Config.Schema); err != nil {
			return e, invalid("data_source_config.item_schema", "%v", err)
		}
	}
	err := s.Store.ChangeEvals(ctx, func(tx store.EvalsTx) error {
		n, _, err := tx.Count(ctx, client.ID, Queued, InProgress)
		if err == nil && n >= MaxEvals {
			err = fmt.Errorf("%w: delete some of the %d", ErrFull, n)
		}
		if err != nil {
			return err
		}
		return s.put(ctx, tx, e)
	})
	return e, err
}

func (s *Service) put(ctx context.Context, tx store.EvalsTx, e Eval) error {
	body, err := json.Marshal(e.Spec)
	if err != nil {
		return err
	}
	return tx.PutEval(ctx, store.Eval{ID: e.ID, Owner: e.Owner, Created: e.Created, Updated: e.Updated, Body: string(body)})
}

// uuid is a random one, of version 4.
func uuid() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func evalOf(row store.Eval) (Eval, error) {
	e := Eval{ID: row.ID, Owner: row.Owner, Created: row.Created, Updated: row.Updated}
	if err := json.Unmarshal([]byte(row.Body), &e.Spec); err != nil {
		return e, fmt.Errorf("eval %s: %w", row.ID, err)
	}
	return e, nil
}

// missing names what the store has not.
func missing(err, as error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: %w", as, err)
	}
	return err
}

// Get returns an eval of a client. Errors: ErrNotFound.
func (s *Service) Get(ctx context.Context, client Client, id string) (Eval, error) {
	return s.get(ctx, s.Store.Evals(), client, id)
}

func (s *Service) get(ctx context.Context, t store.Evals, client Client, id string) (Eval, error) {
	row, err := t.Eval(ctx, client.ID, id)
	if err != nil {
		return Eval{}, missing(err, ErrNotFound)
	}
	return evalOf(row)
}

// List lists the evals of a client, and tells whether there are more. Errors:
// ErrNotFound, of the page's After.
func (s *Service) List(ctx context.Context, client Client, byUpdate bool, p store.Page) (list []Eval, more bool, err error) {
	rows, more, err := s.Store.Evals().List(ctx, client.ID, byUpdate, p)
	if err != nil {
		return nil, false, missing(err, ErrNotFound)
	}
	for _, row := range rows {
		e, err := evalOf(row)
		if err != nil {
			return nil, false, err
		}
		list = append(list, e)
	}
	return list, more, nil
}

// Update lets change alter name and metadata of an eval. Errors: ErrNotFound.
func (s *Service) Update(ctx context.Context, client Client, id string, change func(*Spec)) (e Eval, err error) {
	err = s.Store.ChangeEvals(ctx, func(tx store.EvalsTx) error {
		if e, err = s.get(ctx, tx.Evals, client, id); err != nil {
			return err
		}
		change(&e.Spec)
		e.Updated = s.Now()
		return s.put(ctx, tx, e)
	})
	return e, err
}

// Delete deletes an eval with its runs, of which those that go on end. Errors:
// ErrNotFound.
func (s *Service) Delete(ctx context.Context, client Client, id string) error {
	err := s.Store.ChangeEvals(ctx, func(tx store.EvalsTx) error {
		if _, err := tx.Eval(ctx, client.ID, id); err != nil {
			return missing(err, ErrNotFound)
		}
		return tx.DeleteEval(ctx, id)
	})
	if err == nil {
		s.stir() // active runs find themselves gone
	}
	return err
}
