package kernel

import "math"

// The functions of one number below are written step by step as the vector code
// computes them, so that all paths give the same bits: float32(…) rounds a
// product before it is used, fma32 does not.

// expMin and expMax bound the argument of exp: beyond, the result is 0 or +Inf.
const (
	expMin = -104
	expMax = 89
)

// exp32 is e^x within 1 ulp. x = n ln 2 + r, |r| <= ln 2/2; e^r by the polynomial
// of Cephes (expf.c); times 2^n in two steps, as n reaches beyond the exponents of
// normal numbers.
func exp32(x float32) float32 {
	x = min(max(x, expMin), expMax)
	n := float32(math.RoundToEven(float64(float32(x * math.Log2E))))
	r := fma32(n, -0.693359375, x)
	r = fma32(n, 2.12194440e-4, r)
	e := fma32(1.9875691500e-4, r, 1.3981999507e-3)
	e = fma32(e, r, 8.3334519073e-3)
	e = fma32(e, r, 4.1665795894e-2)
	e = fma32(e, r, 1.6666665459e-1)
	e = fma32(e, r, 5.0000001201e-1)
	e = fma32(e, float32(r*r), r) + 1
	i := int32(n)
	h := i >> 1
	return float32(e*power2(h)) * power2(i-h)
}

// power2 is 2^n for n in -126..127.
func power2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

// tanh32 is tanh x within 2 ulp: by the polynomial of Cephes (tanhf.c) below
// 0.625, by e^2x above.
func tanh32(x float32) float32 {
	a := abs32(x)
	if a < 0.625 {
		z := float32(x * x)
		t := fma32(-5.70498872745e-3, z, 2.06390887954e-2)
		t = fma32(t, z, -5.37397155531e-2)
		t = fma32(t, z, 1.33314422036e-1)
		t = fma32(t, z, -3.33332819422e-1)
		return fma32(float32(t*z), x, x)
	}
	t := 1 - 2/(exp32(a+a)+1)
	return math.Float32frombits(math.Float32bits(t) | math.Float32bits(x)&(1<<31))
}

// silu32 is x/(1+e^-x).
func silu32(x float32) float32 { return x / (exp32(-x) + 1) }

// gelu32 is x Φ(x) = max(x, 0) - |x| Φ(-|x|), which loses no digits on either side.
// Φ(-a) = e^(-a²/2) R(a), where R is a polynomial of degree 9 times t = 1/(1+0.3a),
// fitted to erfc in 40 digits for a < 14.5 (relative error 2^-25.8 in float32
// coefficients). What a² lacks after rounding goes into the exponential to first
// order.
func gelu32(x float32) float32 {
	a := min(abs32(x), 14.5) // Φ(-14.5) is 0 in float32
	t := 1 / fma32(0.3, a, 1)
	r := fma32(-0.02062357, t, 0.112436146)
	r = fma32(r, t, -0.2282148)
	r = fma32(r, t, 0.19178608)
	r = fma32(r, t, -0.079424754)
	r = fma32(r, t, 0.096157484)
	r = fma32(r, t, 0.07838943)
	r = fma32(r, t, 0.110235475)
	r = fma32(r, t, 0.11957181)
	r = fma32(r, t, 0.11968669)
	r = float32(r * t)
	z := float32(a * a)
	low := fma32(a, a, -z)
	e := exp32(z * -0.5)
	e = fma32(e, float32(low*-0.5), e)
	if 0 > x {
		x = 0
	}
	return fma32(-a, float32(r*e), x)
}

// geluTanh32 is x/2 (1+tanh(u)) = x/(1+e^-2u), u = sqrt(2/π) (x + 0.044715 x³).
func geluTanh32(x float32) float32 {
	u := float32(x * fma32(float32(x*x), 0.044715, 1))
	return x / (exp32(u*-1.5957691216057308) + 1)
}

func abs32(x float32) float32 {
	return math.Float32frombits(math.Float32bits(x) &^ (1 << 31))
}
