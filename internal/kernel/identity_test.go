package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// firstDifference is the first place where two slices differ in a bit, -1 if none.
func firstDifference(a, b []float32) int {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return i
		}
	}
	return -1
}

// products are both ways to multiply with quantised weights.
var products = []struct {
	name  string
	exact bool
	f     func(p *Pool, y []float32, w *Matrix, a *Acts)
}{{"8 bits", false, MatMul}, {"16 bits", true, MatMulExact}}

func multiply(exact bool, p *Pool, m *Matrix, x []float32, tokens int) []float32 {
	var a Acts
	y := make([]float32, tokens*m.Rows)
	for i := range y { // what was there does not count
		y[i] = float32(math.NaN())
	}
	a.Set(p, x, tokens, m.Cols)
	a.single(p, y, m, exact)
	return y
}

// A row of activations has the same products, to the bit, however many rows are
// computed with it and by however many workers.
func TestMatMulBatchInvariance(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	const most, rows = 67, 41
	eachImpl(t, func(t *testing.T) {
		for _, f := range Formats() {
			for _, cols := range []int{96, 768, 2048} { // 2048: more than tiledCols
				if cols%f.BlockLen != 0 || cols == 2048 && isa == pathGeneric {
					continue
				}
				rng := rand.New(rand.NewPCG(4, uint64(cols)))
				m := mustMatrix(t, Source{Type: f.Type, Rows: rows, Cols: cols, Data: randomStored(rng, f, rows, cols)})
				x := randomActs(rng, most, cols)
				sizes := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 15, 16, 17, 31, 33, 64, 67}
				if isa != pathGeneric && cols == 96 {
					sizes = sizes[:0]
					for n := range most {
						sizes = append(sizes, n+1)
					}
				}
				for _, pr := range products {
					var want []float32
					for tok := range most {
						want = append(want, multiply(pr.exact, nil, m, x[tok*cols:(tok+1)*cols], 1)...)
					}
					for _, n := range sizes {
						have := multiply(pr.exact, p, m, x[:n*cols], n)
						if i := firstDifference(have, want[:n*rows]); i >= 0 {
							t.Fatalf("%s in %s, %d columns: output %d of token %d of %d is %v, alone %v", f.Name, pr.name, cols, i%rows, i/rows, n, have[i], want[i])
						}
					}
				}
			}
		}
	})
}

// mustCutBands fails unless the path in use cuts many rows in bands.
func mustCutBands(t *testing.T) {
	m := mustMatrix(t, Source{Type: Q4_1, Rows: 16, Cols: 32, Data: make([]byte, 16*Q4_1.RowBytes(32))})
	for _, exact := range []bool{false, true} {
		a := Acts{rows: 3*bandRows + 5, cols: 32}
		if n := a.bandsOf([]Product{{W: m, Exact: exact}}, 4); n != 3 {
			t.Fatalf("exact %v: %d bands, want 3", exact, n)
		}
	}
}

// Rows in several bands have the bits that they have in one.
func TestMatMulBands(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	const tokens, rows, cols = 3*bandRows + 5, 150, 256
	rng := rand.New(rand.NewPCG(8, 8))
	x := randomActs(rng, tokens, cols)
	eachImpl(t, func(t *testing.T) {
		mustCutBands(t)
		for _, f := range Formats() {
			m := mustMatrix(t, Source{Type: f.Type, Rows: rows, Cols: cols, Data: randomStored(rng, f, rows, cols)})
			up := mustMatrix(t, Source{Type: f.Type, Rows: rows, Cols: cols, Data: randomStored(rng, f, rows, cols)})
			for _, pr := range products {
				want, have := multiply(pr.exact, nil, m, x, tokens), multiply(pr.exact, p, m, x, tokens)
				if i := firstDifference(have, want); i >= 0 {
					t.Fatalf("%s in %s: output %d of token %d is %v, in one band %v", f.Name, pr.name, i%rows, i/rows, have[i], want[i])
				}
				gated := func(p *Pool) []float32 {
					var a Acts
					a.Set(p, x, tokens, cols)
					y, other := make([]float32, tokens*rows), make([]float32, 2*tokens*rows)
					gate := Product{Y: other[:tokens*rows], W: m, Exact: pr.exact}
					MatMulGLU(p, y, gate, Product{Y: other[tokens*rows:], W: up, Exact: pr.exact}, &a, SiLU)
					return y
				}
				want, have = gated(nil), gated(p)
				if i := firstDifference(have, want); i >= 0 {
					t.Fatalf("%s in %s: unit %d of token %d is %v, in one band %v", f.Name, pr.name, i%rows, i/rows, have[i], want[i])
				}
			}
		}
	})
}

// Every path computes the same bits.
func TestMatMulPathsAgree(t *testing.T) {
	for _, f := range Formats() {
		for _, c := range []struct{ tokens, rows, cols int }{{1, 16, 32}, {1, 50, 576}, {3, 33, 256}, {11, 17, 1536}, {16, 16, 512}, {48, 40, 768}, {67, 33, 1536}, {2, 3, 17}, {7, 20, 1000}} {
			if c.cols%f.BlockLen != 0 {
				continue
			}
			rng := rand.New(rand.NewPCG(5, uint64(c.cols)))
			m := mustMatrix(t, Source{Type: f.Type, Rows: c.rows, Cols: c.cols, Data: randomStored(rng, f, c.rows, c.cols)})
			x := randomActs(rng, c.tokens, c.cols)
			for _, pr := range products {
				before := Impl()
				Use("generic")
				want := multiply(pr.exact, nil, m, x, c.tokens)
				Use(before)
				eachImpl(t, func(t *testing.T) {
					have := multiply(pr.exact, nil, m, x, c.tokens)
					if i := firstDifference(have, want); i >= 0 {
						t.Errorf("%s in %s %v: output %d is %v, in portable Go %v", f.Name, pr.name, c, i, have[i], want[i])
					}
				})
			}
		}
	}
}

// The largest weights against the largest activations: no path may saturate.
func TestMatMulExtremes(t *testing.T) {
	const cols = 512
	for _, f := range Formats() {
		if f.packing == nil {
			continue
		}
		for _, fill := range []byte{0x00, 0x7f, 0x80, 0x81, 0xff} {
			data := make([]byte, 16*f.Type.RowBytes(cols))
			for i := range data {
				data[i] = fill
			}
			for b := 0; b < len(data); b += f.BlockBytes {
				for _, fd := range f.packing.fields {
					if fd.size == 2 {
						putHalf(data[b+fd.off:], 0.5)
					}
				}
			}
			m := mustMatrix(t, Source{Type: f.Type, Rows: 16, Cols: cols, Data: data})
			w := make([]float32, cols)
			m.Row(w, 0)
			const most = 51 // enough for tiles
			x := make([]float32, most*cols)
			for i := range x {
				x[i] = []float32{1, -1, float32(1 - i%2*2)}[i/cols%3]
			}
			eachImpl(t, func(t *testing.T) {
				for _, pr := range products {
					y := multiply(pr.exact, nil, m, x, most)
					for tok := range most {
						want, mag := referenceProduct(pr.exact, w, f, x[tok*cols:(tok+1)*cols])
						if have := float64(y[tok*16]); math.Abs(have-want) > 2e-6*mag {
							t.Errorf("%s in %s of bytes %#x: %v, want %v", f.Name, pr.name, fill, have, want)
						}
					}
				}
			})
		}
	}
}

// The unpackers of every path make the same panel.
func TestUnpackPathsAgree(t *testing.T) {
	const n = 3
	rng := rand.New(rand.NewPCG(6, 6))
	for _, f := range Formats() {
		if f.packing == nil {
			continue
		}
		src := make([]byte, n*groupRows*f.BlockBytes)
		for i := range src {
			src[i] = byte(rng.Uint32())
		}
		// Halves are kept finite: what NaN a product of NaNs is, is not settled.
		at := 0
		for _, fd := range f.packing.fields {
			for i := 0; fd.size == 2 && i < fd.n*groupRows; i++ {
				for b := range n {
					putHalf(src[b*groupRows*f.BlockBytes+at+2*i:], float32(rng.NormFloat64()))
				}
			}
			at += fd.n * fd.size * groupRows
		}
		panel := func() (q []uint8, s, m []float32) {
			q, s, m = make([]uint8, n*f.BlockLen*groupRows), make([]float32, f.steps(n)), make([]float32, f.steps(n))
			f.unpack(q, s, m, src, n)
			return q, s, m
		}
		before := Impl()
		Use("generic")
		q, s, m := panel()
		Use(before)
		eachImpl(t, func(t *testing.T) {
			q2, s2, m2 := panel()
			if !slices.Equal(q, q2) || firstDifference(s, s2) >= 0 || firstDifference(m, m2) >= 0 {
				t.Errorf("%s: the panel differs from that of portable Go", f.Name)
			}
		})
	}
}

// Once its memory has grown, a product allocates nothing.
func TestMatMulAllocates(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	rng := rand.New(rand.NewPCG(7, 7))
	eachImpl(t, func(t *testing.T) {
		for _, f := range Formats() {
			t.Run(f.Name, func(t *testing.T) {
				const rows, cols, tokens = 48, 256, 50
				m := mustMatrix(t, Source{Type: f.Type, Rows: rows, Cols: cols, Data: randomStored(rng, f, rows, cols)})
				x := randomActs(rng, tokens, cols)
				y := make([]float32, tokens*rows)
				var a Acts
				step := func() {
					for _, n := range []int{tokens, 9, 1} {
						a.Set(p, x[:n*cols], n, cols)
						MatMul(p, y[:n*rows], m, &a)
						MatMulExact(p, y[:n*rows], m, &a)
					}
				}
				step()
				if n := testing.AllocsPerRun(20, step); n != 0 {
					t.Errorf("%v allocations a run", n)
				}
			})
		}
	})
}
