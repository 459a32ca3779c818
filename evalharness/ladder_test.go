package evalharness

import (
	"strings"
	"testing"

	"graft/serving"
)

// TestAdviceNames: the advice names each rung once, also where the best one is the one
// that is recommended.
func TestAdviceNames(t *testing.T) {
	for percent, want := range map[int]string{20: "adapter is the best rung (0.9", 95: "zero_shot is the best rung (0.9", 90: "zero_shot (0.8"} {
		task := fakeTask(t, 60, "")
		f := newFake(func(model, q string, _ *serving.Request) string {
			if model == "tuned" {
				return right(q, 95, 1)
			}
			return right(q, percent, 1)
		})
		res, err := Run(t.Context(), fakeOptions(t, task, f))
		if err != nil {
			t.Fatal(err)
		}
		l := res.Ladder
		if !strings.HasPrefix(l.Advice, want) || percent == 90 && !strings.Contains(l.Advice, "the best one, adapter (0.9") {
			t.Errorf("%d %%: %s, want %q", percent, l.Advice, want)
		}
		for _, r := range l.Rungs {
			if strings.Count(l.Advice, r.Arm+" (") > 1 {
				t.Errorf("%s names %s twice", l.Advice, r.Arm)
			}
		}
	}
	a, b := &Arm{Name: "few", Kind: KindFewShot, Prompt: Prompt{Variant: "own+4-shot"}}, &Arm{Name: "more", Kind: KindFewShot}
	if got := apart(a, b); got != "few with own+4-shot" {
		t.Error(got)
	}
}

// TestBudget: a budget that does not suffice for all of dev is spent on as many rows as
// all prompts can have, and no prompt is left out for coming late.
func TestBudget(t *testing.T) {
	task := fakeTask(t, 30, "dev: dev.jsonl\nsearch: {budget: 150, dev_rows: 60}\n")
	writeRows(t, task.Path("dev.jsonl"), 200, 60)
	found, err := FindPrompt(t.Context(), fakeOptions(t, task, newFake(func(_, q string, _ *serving.Request) string { return right(q, 60, 1) })))
	if err != nil {
		t.Fatal(err)
	}
	s := found.Search
	if s.Usage.Calls > 150 || s.Usage.Calls < 120 || s.DevRows >= 60 || s.Candidates[0].Rows != s.DevRows {
		t.Errorf("%d calls, %d rows, the winner was asked %d", s.Usage.Calls, s.DevRows, s.Candidates[0].Rows)
	}
	for _, c := range s.Candidates {
		if c.Rows == 0 || strings.Contains(c.Out, "budget") {
			t.Errorf("%s was asked %d rows: %s", c.Prompt.Variant, c.Rows, c.Out)
		}
	}
}
