package evalharness

import (
	"fmt"

	"graft/evalharness/stats"
)

func holm(p []float64) []float64 { return stats.Holm(p) }

func (p *paired) decide(cases []Case, infra int, guards []Guard) Verdict {
	v := Verdict{N: len(p.a), Margin: p.margin, Test: "McNemar mid-p", Guards: guards}
	x, y := p.metric.Cases(p.a), p.metric.Cases(p.b)
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
		v.Diff += d[i] / float64(len(x))
	}
	v.P, _ = stats.McNemar(v.Wins, v.Losses)
	v.Low95, v.High95 = stats.BCa(d, p.seed, 0.95)
	v.Low90, v.High90 = stats.BCa(d, p.seed, 0.90)
	passed := true
	for _, g := range guards {
		passed = passed && g.Passed
	}
	switch {
	case infra*50 > 2*len(p.a):
		v.Outcome, v.Reason = Invalid, "too many answers never came"
	case v.N < 20 || v.Wins+v.Losses < 5:
		v.Outcome, v.Reason = NotEnough, fmt.Sprintf("%d cases, %d disagreements", v.N, v.Wins+v.Losses)
	case v.P < .05 && v.Low95 > 0 && v.Diff >= v.Margin && passed:
		v.Outcome = ClearWin
	case v.P < .05 && v.Low95 > 0:
		v.Outcome = WinBelowMargin
	case v.P < .05 && v.High95 < 0:
		v.Outcome = Loss
	case -v.Margin < v.Low90 && v.High90 < v.Margin:
		v.Outcome = Tie
	default:
		v.Outcome = NotEnough
	}
	return v
}
