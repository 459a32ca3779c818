package kernel

import "fmt"

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
	y, x     []float32
	ids      []int32 // of Lookup
	out, in  int
	groups   []RowGroup
	z        []float32
	shrinks  []shrinking
	expands  []expanding
	expand   bool // which of them Do computes
	multiply int  // multiplications in all
}

// What one chunk of work takes on. Groups of more rows are cut, and wide outputs.
const (
	chunkRows   = 32
	chunkPanels = 64
	// worthMeeting is how many multiplications outweigh two meetings of the pool.
	worthMeeting = 1 << 17
)

// shrinking computes z [len(rows), stride] of some rows.
type shrinking struct {
	rows   []int32
	w      *LowRank
	z      []float32
	stride int // R rounded up to what a kernel takes

	dot   dotTile
	tail  [dotRows][64]byte
	xTail [dotRows][lanes]float32
	f     []float32
}

// expanding adds to panels lo to hi of some rows, for all updates of their group.
type expanding struct {
	rows   []int32
	first  int // of the group's rows
	group  int
	z      int // where the group's begin
	lo, hi int
	edge   [panelOut]float32 // of outputs that do not fill a panel
	row    [panelOut]float32 // of weights
}

// MatMul is the function MatMul, and then Add of the groups, in one meeting of the
// pool.
func (l *LowRanks) MatMul(p *Pool, y []float32, w *Matrix, a *Acts, groups []RowGroup) {
	l.matMul(p, y, w, a, groups, false)
}

// MatMulExact is the function MatMulExact, and then Add of the groups, in one meeting
// of the pool.
func (l *LowRanks) MatMulExact(p *Pool, y []float32, w *Matrix, a *Acts, groups []RowGroup) {
	l.matMul(p, y, w, a, groups, true)
}

func (l *LowRanks) matMul(p *Pool, y []float32, w *Matrix, a *Acts, groups []RowGroup, exact bool) {
	l.y, l.x, l.groups = y, a.x, groups
	l.plan(p.Workers())
	if len(l.shrinks) > 0 && (l.out != w.Rows || l.in != w.Cols) {
		panic(fmt.Sprintf("kernel: updates [%d, %d] of a matrix [%d, %d]", l.out, l.in, w.Rows, w.Cols))
	}
	matMul(p, y, w, a, exact, l)
	l.y, l.x, l.groups = nil, nil, nil
}

// Add adds to y [·, Out], the rows of the groups, what their adapters make of x
// [·, In].
func (l *LowRanks) Add(p *Pool, y, x []float32, groups []RowGroup) {
	l.x = x
	l.run(p, y, groups)
}

// Lookup adds to the rows of the groups in y [·, D] what adapters of a table make of
// ids, one of each row.
func (l *LowRanks) Lookup(p *Pool, y []float32, ids []int32, groups []RowGroup) {
	l.ids = ids
	l.run(p, y, groups)
}

func (l *LowRanks) run(p *Pool, y []float32, groups []RowGroup) {
	l.y, l.groups = y, groups
	l.plan(p.Workers())
	if l.multiply < worthMeeting {
		p = nil
	}
	l.expand = false
	p.Run(len(l.shrinks), l)
	l.expand = true
	p.Run(len(l.expands), l)
	l.y, l.x, l.ids, l.groups = nil, nil, nil, nil
}

// Do computes a chunk.
func (l *LowRanks) Do(i int) {
	if l.expand {
		l.expands[i].run(l)
	} else {
		l.shrinks[i].run(l)
	}
}

// plan cuts the work into chunks and makes room for z.
func (l *LowRanks) plan(workers int) {
	n, panels := 0, 0
	l.multiply, l.out, l.in = 0, 0, 0
	for i := range l.groups {
		g := &l.groups[i]
		if len(g.Sum) > 0 {
			panels += (len(g.Rows) + chunkRows - 1) / chunkRows * g.Sum[0].B.panels()
		}
		for k := range g.Sum {
			n += len(g.Rows) * g.Sum[k].check(l)
			l.multiply += len(g.Rows) * g.Sum[k].B.R * l.out
			if l.ids == nil {
				l.multiply += len(g.Rows) * g.Sum[k].B.R * l.in
			}
		}
	}
	if cap(l.z) < n {
		l.z = make([]float32, n)
	}
	l.z = l.z[:n]
	l.shrinks, l.expands = l.shrinks[:0], l.expands[:0]
	share := max(1, min(chunkPanels, panels/(4*workers)))
	z := 0
	for i := range l.groups {
		g := &l.groups[i]
		if len(g.Sum) == 0 {
			continue
		}
		for lo := 0; lo < len(g.Rows); lo += chunkRows {
			rows := g.Rows[lo:min(len(g.Rows), lo+chunkRows)]
			panels := g.Sum[0].B.panels()
			for c := 0; c < panels; c += share {
				e := grown(&l.expands)
				e.rows, e.first, e.group, e.z, e.lo, e.hi = rows, lo, i, z, c, min(panels, c+share)
			}
		}
		for k := range g.Sum {
			w := &g.Sum[k]
			stride := w.stride()
			for lo := 0; lo < len(g.Rows); lo += chunkRows {
				rows := g.Rows[lo:min(len(g.Rows), lo+chunkRows)]
				s := grown(&l.shrinks)
				s.rows, s.w, s.z, s.stride = rows, w, l.z[z+lo*stride:], stride
			}
			z += len(g.Rows) * stride
		}
	}
}

// grown appends to a list without clearing what was there before.
func grown[T any](list *[]T) *T {
	n := len(*list)
	if n < cap(*list) {
		*list = (*list)[:n+1]
	} else {
		var zero T
		*list = append(*list, zero)
	}
	return &(*list)[n]
}

// stride is R rounded up to whole calls of a dot kernel.
func (w *LowRank) stride() int { return (w.B.R + dotRows - 1) / dotRows * dotRows }

// check compares the shapes of w with those of the updates before, and returns the
// numbers of z that a row needs.
func (w *LowRank) check(l *LowRanks) int {
	in, r := w.A.Cols, w.A.Rows
	if l.ids != nil {
		in, r = w.A.Rows, w.A.Cols
	}
	if l.out == 0 {
		l.out, l.in = w.B.Out, in
	}
	if r != w.B.R || w.B.Out != l.out || in != l.in || len(l.y)%l.out != 0 || l.ids == nil && len(l.y)/l.out*l.in != len(l.x) {
		panic(fmt.Sprintf("kernel: update with A [%d, %d] and B [%d, %d] of a product of %d numbers with a matrix [%d, %d] into %d",
			w.A.Rows, w.A.Cols, w.B.Out, w.B.R, len(l.x), l.out, l.in, len(l.y)))
	}
	return w.stride()
}

// consecutive is how many rows follow each other, at most most.
func consecutive(rows []int32, most int) int {
	n := 1
	for n < min(most, len(rows)) && rows[n] == rows[0]+int32(n) {
		n++
	}
	return n
}
