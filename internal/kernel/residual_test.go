package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestResidual: what is lost is at most half a step of the rounding, the same on
// every path, and not a number where the input is not.
func TestResidual(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, 32*67)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * math.Exp(rng.NormFloat64()))
	}
	x[40*32+5] = float32(math.NaN())
	pool := NewPool(2)
	defer pool.Close()
	before := Impl()
	defer Use(before)
	var first []float32
	for _, impl := range Impls() {
		if err := Use(impl); err != nil {
			t.Fatal(err)
		}
		r := make([]float32, len(x))
		Residual(pool, r, x)
		for b := 0; b < len(x); b += 32 {
			var largest float64
			for _, v := range x[b : b+32] {
				largest = max(largest, math.Abs(float64(v)))
			}
			for i, v := range r[b : b+32] {
				switch {
				case math.IsNaN(largest):
					if v == v {
						t.Fatalf("%s: residual %g in a block with NaN", impl, v)
					}
				case math.Abs(float64(v)) > largest/127/2*1.0001:
					t.Fatalf("%s: residual of number %d is %g, more than half a step of %g", impl, b+i, v, largest/127)
				case first != nil && v != first[b+i]:
					t.Fatalf("%s: residual of number %d is %g, %g on another path", impl, b+i, v, first[b+i])
				}
			}
		}
		first = r
	}
}
