package kernel

import (
	"fmt"
	"slices"
)

// Gemm computes products for training in memory that it keeps. It serves one
// goroutine at a time. The zero value is ready.
type Gemm struct {
	// Precision is that of products with weights, and of all terms of Sums that go by tiles.
	Precision Precision

	left    []float32     // the left side of single products, laid out
	scratch []gemmScratch // one per worker
	laying  layTask
	plain   gemmJob
	tiled   splitJob
}

// MulT is y [rows, w.Rows] = x [rows, w.Cols] wᵀ, or added to y. Weights count as
// what they dequantise to.
func (g *Gemm) MulT(p *Pool, y, x []float32, rows int, w *Matrix, addition bool) {
	g.one(p, y, x, Transposed(w), rows, w.Rows, w.Cols, addition)
}

// Mul is y [rows, w.Cols] = x [rows, w.Rows] w, or added to y.
func (g *Gemm) Mul(p *Pool, y, x []float32, rows int, w *Matrix, addition bool) {
	g.one(p, y, x, Across(w), rows, w.Cols, w.Rows, addition)
}

func (g *Gemm) one(p *Pool, y, x []float32, b Factor, rows, n, k int, addition bool) {
	size := g.LeftLen(rows, k)
	g.left = slices.Grow(g.left[:0], size)[:size]
	l := g.Left(g.left, RowMajor(x, k), rows, k)
	g.Lay(p, l)
	g.Sums(p, Sum{Y: y, N: n, Addition: addition, Terms: []Term{{l, b}}})
}

// Product is y [m, n] = a [m, k] b [k, n] in float32, or added to y.
func (g *Gemm) Product(p *Pool, y []float32, a, b View, m, n, k int, addition bool) {
	if len(y) != m*n {
		panic(fmt.Sprintf("kernel: product [%d, %d] into %d numbers", m, n, len(y)))
	}
	a.holds(m, k)
	b.holds(k, n)
	if m == 0 || n == 0 {
		return
	}
	g.float(p, []Sum{{Y: y, N: n, Addition: addition, Terms: []Term{{&Left{x: a, rows: m, k: k}, Of(b)}}}})
}

// reserve makes memory for workers that unpack so many numbers at a time, and so many pairs.
func (g *Gemm) reserve(workers, numbers, pairs int) {
	for len(g.scratch) < workers {
		g.scratch = append(g.scratch, gemmScratch{})
	}
	for i := range g.scratch[:workers] {
		s := &g.scratch[i]
		if len(s.panel) < numbers {
			s.panel = hugeFloats(numbers)
		}
		if len(s.pairs) < pairs {
			s.pairs = hugeFloats(pairs)
		}
	}
}
