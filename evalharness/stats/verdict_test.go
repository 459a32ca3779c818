package stats

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// arms are binary values: so many cases each of both right, only A, only B, none.
func arms(both, onlyA, onlyB, none int) (a, b []float64) {
	a = slices.Concat(slices.Repeat([]float64{1}, both+onlyA), make([]float64, onlyB+none))
	b = slices.Concat(slices.Repeat([]float64{1}, both), make([]float64, onlyA), slices.Repeat([]float64{1}, onlyB), make([]float64, none))
	return a, b
}

func TestDecide(t *testing.T) {
	good, bad := Guard{"format", true, ""}, Guard{"forgetting", false, "4 points lost"}
	for _, c := range []struct {
		name                     string
		both, onlyA, onlyB, none int
		change                   func(*Evidence)
		outcome, reason          string
	}{
		{"a win", 40, 25, 5, 30, nil, ClearWin, "better by 0.2"},
		{"by the margin", 40, 25, 5, 30, func(e *Evidence) { e.Margin = .01 }, ClearWin, "at least the 0.01"},
		{"below", 40, 25, 5, 30, func(e *Evidence) { e.Margin = .25 }, WinBelowMargin, "less than the 0.25"},
		{"a guard", 40, 25, 5, 30, func(e *Evidence) { e.Guards = []Guard{good, bad} }, WinBelowMargin, "forgetting: 4 points lost"},
		{"passed", 40, 25, 5, 30, func(e *Evidence) { e.Guards = []Guard{good} }, ClearWin, ""},
		{"a loss", 40, 5, 25, 30, nil, Loss, "worse by 0.2"},
		{"a loss with a guard", 40, 5, 25, 30, func(e *Evidence) { e.Guards = []Guard{bad} }, Loss, ""},
		{"few cases", 4, 10, 0, 5, nil, NotEnough, "at least 20"},
		{"few differences", 40, 4, 0, 30, func(e *Evidence) { e.Margin = .02 }, NotEnough, "fewer than 5"},
		{"out of reach", 196, 2, 2, 200, nil, Tie, "out of reach"},
		{"equal", 400, 15, 15, 370, nil, Tie, "either way"},
		{"chance", 40, 15, 10, 35, nil, NotEnough, "more cases"},
		{"failures", 40, 25, 5, 30, func(e *Evidence) { e.Failed = 3 }, Invalid, "more than 2 %"},
		{"some failures", 40, 25, 5, 30, func(e *Evidence) { e.Failed = 2 }, ClearWin, ""},
		{"pairs", 40, 25, 5, 30, func(e *Evidence) { e.B = e.B[1:] }, Invalid, "do not pair up"},
		{"broken", 40, 25, 5, 30, func(e *Evidence) { e.Broken = "case x is there twice" }, Invalid, "case x"},
		{"leaked", 40, 25, 5, 30, func(e *Evidence) {
			for i := range 21 {
				e.Leaked = append(e.Leaked, 40+i)
			}
		}, Invalid, "another sign"},
		{"leaked in part", 40, 25, 5, 30, func(e *Evidence) { e.Leaked = []int{40, 41, 0} }, ClearWin, ""},
		{"none", 0, 0, 0, 0, nil, NotEnough, "no cases"},
		{"second look", 40, 16, 6, 38, func(e *Evidence) { e.Looks = 1 }, ClearWin, ""},
		{"second look", 40, 16, 6, 38, func(e *Evidence) { e.Looks = 2 }, NotEnough, ""},
	} {
		a, b := arms(c.both, c.onlyA, c.onlyB, c.none)
		e := Evidence{Kind: Binary, A: a, B: b, Margin: .05}
		if c.change != nil {
			c.change(&e)
		}
		v := Decide(e)
		if v.Outcome != c.outcome || !strings.Contains(v.Reason, c.reason) {
			t.Errorf("%s: %s, %s (p %.3f, %.3f to %.3f); want %s, %q", c.name, v.Outcome, v.Reason, v.P, v.Low95, v.High95, c.outcome, c.reason)
		}
		if v.Outcome != Invalid && v.N > 0 && (v.N != len(a) || v.Wins != c.onlyA || v.Losses != c.onlyB) {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}

// More cases are planned for the margin, with the upper limit of the disagreement.
func TestDecidePlans(t *testing.T) {
	a, b := arms(20, 8, 5, 17)
	v := Decide(Evidence{Kind: Binary, A: a, B: b, Margin: .05})
	_, psi := Wilson(13, 50, .6)
	if want := CasesNeeded(psi, .05) - 50; v.MoreCases != want || v.Outcome != NotEnough || want < 900 {
		t.Errorf("%s, %d more cases, want %d", v.Outcome, v.MoreCases, want)
	}
}

// What is decided needs no more cases.
func TestDecidedNeedsNoMore(t *testing.T) {
	a, b := arms(30, 25, 2, 40)
	if v := Decide(Evidence{Kind: Binary, A: a, B: b, Margin: .05}); v.Outcome != ClearWin || v.MoreCases != 0 || v.MoreForDiff != 0 {
		t.Errorf("%s, %d and %d more cases", v.Outcome, v.MoreCases, v.MoreForDiff)
	}
}

// A corpus metric that is the mean decides as the cases do.
func TestDecideCorpus(t *testing.T) {
	a, b := arms(40, 25, 5, 30)
	mean := func(pick []int, swap []bool) (x, y float64) {
		for _, i := range pick {
			p, q := a[i], b[i]
			if swap[i] {
				p, q = q, p
			}
			x, y = x+p/float64(len(pick)), y+q/float64(len(pick))
		}
		return x, y
	}
	v := Decide(Evidence{Kind: Corpus, Set: mean, N: 100, Margin: .05, Seed: 3})
	flips := SignFlip(diffs(a, b), 3)
	if v.Outcome != ClearWin || math.Abs(v.Diff-.2) > 1e-12 || math.Abs(v.P-flips) > .004 || v.Low95 < .05 || v.High95 > .35 {
		t.Errorf("%+v, sign flips %v", v, flips)
	}
	v = Decide(Evidence{Kind: Corpus, Set: func(pick []int, swap []bool) (x, y float64) { y, x = mean(pick, swap); return }, N: 100, Margin: .05})
	if v.Outcome != Loss {
		t.Errorf("%+v, want a loss", v)
	}
}

func diffs(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range d {
		d[i] = a[i] - b[i]
	}
	return d
}

// Clusters widen the interval when their cases go the same way.
func TestDecideClusters(t *testing.T) {
	a, b := arms(40, 25, 5, 30)
	alone := Decide(Evidence{Kind: Binary, A: a, B: b, Margin: .05})
	clusters := make([]int, len(a))
	for i := range clusters {
		clusters[i] = i / 10
	}
	v := Decide(Evidence{Kind: Binary, A: a, B: b, Margin: .05, Clusters: clusters})
	if v.High95-v.Low95 < 1.2*(alone.High95-alone.Low95) {
		t.Errorf("%.3f to %.3f with clusters, %.3f to %.3f without", v.Low95, v.High95, alone.Low95, alone.High95)
	}
}

// The same evidence and seed have the same verdict.
func TestDecideIsDeterministic(t *testing.T) {
	a := []float64{.1, .5, .2, .8, .4, .3, .9, .2, .1, .6, .5, .2, .3, .7, .8, .1, .5, .4, .6, .2, .9, .3}
	b := slices.Repeat([]float64{.3}, len(a))
	e := Evidence{Kind: Continuous, A: a, B: b, Margin: .02, Seed: 9}
	one, two := Decide(e), Decide(e)
	if one.P != two.P || one.Low95 != two.Low95 {
		t.Errorf("%+v, then %+v", one, two)
	}
}

func FuzzDecide(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 1, 0, 1, 1}, .05, uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, margin float64, kind uint8) {
		if len(data) > 200 || math.IsNaN(margin) || margin <= 0 || margin > 1 {
			return
		}
		var a, b []float64
		for _, c := range data {
			if kind%2 == 0 {
				a, b = append(a, float64(c&1)), append(b, float64(c>>1&1))
			} else {
				a, b = append(a, float64(c&15)/15), append(b, float64(c>>4)/15)
			}
		}
		v := Decide(Evidence{Kind: []string{Binary, Continuous}[kind%2], A: a, B: b, Margin: margin})
		if v.Outcome == "" || v.Wins+v.Losses+v.Ties != len(a) || !(v.P >= 0 && v.P <= 1) || v.Low95 > v.High95 || v.Low95 > v.Low90+1e-9 || v.High95 < v.High90-1e-9 {
			t.Errorf("%+v", v)
		}
	})
}
