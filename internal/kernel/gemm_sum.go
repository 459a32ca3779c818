package kernel

import (
	"slices"
	"unsafe"
)

// Left is a left-hand side of products, [rows, k], laid out once for all of them. It holds
// until its numbers change.
type Left struct {
	x       View
	rows, k int
	blocks  []float32 // split numbers, [blocks of 32 rows, blocks of 32 k]; nil: products read x
	half    bool
}

// Factor is a right-hand side of products, [k, n].
type Factor struct{ f factor }

// Transposed is w transposed: [w.Cols, w.Rows].
func Transposed(w *Matrix) Factor { return Factor{factor{w: w}} }

// Across is w itself: [w.Rows, w.Cols].
func Across(w *Matrix) Factor { return Factor{factor{w: w, across: true}} }

// Of is a matrix of float32.
func Of(v View) Factor { return Factor{factor{view: v}} }

// Term is the product A B.
type Term struct {
	A *Left
	B Factor
}

// Sum is Y [rows, N] = the sum of the terms, or added to Y. All have as many rows.
type Sum struct {
	Y        []float32
	N        int
	Addition bool
	Terms    []Term
}

// Lay lays x [rows, k] out for products of g's precision. The memory is used until the
// last of them; LeftLen numbers are enough.
func (g *Gemm) Lay(p *Pool, memory []float32, x View, rows, k int) *Left {
	x.holds(rows, k)
	l := &Left{x: x, rows: rows, k: k, half: g.Precision == Half}
	if g.splits() && rows > 0 && k > 0 {
		l.lay(p, memory)
	}
	return l
}

// LeftLen is how much memory Lay needs.
func (g *Gemm) LeftLen(rows, k int) int {
	if !g.splits() {
		return 0
	}
	return blocksOf(rows)*blocksOf(k)*blockLen(g.Precision == Half) + 15
}

// splits tells whether products are those of split numbers.
func (g *Gemm) splits() bool { return g.Precision != Full && tiles }

// lined is x from the first number on that begins a line of the caches, as tiles are read
// in lines.
func lined(x []float32) []float32 {
	if len(x) == 0 {
		return x
	}
	return x[-uintptr(unsafe.Pointer(&x[0]))%64/4:]
}

// Sums computes sums of products of whatever shapes. Those with no terms are zeros, or
// stay as they are.
func (g *Gemm) Sums(p *Pool, sums ...Sum) {
	var tiled []Sum
	for _, s := range sums {
		if g.check(&s) {
			tiled = append(tiled, s)
			continue
		}
		for i, t := range s.Terms {
			g.weigh(p, s.Y, t, s.N, s.Addition || i > 0)
		}
		if len(s.Terms) == 0 && !s.Addition {
			clear(s.Y)
		}
	}
	if len(tiled) > 0 {
		g.split(p, tiled)
	}
}

// check panics unless the shapes fit, and tells whether s goes by tiles.
func (g *Gemm) check(s *Sum) bool {
	tiled := len(s.Terms) > 0 && len(s.Y) > 0
	for _, t := range s.Terms {
		if len(s.Y) != t.A.rows*s.N {
			panic("kernel: a sum of products of other shapes than its result")
		}
		if t.B.f.w == nil {
			t.B.f.view.holds(t.A.k, s.N)
		}
		tiled = tiled && t.A.blocks != nil
	}
	return tiled
}

// weigh is y [rows, n] = a b, or added to y, without tiles.
func (g *Gemm) weigh(p *Pool, y []float32, t Term, n int, addition bool) {
	b, k := t.B.f, t.A.k
	if b.w == nil || g.Precision != Half || k%32 != 0 || !hasPairs() {
		g.run(p, y, t.A.x, b, t.A.rows, n, k, addition)
		return
	}
	g.pairs = slices.Grow(g.pairs[:0], t.A.rows*k/2)[:t.A.rows*k/2]
	r := spareRows.take()
	r.y, r.x, r.width = g.pairs, t.A.x.Data, k
	r.do = func(t *rowTask, lo, hi int) { pairAlong(t.y[lo*t.width/2:], t.x[lo*t.width:hi*t.width]) }
	r.run(p, t.A.rows, k/4)
	b.pairs = true
	g.run(p, y, RowMajor(g.pairs, k/2), b, t.A.rows, n, k, addition)
}
