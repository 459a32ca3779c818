package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// ExpScaled is math.Exp to 2 ulp, the same bits on every path.
func TestExpScaled(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for _, n := range []int{0, 1, 3, 4, 5, 8, 12, 15, 23, 28, 67, 4099} {
		x := make([]float32, n)
		for i := range x {
			x[i] = 20 - float32(math.Exp(rng.Float64()*11-4))*rng.Float32()
			switch i % 50 {
			case 7:
				x[i] = float32(math.Inf(-1))
			case 8:
				x[i] = 20
			case 9:
				x[i] = 20 - 708*0.8 // 708 itself is about as far as it goes
			case 10:
				x[i] = -math.MaxFloat32
			}
		}
		var first []float64
		var firstSum float64
		eachImpl(t, func(t *testing.T) {
			y := make([]float64, n)
			sum := ExpScaled(y, x, 20, 1/0.8)
			plain := 0.0
			for _, v := range y {
				plain += v
			}
			if math.Abs(sum-plain) > 1e-14*plain || first != nil && sum != firstSum {
				t.Fatalf("the sum of %d is %v, %v on another path, added up %v", n, sum, firstSum, plain)
			}
			firstSum = sum
			for i, v := range y {
				arg := float64((float64(x[i]) - 20) * (1 / 0.8))
				want := math.Exp(arg)
				if arg < -708 {
					want = 0
				}
				if math.Abs(v-want) > 4.5e-16*want {
					t.Fatalf("exp(%v) = %v, want %v", arg, v, want)
				}
				if first != nil && v != first[i] {
					t.Fatalf("exp(%v) = %v, %v on another path", arg, v, first[i])
				}
			}
			first = y
		})
	}
}
