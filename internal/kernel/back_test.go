package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// gradients holds what an operation passes back against central differences of its
// definition f in float64: f computes outputs from inputs, and grads[i] is the
// gradient of Σ weights*outputs by inputs[i]. Differences of step h are off by h² f”'/6
// and by rounding of float64 over h; tol covers the rounding of float32 in have.
func gradients(t *testing.T, what string, inputs [][]float32, weights []float32, grads [][]float32, tol float64, f func(in [][]float64) []float64) {
	t.Helper()
	in := make([][]float64, len(inputs))
	for i, x := range inputs {
		in[i] = make([]float64, len(x))
		for j, v := range x {
			in[i][j] = float64(v)
		}
	}
	total := func() (sum float64) {
		for i, v := range f(in) {
			sum += v * float64(weights[i])
		}
		return sum
	}
	const h = 1e-5
	for i := range in {
		if grads[i] == nil {
			continue
		}
		for j, v := range in[i] {
			in[i][j] = v + h
			up := total()
			in[i][j] = v - h
			down := total()
			in[i][j] = v
			want := (up - down) / (2 * h)
			if have := float64(grads[i][j]); !(math.Abs(have-want) <= tol*max(1, math.Abs(want))) {
				t.Fatalf("%s: gradient %d of input %d is %v, want %v", what, j, i, have, want)
			}
		}
	}
}

func ones(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = 1
	}
	return x
}

func TestNormBack(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 1))
		for _, n := range []int{1, 7, 16, 33} {
			const groups = 3
			x, w, gy := randomF32(rng, groups*n), randomF32(rng, n), randomF32(rng, groups*n)
			for _, center := range []bool{false, true} {
				gx := ones(len(x)) // what is there stays
				const eps = 0.1
				back := RMSNormBack
				if center {
					back = LayerNormBack
				}
				back(nil, gx, gx, gy, x, w, eps)
				apart, fresh, zeros := randomF32(rng, len(x)), randomF32(rng, len(x)), make([]float32, len(x))
				back(nil, apart, ones(len(x)), gy, x, w, eps)
				sameBits(t, "another base", apart, gx)
				back(nil, fresh, nil, gy, x, w, eps)
				back(nil, zeros, zeros, gy, x, w, eps)
				sameBits(t, "no base", fresh, zeros)
				for i := range gx {
					gx[i]--
				}
				gradients(t, fmt.Sprint("norm ", n, center), [][]float32{x}, gy, [][]float32{gx}, 2e-5, func(in [][]float64) []float64 {
					y := make([]float64, len(x))
					for g := 0; g < len(x); g += n {
						mean, square := 0.0, 0.0
						for _, v := range in[0][g : g+n] {
							mean += v / float64(n)
						}
						if !center {
							mean = 0
						}
						for _, v := range in[0][g : g+n] {
							square += (v - mean) * (v - mean) / float64(n)
						}
						for i := range n {
							y[g+i] = (in[0][g+i] - mean) / math.Sqrt(square+eps) * float64(w[i])
						}
					}
					return y
				})
			}
		}
	})
}

func TestGLUBack(t *testing.T) {
	definition := map[Activation]func(x float64) float64{
		SiLU:     func(x float64) float64 { return x / (1 + math.Exp(-x)) },
		GELU:     func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) },
		GELUTanh: func(x float64) float64 { return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) },
		Tanh:     math.Tanh,
	}
	eachImpl(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 2))
		for act, f := range definition {
			for _, n := range []int{1, 19, 300} {
				gate, up, gy := randomF32(rng, n), randomF32(rng, n), randomF32(rng, n)
				for i := range gate {
					gate[i] *= 3
				}
				gg, gu := make([]float32, n), make([]float32, n)
				GLUBack(nil, gg, gu, gy, gate, up, act)
				gradients(t, fmt.Sprint(act, n), [][]float32{gate, up}, gy, [][]float32{gg, gu}, 5e-6, func(in [][]float64) []float64 {
					y := make([]float64, n)
					for i := range y {
						y[i] = f(in[0][i]) * in[1][i]
					}
					return y
				})
				alone := make([]float32, n)
				GLUBack(nil, alone, nil, gy, gate, nil, act)
				gradients(t, fmt.Sprint(act, n, " alone"), [][]float32{gate}, gy, [][]float32{alone}, 5e-6, func(in [][]float64) []float64 {
					y := make([]float64, n)
					for i := range y {
						y[i] = f(in[0][i])
					}
					return y
				})
			}
			far := []float32{-1e30, -200, 200, 1e30}
			g := make([]float32, 4)
			GLUBack(nil, g, nil, ones(4), far, nil, act)
			for i, v := range g {
				if want := []float32{0, 0, 1, 1}[i]; act != Tanh && v != want || act == Tanh && v != 0 {
					t.Errorf("%v: slope at %g is %v", act, far[i], v)
				}
			}
		}
	})
}

// Gates, their gradients and those of the loss are the same, to the bit, on all paths.
func TestBackSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	const n = 1000
	gate, up, gy := randomF32(rng, n), randomF32(rng, n), randomF32(rng, n)
	for i := range gate {
		gate[i] *= 20
	}
	for i, v := range []float32{0, 1e-40, -1e-40, 88, -88, 104, -104, 1e30, -1e30, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())} {
		gate[i*17] = v
	}
	var want [][]float32
	eachImpl(t, func(t *testing.T) {
		y, gg, gu, logits := make([]float32, n), make([]float32, n), make([]float32, n), slices.Clone(up)
		nll := make([]float64, 2)
		GLU(nil, y, gate, up, SiLU)
		GLUBack(nil, gg, gu, gy, gate, up, SiLU)
		CrossEntropy(nil, logits, n/2, []int32{3, 400}, []float32{1, 0.5}, 0, nll, make([]bool, 2))
		have := [][]float32{y, gg, gu, logits, {float32(nll[0]), float32(nll[1])}}
		if want == nil {
			want = have
		}
		for i, x := range have {
			for k, v := range x {
				if v != v && want[i][k] != want[i][k] {
					continue
				}
				if math.Float32bits(v) != math.Float32bits(want[i][k]) {
					t.Fatalf("result %d, number %d is %v, want %v", i, k, v, want[i][k])
				}
			}
		}
	})
}

func TestScaleBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, limit := range []float32{0, 2} {
		x, gy := randomF32(rng, 100), randomF32(rng, 100)
		y, gx := make([]float32, 100), make([]float32, 100)
		Scale(nil, y, x, 1.5, limit)
		ScaleBack(nil, gx, gy, y, 1.5, limit)
		gradients(t, fmt.Sprint("scale ", limit), [][]float32{x}, gy, [][]float32{gx}, 5e-6, func(in [][]float64) []float64 {
			y := make([]float64, 100)
			for i, v := range in[0] {
				if y[i] = 1.5 * v; limit > 0 {
					y[i] = float64(limit) * math.Tanh(y[i]/float64(limit))
				}
			}
			return y
		})
	}
}

// The mask keeps the share that it should, without a pattern between neighbours or
// keys, and is the same whoever computes it.
func TestDropout(t *testing.T) {
	const n = 1 << 18
	pool := NewPool(3)
	defer pool.Close()
	x, y, z := ones(n), make([]float32, n), ones(n)
	Dropout(pool, y, x, 42, 0.25, false)
	Dropout(nil, z, x, 42, 0.25, true)
	kept, both, again := 0, 0, 0
	other := make([]float32, n)
	Dropout(nil, other, x, 43, 0.25, false)
	for i, v := range y {
		if v != 0 && v != float32(1/0.75) || z[i] != v+1 {
			t.Fatalf("number %d: %v, added to 1 %v", i, v, z[i])
		}
		if v != 0 {
			kept++
			if i > 0 && y[i-1] != 0 {
				both++
			}
			if other[i] != 0 {
				again++
			}
		}
	}
	// Five standard deviations of n draws.
	for what, pair := range map[string][2]float64{"kept": {float64(kept), 0.75}, "neighbours": {float64(both), 0.5625}, "keys": {float64(again), 0.5625}} {
		if want := pair[1] * n; math.Abs(pair[0]-want) > 5*math.Sqrt(n*pair[1]*(1-pair[1]))*1.5 {
			t.Errorf("%s: %v of %d, want about %v", what, pair[0], n, want)
		}
	}
}

// attentionByDefinition is the attention of each span in float64.
func attentionByDefinition(s *SelfAttend, q, k, v []float64) []float64 {
	out := make([]float64, len(q))
	d, group := s.HeadDim, s.Heads/s.KVHeads
	for _, span := range s.Spans {
		for i := range span.Len {
			for h := range s.Heads {
				at := (span.Row+i)*s.Heads*d + h*d
				first := 0
				if s.Window > 0 {
					first = max(0, i+1-s.Window)
				}
				p, sum := make([]float64, i+1), 0.0
				for j := first; j <= i; j++ {
					key := (span.Row+j)*s.KVHeads*d + h/group*d
					for e := range d {
						p[j] += q[at+e] * k[key+e] * float64(s.Scale)
					}
					if s.SoftCap > 0 {
						p[j] = float64(s.SoftCap) * math.Tanh(p[j]/float64(s.SoftCap))
					}
					p[j] = math.Exp(p[j])
					sum += p[j]
				}
				for j := first; j <= i; j++ {
					key := (span.Row+j)*s.KVHeads*d + h/group*d
					for e := range d {
						out[at+e] += p[j] / sum * v[key+e]
					}
				}
			}
		}
	}
	return out
}

func TestSelfAttention(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(4, 4))
		var a SelfAttention
		for _, c := range []struct {
			lens                []int
			heads, kvHeads, dim int
			window              int
			softCap             float32
		}{
			{[]int{1}, 1, 1, 8, 0, 0}, {[]int{5, 3}, 4, 2, 8, 0, 0}, {[]int{9}, 2, 1, 20, 3, 0},
			{[]int{7}, 2, 2, 16, 0, 1.5}, {[]int{60}, 1, 1, 4, 50, 2}, {[]int{51, 2}, 2, 1, 4, 0, 0}, {[]int{90}, 1, 1, 3, 5, 0},
		} {
			s := &SelfAttend{KVHeads: c.kvHeads, HeadDim: c.dim, AttendOptions: AttendOptions{Heads: c.heads, Scale: 0.4, Window: c.window, SoftCap: c.softCap}}
			rows := 0
			for _, n := range c.lens {
				s.Spans = append(s.Spans, Span{Row: rows, Len: n})
				rows += n
			}
			s.Q, s.K, s.V = randomF32(rng, rows*c.heads*c.dim), randomF32(rng, rows*c.kvHeads*c.dim), randomF32(rng, rows*c.kvHeads*c.dim)
			g := randomF32(rng, len(s.Q))
			out := make([]float32, len(s.Q))
			a.Forward(nil, out, s)
			f := func(in [][]float64) []float64 { return attentionByDefinition(s, in[0], in[1], in[2]) }
			wide := func(x []float32) (y []float64) {
				for _, v := range x {
					y = append(y, float64(v))
				}
				return y
			}
			for i, want := range f([][]float64{wide(s.Q), wide(s.K), wide(s.V)}) {
				if math.Abs(float64(out[i])-want) > 2e-6 {
					t.Fatalf("%v: output %d is %v, want %v", c, i, out[i], want)
				}
			}
			gq, gk, gv := make([]float32, len(s.Q)), make([]float32, len(s.K)), make([]float32, len(s.V))
			a.Back(nil, gq, gk, gv, g, s)
			gradients(t, fmt.Sprint(c), [][]float32{s.Q, s.K, s.V}, g, [][]float32{gq, gk, gv}, 1e-5, f)

			pool := NewPool(3)
			same := [][]float32{slices.Clone(gq), slices.Clone(gk), slices.Clone(gv)}
			a.Back(pool, gq, gk, gv, g, s)
			for i, x := range [][]float32{gq, gk, gv} {
				sameBits(t, "with workers", x, same[i])
			}
			pool.Close()
		}
	})
}
