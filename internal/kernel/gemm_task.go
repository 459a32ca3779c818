package kernel

import (
	"fmt"
	"slices"
	"sync/atomic"
)

// Gemm computes products for training in memory that it keeps. It serves one
// goroutine at a time. The zero value is ready.
type Gemm struct {
	// Precision is that of products with weights, and of all terms of Sums that go by tiles.
	Precision Precision

	pairs   []float32     // the left side as pairs
	left    []float32     // the left side of single products, laid out
	scratch []gemmScratch // one per worker
	job     gemmJob
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
	g.Sums(p, Sum{Y: y, N: n, Addition: addition, Terms: []Term{{g.Lay(p, g.left, RowMajor(x, k), rows, k), b}}})
}

// Product is y [m, n] = a [m, k] b [k, n], or added to y.
func (g *Gemm) Product(p *Pool, y []float32, a, b View, m, n, k int, addition bool) {
	b.holds(k, n)
	g.run(p, y, a, factor{view: b}, m, n, k, addition)
}

func (g *Gemm) run(p *Pool, y []float32, a View, b factor, m, n, k int, addition bool) {
	if len(y) != m*n {
		panic(fmt.Sprintf("kernel: product [%d, %d] into %d numbers", m, n, len(y)))
	}
	if b.pairs {
		a.holds(m, k/2)
	} else {
		a.holds(m, k)
	}
	if m == 0 || n == 0 || k == 0 {
		if !addition {
			clear(y)
		}
		return
	}
	j := &g.job
	*j = gemmJob{y: y, a: a, b: b, m: m, n: n, k: k, addition: addition, step: b.step()}
	j.plan(p.Workers())
	workers := min(p.Workers(), j.items)
	pairs := 0
	if b.pairs {
		pairs = gemmDepth / 2 * j.step
	}
	g.reserve(workers, j.step, pairs)
	j.scratch = g.scratch
	j.next.Store(0)
	p.Run(workers, j)
	j.y, j.a, j.b = nil, View{}, factor{}
}

// reserve makes memory for workers that pack step columns at a time, and so many pairs.
func (g *Gemm) reserve(workers, step, pairs int) {
	for len(g.scratch) < workers {
		g.scratch = append(g.scratch, gemmScratch{})
	}
	for i := range g.scratch[:workers] {
		s := &g.scratch[i]
		if len(s.panel) < gemmDepth*step {
			s.panel = make([]float32, gemmDepth*step)
		}
		if len(s.pairs) < pairs {
			s.pairs = hugeFloats(pairs)
		}
	}
}

// gemmJob is the task of one product: workers take some rows and columns of the
// result until none is left.
type gemmJob struct {
	y           []float32
	a           View
	b           factor
	m, n, k     int
	addition    bool
	step        int // columns of an item
	rows        int // of an item
	down, items int // items one below the other, and all of them
	scratch     []gemmScratch
	next        atomic.Int64
}

// plan cuts the rows so that there is work for all, in pieces not so small that
// packing the columns once for each would count.
func (j *gemmJob) plan(workers int) {
	const least = 20 * gemmRows
	columns := (j.n + j.step - 1) / j.step
	parts := 1
	if workers > 1 && columns < 8*workers {
		parts = min((8*workers+columns-1)/columns, max(1, j.m/least))
	}
	j.rows = ((j.m+parts-1)/parts + gemmRows - 1) / gemmRows * gemmRows
	j.down = (j.m + j.rows - 1) / j.rows
	j.items = j.down * columns
}

// Do is one worker; i picks its scratch memory.
func (j *gemmJob) Do(i int) {
	for {
		item := int(j.next.Add(1)) - 1
		if item >= j.items {
			return
		}
		j.item(&j.scratch[i], item/j.down*j.step, item%j.down*j.rows)
	}
}

// item computes step columns from col on of some rows from row on.
func (j *gemmJob) item(s *gemmScratch, col, row int) {
	m, n := min(j.rows, j.m-row), min(j.step, j.n-col)
	c := RowMajor(j.y, j.n)
	for d := 0; d < j.k; d += gemmDepth {
		k := min(gemmDepth, j.k-d)
		if j.b.direct(j.n) {
			s.edge.block(c.from(row, col), j.a.from(row, d), j.b.view.from(d, col), m, n, k, j.addition || d > 0)
			continue
		}
		s.pack(&j.b, d, k, col, n)
		if j.b.pairs {
			j.itemPairs(s, col, row, d, k, m, n)
			continue
		}
		for p := 0; p < n; p += gemmCols {
			panel := View{s.panel[p*k : (p+gemmCols)*k], gemmCols, 1}
			s.edge.block(c.from(row, col+p), j.a.from(row, d), panel, m, min(gemmCols, n-p), k, j.addition || d > 0)
		}
	}
}

// itemPairs is item for rows d to d+k of the factor, as pairs.
func (j *gemmJob) itemPairs(s *gemmScratch, col, row, d, k, m, n int) {
	c := RowMajor(j.y, j.n)
	s.edge.pairs = true
	for p := 0; p < n; p += gemmCols {
		panel := s.pairs[:k/2*gemmCols]
		pairRows(panel, s.panel[p*k:(p+gemmCols)*k])
		s.edge.block(c.from(row, col+p), j.a.from(row, d/2), RowMajor(panel, gemmCols), m, min(gemmCols, n-p), k/2, j.addition || d > 0)
	}
	s.edge.pairs = false
}
