package main

import (
	"io"
	"math"
	"testing"

	"graft/internal/app/bench"
)

// TestLimits works the ceilings out by hand, of a machine that reads 1000 bytes a second
// and a model of two layers, one of which looks back four tokens.
func TestLimits(t *testing.T) {
	r := roof{Read: 1000, F32: 100, Int8: 400}
	w := &bench.Work{WeightBytes: 90, LayerOps: 30, LastOps: 5, HeadOps: 20, KVBytes: 2, AttendOps: 5, Windows: []int{0, 4}}
	for name, c := range map[string]struct{ got, want float64 }{
		"decode: 90 bytes of weights, 1+1 tokens of 2":                {decodeLimit(r, w, 0), 1000. / 94},
		"decode: 90 bytes of weights, 6+4 tokens of 2":                {decodeLimit(r, w, 5), 1000. / 110},
		"prefill: 10 tokens of 25 operations, one of 5 and 20":        {prefillLimit(r, w, 10), 10 * 400. / 275},
		"train: forward and back through 50 operations":               {trainLimit(r, w), 1.},
		"deep: 0.1 s for a token, and 3 tokens of 2 bytes more":       {deepLimit(r, w, 10, 5, 8), 1 / (0.1 + 6./1000)},
		"deep: the same position costs the same":                      {deepLimit(r, w, 10, 5, 5), 10},
		"long: 1 s for each of two tokens, (1+2)*5/50 s of attention": {longLimit(r, w, 1, 2, 3), 1 / (1 - 0.3/2 + (1+2+3)*5/50./3)},
		"long: the same length costs the same":                        {longLimit(r, w, 1, 2, 2), 1},
	} {
		if math.Abs(c.got-c.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

// TestCeiling: a row says how much of its ceiling it reached, whether that is enough,
// and what is said of it.
func TestCeiling(t *testing.T) {
	p := &peers{log: io.Discard}
	p.compare("a", "tokens/s", []float64{10, 20, 30}, rates{"slow": {5, 5, 5}, "fast": {10, 10, 10}}, 2, false)
	p.alone("b", "tokens/s", []float64{8})
	if a, b := p.rows[0], p.rows[1]; a.Peer != "fast" || a.Ratio != 2 || !a.Met || a.share() != "" || b.Graft != 8 || b.Peer != "" || b.share() != "" {
		t.Errorf("rows %+v", p.rows)
	}
	p.ceiling("a", "bandwidth", []float64{10, 20, 30}, []float64{100, 25, 60}, 0.4) // 0.1, 0.8, 0.5
	p.ceiling("b", "peak", []float64{8}, []float64{10}, 0.9)
	for i, want := range []string{"0.50 of bandwidth, 0.4 reached", "0.80 of peak, 0.9 **missed**"} {
		if got := p.rows[i].share(); got != want {
			t.Errorf("row %d: %q, want %q", i, got, want)
		}
	}
	p.ceiling("b", "peak", []float64{8}, []float64{10}, 0)
	if got := p.rows[1].share(); got != "0.80 of peak" || !p.rows[1].ShareMet {
		t.Errorf("nothing is asked: %q, %+v", got, p.rows[1])
	}
}
