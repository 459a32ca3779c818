package evalharness

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"graft/serving"
)

// TestRetryAfter: an endpoint that says when to come back is left alone until then, by all
// that ask it, and is not taken for dead.
func TestRetryAfter(t *testing.T) {
	a := newTestAsker(t)
	clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	a.now = func() time.Time { return clock }
	a.pause = func(_ context.Context, d time.Duration) error {
		clock = clock.Add(d)
		return nil
	}
	opens := clock.Add(20 * time.Second)
	f := newFake(func(string, string, *serving.Request) string { return "red" })
	early := 0
	f.fail = func(n int) error {
		switch {
		case clock.Before(opens) && n > 1:
			early++
			fallthrough
		case n == 1:
			return &serving.LaterError{After: opens.Sub(clock), Err: serving.ErrOverloaded}
		}
		return nil
	}
	ep := &Endpoint{Name: "fake", Backend: f}
	for i := range 3 {
		if _, err := a.ask(t.Context(), ep, &question{Messages: []Message{{"user", fmt.Sprint(i)}}}); err != nil {
			t.Fatal(err)
		}
	}
	if early > 0 || f.calls != 4 || clock.Before(opens) {
		t.Errorf("%d calls came too early, %d in all, at %v", early, f.calls, clock)
	}
	// An hour is not waited: the run is to go on then.
	f.fail = func(int) error { return &serving.LaterError{After: time.Hour, Err: serving.ErrOverloaded} }
	_, err := a.ask(t.Context(), ep, &question{Messages: []Message{{"user", "again"}}})
	if !errors.Is(err, serving.ErrOverloaded) || !strings.Contains(err.Error(), "in 1h0m0s: run the same command then") {
		t.Errorf("%v", err)
	}
}

// TestKeep: what was scored is not scored again after a restart, and is the same.
func TestKeep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	calls := 0
	back := scorer(func() []float64 { calls++; return []float64{0, -1.25, -1 / 3.} })
	req := &serving.Request{Model: "m", PromptIDs: []int32{1, 2, 3}, PromptLogprobs: 0}
	for range 2 {
		j, err := OpenJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		r := &run{asker: newAsker(j), base: &Endpoint{Name: "b", Identity: "x"}}
		text := ""
		res, err := r.keep(back).Generate(t.Context(), req, func(e serving.Event) error { text += e.Text; return nil })
		if err != nil || len(res.Prompt) != 3 || res.Prompt[2].Logprob != -1/3. || text != "said" || calls != 1 {
			t.Errorf("%+v, %q, %v, %d calls", res, text, err, calls)
		}
		j.Close()
	}
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	r := &run{asker: newAsker(j), base: &Endpoint{Name: "b", Identity: "y"}}
	endless := scorer(func() []float64 { calls++; return []float64{0, math.Inf(-1)} })
	for range 2 {
		if res, err := r.keep(endless).Generate(t.Context(), req, func(serving.Event) error { return nil }); err != nil || !math.IsInf(res.Prompt[1].Logprob, -1) {
			t.Errorf("%+v, %v", res, err)
		}
	}
	if calls != 3 {
		t.Errorf("%d calls", calls)
	}
}

// scorer is a backend that has log-probabilities.
type scorer func() []float64

func (scorer) Models(context.Context) ([]serving.Model, error) { return nil, nil }

func (scorer) Embed(context.Context, *serving.EmbedRequest) (*serving.Embeddings, error) {
	return nil, serving.ErrUnsupported
}

func (s scorer) Generate(_ context.Context, _ *serving.Request, emit func(serving.Event) error) (*serving.Result, error) {
	res := &serving.Result{}
	for _, l := range s() {
		res.Prompt = append(res.Prompt, serving.TokenLogprob{Logprob: l})
	}
	return res, emit(serving.Event{Text: "said", Finish: serving.FinishStop})
}
