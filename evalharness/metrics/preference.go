package metrics

import "math"

// Preference is what a judge said of two answers, asked in both orders.
type Preference struct {
	AB, BA string // "a", "b" or "tie": with a first, and with b first
}

// Win is 1 when a won in both orders, -1 when b did, else 0.
func (p Preference) Win() int {
	switch {
	case p.AB == "a" && p.BA == "a":
		return 1
	case p.AB == "b" && p.BA == "b":
		return -1
	}
	return 0
}

// Swap is the same preference with a and b exchanged.
func (p Preference) Swap() Preference {
	other := map[string]string{"a": "b", "b": "a", "tie": "tie"}
	return Preference{AB: other[p.BA], BA: other[p.AB]}
}

// Preferences sums up what a judge said.
type Preferences struct {
	Wins, Losses, Ties int
	WinRate            float64 // a tie is half a win
	Consistency        float64 // share of pairs judged alike in both orders
	FirstSlot          float64 // share of decided answers for the answer shown first; .5 is fair
}

// Summarize counts preferences. FirstSlot is NaN when nothing was decided.
func Summarize(all []Preference) Preferences {
	var s Preferences
	var alike, first, decided float64
	for _, p := range all {
		switch p.Win() {
		case 1:
			s.Wins++
		case -1:
			s.Losses++
		default:
			s.Ties++
		}
		alike += indicator(p.AB == p.BA)
		first += indicator(p.AB == "a") + indicator(p.BA == "b")
		decided += indicator(p.AB != "tie") + indicator(p.BA != "tie")
	}
	n := float64(max(len(all), 1))
	s.WinRate, s.Consistency = (float64(s.Wins)+float64(s.Ties)/2)/n, alike/n
	s.FirstSlot = math.NaN()
	if decided > 0 {
		s.FirstSlot = first / decided
	}
	return s
}
