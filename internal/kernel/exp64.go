package kernel

import (
	"fmt"
	"math"
)

// ExpScaled is y = e^((x-shift)*scale) in double precision, within 2 ulp, for
// arguments of at most 0; below -708 it is 0. It returns Σ y in four partial sums, of which number i is added to
// sum i%4, and those after the last four to the first.
func ExpScaled(y []float64, x []float32, shift, scale float64) float64 {
	if len(y) != len(x) {
		panic(fmt.Sprintf("kernel: exponentials of %d numbers into %d", len(x), len(y)))
	}
	var s [4]float64
	n := expScaledFast(&s, y, x, shift, scale)
	for i := n; i < len(x); i++ {
		y[i] = exp64(float64(float64(x[i])-shift) * scale)
		if i < len(x)&^3 {
			s[i%4] += y[i]
		} else {
			s[0] += y[i]
		}
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// exp64 is e^x, step by step as the vector code has it. x = n ln 2 + r, |r| <= ln 2/2;
// e^r by its series to r^13, whose rest is below 5e-18; times 2^n.
func exp64(x float64) float64 {
	if !(x >= -708) {
		return 0
	}
	n := math.RoundToEven(float64(x * math.Log2E))
	r := math.FMA(n, -ln2High, x)
	r = math.FMA(n, -ln2Low, r)
	e := expSeries[0]
	for _, c := range expSeries[1:] {
		e = math.FMA(e, r, c)
	}
	return math.Float64frombits(math.Float64bits(e) + uint64(int64(n))<<52)
}

// ln 2 in two parts, as in FDLIBM (e_exp.c): n times the first is exact.
const (
	ln2High = 6.93147180369123816490e-01
	ln2Low  = 1.90821492927058770002e-10
)

// expSeries is 1/13!, 1/12!, … 1/0!.
var expSeries = [14]float64{
	1. / 6227020800, 1. / 479001600, 1. / 39916800, 1. / 3628800, 1. / 362880, 1. / 40320, 1. / 5040,
	1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2, 1, 1,
}
