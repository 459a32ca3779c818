package rating

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"graft/evalharness"
	"graft/internal/store"
)

// vote is what a rater does who has made up their mind (1 A, 0 neither, -1 B) about
// each item; nil leaves it out.
func votesOf(r *Round, rater int, mind func(item int, repeat bool) *int) (votes []store.Vote) {
	for i, at := range slots("seed", r.cases(), rater) {
		choice := mind(at.item, at.repeat)
		if choice == nil {
			return votes
		}
		shown := *choice
		if at.aLeft {
			shown = -shown
		}
		votes = append(votes, store.Vote{Rater: rater, Slot: i, Choice: shown})
	}
	return votes
}

func roundOf(n int) *Round {
	r := &Round{ID: "r", A: Side{Arm: "adapter"}, B: Side{Arm: "base"}}
	for i := range n {
		r.Items = append(r.Items, Item{Case: fmt.Sprint(i)})
	}
	return r
}

func ratersOf(n int) (list []store.Rater) {
	for i := range n {
		list = append(list, store.Rater{Number: i, Name: fmt.Sprint("rater ", i)})
	}
	return list
}

// Two raters' minds on 12 items (1 A, 0 neither, -1 B). The oracle's values for this
// table are in testdata/panel.json (reference/panel.py: scikit-learn, statsmodels,
// krippendorff's formula, scipy).
var minds = [2][]int{
	{1, 1, 1, 1, 1, 1, 1, 1, 0, 0, -1, -1},
	{1, 1, 1, 1, 1, 1, 0, 1, 0, 1, -1, -1},
}

func TestPanel(t *testing.T) {
	r := roundOf(12)
	r.Identical = 3
	var votes []store.Vote
	for rater := range minds {
		votes = append(votes, votesOf(r, rater, func(item int, repeat bool) *int {
			v := minds[rater][item]
			if repeat && rater == 1 {
				v = -v // the second rater goes by the side
			}
			return &v
		})...)
	}
	p := newPanel("seed", r, ratersOf(2), votes)
	golden := readGolden(t)
	got := map[string]float64{"p": p.P, "net": p.Net, "win_rate": p.WinRate, "wins": float64(p.Wins), "losses": float64(p.Losses), "ties": float64(p.Ties)}
	for _, a := range p.Agreement {
		got[a.Name] = a.Value
		if !(a.Low <= a.Value && a.Value <= a.High) {
			t.Errorf("%s: %.3f is not in [%.3f, %.3f]", a.Name, a.Value, a.Low, a.High)
		}
	}
	for name, want := range golden {
		if v, ok := got[name]; !ok || math.Abs(v-want) > 1e-9 {
			t.Errorf("%s: %v, but the oracle has %v", name, v, want)
		}
	}
	if p.Cases != 15 || p.Identical != 3 || !p.Used || p.Against {
		t.Errorf("%+v", p)
	}
	repeat := slots("seed", r.cases(), 1)[12] // the only one
	consistent := []int{1, 0}
	if minds[1][repeat.item] == 0 {
		consistent[1] = 1
	}
	for i, who := range p.Raters {
		if who.Repeats != 1 || who.Consistent != consistent[i] || who.Votes != 13 {
			t.Errorf("rater %d: %+v", i, who)
		}
	}
}

// A panel is used from an alpha of .4, and two people; only one that is significantly
// against stands in the way of a clear win.
func TestPanelInTheVerdict(t *testing.T) {
	same := func(mind int) func(int, bool) *int { return func(int, bool) *int { return &mind } }
	half := func(a, b int) func(int, bool) *int {
		return func(item int, _ bool) *int {
			if item%4 == 0 {
				return &b
			}
			return &a
		}
	}
	for name, c := range map[string]struct {
		raters        []func(int, bool) *int
		used, against bool
		outcome, says string
	}{
		"one person":     {[]func(int, bool) *int{half(-1, 1)}, false, false, evalharness.ClearWin, "one person's votes"},
		"opposed":        {[]func(int, bool) *int{same(1), same(-1)}, false, false, evalharness.ClearWin, "raters do not agree"},
		"of one mind":    {[]func(int, bool) *int{same(1), same(1), same(1)}, true, false, evalharness.ClearWin, "prefer adapter"},
		"agree, for":     {[]func(int, bool) *int{half(1, -1), half(1, -1)}, true, false, evalharness.ClearWin, "prefer adapter"},
		"agree, against": {[]func(int, bool) *int{half(-1, 1), half(-1, 1), half(-1, 1)}, true, true, evalharness.WinBelowMargin, "prefer base"},
		"agree, even":    {[]func(int, bool) *int{half(0, 1), half(0, 1)}, true, false, evalharness.ClearWin, "prefer adapter"},
	} {
		r := roundOf(40)
		var votes []store.Vote
		for i, mind := range c.raters {
			votes = append(votes, votesOf(r, i, mind)...)
		}
		p := newPanel("seed", r, ratersOf(len(c.raters)), votes)
		if _, err := json.Marshal(p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if p.Used != c.used || p.Against != c.against || !strings.Contains(p.Reason, c.says) {
			t.Errorf("%s: used %v, against %v: %s", name, p.Used, p.Against, p.Reason)
		}
		result := &evalharness.Result{Comparisons: []evalharness.Comparison{{A: "adapter", B: "base", Primary: true, Verdict: evalharness.Verdict{Outcome: evalharness.ClearWin}}}}
		result.AddPanel(*p)
		result.AddPanel(*p) // once more changes nothing
		v := result.Comparisons[0].Verdict
		if v.Outcome != c.outcome || (len(v.Guards) == 1) != c.used {
			t.Errorf("%s: %s, guards %v", name, v.Outcome, v.Guards)
		}
	}
}

// Votes that are missing leave their cases out.
func TestPanelOfPart(t *testing.T) {
	r := roundOf(20)
	seen := 0
	one := 1
	votes := votesOf(r, 0, func(int, bool) *int {
		if seen++; seen > 7 {
			return nil
		}
		return &one
	})
	p := newPanel("seed", r, ratersOf(2), votes)
	if p.Cases != 7 || p.Wins != 7 || len(p.Raters) != 1 || p.Raters[0].Votes != 7 {
		t.Errorf("%+v", p)
	}
}

// A round holds what both arms answered, in the order of the cases, and only where it
// differs.
func TestFromResult(t *testing.T) {
	arm := func(name string, outputs ...string) evalharness.Arm {
		a := evalharness.Arm{Name: name, Model: "m"}
		for i, o := range outputs {
			a.Answers = append(a.Answers, evalharness.Answer{Case: fmt.Sprint(i), Output: o})
		}
		return a
	}
	res := &evalharness.Result{ID: "eval_1", Name: "n", Arms: []evalharness.Arm{arm("a", "x", "same", ""), arm("b", "y", "same ", "z"), arm("c", "1")},
		Comparisons: []evalharness.Comparison{{A: "a", B: "b"}},
		Gold:        evalharness.Gold{Cases: []evalharness.Case{{ID: "0", References: []string{"r"}}, {ID: "1"}, {ID: "2"}}}}
	got, err := FromResult(res, "", "", false)
	if err != nil {
		t.Fatal(err)
	}
	want := &Round{ID: "eval_1", Title: "n", A: Side{Arm: "a", Model: "m"}, B: Side{Arm: "b", Model: "m"}, Identical: 1,
		Items: []Item{{Case: "0", Outputs: [2]string{"x", "y"}}, {Case: "2", Outputs: [2]string{"", "z"}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, names := range [][2]string{{"a", "a"}, {"a", "none"}, {"c", "a"}} {
		if _, err := FromResult(res, names[0], names[1], false); err == nil {
			t.Errorf("%v can be rated", names)
		}
	}
}

// readGolden reads the oracle's values.
func readGolden(t *testing.T) map[string]float64 {
	t.Helper()
	text, err := os.ReadFile("testdata/panel.json")
	if err != nil {
		t.Fatal(err)
	}
	var g struct{ Values map[string]float64 }
	if err := json.Unmarshal(text, &g); err != nil || len(g.Values) != 10 {
		t.Fatalf("%v: %d values", err, len(g.Values))
	}
	return g.Values
}

// Raters of one mind agree wholly by every measure, however many cases there are.
func TestPanelOfOneMind(t *testing.T) {
	one := 1
	for n := 2; n <= 60; n += 4 {
		r := roundOf(n)
		var votes []store.Vote
		for i := range 2 {
			votes = append(votes, votesOf(r, i, func(int, bool) *int { return &one })...)
		}
		p := newPanel("seed", r, ratersOf(2), votes)
		for _, a := range p.Agreement {
			if a.Value != 1 || a.Low != 1 || a.High != 1 {
				t.Errorf("%d cases: %+v", n, a)
			}
		}
		if len(p.Agreement) != 5 {
			t.Errorf("%d cases: %d measures", n, len(p.Agreement))
		}
	}
}
