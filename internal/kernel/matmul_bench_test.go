package kernel

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// BenchmarkMatMul is one matrix of many rows, which stays in the caches: GB/s of weights for one
// token, GOPS (two per weight and token) for many.
func BenchmarkMatMul(b *testing.B) { benchmarkFormats(b, 1536, 768, 1, 4, 8, 32, 64) }

// BenchmarkMatMulWide is one token and a matrix as models of 7B have, of which caches hold little.
func BenchmarkMatMulWide(b *testing.B) { benchmarkFormats(b, 4096, 4096, 1) }

func benchmarkFormats(b *testing.B, rows, cols int, tokens ...int) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, f := range Formats() {
		m := mustMatrix(b, Source{Type: f.Type, Rows: rows, Cols: cols, Data: randomStored(rng, f, rows, cols)})
		for _, tokens := range tokens {
			for _, pr := range products {
				b.Run(fmt.Sprintf("%s/tokens=%d/exact=%v", f.Name, tokens, pr.exact), func(b *testing.B) {
					x := randomActs(rng, tokens, cols)
					y := make([]float32, tokens*rows)
					var a Acts
					for b.Loop() {
						a.Set(nil, x, tokens, cols)
						pr.f(nil, y, m, &a)
					}
					perOp := b.Elapsed().Seconds() / float64(b.N)
					b.ReportMetric(float64(m.Bytes())/perOp/1e9, "GB/s")
					b.ReportMetric(2*float64(rows*cols*tokens)/perOp/1e9, "GOPS")
				})
			}
		}
	}
}

// smolLM2 is the matrices of SmolLM2-135M in Q4_1, each layer's own, and the head in Q8_0.
func smolLM2(b testing.TB) (all []*Matrix, size int64) {
	rng := rand.New(rand.NewPCG(1, 1))
	add := func(t Type, rows, cols int) {
		f, _ := FormatOf(t)
		row := randomStored(rng, f, 16, cols)
		data := make([]byte, 0, rows*t.RowBytes(cols))
		for len(data) < cap(data) {
			data = append(data, row[:min(len(row), cap(data)-len(data))]...)
		}
		m := mustMatrix(b, Source{Type: t, Rows: rows, Cols: cols, Data: data})
		all = append(all, m)
		size += m.Bytes()
	}
	for range 30 {
		for _, s := range [][2]int{{576, 576}, {192, 576}, {192, 576}, {576, 576}, {1536, 576}, {1536, 576}, {576, 1536}} {
			add(Q4_1, s[0], s[1])
		}
	}
	add(Q8_0, 49152, 576)
	return all, size
}

// BenchmarkMatMulModel is all products of one pass of SmolLM2-135M: GB/s of
// weights, GOPS and tokens/s, were there nothing else to do.
func BenchmarkMatMulModel(b *testing.B) {
	all, size := smolLM2(b)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
		for _, c := range []struct {
			tokens int
			exact  bool
		}{{1, true}, {4, true}, {8, true}, {512, true}, {512, false}} {
			tokens := c.tokens
			b.Run(fmt.Sprintf("workers=%d/tokens=%d/exact=%v", workers, tokens, c.exact), func(b *testing.B) {
				p := NewPool(workers)
				defer p.Close()
				x := randomActs(rng, tokens, 1536)
				y := make([]float32, tokens*1536)
				head := make([]float32, 49152*min(tokens, 8))
				var a Acts
				ops := 0.0
				for b.Loop() {
					ops = 0
					for _, m := range all {
						n, out := tokens, y
						if m.Rows > 1536 {
							n = min(tokens, 8)
							out = head
						}
						a.Set(p, x[:n*m.Cols], n, m.Cols)
						a.single(p, out[:n*m.Rows], m, c.exact)
						ops += 2 * float64(n*m.Rows*m.Cols)
					}
				}
				perOp := b.Elapsed().Seconds() / float64(b.N)
				b.ReportMetric(float64(size)/perOp/1e9, "GB/s")
				b.ReportMetric(ops/perOp/1e9, "GOPS")
				b.ReportMetric(float64(tokens)/perOp, "tokens/s")
			})
		}
	}
}

// BenchmarkNewMatrix is the laying out of 16 MB.
func BenchmarkNewMatrix(b *testing.B) {
	for _, f := range Formats() {
		if f.packing == nil {
			continue
		}
		b.Run(f.Name, func(b *testing.B) {
			const cols = 2048
			rows := 16 << 20 / f.Type.RowBytes(cols)
			src := Source{Type: f.Type, Rows: rows, Cols: cols, Data: make([]byte, rows*f.Type.RowBytes(cols))}
			b.SetBytes(int64(len(src.Data)))
			for b.Loop() {
				mustMatrix(b, src)
			}
		})
	}
}
