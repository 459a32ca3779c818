package kernel

import (
	"math"
	"slices"
)

// SoftmaxRow is y = e^x / Σ e^x over one row. y may be x. A row of -Inf alone, or
// with a NaN, becomes NaN.
func SoftmaxRow(y, x []float32) {
	expShifted(y[:len(x)], x, Maximum(x))
	scale(y, y[:len(x)], float32(1/sum64(y[:len(x)])))
}

// LogSumExp is log Σ e^x over one row; the sum is kept in float64.
func LogSumExp(x []float32) float64 {
	m := Maximum(x)
	if math.IsInf(float64(m), 0) { // or nothing but NaN
		for _, v := range x {
			if v != v {
				return math.NaN()
			}
		}
		return float64(m)
	}
	var e [256]float32
	total := 0.0
	for i := 0; i < len(x); i += len(e) {
		part := x[i:min(len(x), i+len(e))]
		expShifted(e[:len(part)], part, m)
		total += sum64(e[:len(part)])
	}
	return float64(m) + math.Log(total)
}

// sum64 is Σ x in float64, in sixteen partial sums as those of Dot.
func sum64(x []float32) float64 {
	var s [lanes]float64
	for i := sumWide(&s, x); i < len(x); i++ {
		s[i%lanes] += float64(x[i])
	}
	for n := lanes / 2; n > 0; n /= 2 {
		for i := range n {
			s[i] += s[i+n]
		}
	}
	return s[0]
}

// ArgMax is the position of the largest number, the first of equals; NaN counts
// as smaller than all. It is -1 for an empty row.
func ArgMax(x []float32) int {
	top := Maximum(x)
	for i, v := range x {
		if v == top {
			return i
		}
	}
	return min(0, len(x)-1) // nothing but NaN, or nothing
}

// Largest is the position of the largest number and the number, the first of equals: of nothing and of nothing but
// -Inf, 0 and -Inf. ok is false if there is a NaN.
func Largest(x []float32) (at int, top float32, ok bool) {
	const part = 4096 // numbers that are still near when the largest of them is looked for
	top = float32(math.Inf(-1))
	for from := 0; from < len(x); from += part {
		p := x[from:min(from+part, len(x))]
		m, n := largestFast(p)
		for _, v := range p[n:] {
			if v != v {
				return 0, 0, false
			}
			m = max(m, v)
		}
		if m != m {
			return 0, 0, false
		}
		if m > top {
			at = from + slices.Index(p, m)
			top = x[at]
		}
	}
	return at, top, true
}
