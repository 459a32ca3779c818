package model

import (
	"slices"

	"graft/internal/kernel"
)

// Adapters in ServeOps. Rows of segments with the same adapters form a group. Of
// several adapters the sum of what each changes is added to the base,
//
//	y = Wx + Σ weight_i·(y_i − Wx)
//
// updates of low rank first, then those that exchange the product of the base. Rows
// without adapters keep the bits of a batch without any.

// adapted is what ServeOps keeps of adapters from step to step.
type adapted struct {
	groups []group // none: no row has an adapter
	of     []int32 // [T] the group of each row, -1: none
	from   int32   // values with this ID and later have the rows that Select first kept; 0: none

	sums   [][]kernel.RowGroup // by projection computed now, by group
	beside []int               // by projection, how many were computed together from it on
	alone  [1]kernel.RowGroup
	more   []further
	low    kernel.LowRanks
	whole  kernel.Acts
}

// group is the rows of a batch that have the same adapters.
type group struct {
	set      []Weighted
	rows     []int32 // of the batch
	selected []int32 // of what Select kept
}

// group finds the groups of a batch.
func (a *adapted) group(b *Batch) {
	for i := range a.groups {
		a.groups[i].set = nil // holds no adapter that is not in use
	}
	a.groups, a.from = a.groups[:0], 0
	for i := range b.Segs {
		s := &b.Segs[i]
		if len(s.Adapters) == 0 {
			continue
		}
		if len(a.groups) == 0 {
			a.of = slices.Grow(a.of[:0], len(b.IDs))[:len(b.IDs)]
			for r := range a.of {
				a.of[r] = -1
			}
		}
		k := a.find(s.Adapters)
		g := &a.groups[k]
		for r := s.Row; r < s.Row+s.Len; r++ {
			g.rows = append(g.rows, int32(r))
			a.of[r] = int32(k)
		}
	}
}

// find is the group of a set, a new one in the memory of one before if need be.
func (a *adapted) find(set []Weighted) int {
	for k := range a.groups {
		if slices.Equal(a.groups[k].set, set) {
			return k
		}
	}
	n := len(a.groups)
	if n == cap(a.groups) {
		a.groups = append(a.groups, group{})
	}
	a.groups = a.groups[:n+1]
	g := &a.groups[n]
	g.set, g.rows, g.selected = set, g.rows[:0], g.selected[:0]
	return n
}

// choose notes which rows Select kept in the value id. A pass selects the same ones of several values.
func (a *adapted) choose(rows []int32, id int32) {
	if len(a.groups) == 0 {
		return
	}
	if a.from == 0 {
		a.from = id
	}
	for k := range a.groups {
		a.groups[k].selected = a.groups[k].selected[:0]
	}
	for i, r := range rows {
		if k := a.of[r]; k >= 0 {
			a.groups[k].selected = append(a.groups[k].selected, int32(i))
		}
	}
}

// rows are those of a group in the value id.
func (a *adapted) rows(g *group, id int32) []int32 {
	if a.from > 0 && id >= a.from {
		return g.selected
	}
	return g.rows
}

// update is what an adapter makes of a projection; nil: nothing.
func (a *Weighted) update(w *Linear) *Update {
	if a.Weight == 0 {
		return nil
	}
	return a.Adapter.update(w.Index)
}

// touches tells whether any adapter of the batch changes a projection.
func (a *adapted) touches(w *Linear) bool {
	for k := range a.groups {
		for i := range a.groups[k].set {
			if a.groups[k].set[i].update(w) != nil {
				return true
			}
		}
	}
	return false
}

// plan fills sums[i] with the updates of low rank, and tells whether there are any, and
// what else there is.
func (a *adapted) plan(i int, w *Linear, id int32) (adds, exchanges, shifts bool) {
	for len(a.sums) <= i {
		a.sums = append(a.sums, nil)
	}
	n := len(a.groups)
	a.sums[i] = slices.Grow(a.sums[i][:0], n)[:n]
	for k := range a.groups {
		g, s := &a.groups[k], &a.sums[i][k]
		s.Rows, s.Sum = a.rows(g, id), s.Sum[:0]
		for i := range g.set {
			u := g.set[i].update(w)
			if u == nil {
				continue
			}
			exchanges = exchanges || u.exchanges()
			shifts = shifts || u.shift != nil
			if u.A != nil && !u.exchanges() {
				adds = true
				s.Sum = append(s.Sum, kernel.LowRank{A: u.A, B: u.B, Scale: u.Scale * g.set[i].Weight})
			}
		}
	}
	return adds, exchanges, shifts
}

// adaptedLinears makes the products y = Wx, before the bias, and adds what adapters make
// of x, which acts were set to.
func (o *ServeOps) adaptedLinears(y []Value, x Value, w []*Linear) {
	a := &o.adapted
	a.note(w)
	a.more = a.more[:0]
	for i := range w {
		adds, exchanges, shifts := a.plan(i, w[i], x.ID)
		if adds && !exchanges { // else they need Wx itself
			o.products[i].Groups = a.sums[i]
		}
		if exchanges || shifts {
			a.more = append(a.more, further{i, exchanges})
		}
	}
	a.soon(w[len(w)-1].Index + 1)
	kernel.MatMuls(o.pool, o.products, &o.acts, &a.low)
	for _, f := range a.more {
		o.furthered(y[f.of], x, w[f.of], a.sums[f.of], f.exchanges)
	}
}

// note keeps how many projections are computed together.
func (a *adapted) note(w []*Linear) {
	i := w[0].Index
	if i >= len(a.beside) {
		a.beside = slices.Grow(a.beside, i+1-len(a.beside))[:i+1]
	}
	a.beside[i] = len(w)
}

// soon asks for what the updates from projection i on will read: base weights have displaced
// it from the caches since the last step, and it would be waited for. That is what plans of
// the next ones are made from, and A and B of those that will be computed next.
func (a *adapted) soon(i int) {
	if len(a.groups) > 1 {
		return // the wait is short beside the rest
	}
	for k := range a.groups {
		g := &a.groups[k]
		for _, w := range g.set {
			from := int(w.first[i])
			kernel.Soon(w.homes[from:min(from+4, len(w.homes))]) // q, k, v, o
			if len(g.rows) > 1 || i >= len(a.beside) {
				continue
			}
			for k := from; k < int(w.first[min(i+a.beside[i], len(w.first)-1)]); k++ {
				if h := &w.homes[k]; h.A != nil && !h.Table {
					a.low.Soon(h.A, h.B)
				}
			}
		}
	}
}

// further is a projection, of those computed now, whose adapters do more than add
// updates of low rank.
type further struct {
	of        int
	exchanges bool
}

// furthered does what adapters do to y = Wx beyond updates of low rank, and these too
// if it is exchanged.
func (o *ServeOps) furthered(y, x Value, w *Linear, sums []kernel.RowGroup, exchanges bool) {
	m := o.arena.at
	var base []float32
	if exchanges {
		base = o.arena.take(len(y.Data))
		copy(base, y.Data)
		o.low.Add(o.pool, y.Data, x.Data, sums)
	}
	o.changes(y, x, nil, w, base)
	o.arena.release(m)
}

// adaptedTable adds to rows y of a table what adapters make of its ids.
func (o *ServeOps) adaptedTable(y Value, ids []int32, w *Linear) {
	a := &o.adapted
	_, exchanges, _ := a.plan(0, w, 0)
	m := o.arena.at
	var base []float32
	if exchanges {
		base = o.arena.take(len(y.Data))
		copy(base, y.Data)
	}
	a.low.Lookup(o.pool, y.Data, ids, a.sums[0])
	if exchanges {
		o.changes(y, Value{}, ids, w, base)
	}
	o.arena.release(m)
}

// changes does what is not only an update of low rank; base is Wx where any of them
// exchanges it.
func (o *ServeOps) changes(y, x Value, ids []int32, w *Linear, base []float32) {
	a := &o.adapted
	for k := range a.groups {
		g := &a.groups[k]
		if rows := a.rows(g, x.ID); len(rows) > 0 {
			o.change(y, x, ids, w, base, g.set, rows)
		}
	}
}

// change does for the rows of a group what is not only an update of low rank.
func (o *ServeOps) change(y, x Value, ids []int32, w *Linear, base []float32, set []Weighted, rows []int32) {
	for i := range set {
		u := set[i].update(w)
		if u == nil {
			continue
		}
		if u.exchanges() {
			m := o.arena.at
			to := o.arena.take(len(y.Data))
			if u.W != nil {
				o.replaced(to, y.Width, x, ids, u, rows)
			} else {
				o.stretched(to, base, y.Width, x, u, rows)
			}
			kernel.Exchange(o.pool, y.Data, base, to, u.Stretch, y.Width, rows, set[i].Weight)
			o.arena.release(m)
		}
		if u.shift != nil {
			kernel.Shift(o.pool, y.Data, u.shift, rows, set[i].Weight)
		}
	}
}

// stretched computes rows of Wx + s·B(Ax), given Wx.
func (o *ServeOps) stretched(to, base []float32, width int, x Value, u *Update, rows []int32) {
	for _, r := range rows {
		copy(to[int(r)*width:(int(r)+1)*width], base[int(r)*width:])
	}
	a := &o.adapted
	g := &a.alone[0]
	g.Rows, g.Sum = rows, append(g.Sum[:0], kernel.LowRank{A: u.A, B: u.B, Scale: u.Scale})
	a.low.Add(o.pool, to, x.Data, a.alone[:])
}

// replaced computes rows of W'x.
func (o *ServeOps) replaced(to []float32, width int, x Value, ids []int32, u *Update, rows []int32) {
	if ids != nil {
		for _, r := range rows {
			u.W.Row(to[int(r)*width:(int(r)+1)*width], int(ids[r]))
		}
		return
	}
	m := o.arena.at
	in, out := o.arena.take(len(rows)*x.Width), o.arena.take(len(rows)*width)
	for i, r := range rows {
		copy(in[i*x.Width:(i+1)*x.Width], x.Data[int(r)*x.Width:])
	}
	o.whole.Set(o.pool, in, len(rows), x.Width)
	kernel.MatMul(o.pool, out, u.W, &o.whole)
	for i, r := range rows {
		copy(to[int(r)*width:(int(r)+1)*width], out[i*width:])
	}
	o.arena.release(m)
}
