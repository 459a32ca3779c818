package kernel

import "math"

// fma32 is a*b+c rounded once, as FMA instructions for float32 compute it.
//
// The product of two float32 is exact in float64. Their sum with c is rounded
// there, and a second time to float32; that differs from one rounding only if the
// first ended half way between two float32, or in the range of subnormals.
func fma32(a, b, c float32) float32 {
	p := float64(a) * float64(b)
	s := p + float64(c)
	bits := math.Float64bits(s)
	if bits&(1<<29-1) == 1<<28 || bits&(1<<63-1) < 0x3810000000000000 { // half way, or below 2^-126
		return fmaOdd(p, float64(c), s)
	}
	return float32(s)
}

// fmaOdd rounds p+c, whose float64 sum is s, to odd and then to float32. Rounding
// to odd keeps what the second rounding needs to know (Boldo and Melquiond,
// "Emulation of FMA and correctly rounded sums", 2008).
func fmaOdd(p, c, s float64) float32 {
	t := s - p
	e := (p - (s - t)) + (c - t) // what s lacks, exactly
	bits := math.Float64bits(s)
	if e != 0 && bits&1 == 0 {
		if (e > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
	}
	return float32(math.Float64frombits(bits))
}
