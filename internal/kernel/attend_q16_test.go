package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// TestSplitDigits: digits and scale are the numbers again to half a step, and the same on all paths.
func TestSplitDigits(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	const next = 100
	for name, change := range map[string]func(x []float32){
		"normal":    func(x []float32) {},
		"the edges": func(x []float32) { x[1], x[2], x[70] = 100, -100, 50.1 },
		"large":     func(x []float32) { scale(x, x, 1e37) },
		"small":     func(x []float32) { scale(x, x, 1e-28) },
		"tiny":      func(x []float32) { scale(x, x, 1e-33) },
		"zero":      func(x []float32) { clear(x) },
		"infinite":  func(x []float32) { x[5] = -inf },
		"none":      func(x []float32) { x[90], x[3] = nan, inf },
	} {
		x := randomActs(rand.New(rand.NewPCG(8, 8)), 1, 128)
		change(x)
		var first []int8
		eachImpl(t, func(t *testing.T) {
			both := make([]int8, 2*(next+digitDims))
			high, low := both[:next+digitDims], both[next+digitDims:]
			by, sum := splitDigits(high, low, x, next)
			if first == nil {
				first = both
			}
			if !slices.Equal(both, first) {
				t.Errorf("%s: other digits than on the first path", name)
			}
			bad := slices.ContainsFunc(x, func(f float32) bool { return f-f != 0 })
			if bad != (by != by) {
				t.Fatalf("%s: scale %v", name, by)
			}
			want := int32(0)
			for i, v := range x {
				h, l := high[i/digitDims*next+i%digitDims], low[i/digitDims*next+i%digitDims]
				want += 257*int32(h) + int32(l)
				if bad {
					if h != 0 || l != 0 {
						t.Fatalf("%s: digits %d and %d", name, h, l)
					}
					continue
				}
				// Up to 32512 steps are a product with rounded factors, of 24 bits; numbers below
				// 2^-100 become nothing.
				if off := math.Abs(float64(v) - float64(by)*float64(256*int(h)+int(l))); !(off <= (0.5+3*32512*0x1p-24)*float64(by)+0x1p-100) {
					t.Fatalf("%s: %v became %d and %d times %v", name, v, h, l, by)
				}
			}
			if !bad && sum != want {
				t.Errorf("%s: sum %d, want %d", name, sum, want)
			}
		})
	}
}

// TestDigitProducts: on all paths sums of products are those of whole numbers, counted here from the layout
// that kv_q16.go tells of.
func TestDigitProducts(t *testing.T) {
	for _, c := range []struct{ queries, blockLen, blocks, headDim int }{
		{1, 32, 4, 64}, {2, 16, 7, 64}, {3, 32, 3, 128}, {4, 64, 1, 64}, {5, 128, 1, 64}, {16, 16, 8, 256}, {17, 32, 4, 64}, {32, 64, 2, 512},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(c.queries)))
			kv := &KV{Type: Q16, BlockLen: c.blockLen, KVHeads: 1, HeadDim: c.headDim}
			n, d := c.blocks*c.blockLen, c.headDim
			kv.K, kv.V = make([]byte, c.blocks*kv.BlockBytes()), make([]byte, c.blocks*kv.BlockBytes())
			k, v, q := randomActs(rng, n, d), randomActs(rng, n, d), randomActs(rng, c.queries, d)
			span := Span{Len: n}
			for i := range c.blocks {
				span.Blocks = append(span.Blocks, int32(c.blocks-1-i))
			}
			kv.StoreRows(nil, k, v, []Span{span})
			whole := func(x []float32) ([]int64, []int64, float32) {
				var g digits
				g.of(x)
				high, low := make([]int64, len(x)), make([]int64, len(x))
				for i := range x {
					high[i], low[i] = int64(g.high[i]), int64(g.low[i])
				}
				return high, low, g.scale
			}
			weights := make([]uint8, c.queries*n) // high digits of whole, low ones after them
			lows := make([]uint8, c.queries*n)
			for i := range weights {
				weights[i], lows[i] = uint8(rng.IntN(128)), uint8(rng.IntN(256))
			}
			wantScores, wantValues := make([]float32, c.queries*n), make([]float32, c.queries*d)
			sums := make([]int64, c.queries*d)
			for j := range n {
				kHigh, kLow, kScale := whole(k[j*d : j*d+d])
				vHigh, vLow, _ := whole(v[j*d : j*d+d])
				for i := range c.queries {
					qHigh, qLow, _ := whole(q[i*d : i*d+d])
					sum := int64(0)
					w, l := int64(weights[i*n+j]), int64(lows[i*n+j])
					for e := range d {
						sum += 256*qHigh[e]*kHigh[e] + qHigh[e]*kLow[e] + qLow[e]*kHigh[e]
						sums[i*d+e] += 256*w*vHigh[e] + w*vLow[e] + l*vHigh[e]
					}
					wantScores[i*n+j] = float32(sum) * kScale
				}
			}
			by := make([]float32, c.queries)
			for i := range by {
				by[i] = float32(rng.NormFloat64())
				for e := range d {
					wantValues[i*d+e] = float32(sums[i*d+e]) * by[i]
				}
			}
			eachImpl(t, func(t *testing.T) {
				var x digitScratch
				var ahead readAhead
				x.reserve(c.queries, d)
				x.take(kv, span.Blocks, 0, 0)
				for i := range c.queries {
					x.query(i, q[i*d:i*d+d], 1)
				}
				a, f, b := &x.keys, &x.softmax, &x.values
				a.ahead, a.queries, a.left, a.bias, a.n, a.out = &ahead, c.queries, unsafe.Pointer(&x.q[0]), &x.bias[0], n/digitLanes, &f.p[0]
				ahead.places(kv, kv.V, span.Blocks, 0)
				a.scores()
				for i := range c.queries {
					if !equalBits(f.p[i*chunkLen:][:n], wantScores[i*n:i*n+n]) {
						t.Fatalf("scores of query %d are %v, want %v", i, f.p[i*chunkLen:][:n], wantScores[i*n:i*n+n])
					}
					for j := range n {
						at := i/digitLanes*digitLanes*2*chunkLen + i%digitLanes*b.tokens + j/b.tokens*b.tokens*2*digitLanes + j%b.tokens
						f.w[at], f.w[at+b.tokens*digitLanes] = weights[i*n+j], lows[i*n+j]
					}
				}
				beyond := make([]float32, (c.queries+digitLanes)*d)
				out := beyond[:c.queries*d]
				b.ahead, b.asked, b.queries, b.left, b.n, b.out, b.by = &ahead, 1, c.queries, unsafe.Pointer(&f.w[0]), n/b.tokens, &out[0], &by[0]
				b.values()
				if !equalBits(out, wantValues) {
					t.Errorf("results are %v, want %v", out, wantValues)
				}
				if slices.ContainsFunc(beyond[len(out):], func(f float32) bool { return f != 0 }) {
					t.Error("there are results of queries that there are not")
				}
			})
		})
	}
}

// TestDigitSoftmax: on all paths m, l and w are what the portable code makes of the scores that count,
// whatever is where none does.
func TestDigitSoftmax(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, c := range []struct {
		name          string
		rows, tokens  int
		window, first int // scores that row i sees: up to first+i of them, window at most
		softCap       float32
		change        func(f *digitSoftmax)
	}{
		{"whole", 32, 32, 128, 128, 0, nil},
		{"one", 1, 16, 128, 1, 0, nil},
		{"causal", 30, 64, 128, 40, 0, nil},
		{"window", 19, 32, 33, 90, 0, nil},
		{"capped", 7, 32, 128, 100, 2, nil},
		{"a scale that is none, not seen", 5, 32, 128, 20, 0, func(f *digitSoftmax) { value(f, 24, float32(math.NaN())); value(f, 60, float32(math.Inf(1))) }},
		{"no values", 4, 32, 128, 70, 0, func(f *digitSoftmax) {
			for j := range chunkLen {
				value(f, j, 0)
			}
		}},
		{"nothing seen", 6, 32, 128, -2, 0, nil},
		{"far apart", 8, 64, 128, 128, 0, func(f *digitSoftmax) { scale(f.p[:], f.p[:], 1e4) }},
	} {
		var in digitSoftmax
		in.rows, in.tokens, in.offsets = c.rows, c.tokens, &digitOffsets[c.tokens/32]
		for i := range in.p {
			in.p[i] = float32(3 * rng.NormFloat64())
		}
		scales := make([]byte, 4*chunkLen)
		for i := range in.scales {
			in.scales[i] = &scales[4*i*digitLanes]
		}
		for j := range chunkLen {
			value(&in, j, rng.Float32())
		}
		of := make([]float32, digitPass)
		in.scale = &of[0]
		for i := range in.w {
			in.w[i] = 0xff
		}
		in.whole = 1
		for i := range c.rows {
			hi := min(max(0, c.first+i), chunkLen)
			lo := max(0, hi-c.window)
			if hi-lo < chunkLen {
				in.whole = 0
			}
			of[i], in.masks[i] = 0.1+rng.Float32(), [2]uint64{below(hi) &^ below(lo), below(hi-64) &^ below(lo-64)}
			in.vectors = max(1, (hi+lanes-1)/lanes)
		}
		if c.change != nil {
			c.change(&in)
		}
		var want *digitSoftmax
		eachImpl(t, func(t *testing.T) {
			f := in
			f.run(c.softCap)
			if want == nil {
				want = &f
				checkDigitSoftmax(t, c.name, &in, want, float64(c.softCap))
				return
			}
			for i := range c.rows {
				if in.whole == 0 && in.masks[i] == [2]uint64{} {
					f.m[i], f.l[i] = want.m[i], want.l[i] // nobody asks
				}
			}
			if !equalBits(f.m[:c.rows], want.m[:c.rows]) || !equalBits(f.l[:c.rows], want.l[:c.rows]) || !equalBits(f.top[:c.rows], want.top[:c.rows]) {
				t.Errorf("%s: m %v, l %v, scales %v, want %v, %v, %v", c.name, f.m[:c.rows], f.l[:c.rows], f.top[:c.rows], want.m[:c.rows], want.l[:c.rows], want.top[:c.rows])
			}
			for i := range c.rows {
				for j := range chunkLen {
					at := i/digitLanes*digitLanes*2*chunkLen + i%digitLanes*c.tokens + j/c.tokens*c.tokens*2*digitLanes + j%c.tokens
					if low := at + c.tokens*digitLanes; f.w[at] != want.w[at] || f.w[low] != want.w[low] {
						t.Fatalf("%s: weight %d of row %d is %d and %d, want %d and %d", c.name, j, i, f.w[at], f.w[low], want.w[at], want.w[low])
					}
				}
			}
		})
	}
}

// checkDigitSoftmax compares with the definition, in float64.
func checkDigitSoftmax(t *testing.T, name string, in, f *digitSoftmax, softCap float64) {
	for i := range in.rows {
		var seen [chunkLen]bool
		m, l := math.Inf(-1), 0.0
		score := func(j int) float64 {
			s := float64(in.p[i*chunkLen+j]) * float64(unsafe.Slice(in.scale, in.rows)[i])
			if softCap > 0 {
				s = softCap * math.Tanh(s/softCap)
			}
			return s
		}
		for j := range seen {
			if seen[j] = in.whole != 0 || in.masks[i][j/64]>>(j%64)&1 == 1; seen[j] {
				m = max(m, score(j))
			}
		}
		step := float64(f.top[i]) / 256
		for j, yes := range seen {
			at := i/digitLanes*digitLanes*2*chunkLen + i%digitLanes*in.tokens + j/in.tokens*in.tokens*2*digitLanes + j%in.tokens
			have, want := 256*int(f.w[at])+int(f.w[at+in.tokens*digitLanes]), 0.0
			if yes {
				want = math.Exp(score(j)-m) * float64(math.Float32frombits(binary.LittleEndian.Uint32(valueScale(in, j))))
				l += math.Exp(score(j) - m)
			}
			if !(math.Abs(float64(have)*step-want) <= 0.51*step+1e-5*want) || !yes && have != 0 {
				t.Fatalf("%s: weight %d of row %d is %d steps of %v, want %v", name, j, i, have, step, want)
			}
		}
		if m > math.Inf(-1) && !(math.Abs(float64(f.m[i])-m) <= 1e-5*(1+math.Abs(m)) && math.Abs(float64(f.l[i])-l) <= 1e-4*l) {
			t.Errorf("%s: m %v and l %v of row %d, want %v and %v", name, f.m[i], f.l[i], i, m, l)
		}
	}
}

// valueScale is the scale of value j.
func valueScale(f *digitSoftmax, j int) []byte {
	return unsafe.Slice(f.scales[j/digitLanes], 4*digitLanes)[j%digitLanes*4:]
}

func value(f *digitSoftmax, j int, scale float32) {
	binary.LittleEndian.PutUint32(valueScale(f, j), math.Float32bits(scale))
}
