package evalharness

// Panel is what people say who compared two arms' answers without knowing which is
// which. Positive numbers are A's, as in Comparison.
type Panel struct {
	A         string  `json:"a"`
	B         string  `json:"b"`
	Raters    []Rater `json:"raters"`
	Cases     int     `json:"cases"`     // that somebody rated, and those where both said the same
	Identical int     `json:"identical"` // of Cases: both said the same, so they are ties
	Wins      int     `json:"wins"`      // cases where the mean vote is A's
	Losses    int     `json:"losses"`
	Ties      int     `json:"ties"`
	Net       float64 `json:"net"` // (wins - losses) / cases
	Low95     float64 `json:"low95"`
	High95    float64 `json:"high95"`
	WinRate   float64 `json:"win_rate"` // a tie counts as half
	P         float64 `json:"p"`        // sign test on the cases that are no ties, mid-p
	// Agreement of the raters on the pairs that they were asked about.
	Agreement []Agreement `json:"agreement,omitempty"`
	// Votes are what the panel said of each case: 1 for A, -1 for B, 0 for neither.
	Votes   map[string]int `json:"votes,omitempty"`
	Judge   *JudgeCheck    `json:"judge,omitempty"` // whether the judge that decides agrees
	Used    bool           `json:"used"`            // the panel has a say in the verdict
	Against bool           `json:"against"`
	Reason  string         `json:"reason"`
}

// Rater is a person of a panel.
type Rater struct {
	Name       string  `json:"name"`
	Votes      int     `json:"votes"` // repeats included
	Left       int     `json:"left"`  // times that the left answer was chosen
	Right      int     `json:"right"`
	LeftP      float64 `json:"left_p"`     // exact binomial test of no preference for a side
	Repeats    int     `json:"repeats"`    // pairs seen again, sides exchanged
	Consistent int     `json:"consistent"` // of them, with the same answer chosen
}

// Agreement is a measure of how far raters agree, with an interval of 95 %.
type Agreement struct {
	Name  string  `json:"name"` // raw, cohen, fleiss, krippendorff, ac1
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// decides tells whether a panel rated the pair that was registered; where none was, the
// pair that was rated first.
func (r *Result) decides(p *Panel) bool {
	if c := r.Registered(); c != nil {
		return c.A == p.A && c.B == p.B
	}
	return r.Panel == nil || r.Panel.A == p.A && r.Panel.B == p.B
}

// panelGuard is the name of the panel's condition of a clear win.
const panelGuard = "blind panel"

// AddPanel notes what a panel says, and lets it into the verdict of the comparison that
// it rated: a clear win does not stand against people who agree that B is better. A panel
// on another pair of arms stands beside it, and decides nothing.
func (r *Result) AddPanel(p Panel) {
	if !r.decides(&p) {
		p.Used = false
		for i := range r.Panels {
			if r.Panels[i].A == p.A && r.Panels[i].B == p.B {
				r.Panels[i] = p
				return
			}
		}
		r.Panels = append(r.Panels, p)
		return
	}
	r.Panel = &p
	for i := range r.Comparisons {
		c := &r.Comparisons[i]
		if c.A != p.A || c.B != p.B || !c.Primary {
			continue
		}
		if p.Judge = r.checkJudge(c, &p); p.Judge != nil {
			r.noteJudge(p.Judge)
		}
		v := &c.Verdict
		guards := v.Guards[:0:0]
		for _, g := range v.Guards {
			if g.Name != panelGuard {
				guards = append(guards, g)
			}
		}
		v.Guards = guards
		if !p.Used {
			continue
		}
		v.Guards = append(v.Guards, Guard{Name: panelGuard, Passed: !p.Against, Detail: p.Reason})
		if p.Against && v.Outcome == ClearWin {
			v.Outcome = WinBelowMargin // as with every other guard that fails
			v.Reason = "no clear win, since " + p.Reason + "; by the numbers alone: " + v.Reason
		}
	}
}
