package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Attention by tiles is the same in Go and on the tiles of this machine, whoever computes
// it, and near to that in float64: by the bounds of split numbers, and of bfloat16 alone. So is
// that by pairs, where there are instructions for them.
func TestSelfAttentionReduced(t *testing.T) {
	before := Impl()
	defer Use(before)
	ways := []struct {
		name      string
		way       selfWay
		precision Precision
		here      func() bool
		tol       float64
	}{
		{"tiles", (*selfScratch).runTiles, Split, func() bool { return true }, 1e-4},
		{"tiles", (*selfScratch).runTiles, Half, func() bool { return true }, 2e-2},
		{"pairs", (*selfScratch).runPairs, Half, hasPairs, 2e-2},
	}
	for _, c := range []struct {
		lens                []int
		heads, kvHeads, dim int
		window              int
		softCap             float32
	}{
		{[]int{1}, 1, 1, 8, 0, 0}, {[]int{5, 3}, 4, 2, 32, 0, 0}, {[]int{34}, 2, 1, 40, 3, 0},
		{[]int{64}, 1, 1, 32, 0, 1.5}, {[]int{130}, 1, 1, 4, 50, 2}, {[]int{96, 2}, 2, 1, 4, 0, 0}, {[]int{100}, 1, 1, 3, 5, 0},
	} {
		for _, w := range ways {
			what, tol := fmt.Sprint(w.name, w.precision, c), w.tol
			rng := rand.New(rand.NewPCG(4, 4))
			s := &SelfAttend{KVHeads: c.kvHeads, HeadDim: c.dim, AttendOptions: AttendOptions{Heads: c.heads, Scale: 0.4, Window: c.window, SoftCap: c.softCap}}
			rows := 0
			for _, n := range c.lens {
				s.Spans = append(s.Spans, Span{Row: rows, Len: n})
				rows += n
			}
			s.Q, s.K, s.V = randomF32(rng, rows*c.heads*c.dim), randomF32(rng, rows*c.kvHeads*c.dim), randomF32(rng, rows*c.kvHeads*c.dim)
			g := randomF32(rng, len(s.Q))
			var first [][]float32
			a := SelfAttention{Precision: w.precision}
			pool := NewPool(3)
			for _, impl := range Impls() {
				if Use(impl); !w.here() {
					continue
				}
				for _, p := range []*Pool{nil, pool} {
					out, gq, gk, gv := ones(len(s.Q)), ones(len(s.Q)), ones(len(s.K)), ones(len(s.V))
					a.runIn(p, w.way, s, out, nil, nil, nil)
					a.runIn(p, w.way, s, g, gq, gk, gv)
					have := [][]float32{out, gq, gk, gv}
					if first == nil {
						first = have
					}
					for i, x := range have {
						sameBits(t, fmt.Sprint(what, impl, i), x, first[i])
					}
				}
			}
			pool.Close()
			if first == nil {
				continue // no instructions for pairs
			}
			f := func(in [][]float64) []float64 { return attentionByDefinition(s, in[0], in[1], in[2]) }
			wide := func(x []float32) (y []float64) {
				for _, v := range x {
					y = append(y, float64(v))
				}
				return y
			}
			for i, want := range f([][]float64{wide(s.Q), wide(s.K), wide(s.V)}) {
				if math.Abs(float64(first[0][i])-want) > tol {
					t.Fatalf("%s: output %d is %v, want %v", what, i, first[0][i], want)
				}
			}
			if rows <= 8 {
				gradients(t, what, [][]float32{s.Q, s.K, s.V}, g, first[1:], tol, f)
				continue
			}
			// Too many for differences: float32 has been compared with them.
			gq, gk, gv := make([]float32, len(s.Q)), make([]float32, len(s.K)), make([]float32, len(s.V))
			a.runIn(nil, (*selfScratch).run, s, g, gq, gk, gv)
			for i, want := range [][]float32{gq, gk, gv} {
				for k, have := range first[1+i] {
					if d := math.Abs(float64(have - want[k])); !(d <= tol*max(1, math.Abs(float64(want[k])))) {
						t.Fatalf("%s: gradient %d of input %d is %v, want %v", what, k, i, have, want[k])
					}
				}
			}
		}
	}
}

// What a sequence has that is no number does not reach the next, which is shorter.
func TestSelfAttentionForgets(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 5))
	attend := func(a *SelfAttention, way selfWay, rows int, v float32) [][]float32 {
		s := &SelfAttend{KVHeads: 1, HeadDim: 24, Spans: []Span{{Len: rows}}, AttendOptions: AttendOptions{Heads: 2, Scale: 0.2}}
		x := make([]float32, rows*2*24)
		for i := range x {
			x[i] = v * float32(i%7-3)
		}
		s.Q, s.K, s.V = x, x[:rows*24], x[rows*24:]
		out, gq, gk, gv := ones(len(s.Q)), ones(len(s.Q)), ones(len(s.K)), ones(len(s.V))
		a.runIn(nil, way, s, out, nil, nil, nil)
		a.runIn(nil, way, s, x, gq, gk, gv)
		return [][]float32{out, gq, gk, gv}
	}
	ways := map[string]selfWay{"float32": (*selfScratch).run, "tiles": (*selfScratch).runTiles}
	if hasPairs() {
		ways["pairs"] = (*selfScratch).runPairs
	}
	for name, way := range ways {
		for range 20 {
			rows := 1 + rng.IntN(99)
			a, fresh := SelfAttention{Precision: Half}, SelfAttention{Precision: Half}
			attend(&a, way, rows+1+rng.IntN(99), float32(math.NaN()))
			want := attend(&fresh, way, rows, 0.1)
			for i, x := range attend(&a, way, rows, 0.1) {
				sameBits(t, fmt.Sprint(name, " ", rows, " ", i), x, want[i])
			}
		}
	}
}

// By tiles is what the precision asks for where there are any, by pairs where there are no tiles and half
// of it suffices, and float32 elsewhere.
func TestSelfAttentionPrecision(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	s := &SelfAttend{KVHeads: 1, HeadDim: 32, Spans: []Span{{Len: 40}}, AttendOptions: AttendOptions{Heads: 1, Scale: 0.2}}
	s.Q, s.K, s.V = randomF32(rng, 40*32), randomF32(rng, 40*32), randomF32(rng, 40*32)
	before := Impl()
	defer Use(before)
	for _, impl := range Impls() {
		Use(impl)
		var plain, same []float32
		for _, precision := range []Precision{Full, Split, Half} {
			a := SelfAttention{Precision: precision}
			out := make([]float32, len(s.Q))
			a.Forward(nil, out, s)
			if plain == nil {
				plain = out
			}
			same = out
			want := impl == "amx" && precision != Full || precision == Half && hasPairs()
			if other := !slices.Equal(plain, same); other != want {
				t.Errorf("%s, %v: other than float32: %v", impl, precision, other)
			}
		}
	}
}

// The attention of one layer of SmolLM2-135M with two sequences of 256 tokens, forward
// and back.
func BenchmarkSelfAttention(b *testing.B) {
	const rows, heads, kvHeads, d = 512, 9, 3, 64
	rng := rand.New(rand.NewPCG(6, 6))
	s := &SelfAttend{KVHeads: kvHeads, HeadDim: d, Spans: []Span{{Len: rows / 2}, {Row: rows / 2, Len: rows / 2}}, AttendOptions: AttendOptions{Heads: heads, Scale: 0.125}}
	s.Q, s.K, s.V = randomF32(rng, rows*heads*d), randomF32(rng, rows*kvHeads*d), randomF32(rng, rows*kvHeads*d)
	g, out := randomF32(rng, len(s.Q)), make([]float32, len(s.Q))
	gq, gk, gv := make([]float32, len(s.Q)), make([]float32, len(s.K)), make([]float32, len(s.V))
	for _, precision := range []Precision{Full, Split, Half} {
		a := SelfAttention{Precision: precision}
		b.Run(fmt.Sprint(precision, "/forward"), func(b *testing.B) {
			for b.Loop() {
				a.Forward(nil, out, s)
			}
		})
		b.Run(fmt.Sprint(precision, "/back"), func(b *testing.B) {
			for b.Loop() {
				a.Back(nil, gq, gk, gv, g, s)
			}
		})
	}
}
