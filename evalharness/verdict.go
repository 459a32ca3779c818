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

// Verdict is what a paired comparison shows.
type Verdict struct {
	Outcome   string  `json:"outcome"`
	Reason    string  `json:"reason"`
	Diff      float64 `json:"diff"` // in the metric's unit, as the bounds and the margin
	Low95     float64 `json:"low95"`
	High95    float64 `json:"high95"`
	Low90     float64 `json:"low90"`
	High90    float64 `json:"high90"`
	P         float64 `json:"p"`
	Margin    float64 `json:"margin"`
	Test      string  `json:"test"`
	N         int     `json:"n"`
	Wins      int     `json:"wins"`
	Losses    int     `json:"losses"`
	Ties      int     `json:"ties"`
	MoreCases int     `json:"more_cases,omitempty"`
	Guards    []Guard `json:"guards,omitempty"`
}

// Guard is a condition of a clear win beside the numbers.
type Guard struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
	Detail string `json:"detail"`
}

// ExitCode is the exit status of commands that end with a verdict.
func (v Verdict) ExitCode() int {
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
