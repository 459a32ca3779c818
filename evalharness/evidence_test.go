package evalharness

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"graft/serving"
)

// TestProven: what a result's evidence shows is what the result says, for every outcome
// and kind of metric; and a result that says more than its answers is found out.
func TestProven(t *testing.T) {
	for name, c := range map[string]struct {
		base, adapter int
		more          string
		forgets       bool
	}{
		"clear win": {base: 40, adapter: 90}, "loss": {base: 90, adapter: 40}, "tie": {base: 100, adapter: 100},
		"corpus": {base: 40, adapter: 90, more: "metric: f1_macro\n"}, "continuous": {base: 40, adapter: 90, more: "metric: f1_squad\nmetrics: []\n"},
		"options":   {base: 40, adapter: 90, more: "metric: {name: rougeL, stem: true}\nlabels: []\n"},
		"forgotten": {base: 40, adapter: 90, forgets: true},
	} {
		t.Run(name, func(t *testing.T) {
			task := fakeTask(t, 40, c.more)
			o := fakeOptions(t, task, newFake(func(model, q string, _ *serving.Request) string {
				if model == "tuned" {
					if number(q)%9 == 0 {
						return "who knows" // no label
					}
					return right(q, c.adapter, 1)
				}
				return right(q, c.base, 2)
			}))
			o.Forgetting = func(context.Context, func(serving.Backend) serving.Backend, func(int, int)) (*Forgetting, error) {
				return &Forgetting{Suite: "fake", Items: 300, Passed: !c.forgets}, nil
			}
			res, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			e, err := res.Evidence()
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			for i := range res.Gold.Cases {
				if strings.Contains(string(text), res.Gold.Cases[i].question()) {
					t.Fatalf("the evidence has the question of %s", res.Gold.Cases[i].ID)
				}
			}
			read, err := ParseResult(text)
			if err != nil {
				t.Fatal(err)
			}
			v, arm, err := read.Proven()
			if err != nil {
				t.Fatal(err)
			}
			if want := res.Verdict(); v.Outcome != want.Outcome || v.Reason != want.Reason || v.Diff != want.Diff || v.P != want.P || len(v.Guards) != len(want.Guards) || arm.Generation != "sha256:1" {
				t.Errorf("%+v, want %+v", v, want)
			}
			for what, change := range map[string]func(*Result){
				"another outcome":     func(r *Result) { r.Comparisons[0].Verdict.Outcome = "ALL WELL" },
				"a larger difference": func(r *Result) { r.Comparisons[0].Verdict.Diff += .1 },
				"an answer more":      func(r *Result) { r.Arms[0].Answers = append(r.Arms[0].Answers, Answer{}) },
				"another case":        func(r *Result) { r.Arms[0].Answers[3].Case = "x" },
				"no registration":     func(r *Result) { r.Comparisons[0].Primary = false },
				"two adapters":        func(r *Result) { r.Arms[1].Kind = KindAdapter },
				"another arm":         func(r *Result) { r.Comparisons[0].A = "x" },
				"better answers": func(r *Result) {
					for i := range r.Arms[1].Answers {
						r.Arms[1].Answers[i].Output = "none"
					}
				},
			} {
				forged, err := ParseResult(text)
				if err != nil {
					t.Fatal(err)
				}
				change(forged)
				if _, _, err := forged.Proven(); !errors.Is(err, ErrEvidence) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

// TestCompareRunsForm: answers in no form that is wanted still count as such when arms of
// runs are compared.
func TestCompareRunsForm(t *testing.T) {
	task := fakeTask(t, 40, "")
	res, err := Run(t.Context(), fakeOptions(t, task, newFake(func(model, q string, _ *serving.Request) string {
		if model == "tuned" {
			return "who knows"
		}
		return right(q, 100, 1)
	})))
	if err != nil {
		t.Fatal(err)
	}
	c, err := CompareRuns(t.Context(), res, KindAdapter, res, KindZeroShot, "")
	if err != nil {
		t.Fatal(err)
	}
	if g := c.Verdict.Guards[0]; g.Name != "format" || g.Passed {
		t.Errorf("guard %+v: none of the adapter's answers is a label", g)
	}
}

func FuzzParseResult(f *testing.F) {
	f.Add([]byte(`{"schema":"graft.eval/1","comparisons":[{"a":"adapter","b":"best_prompt","metric":"accuracy","primary":true}],"arms":[{"name":"adapter","kind":"adapter","generation":"x"},{"name":"best_prompt","kind":"best_prompt"}],"settings":{"primary":"accuracy","metrics":[{"name":"accuracy","signature":"x"}]}}`))
	f.Add([]byte(`{"schema":"graft.eval/1","comparisons":[{"primary":true}],"panel":{"used":true}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if res, err := ParseResult(data); err == nil {
			res.Proven()
		}
	})
}
