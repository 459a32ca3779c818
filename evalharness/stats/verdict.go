package stats

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Outcomes of a comparison.
const (
	ClearWin       = "CLEAR WIN"
	WinBelowMargin = "WIN BELOW MARGIN"
	Loss           = "LOSS"
	Tie            = "TIE"
	NotEnough      = "NOT ENOUGH"
	Invalid        = "INVALID"
)

// Kinds of values that are compared.
const (
	Binary     = "binary"     // 0 or 1 for each case
	Continuous = "continuous" // a number for each case
	Corpus     = "corpus"     // one number for the whole set
	Preference = "preference" // A holds 1 for a win, 0 for a loss, ½ for a tie; B is 1 - A
)

// Guard is a condition of a clear win beside the numbers.
type Guard struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
	Detail string `json:"detail"`
}

// Evidence is what two arms did on the same cases. Larger values are better.
type Evidence struct {
	Kind string
	A, B []float64 // value of each case; of a corpus for display, or nil
	// Set is the value of both arms on a set of cases, some of which change sides; of a
	// corpus only. pick lists the cases, swap says which change sides.
	Set      func(pick []int, swap []bool) (a, b float64)
	N        int   // cases
	Clusters []int // of the cases; nil: each is its own

	Margin float64 // what counts as a difference that matters
	Seed   uint64
	Guards []Guard
	Failed int    // cases without an answer for reasons that are not the arm's, after retries
	Broken string // why cases do not pair up; "": they do
	Leaked []int  // cases that were seen in training or prompt search
	Looks  int    // looks at the data so far, this one included; 2: each has Pocock's level
}

// Verdict is what a comparison shows.
type Verdict struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
	// Diff is A - B; by Low95 to High95 with a confidence of 95 %, and of 90 %.
	Diff   float64 `json:"diff"`
	Low95  float64 `json:"low95"`
	High95 float64 `json:"high95"`
	Low90  float64 `json:"low90"`
	High90 float64 `json:"high90"`
	P      float64 `json:"p"`
	PExact float64 `json:"p_exact,omitempty"` // beside the mid-p
	Margin float64 `json:"margin"`
	Test   string  `json:"test"`
	N      int     `json:"n"`
	Wins   int     `json:"wins"` // cases that A does better
	Losses int     `json:"losses"`
	Ties   int     `json:"ties"`
	// MoreCases is how many more cases would find a difference of the margin with a power
	// of 80 %; MoreForDiff one of what was seen.
	MoreCases   int     `json:"more_cases,omitempty"`
	MoreForDiff int     `json:"more_for_diff,omitempty"`
	Detectable  float64 `json:"detectable,omitempty"` // smallest difference that N cases, of binary ones 500 at most, find so
	Guards      []Guard `json:"guards,omitempty"`
}

// Decide is the rule: see the outcomes one by one in the code, from the top.
func Decide(e Evidence) Verdict {
	v := Verdict{Margin: e.Margin, N: e.N, Guards: e.Guards}
	if e.Kind != Corpus {
		v.N = len(e.A)
	}
	if e.Broken == "" && len(e.A) != len(e.B) {
		e.Broken = fmt.Sprintf("%d cases of one arm and %d of the other", len(e.A), len(e.B))
	}
	if e.Broken != "" {
		return v.be(Invalid, "the cases do not pair up: "+e.Broken)
	}
	if v.N == 0 {
		return v.be(NotEnough, "there are no cases")
	}
	v.measure(&e)
	level := alpha
	if e.Looks == 2 {
		level = PocockLevel
	}
	more := v.plan(&e)
	better := v.P < level && v.Low95 > 0
	failed := failing(e.Guards)
	switch {
	case 50*e.Failed > v.N:
		return v.be(Invalid, fmt.Sprintf("%d of %d cases have no answer for reasons that are not the arm's (more than 2 %%)", e.Failed, v.N))
	case decided(&e, v.Diff):
		return v.be(Invalid, fmt.Sprintf("%d cases were seen in training or prompt search, and without them the difference has another sign", len(e.Leaked)))
	case v.N < 20:
		return v.be(NotEnough, fmt.Sprintf("%d cases; at least 20 are needed%s", v.N, more))
	case e.Kind != Corpus && v.Wins+v.Losses < 5:
		if e.Kind == Binary && v.discordance() < e.Margin {
			return v.be(Tie, fmt.Sprintf("the arms differ on %d of %d cases, so a difference of %.3g is out of reach", v.Wins+v.Losses, v.N, e.Margin))
		}
		return v.be(NotEnough, fmt.Sprintf("the arms differ on %d cases only; fewer than 5 are never significant%s", v.Wins+v.Losses, more))
	case better && v.Diff < e.Margin:
		return v.be(WinBelowMargin, fmt.Sprintf("better by %.3g, which is less than the %.3g that matters", v.Diff, e.Margin))
	case better && failed != "":
		return v.be(WinBelowMargin, fmt.Sprintf("better by %.3g, but no clear win: %s", v.Diff, failed))
	case better && v.Low95 >= e.Margin:
		return v.be(ClearWin, fmt.Sprintf("better by %.3g, and by at least the %.3g that matters", v.Diff, e.Margin))
	case better:
		return v.be(ClearWin, fmt.Sprintf("better by %.3g", v.Diff))
	case v.P < level && v.High95 < 0:
		return v.be(Loss, fmt.Sprintf("worse by %.3g", -v.Diff))
	case -e.Margin < v.Low90 && v.High90 < e.Margin:
		return v.be(Tie, fmt.Sprintf("the difference is less than %.3g either way", e.Margin))
	}
	return v.be(NotEnough, fmt.Sprintf("the difference of %.3g may be chance%s", v.Diff, more))
}

func (v Verdict) be(outcome, reason string) Verdict {
	v.Outcome, v.Reason = outcome, reason
	if outcome != NotEnough { // what is decided needs no more cases
		v.MoreCases, v.MoreForDiff = 0, 0
	}
	return v
}

func failing(guards []Guard) string {
	var names []string
	for _, g := range guards {
		if !g.Passed {
			names = append(names, g.Name+": "+g.Detail)
		}
	}
	return strings.Join(names, "; ")
}

// measure fills in difference, intervals and p-value.
func (v *Verdict) measure(e *Evidence) {
	d := make([]float64, len(e.A))
	for i := range d {
		d[i] = e.A[i] - e.B[i]
		switch {
		case d[i] > 0:
			v.Wins++
		case d[i] < 0:
			v.Losses++
		default:
			v.Ties++
		}
	}
	v.Diff = Mean(d)
	switch e.Kind {
	case Binary:
		v.Test = "McNemar mid-p, Tango interval"
		v.P, v.PExact = McNemar(v.Wins, v.Losses)
		if e.Clusters != nil {
			v.Test = "McNemar mid-p, BCa interval over clusters"
			v.Low95, v.High95 = bca(d, e.Clusters, e.Seed, .95)
			v.Low90, v.High90 = bca(d, e.Clusters, e.Seed, .90)
			return
		}
		v.Low95, v.High95 = Tango(v.Wins, v.Losses, v.N, .95)
		v.Low90, v.High90 = Tango(v.Wins, v.Losses, v.N, .90)
	case Corpus:
		v.Test = "approximate randomisation, paired bootstrap"
		all, none := make([]int, e.N), make([]bool, e.N)
		for i := range all {
			all[i] = i
		}
		a, b := e.Set(all, none)
		v.Diff = a - b
		v.P = Swap(e.N, func(swap []bool) (float64, float64) { return e.Set(all, swap) }, e.Seed)
		drawn := draw(e.N, 2_000, func(pick []int) float64 {
			a, b := e.Set(pick, none)
			return a - b
		}, e.Clusters, e.Seed)
		v.Low95, v.High95 = percentiles(drawn, .025, .975)
		v.Low90, v.High90 = percentiles(drawn, .05, .95)
	case Preference:
		v.Test = "sign test mid-p, BCa interval"
		v.P, v.PExact = SignTest(v.Wins, v.Losses)
		v.Low95, v.High95 = bca(d, e.Clusters, e.Seed, .95)
		v.Low90, v.High90 = bca(d, e.Clusters, e.Seed, .90)
	default:
		v.Test = "sign-flip permutation, BCa interval"
		v.P = SignFlip(d, e.Seed)
		v.Low95, v.High95 = bca(d, e.Clusters, e.Seed, .95)
		v.Low90, v.High90 = bca(d, e.Clusters, e.Seed, .90)
	}
}

// discordance is the share of cases on which the arms differ; with fewer than 100 cases
// its upper limit of 80 %, since so few tell little of it.
func (v *Verdict) discordance() float64 {
	if v.N >= 100 {
		return float64(v.Wins+v.Losses) / float64(v.N)
	}
	_, high := Wilson(v.Wins+v.Losses, v.N, .60) // one-sided 80 %
	return high
}

// plan works out what more cases would show. They are planned for the margin, not for
// the difference that was seen, which is what chance made of it.
func (v *Verdict) plan(e *Evidence) string {
	var need, seen int
	switch e.Kind {
	case Binary:
		psi := v.discordance()
		need, seen = CasesNeeded(psi, e.Margin), CasesNeeded(max(psi, math.Abs(v.Diff)), math.Abs(v.Diff))
		if d, ok := Detectable(min(v.N, 500), psi); ok {
			v.Detectable = d
		}
	default:
		sd := 0.0
		if e.Kind == Corpus { // the half-width of the interval tells it
			sd = (v.High95 - v.Low95) / (2 * quantile(.975)) * math.Sqrt(float64(v.N))
		} else {
			d := make([]float64, len(e.A))
			for i := range d {
				d[i] = e.A[i] - e.B[i]
			}
			sd = deviation(d)
		}
		need, seen = MeanCasesNeeded(sd, e.Margin), MeanCasesNeeded(sd, math.Abs(v.Diff))
		v.Detectable = (quantile(1-alpha/2) + quantile(power)) * sd / math.Sqrt(float64(v.N))
	}
	v.MoreCases, v.MoreForDiff = max(0, need-v.N), max(0, seen-v.N)
	if v.MoreCases == 0 {
		return ""
	}
	return fmt.Sprintf("; %d more cases would find a difference of %.3g four times out of five", v.MoreCases, e.Margin)
}

// decided tells whether cases that were seen before decide the sign.
func decided(e *Evidence, diff float64) bool {
	if len(e.Leaked) == 0 || diff == 0 {
		return false
	}
	rest := 0.0
	if e.Kind == Corpus {
		var pick []int
		for i := range e.N {
			if !slices.Contains(e.Leaked, i) {
				pick = append(pick, i)
			}
		}
		if len(pick) == 0 {
			return true
		}
		a, b := e.Set(pick, make([]bool, e.N))
		rest = a - b
	} else {
		for i := range e.A {
			if !slices.Contains(e.Leaked, i) {
				rest += e.A[i] - e.B[i]
			}
		}
	}
	return rest*diff <= 0
}
