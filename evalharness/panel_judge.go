package evalharness

import (
	"fmt"
	"strings"

	"graft/evalharness/metrics"
	"graft/evalharness/stats"
)

// JudgeCheck is how far a judge agrees with people on the cases that both compared.
type JudgeCheck struct {
	Cases   int     `json:"cases"`
	Kappa   float64 `json:"kappa"` // Cohen's, of win, tie and loss; 95 % from drawing cases anew
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
	Trusted bool    `json:"trusted"` // enough cases, and enough agreement
	Reason  string  `json:"reason"`
}

// How much a judge has to agree with people, and on how many cases, before its verdict is
// more than advice.
const (
	leastChecked = 30
	leastKappa   = .4
)

// judgeNote begins the note that a judge decided.
const judgeNote = "the verdict rests on a judge"

// adviceNote is what is said of a judge that people have not been compared with.
func adviceNote(signature string) string {
	return judgeNote + " (" + signature + "): take it as advice until people have rated some of the cases and agree with it (graft rate)"
}

// checkJudge compares the judge of a comparison with the panel; nil: no judge decides it.
func (r *Result) checkJudge(c *Comparison, p *Panel) *JudgeCheck {
	info, _ := metrics.Lookup(c.Metric)
	a, b := r.Arm(c.A), r.Arm(c.B)
	if info.Needs != "judge" || a == nil || b == nil {
		return nil
	}
	x, y := a.scores(c.Metric), b.scores(c.Metric)
	if info.Kind == metrics.PreferenceKind {
		switch r.Settings.Opponent {
		case c.B:
			y = others(x)
		case c.A:
			x = others(y)
		}
	}
	var votes stats.Votes
	for i := range min(len(a.Answers), len(b.Answers)) {
		people, ok := p.Votes[a.Answers[i].Case]
		if !ok || x[i] != x[i] || y[i] != y[i] { // NaN: the judge said nothing readable
			continue
		}
		votes = append(votes, []int{people + 1, sign(x[i]-y[i]) + 1})
	}
	k := &JudgeCheck{Cases: len(votes)}
	for _, m := range stats.Agree(votes, 3, uint64(r.Settings.Seed)) {
		if m.Name == "cohen" {
			k.Kappa, k.Low, k.High = m.Value, m.Low, m.High
		}
	}
	says := fmt.Sprintf("Cohen's kappa %.2f, %.2f to %.2f with 95 %%, on %d cases", k.Kappa, k.Low, k.High, k.Cases)
	switch {
	case k.Cases < leastChecked:
		k.Reason = fmt.Sprintf("the judge is advice only: people and it have compared %d of the same cases, and %d are needed", k.Cases, leastChecked)
	case k.Kappa < leastKappa || k.Low <= 0:
		k.Reason = fmt.Sprintf("the judge is advice only, as it does not agree with people enough (%s; %.1f is needed)", says, leastKappa)
	default:
		k.Trusted, k.Reason = true, "the judge agrees with people ("+says+")"
	}
	return k
}

func sign(x float64) int {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// noteJudge puts what people think of the judge in the place of the note that nobody knows.
func (r *Result) noteJudge(k *JudgeCheck) {
	for i, n := range r.Notes {
		if strings.HasPrefix(n, judgeNote) {
			head, _, _ := strings.Cut(n, "): ")
			r.Notes[i] = head + "): " + k.Reason
		}
	}
}
