package kernel

import "math"

// The functions here treat rows number by number. …Fast does what it can in
// assembly, from the start on, and returns how far it came; the loops do the rest,
// with the same bits.

// Dot is Σ x*y in sixteen partial sums: number i is added to sum i%16 with one
// rounding, then the sums in pairs, the halves first. What lacks to a multiple of
// sixteen counts as zeros.
func Dot(x, y []float32) float32 {
	var s [lanes]float32
	n := dotLanes(&s, x, y[:len(x)])
	for ; n+lanes <= len(x); n += lanes {
		for i := range s {
			s[i] = fma32(x[n+i], y[n+i], s[i])
		}
	}
	if n < len(x) {
		var a, b [lanes]float32
		copy(a[:], x[n:])
		copy(b[:], y[n:])
		for i := range s {
			s[i] = fma32(a[i], b[i], s[i])
		}
	}
	return pairs(&s)
}

// sum is Σ x in the same order as Dot.
func sum(x []float32) float32 {
	var s [lanes]float32
	for i := sumLanes(&s, x); i < len(x); i++ {
		s[i%lanes] += x[i]
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

// Maximum is the largest number; NaNs are passed over. -Inf of nothing.
func Maximum(x []float32) float32 {
	var s [lanes]float32
	for i := range s {
		s[i] = float32(math.Inf(-1))
	}
	n := maxLanes(&s, x)
	m := s[0]
	for _, v := range s[1:] {
		if v > m {
			m = v
		}
	}
	for _, v := range x[n:] {
		if v > m {
			m = v
		}
	}
	return m
}

// mulScaled is y = w * (x*s).
func mulScaled(y, x, w []float32, s float32) {
	for i := mulScaledFast(y, x, w, s); i < len(x); i++ {
		y[i] = w[i] * float32(x[i]*s)
	}
}

// scale is y = x*s.
func scale(y, x []float32, s float32) {
	for i := scaleFast(y, x, s); i < len(x); i++ {
		y[i] = x[i] * s
	}
}

// shift is y = x+s.
func shift(y, x []float32, s float32) {
	for i := shiftFast(y, x, s); i < len(x); i++ {
		y[i] = x[i] + s
	}
}

// add is y = a+b.
func add(y, a, b []float32) {
	for i := addFast(y, a, b); i < len(a); i++ {
		y[i] = a[i] + b[i]
	}
}

// mulAdd is y = a*w + b with one rounding; y may be a or b.
func mulAdd(y, a []float32, w float32, b []float32) {
	for i := mulAddFast(y, a, w, b); i < len(a); i++ {
		y[i] = fma32(a[i], w, b[i])
	}
}

// rotate turns one head: (a, b) becomes (a cos - b sin, b cos + a sin), where a is
// of the first len(cos) numbers and b of as many after them.
func rotate(y, x, cos, sin []float32) {
	n := len(cos)
	for i := rotateFast(y, x, cos, sin); i < n; i++ {
		a, b := x[i], x[i+n]
		y[i] = float32(a*cos[i]) - float32(b*sin[i])
		y[i+n] = float32(b*cos[i]) + float32(a*sin[i])
	}
	copy(y[2*n:], x[2*n:])
}

// softCap is y = c*tanh(x/c).
func softCap(y, x []float32, c float32) {
	for i := softCapFast(y, x, c); i < len(x); i++ {
		y[i] = c * tanh32(x[i]/c)
	}
}

// activate is y = f(x), times w unless that is nil.
func activate(y, x, w []float32, act Activation) {
	f := activations[act].f
	for i := activateFast(y, x, w, act); i < len(x); i++ {
		v := f(x[i])
		if w != nil {
			v *= w[i]
		}
		y[i] = v
	}
}

// expShifted is y = e^(x-m).
func expShifted(y, x []float32, m float32) {
	for i := expShiftedFast(y, x, m); i < len(x); i++ {
		y[i] = exp32(x[i] - m)
	}
}
