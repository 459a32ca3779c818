package kernel

import "math"

// Dot is Σ x*y in sixteen partial sums: number i is added to sum i%16 with one
// rounding, then the sums in pairs, the halves first.
func Dot(x, y []float32) float32 { return dot(x, y[:len(x)]) }

// sum is Σ x in the same order as Dot.
func sum(x []float32) float32 {
	var s [lanes]float32
	for len(x) >= lanes {
		for i := range s {
			s[i] += x[i]
		}
		x = x[lanes:]
	}
	for i, v := range x {
		s[i] += v
	}
	return pairs(&s)
}

// pairs adds up the partial sums, overwriting them.
func pairs(s *[lanes]float32) float32 {
	for n := lanes / 2; n > 0; n /= 2 {
		for i := range n {
			s[i] += s[i+n]
		}
	}
	return s[0]
}

// maximum is the largest number; NaN if there is one, -Inf of nothing.
func maximum(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		m = max(m, v)
	}
	return m
}

// mulScaled is y = w * (x*s).
func mulScaled(y, x, w []float32, s float32) {
	for i, v := range x {
		y[i] = w[i] * float32(v*s)
	}
}

// scale is y = x*s.
func scale(y, x []float32, s float32) {
	for i, v := range x {
		y[i] = v * s
	}
}

// shift is y = x+s.
func shift(y, x []float32, s float32) {
	for i, v := range x {
		y[i] = v + s
	}
}

// add is y = a+b.
func add(y, a, b []float32) {
	for i, v := range a {
		y[i] = v + b[i]
	}
}

// softCap is y = c*tanh(x/c).
func softCap(y, x []float32, c float32) {
	for i, v := range x {
		y[i] = c * tanh32(v/c)
	}
}

// activate is y = f(x).
func activate(y, x []float32, act Activation) {
	f := activations[act].f
	for i, v := range x {
		y[i] = f(v)
	}
}

// activateMul is y = f(x) * w.
func activateMul(y, x, w []float32, act Activation) {
	f := activations[act].f
	for i, v := range x {
		y[i] = f(v) * w[i]
	}
}

// expShifted is y = e^(x-m).
func expShifted(y, x []float32, m float32) {
	for i, v := range x {
		y[i] = exp32(v - m)
	}
}
