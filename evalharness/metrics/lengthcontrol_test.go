package metrics

import (
	"math"
	"testing"
)

// TestControlLength: want is what scipy 1.17.1's minimize (BFGS, gtol 1e-12) finds for
// the same likelihood.
func TestControlLength(t *testing.T) {
	wins := []float64{1, 0, 1, 1, 0, .5, 1, 0, 0, 1}
	lengths := []float64{10, -5, 3, 40, 12, 0, -8, -30, 5, 22}
	c, err := ControlLength(wins, lengths)
	if err != nil || math.Abs(c.Theta+.05805447) > 1e-6 || math.Abs(c.Phi-1.59029204) > 1e-6 || math.Abs(c.Rate-.48549045748670483) > 1e-6 {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := ControlLength(wins, make([]float64, 10)); err != nil || math.Abs(c.Rate-.55) > 1e-12 || c.Phi != 0 {
		t.Errorf("equal lengths: %+v, %v, want the raw rate", c, err)
	}
	for _, bad := range [][2][]float64{{{1, 1, 1}, {1, 2, 3}}, {{1, 0}, {5, -5}}, {nil, nil}, {{1}, {1, 2}}} {
		if c, err := ControlLength(bad[0], bad[1]); err == nil {
			t.Errorf("%v has no fit, and gives %+v", bad, c)
		}
	}
}
