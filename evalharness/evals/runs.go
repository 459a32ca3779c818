package evals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"graft/evalharness/graders"
	"graft/internal/store"
)

// kept is the body of a run in the store: also what no client is told.
type kept struct {
	RunSpec
	Progress
	Client Client            `json:"client"`
	Pins   map[string]string `json:"pins"` // what each model stood for, the graders' too
}

func runOf(row store.EvalRun) (Run, kept, error) {
	var k kept
	if err := json.Unmarshal([]byte(row.Body), &k); err != nil {
		return Run{}, k, fmt.Errorf("run %s: %w", row.ID, err)
	}
	k.Source = json.RawMessage(row.Source)
	return Run{ID: row.ID, Eval: row.Eval, Status: row.Status, Created: row.Created, RunSpec: k.RunSpec, Progress: k.Progress}, k, nil
}

// CreateRun makes a run with its rows; it is worked on as soon as there is time.
// Errors: ErrNotFound, *InvalidError, ErrFull, and those of Models.Pin.
func (s *Service) CreateRun(ctx context.Context, client Client, eval string, spec RunSpec, rows []Row) (Run, error) {
	e, err := s.Get(ctx, client, eval)
	if err != nil {
		return Run{}, err
	}
	k := kept{RunSpec: spec, Client: client, Pins: map[string]string{}, Progress: Progress{Rows: len(rows)}}
	if err := checkRun(spec, rows); err != nil {
		return Run{}, err
	}
	if err := checkRows(e.Config, rows); err != nil {
		return Run{}, err
	}
	if err := s.pin(ctx, &k, e); err != nil {
		return Run{}, err
	}
	body, err := json.Marshal(k)
	if err != nil {
		return Run{}, err
	}
	row := store.EvalRun{ID: s.ID("evalrun_"), Eval: e.ID, Owner: client.ID, Status: Queued, Created: s.Now(), Source: string(spec.Source), Body: string(body)}
	items := make([]store.EvalItem, len(rows))
	for i, r := range rows {
		text, err := json.Marshal(r)
		if err != nil {
			return Run{}, err
		}
		items[i] = store.EvalItem{N: i, ID: s.ID("outputitem_"), Row: string(text)}
	}
	err = s.Store.ChangeEvals(ctx, func(tx store.EvalsTx) error {
		if _, err := tx.Eval(ctx, client.ID, eval); err != nil { // deleted meanwhile
			return missing(err, ErrNotFound)
		}
		_, n, err := tx.Count(ctx, client.ID, Queued, InProgress)
		if err == nil && n >= MaxQueued {
			err = fmt.Errorf("%w: %d runs have not ended yet", ErrFull, n)
		}
		if err != nil {
			return err
		}
		return tx.AddRun(ctx, row, items)
	})
	if err != nil {
		return Run{}, err
	}
	s.stir()
	run, _, err := runOf(row)
	return run, err
}

// checkRun proves that what a run asks can be rendered at all.
func checkRun(spec RunSpec, rows []Row) error {
	if spec.Kind == JSONL {
		for i, r := range rows {
			if r.Sample == nil {
				return invalid("data_source.source", "row %d has no sample: a jsonl source holds the answers, and no model is asked", i+1)
			}
		}
		return nil
	}
	if spec.Reference != "" {
		if ref, err := graders.ParseReference(spec.Reference); err != nil {
			return invalid("data_source.input_messages.item_reference", "%v", err)
		} else if ref.Namespace() != "item" {
			return invalid("data_source.input_messages.item_reference", "it begins with item")
		}
		return nil
	}
	if len(spec.Template) == 0 || len(spec.Template) > graders.MaxMessages {
		return invalid("data_source.input_messages.template", "it is 1 to %d messages", graders.MaxMessages)
	}
	p, err := graders.CompilePrompt("data_source.input_messages.template", spec.Template)
	var bad *graders.InvalidError
	switch {
	case errors.As(err, &bad):
		return invalid(bad.Param, "%s", bad.Message)
	case err == nil && p.Uses("sample"):
		return invalid("data_source.input_messages.template", "there is no sample yet when a model is asked: refer to item only")
	}
	return err
}

// pin looks up the models of the run and of its graders.
func (s *Service) pin(ctx context.Context, k *kept, e Eval) error {
	var names []string
	if k.Model != "" {
		names = append(names, k.Model)
	}
	for _, c := range e.Criteria {
		names = append(names, c.Models()...)
	}
	models := s.using()
	for _, name := range names {
		if models == nil {
			return errors.New("evals: no models yet")
		}
		pinned, err := models.Pin(ctx, k.Client, name)
		if err != nil {
			return err
		}
		k.Pins[name] = pinned
	}
	return nil
}

// Run returns a run. Errors: ErrNotFound, ErrNoRun.
func (s *Service) Run(ctx context.Context, client Client, eval, id string) (Run, error) {
	r, _, err := s.run(ctx, s.Store.Evals(), client, eval, id)
	return r, err
}

func (s *Service) run(ctx context.Context, t store.Evals, client Client, eval, id string) (Run, kept, error) {
	if _, err := t.Eval(ctx, client.ID, eval); err != nil {
		return Run{}, kept{}, missing(err, ErrNotFound)
	}
	row, err := t.Run(ctx, id)
	if err == nil && row.Eval != eval {
		err = fmt.Errorf("run %s of eval %s: %w", id, eval, store.ErrNotFound)
	}
	if err != nil {
		return Run{}, kept{}, missing(err, ErrNoRun)
	}
	return runOf(row)
}

// Runs lists the runs of an eval, of one status or of all. Errors: ErrNotFound,
// ErrNoRun of the page's After.
func (s *Service) Runs(ctx context.Context, client Client, eval, status string, p store.Page) (list []Run, more bool, err error) {
	t := s.Store.Evals()
	if _, err := t.Eval(ctx, client.ID, eval); err != nil {
		return nil, false, missing(err, ErrNotFound)
	}
	rows, more, err := t.Runs(ctx, eval, status, p)
	if err != nil {
		return nil, false, missing(err, ErrNoRun)
	}
	for _, row := range rows {
		r, _, err := runOf(row)
		if err != nil {
			return nil, false, err
		}
		list = append(list, r)
	}
	return list, more, nil
}

// errCanceled ends the work on a run that its client ends.
var errCanceled = errors.New("the run was canceled")

// Cancel ends a run; the rows that have ended stay. Errors: ErrNotFound, ErrNoRun,
// ErrState.
func (s *Service) Cancel(ctx context.Context, client Client, eval, id string) (r Run, err error) {
	err = s.Store.ChangeEvals(ctx, func(tx store.EvalsTx) error {
		var k kept
		if r, k, err = s.run(ctx, tx.Evals, client, eval, id); err != nil {
			return err
		}
		if r.Status != Queued && r.Status != InProgress {
			return fmt.Errorf("%w: it is %s", ErrState, r.Status)
		}
		r.Status = Canceled
		return setRun(ctx, tx, id, Canceled, k)
	})
	if err == nil {
		s.stop(id)
	}
	return r, err
}

func setRun(ctx context.Context, tx store.EvalsTx, id, status string, k kept) error {
	body, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return tx.SetRun(ctx, id, status, string(body))
}

// stop ends the work on a run, if there is any.
func (s *Service) stop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.active[id]; cancel != nil {
		cancel(errCanceled)
	}
}

// DeleteRun deletes a run, which ends it. Errors: ErrNotFound, ErrNoRun.
func (s *Service) DeleteRun(ctx context.Context, client Client, eval, id string) error {
	err := s.Store.ChangeEvals(ctx, func(tx store.EvalsTx) error {
		if _, _, err := s.run(ctx, tx.Evals, client, eval, id); err != nil {
			return err
		}
		return tx.DeleteRun(ctx, id)
	})
	if err == nil {
		s.stop(id)
	}
	return err
}

// Items lists the rows of a run that have ended, in the order of the data. Errors:
// ErrNotFound, ErrNoRun, ErrNoItem of the page's After.
func (s *Service) Items(ctx context.Context, client Client, eval, run, status string, p store.Page) (list []Item, more bool, err error) {
	t := s.Store.Evals()
	if _, _, err := s.run(ctx, t, client, eval, run); err != nil {
		return nil, false, err
	}
	rows, more, err := t.Items(ctx, run, status, p)
	if err != nil {
		return nil, false, missing(err, ErrNoItem)
	}
	for _, row := range rows {
		i, err := itemOf(row)
		if err != nil {
			return nil, false, err
		}
		list = append(list, i)
	}
	return list, more, nil
}

// Item returns a row that has ended. Errors: ErrNotFound, ErrNoRun, ErrNoItem.
func (s *Service) Item(ctx context.Context, client Client, eval, run, id string) (Item, error) {
	t := s.Store.Evals()
	if _, _, err := s.run(ctx, t, client, eval, run); err != nil {
		return Item{}, err
	}
	row, err := t.Item(ctx, run, id)
	if err != nil {
		return Item{}, missing(err, ErrNoItem)
	}
	return itemOf(row)
}

func itemOf(row store.EvalItem) (Item, error) {
	i := Item{ID: row.ID, Run: row.Run, N: row.N, Status: row.Status, Created: row.Created}
	err := json.Unmarshal([]byte(row.Row), &i.Row)
	if err == nil {
		err = json.Unmarshal([]byte(row.Body), &i.Output)
	}
	if err != nil {
		return i, fmt.Errorf("output item %s: %w", row.ID, err)
	}
	return i, nil
}
