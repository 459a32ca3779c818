package evalharness

import (
	"fmt"
	"math"

	"graft/evalharness/metrics"
)

// Bounds of a verdict (evaluation.md, "Verdict rule").
const (
	leastDiscordant = 5
	infraShare      = 0.02 // of answers that may be missing
	alpha           = 0.05
)

// decide is the verdict of a comparison. infra counts answers of both arms that never
// came.
func (p *paired) decide(infra int, guards []Guard) Verdict {
	v := Verdict{N: len(p.a), Margin: p.margin, Guards: guards}
	p.measure(&v)
	var failed []string
	for _, g := range guards {
		if !g.Passed {
			failed = append(failed, g.Name)
		}
	}
	better := v.P < alpha && v.Low95 > 0
	switch {
	case float64(infra) > infraShare*float64(2*v.N):
		v.Outcome, v.Reason = Invalid, fmt.Sprintf("%d of %d answers never came: mend what stands in the way, and run the same command again", infra, 2*v.N)
	case v.N < few:
		v.Outcome, v.Reason = NotEnough, fmt.Sprintf("%d cases are too few: at least %d are needed", v.N, few)
	case v.Wins+v.Losses < leastDiscordant && !(-v.Margin < v.Low90 && v.High90 < v.Margin):
		v.Outcome, v.Reason = NotEnough, fmt.Sprintf("the arms differ on %d cases: fewer than %d can never be significant", v.Wins+v.Losses, leastDiscordant)
	case better && v.Diff >= v.Margin && len(failed) == 0:
		v.Outcome, v.Reason = ClearWin, "significantly better, by more than the margin"
		if v.Low95 >= v.Margin {
			v.Reason = "significantly better, by at least the margin"
		}
	case better && v.Diff >= v.Margin:
		v.Outcome, v.Reason = WinBelowMargin, fmt.Sprintf("better by more than the margin, but a guard failed: %v", failed)
	case better:
		v.Outcome, v.Reason = WinBelowMargin, "significantly better, but by less than the margin"
	case v.P < alpha && v.High95 < 0:
		v.Outcome, v.Reason = Loss, "significantly worse"
	case -v.Margin < v.Low90 && v.High90 < v.Margin:
		v.Outcome, v.Reason = Tie, "the difference is smaller than the margin either way"
	default:
		v.Outcome, v.Reason = NotEnough, "the cases do not tell the arms apart, nor that they are alike"
	}
	if v.Outcome == NotEnough {
		v.MoreCases = p.more(&v)
	}
	return v
}

// measure makes the test and the intervals that fit the metric.
func (p *paired) measure(v *Verdict) {
	m := p.metric
	v.Diff = value(m, p.a) - value(m, p.b)
	if v.N == 0 {
		v.P = 1
		return
	}
	if m.Cases != nil {
		x, y := m.Cases(p.a), m.Cases(p.b)
		d := make([]float64, len(x))
		for i := range x {
			d[i] = x[i] - y[i]
			switch {
			case d[i] > 0:
				v.Wins++
			case d[i] < 0:
				v.Losses++
			default:
				v.Ties++
			}
		}
		if m.Kind != metrics.CorpusKind {
			v.Low95, v.High95 = meanInterval(d, p.seed, 0.95)
			v.Low90, v.High90 = meanInterval(d, p.seed, 0.90)
			if v.Test = "sign-flip permutation"; m.Kind == metrics.Binary {
				v.Test = "McNemar mid-p"
				v.P, _ = mcNemar(v.Wins, v.Losses)
			} else {
				v.P = signFlip(d, p.seed)
			}
			return
		}
	}
	v.Test = "approximate randomisation"
	v.P = randomise(v.N, func(swap []bool) (float64, float64) {
		a, b := make([]metrics.Case, v.N), make([]metrics.Case, v.N)
		for i := range swap {
			if a[i], b[i] = p.a[i], p.b[i]; swap[i] {
				a[i], b[i] = b[i], a[i]
			}
		}
		return m.Corpus(a), m.Corpus(b)
	}, p.seed)
	diff := func(pick []int) float64 {
		q := p.some(pick)
		return m.Corpus(q.a) - m.Corpus(q.b)
	}
	v.Low95, v.High95 = bootstrap(v.N, diff, p.seed, 0.95)
	v.Low90, v.High90 = bootstrap(v.N, diff, p.seed, 0.90)
}

// more is how many cases are missing for a difference of the margin to be found with
// 80 %: planned with the margin, not with what was seen.
func (p *paired) more(v *Verdict) int {
	if v.N == 0 || v.Margin <= 0 {
		return 0
	}
	const z, power = 1.959963984540054, 0.8416212335729143
	psi := float64(v.Wins+v.Losses) / float64(v.N)
	d := v.Margin
	if psi <= d {
		psi = d * 1.01
	}
	need := math.Pow(z*math.Sqrt(psi)+power*math.Sqrt(psi-d*d), 2) / (d * d)
	return max(0, int(math.Ceil(need))-v.N)
}
