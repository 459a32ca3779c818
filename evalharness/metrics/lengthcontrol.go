package metrics

import (
	"errors"
	"math"
)

// LengthControlled is the win rate of a that is left when both answers are of one
// length: logit P(win) = θ + φ·tanh(Δ/sd) is fitted to the wins, and taken at Δ = 0
// (AlpacaEval 2, without the difficulty of its own prompts).
type LengthControlled struct {
	Raw, Rate  float64 // 0 to 1
	Theta, Phi float64
	Warn       bool // they differ by more than 10 points and a quarter of the raw rate
}

// ControlLength fits wins [n] (1, 0, or .5 for a tie) and lengths [n], of a's answer
// less that of b's. It fails where no finite fit exists, as when a always wins.
func ControlLength(wins, lengths []float64) (LengthControlled, error) {
	var c LengthControlled
	if len(wins) == 0 || len(wins) != len(lengths) {
		return c, errors.New("length control: it needs as many lengths as wins, and at least one")
	}
	c.Raw = mean(wins)
	var square float64
	middle := mean(lengths)
	for _, l := range lengths {
		square += (l - middle) * (l - middle)
	}
	sd := math.Sqrt(square / float64(len(lengths)))
	x := make([]float64, len(lengths))
	for i, l := range lengths {
		if sd > 0 {
			x[i] = math.Tanh(l / sd)
		}
	}
	for range 100 { // Newton's steps on the log-likelihood, which is concave
		var g0, g1, h00, h01, h11 float64
		for i := range x {
			p := 1 / (1 + math.Exp(-c.Theta-c.Phi*x[i]))
			g0, g1 = g0+wins[i]-p, g1+(wins[i]-p)*x[i]
			w := p * (1 - p)
			h00, h01, h11 = h00+w, h01+w*x[i], h11+w*x[i]*x[i]
		}
		var d0, d1 float64
		if sd == 0 {
			d0 = g0 / h00
		} else {
			det := h00*h11 - h01*h01
			d0, d1 = (h11*g0-h01*g1)/det, (h00*g1-h01*g0)/det
		}
		c.Theta, c.Phi = c.Theta+d0, c.Phi+d1
		if math.IsNaN(d0+d1) || math.Abs(c.Theta) > 30 || math.Abs(c.Phi) > 30 {
			break
		}
		if math.Abs(d0)+math.Abs(d1) < 1e-12 {
			c.Rate = 1 / (1 + math.Exp(-c.Theta))
			c.Warn = math.Abs(c.Rate-c.Raw) > .1 && math.Abs(c.Rate-c.Raw) > c.Raw/4
			return c, nil
		}
	}
	return c, errors.New("length control: no fit exists: the wins part cleanly by length, or are all alike")
}
