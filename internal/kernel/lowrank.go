package kernel

import (
	"fmt"
	"runtime"
	"slices"
)

// LowRank is what one adapter adds to rows of a product: Scale·B·(A·x).
type LowRank struct {
	A     *Matrix // [R, In]; for Lookup of a table [V, R], a row for each id
	B     *Up     // [Out, R]
	Scale float32
}

// RowGroup is rows that the same adapters change.
type RowGroup struct {
	Rows []int32 // ascending
	Sum  []LowRank
}

// LowRanks adds updates of low rank to products. It holds the memory that this
// takes, so it serves one goroutine at a time. The zero value is ready.
//
// Of each row and update it computes
//
//	z[r] = Σ A[r]*x as in dot, times Scale, rounded
//	y[o] = y[o] + Σ_r B[o, r]*z[r], by fma in the order of r, from 0
//
// the updates of a group in their order. What a row becomes does not depend on the
// other rows, on who computes it, or on the instruction set.
type LowRanks struct {
	x        []float32
	ids      []int32 // of Lookup
	z        []float32
	shrinks  []shrinking
	expands  []expanding
	ends     []int // of the expands of each plan
	multiply int   // multiplications in all

	soon [][]byte // what Soon was told of

	sums []float32 // of updates that the caller of MatMuls computes by itself; see apart

	// Of Add and Lookup, whose pieces are the shrinks, and then some panels of each of
	// expands.
	expand       bool // which of them Do computes
	share, parts int  // panels a piece, pieces of each
	tiles        []lowTile
}

// What one piece of work takes on. Groups of more rows are cut, and wide outputs.
const (
	chunkRows   = 32
	chunkPanels = 128
	// worthMeeting is how many multiplications outweigh two meetings of the pool.
	worthMeeting = 1 << 17
)

// Add adds to y [·, Out], the rows of the groups, what their adapters make of x
// [·, In].
func (l *LowRanks) Add(p *Pool, y, x []float32, groups []RowGroup) {
	l.begin(x, nil)
	l.run(p, y, groups)
}

// Lookup adds to the rows of the groups in y [·, D] what adapters of a table make of
// ids, one of each row.
func (l *LowRanks) Lookup(p *Pool, y []float32, ids []int32, groups []RowGroup) {
	l.begin(nil, ids)
	l.run(p, y, groups)
}

func (l *LowRanks) run(p *Pool, y []float32, groups []RowGroup) {
	out, _ := l.plan(p.Workers(), y, groups)
	if l.multiply < worthMeeting {
		p = nil
	}
	l.expand = false
	l.reserve(len(l.shrinks))
	p.Run(len(l.shrinks), l)
	panels := (out + panelOut - 1) / panelOut
	l.expand, l.share = true, max(1, min(chunkPanels, panels*len(l.expands)/(2*p.Workers())))
	l.parts = (panels + l.share - 1) / l.share
	n := l.parts * len(l.expands)
	l.reserve(n)
	p.Run(n, l)
	l.end()
	runtime.KeepAlive(groups) // and with them the memory of the updates
}

// reserve makes working memory for n pieces.
func (l *LowRanks) reserve(n int) {
	l.tiles = slices.Grow(l.tiles[:0], n)[:n]
}

// Do computes a piece.
func (l *LowRanks) Do(i int) {
	if !l.expand {
		l.shrinks[i].run(l, &l.tiles[i], true)
		return
	}
	lo := i % l.parts * l.share
	l.expands[i/l.parts].run(l, &l.tiles[i], lo, lo+l.share)
}

// begin takes the input of all updates that are planned until end.
func (l *LowRanks) begin(x []float32, ids []int32) {
	l.x, l.ids, l.multiply = x, ids, 0
	l.z, l.sums, l.shrinks, l.expands, l.ends = l.z[:0], l.sums[:0], l.shrinks[:0], l.expands[:0], l.ends[:0]
}

// end holds no one's memory.
func (l *LowRanks) end() {
	clear(l.shrinks)
	clear(l.expands)
	clear(l.soon)
	l.x, l.ids, l.soon = nil, nil, l.soon[:0]
}

// plan cuts what groups add to y into pieces and makes room for z. It returns the shape
// of the updates, zeros if there are none.
func (l *LowRanks) plan(workers int, y []float32, groups []RowGroup) (out, in int) {
	for i := range groups {
		g, z := &groups[i], len(l.z)
		for k := range g.Sum {
			w := &g.Sum[k]
			if out == 0 {
				out, in = w.B.Out, w.input(l)
			}
			w.check(l, y, out, in)
			l.multiply += len(g.Rows) * w.B.R * (out + in*min(1, len(l.x)))
			l.shrink(workers, g.Rows, w)
		}
		for lo := 0; lo < len(g.Rows) && len(g.Sum) > 0; lo += chunkRows {
			l.expands = append(l.expands, expanding{y, g.Rows[lo:min(len(g.Rows), lo+chunkRows)], lo, g, z})
		}
	}
	l.ends = append(l.ends, len(l.expands))
	return out, in
}

// expandsOf are those of plan i.
func (l *LowRanks) expandsOf(i int) []expanding {
	from := 0
	if i > 0 {
		from = l.ends[i-1]
	}
	return l.expands[from:l.ends[i]]
}

// shrink plans z of one update. A few rows are cut along R, so that no worker holds
// up the others with them.
func (l *LowRanks) shrink(workers int, all []int32, w *LowRank) {
	stride := w.stride()
	share := stride
	if l.ids == nil && len(all) <= chunkRows {
		share = max(1, stride/dotRows/workers) * dotRows
	}
	for first := 0; first < len(all); first += chunkRows {
		rows := all[first:min(len(all), first+chunkRows)]
		for lo := 0; lo < w.B.R; lo += share {
			l.shrinks = append(l.shrinks, shrinking{rows, w, lo, min(w.B.R, lo+share), len(l.z) + first*stride, stride})
		}
	}
	n := len(l.z) + len(all)*stride
	l.z = slices.Grow(l.z, n-len(l.z))[:n]
}

// stride is R rounded up to whole calls of a dot kernel.
func (w *LowRank) stride() int { return (w.B.R + dotRows - 1) / dotRows * dotRows }

// input is the width of what w takes.
func (w *LowRank) input(l *LowRanks) int {
	if l.ids != nil {
		return w.A.Rows
	}
	return w.A.Cols
}

// check panics unless w fits y, the input, and the shape [out, in] of the updates
// before it.
func (w *LowRank) check(l *LowRanks, y []float32, out, in int) {
	r := w.A.Rows
	if l.ids != nil {
		r = w.A.Cols
	}
	if r != w.B.R || w.B.Out != out || w.input(l) != in || len(y)%out != 0 || l.ids == nil && len(y)/out*in != len(l.x) {
		panic(fmt.Sprintf("kernel: update with A [%d, %d] and B [%d, %d] of a product of %d numbers with a matrix [%d, %d] into %d",
			w.A.Rows, w.A.Cols, w.B.Out, w.B.R, len(l.x), out, in, len(y)))
	}
}

// consecutive is how many rows follow each other, at most most.
func consecutive(rows []int32, most int) int {
	n := 1
	for n < min(most, len(rows)) && rows[n] == rows[0]+int32(n) {
		n++
	}
	return n
}
