package kernel

import "unsafe"

// Left is a left-hand side of products, [rows, k], laid out once for all of them. It holds
// until its numbers change.
type Left struct {
	// Fill is called for all rows, in parts and by all workers, before they are laid out by
	// tiles (see Tiled), and writes what they are. May be nil.
	Fill func(row, rows int)
	// Next, of as many rows, is laid out with the same rows, once Fill was called; it is not
	// given to Lay. May be nil.
	Next *Left

	x       View
	rows, k int
	blocks  []float32 // split numbers, [blocks of 32 rows, blocks of 32 k]; nil: see bands
	bands   []float32 // numbers, or pairs of them; see gemm_left.go; nil: products read x
	half    bool
	pairs   pairKind // of bands

	each, first int // how many blocks or bands are laid out at a time; see layTask
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

// Left is x [rows, k] as a left-hand side of products of g's precision, once Lay has laid it
// out. The memory is used until the last of them; LeftLen numbers are enough.
func (g *Gemm) Left(memory []float32, x View, rows, k int) *Left {
	x.holds(rows, k)
	l := &Left{x: x, rows: rows, k: k, half: g.Precision == Half}
	switch {
	case rows == 0 || k == 0:
	case g.Tiled():
		l.blocks = lined(memory)[:blocksOf(rows)*blocksOf(k)*l.block()]
	case g.pairs() != noPairs:
		if x.Col == 1 && k%32 == 0 {
			l.pairs = g.pairs()
			l.bands = lined(memory)[:l.pairs.bands(rows, k)]
		}
	case k < deepK: // else it is large, and few items read it
		l.bands = lined(memory)[:bandsOf(rows)*gemmRows*k]
	}
	return l
}

// LeftLen is how much memory Left needs.
func (g *Gemm) LeftLen(rows, k int) int {
	switch {
	case g.Tiled():
		return blocksOf(rows)*blocksOf(k)*blockLen(g.Precision == Half) + 15
	case g.pairs() != noPairs:
		return g.pairs().bands(rows, k) + 15
	case k < deepK:
		return bandsOf(rows)*gemmRows*k + 15
	}
	return 0
}

// pairs are those that products with weights are of, by vectors.
func (g *Gemm) pairs() pairKind {
	switch {
	case g.Precision != Half || tiles:
		return noPairs
	case hasPairs():
		return halfPairs
	case hasWholes():
		return wholePairs
	}
	return noPairs
}

// Tiled tells whether products are those of split numbers, by tiles, and all left-hand
// sides are laid out for them.
func (g *Gemm) Tiled() bool { return g.Precision != Full && tiles }

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
	var plain, tiled []Sum
	for _, s := range sums {
		switch tiles := g.check(&s); {
		case len(s.Y) == 0:
		case tiles:
			tiled = append(tiled, s)
		case len(s.Terms) > 0:
			plain = append(plain, s)
		case !s.Addition:
			clear(s.Y)
		}
	}
	if len(plain) > 0 {
		g.float(p, plain)
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
