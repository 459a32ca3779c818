package adapters_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"graft/adapters"
)

func won(run, outcome string) adapters.Verdict {
	return adapters.Verdict{Run: run, Task: "colours", Base: "tiny", Outcome: outcome, Metric: "accuracy", Diff: .3, Cases: 100}
}

// TestDemands: a name that demands a clear win is given no generation without one, by
// whatever way, and whoever forces it stands in the history.
func TestDemands(t *testing.T) {
	ctx := context.Background()
	yes, no := true, false
	s := newShelf(t)
	one := s.add("x", 1, func(q *adapters.AddRequest) { q.Settings = &adapters.Settings{RequireVerdict: &yes} })
	two := s.add("x", 2, stage)
	three := s.add("other", 3)
	promote := func(c adapters.Change) error { _, err := s.Promote(ctx, "x", c); return err }
	record := func(name, generation string, v adapters.Verdict) {
		t.Helper()
		if _, err := s.Record(ctx, name, generation, v); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(what string, err error, texts ...string) {
		t.Helper()
		if !errors.Is(err, adapters.ErrUnproven) || s.stands("x") != one {
			t.Errorf("%s: error %v, and x stands for %s", what, err, s.stands("x"))
			return
		}
		for _, text := range texts {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v does not say %q", what, err, text)
			}
		}
	}
	refused("not evaluated", promote(adapters.Change{}), "it was not evaluated", "graft eval", "graft prove", "x@"+two[7:19], two[:19])
	refused("a name's", promote(adapters.Change{From: "other"}), "other@"+three[7:19])
	refused("a generation", promote(adapters.Change{Generation: three}))
	_, err := s.Rollback(ctx, "x", adapters.Change{Generation: two})
	refused("back to what it never stood for", err)
	_, err = s.Add(ctx, adapters.AddRequest{Name: "x", Adapter: s.random(4), Replace: true, Settings: &adapters.Settings{RequireVerdict: &no}})
	refused("in place", err, "staged")

	record("x", two, won("eval_1", "TIE"))
	refused("a tie", promote(adapters.Change{}), "colours ended with TIE (eval_1)")
	elsewhere := won("eval_2", adapters.ClearWin)
	elsewhere.Base = "large"
	if _, err := s.Record(ctx, "x", two, elsewhere); !errors.Is(err, adapters.ErrInvalid) || !strings.Contains(err.Error(), "large") {
		t.Errorf("a verdict on another base: %v", err)
	}
	record("other", three, won("eval_3", adapters.ClearWin))
	refused("another generation's win", promote(adapters.Change{}))
	refused("the run of another generation", promote(adapters.Change{Run: "eval_3"}), "no evaluation eval_3")
	record("x", two, won("eval_4", adapters.ClearWin))
	record("x", two, won("eval_5", "LOSS"))
	refused("a win that a later run of the task did not confirm", promote(adapters.Change{}), "LOSS (eval_5)")
	if err := promote(adapters.Change{Run: "eval_4"}); err != nil {
		t.Fatal(err)
	}
	if s.stands("x") != two {
		t.Errorf("x stands for %s", s.stands("x"))
	}

	s.must(s.Rollback(ctx, "x", adapters.Change{}))
	if err := promote(adapters.Change{Generation: two, Force: true, By: "key-9"}); err != nil {
		t.Fatal(err)
	}
	events, err := s.History(ctx, "x")
	if err != nil {
		t.Fatal(err)
	}
	if e := events[0]; e.Action != "promote" || e.By != "key-9" || !strings.HasPrefix(e.Note, "forced: colours ended with LOSS") {
		t.Errorf("the last event is %+v", e)
	}
	notes := ""
	for _, e := range events {
		notes += e.Action + " " + e.Note + "\n"
	}
	for _, want := range []string{"promote rests on eval_4\n", "verdict TIE in eval_1\n", "rollback \n"} {
		if !strings.Contains(notes, want) {
			t.Errorf("the history lacks %q:\n%s", want, notes)
		}
	}
	if list, err := s.Verdicts(ctx, two); err != nil || len(list) != 3 || list[0].Run != "eval_5" || list[0].Created.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestDemandedByAll: the registry's rule holds for names that say nothing, and a name may
// say otherwise. What is new, or staged, is free.
func TestDemandedByAll(t *testing.T) {
	ctx := context.Background()
	no := false
	s := newShelf(t)
	s.RequireVerdict = true
	s.add("candidate", 1)
	s.add("x", 2)
	s.add("x", 3, stage)
	if _, err := s.Promote(ctx, "x", adapters.Change{}); !errors.Is(err, adapters.ErrUnproven) {
		t.Errorf("x: %v", err)
	}
	if _, err := s.Promote(ctx, "fresh", adapters.Change{From: "candidate"}); !errors.Is(err, adapters.ErrUnproven) {
		t.Errorf("a new name for a candidate: %v", err)
	}
	if _, err := s.Record(ctx, "candidate", s.random(1).Generation, won("eval_1", adapters.ClearWin)); err != nil {
		t.Fatal(err)
	}
	s.must(s.Promote(ctx, "fresh", adapters.Change{From: "candidate"}))
	s.must(s.Configure(ctx, "x", &adapters.Settings{RequireVerdict: &no}, nil, adapters.Change{}))
	s.must(s.Promote(ctx, "x", adapters.Change{}))
	if s.stands("x") != s.random(3).Generation {
		t.Error("x does not stand for what was promoted")
	}
}
