package kernel

import (
	"math"
	"testing"
)

// ulps is how many float32 lie between have and want, where numbers below floor
// in magnitude are spaced as there.
func ulps(have, want float32, floor float64) float64 {
	w := math.Max(math.Abs(float64(want)), floor)
	_, e := math.Frexp(w)
	return math.Abs(float64(have)-float64(want)) / math.Ldexp(1, e-24)
}

func within(t *testing.T, name string, have, want []float32, limit, floor float64) {
	t.Helper()
	if len(have) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", name, len(have), len(want))
	}
	worst, at := -1.0, 0
	for i := range have {
		if u := ulps(have[i], want[i], floor); u > worst || math.IsNaN(u) {
			worst, at = u, i
			if math.IsNaN(u) {
				break
			}
		}
	}
	if !(worst <= limit) {
		t.Errorf("%s: number %d is %v, want %v: %.1f ulp, at most %v are allowed", name, at, have[at], want[at], worst, limit)
	}
}

func TestNormsGolden(t *testing.T) {
	g := golden(t, "testdata/ops.safetensors")
	x, w, b := floats(g["norm.x"]), floats(g["norm.w"]), floats(g["norm.b"])
	p := NewPool(2)
	defer p.Close()
	eachImpl(t, func(t *testing.T) {
		y := make([]float32, len(x))
		RMSNorm(p, y, x, w, 1e-5)
		within(t, "RMSNorm", y, floats(g["rms.y"]), 3, 1e-3)
		RMSNorm(p, y, x, w[:16], 1e-6)
		within(t, "RMSNorm in groups", y, floats(g["rms.grouped"]), 3, 1e-3)
		LayerNorm(p, y, x, w, b, 1e-12)
		within(t, "LayerNorm", y, floats(g["layer.y"]), 3, 1)
		copy(y, x)
		LayerNorm(p, y, y, w, nil, 1e-5)
		within(t, "LayerNorm without bias, in place", y, floats(g["layer.nobias"]), 3, 1)
	})
}

func TestRotaryGolden(t *testing.T) {
	g := golden(t, "testdata/ops.safetensors")
	x, want := floats(g["rope.x"]), floats(g["rope.y"])
	var pos []int32
	for _, f := range floats(g["rope.pos"]) {
		pos = append(pos, int32(f))
	}
	eachImpl(t, func(t *testing.T) {
		r := NewRotary(floats(g["rope.freq"]), 1)
		y := make([]float32, len(x))
		r.Rows(nil, y, x, 4, 16, pos)
		within(t, "rotation", y, want, 2, 1)

		// Of heads of 20 the last 4 numbers stay as they are.
		wide, out := make([]float32, 7*4*20), make([]float32, 7*4*20)
		for i := range 28 {
			copy(wide[20*i:], x[16*i:16*i+16])
			copy(wide[20*i+16:], []float32{1, 2, 3, 4})
		}
		r.Rows(nil, out, wide, 4, 20, pos)
		for i := range 28 {
			within(t, "partial rotation", out[20*i:20*i+16], y[16*i:16*i+16], 0, 1)
			within(t, "what is not rotated", out[20*i+16:20*i+20], []float32{1, 2, 3, 4}, 0, 1)
		}

		r = NewRotary(floats(g["rope.freq"]), 0.5)
		r.Rows(nil, y, x, 4, 16, pos)
		for i := range want {
			y[i] *= 2
		}
		within(t, "rotation with a factor", y, want, 2, 1)
	})
}

func TestActivationsGolden(t *testing.T) {
	g := golden(t, "testdata/ops.safetensors")
	x, up := floats(g["act.x"]), floats(g["act.up"])
	eachImpl(t, func(t *testing.T) {
		y := make([]float32, len(x))
		for act := range activations {
			a := Activation(act)
			GLU(nil, y, x, nil, a)
			limit, floor := 3.0, 1e-38
			if a == GELU || a == GELUTanh {
				limit, floor = 7, 0.01 // torch subtracts from 1 on the left; see TestFunctionsAccuracy
			}
			within(t, a.String(), y, floats(g["act."+a.String()]), limit, floor)
		}
		GLU(nil, y, x, up, SiLU)
		within(t, "silu(gate)*up", y, floats(g["act.silu_up"]), 3, 1e-38)
		Scale(nil, y, x, 2.5, 30)
		within(t, "soft cap", y, floats(g["cap.y"]), 3, 1e-38)
	})
}

func TestRowsGolden(t *testing.T) {
	g := golden(t, "testdata/ops.safetensors")
	x := floats(g["row.x"])
	eachImpl(t, func(t *testing.T) {
		y := make([]float32, len(x))
		SoftmaxRow(y, x)
		within(t, "softmax", y, floats(g["row.softmax"]), 3, 1e-3)
		within(t, "log-sum-exp", []float32{float32(LogSumExp(x))}, floats(g["row.logsumexp"]), 1, 1e-38)
		if have, want := ArgMax(x), int(floats(g["row.argmax"])[0]); have != want {
			t.Errorf("argmax %d, want %d", have, want)
		}
	})
}

func TestRowsAtTheEdge(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachImpl(t, func(t *testing.T) {
		for _, c := range []struct {
			x    []float32
			top  int
			lse  float64
			soft []float32
		}{
			{nil, -1, math.Inf(-1), nil},
			{[]float32{-7}, 0, -7, []float32{1}},
			{[]float32{3, 3}, 0, 3 + math.Ln2, []float32{0.5, 0.5}},
			{[]float32{1, 900, -900}, 1, 900, []float32{0, 1, 0}},
			{[]float32{-inf, 2, -inf}, 1, 2, []float32{0, 1, 0}},
			{[]float32{-inf, -inf}, 0, math.Inf(-1), []float32{nan, nan}},
			{[]float32{nan, -inf}, 1, math.NaN(), []float32{nan, nan}},
			{[]float32{nan, 5, 7, 7}, 2, math.NaN(), []float32{nan, nan, nan, nan}},
			{[]float32{nan, nan}, 0, math.NaN(), []float32{nan, nan}},
		} {
			if have := ArgMax(c.x); have != c.top {
				t.Errorf("ArgMax(%v) = %d, want %d", c.x, have, c.top)
			}
			if have := LogSumExp(c.x); have != c.lse && math.Abs(have-c.lse) > 1e-6 || math.IsNaN(have) != math.IsNaN(c.lse) {
				t.Errorf("LogSumExp(%v) = %v, want %v", c.x, have, c.lse)
			}
			y := make([]float32, len(c.x))
			SoftmaxRow(y, c.x)
			if !sameNumbers(y, c.soft) {
				t.Errorf("SoftmaxRow(%v) = %v, want %v", c.x, y, c.soft)
			}
		}
	})
}

// sameNumbers is equality of bits, except that all NaNs are one.
func sameNumbers(a, b []float32) bool {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) && (a[i] == a[i] || b[i] == b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}

// TestFunctionsAccuracy walks through float32 and compares with float64. Limits
// are in ulp of the result and hold on all paths.
func TestFunctionsAccuracy(t *testing.T) {
	for _, c := range []struct {
		name   string
		f      func(float32) float32
		exact  func(float64) float64
		lo, hi float64
		limit  float64
		floor  float64
	}{
		{"exp", exp32, math.Exp, -87.3, 88.7, 1, 1e-38},
		{"exp, subnormal", exp32, math.Exp, -103, -87.3, 1.5, 1.2e-38},
		{"tanh", tanh32, math.Tanh, -20, 20, 1.5, 1e-38},
		{"silu", silu32, func(x float64) float64 { return x / (1 + math.Exp(-x)) }, -80, 100, 2.5, 1e-37},
		{"gelu", gelu32, func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) }, -12.5, 14, 6, 1e-37},
		// The argument of the exponential carries the error of a product, which counts
		// the more the larger it is. 1+tanh in float32 is worse: 280 ulp at -3.
		{"gelu_tanh", geluTanh32, exactGELUTanh, -2, 20, 8, 1e-38},
		{"gelu_tanh, left", geluTanh32, exactGELUTanh, -9, -2, 120, 1e-37},
	} {
		worst, at := 0.0, float32(0)
		for b := uint32(0); b < 0xff800000; b += 4111 {
			x := math.Float32frombits(b)
			if !(float64(x) >= c.lo && float64(x) <= c.hi) {
				continue
			}
			want := c.exact(float64(x))
			_, e := math.Frexp(math.Max(math.Abs(want), c.floor))
			if u := math.Abs(float64(c.f(x))-want) / math.Ldexp(1, e-24); u > worst || math.IsNaN(u) {
				worst, at = u, x
			}
		}
		t.Logf("%s: at most %.2f ulp, at %v", c.name, worst, at)
		if !(worst <= c.limit) {
			t.Errorf("%s(%v) is off by %.2f ulp, at most %v are allowed", c.name, at, worst, c.limit)
		}
	}
}

func exactGELUTanh(x float64) float64 {
	return x / (1 + math.Exp(-2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

// Copy copies what does not fill whole pieces, too.
func TestCopy(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	for _, n := range []int{0, 1, 3*cut + 5} {
		x, y := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i] = float32(i + 1)
		}
		Copy(p, y, x)
		if i := firstDifference(x, y); i >= 0 {
			t.Errorf("of %d numbers, number %d is %v, want %v", n, i, y[i], x[i])
		}
	}
}
