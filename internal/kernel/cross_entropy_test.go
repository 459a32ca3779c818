package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCrossEntropy(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 1))
		for _, width := range []int{1, 5, 300} {
			for _, limit := range []float32{0, 2} {
				const rows = 3
				x := randomF32(rng, rows*width)
				for i := range x {
					x[i] *= 4
				}
				targets, weights := make([]int32, rows), []float32{1, 0.25, -2}
				for i := range targets {
					targets[i] = int32(rng.IntN(width))
				}
				targets[1] = int32(ArgMax(x[width : 2*width]))
				g, nll, hit := slices.Clone(x), make([]float64, rows), make([]bool, rows)
				CrossEntropy(nil, g, width, targets, weights, limit, nll, hit)
				f := func(in [][]float64) []float64 {
					out := make([]float64, rows)
					for r := range rows {
						sum := 0.0
						at := func(i int) float64 {
							if v := in[0][r*width+i]; limit == 0 {
								return v
							} else {
								return float64(limit) * math.Tanh(v/float64(limit))
							}
						}
						for i := range width {
							sum += math.Exp(at(i))
						}
						out[r] = math.Log(sum) - at(int(targets[r]))
					}
					return out
				}
				what := fmt.Sprint(width, limit)
				gradients(t, what, [][]float32{x}, weights, [][]float32{g}, 2e-6, f)
				wide := make([]float64, len(x))
				for i, v := range x {
					wide[i] = float64(v)
				}
				for r, want := range f([][]float64{wide}) {
					if math.Abs(nll[r]-want) > 1e-5 {
						t.Errorf("%s: loss of row %d is %v, want %v", what, r, nll[r], want)
					}
					if want := ArgMax(x[r*width:(r+1)*width]) == int(targets[r]); hit[r] != want {
						t.Errorf("%s: row %d hit: %v, want %v", what, r, hit[r], want)
					}
				}
			}
		}
	})
}
