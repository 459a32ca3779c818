package evalharness

import "graft/evalharness/stats"

// Outcomes of a comparison.
const (
	ClearWin       = stats.ClearWin
	WinBelowMargin = stats.WinBelowMargin
	Loss           = stats.Loss
	Tie            = stats.Tie
	NotEnough      = stats.NotEnough
	Invalid        = stats.Invalid
)

// Verdict is what a paired comparison shows.
type Verdict = stats.Verdict

// Guard is a condition of a clear win beside the numbers.
type Guard = stats.Guard

// ExitCode is the exit status of commands that end with a verdict.
func ExitCode(v *Verdict) int {
	for _, g := range v.Guards {
		if g.Name == "forgetting" && !g.Passed && v.Outcome != Loss {
			return 20
		}
	}
	switch v.Outcome {
	case ClearWin:
		return 0
	case Tie:
		return 10
	case Loss:
		return 11
	case NotEnough:
		return 12
	case WinBelowMargin:
		return 13
	}
	return 1
}
