package evalharness

// Outcomes of a comparison.
const (
	ClearWin       = "CLEAR WIN"
	WinBelowMargin = "WIN BELOW MARGIN"
	Loss           = "LOSS"
	Tie            = "TIE"
	NotEnough      = "NOT ENOUGH"
	Invalid        = "INVALID"
)

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
