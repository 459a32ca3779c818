package model

import (
	"slices"

	"graft/internal/kernel"
)

// adapted is the part of ServeOps that computes what adapters add. Rows that have
// the same adapters and follow each other are one group. What a row gets depends on
// its own numbers and its own adapters alone; a row without any gets what it would
// get in a batch without any.
type adapted struct {
	groups []rowGroup // of the values computed now; nil: no row has an adapter

	inA, inB  kernel.Acts // inputs of A and of B
	shrunk    []float32   // A·x
	expanded  []float32   // B·A·x
	plain     []float32   // the base's part of a group's rows
	wholeActs kernel.Acts
}

// rowGroup is rows [from, to) with the same adapters.
type rowGroup struct {
	from, to int
	set      []Weighted // none: the base alone
}

// group cuts the rows of b into groups.
func (o *ServeOps) group(b *Batch) {
	o.groups = o.groups[:0]
	any := false
	for i := range b.Segs {
		s := &b.Segs[i]
		any = any || len(s.Adapters) > 0
		o.append(s.Row, s.Row+s.Len, s.Adapters)
	}
	if !any {
		o.groups = o.groups[:0]
	}
}

// append adds rows, to the last group if their adapters are the same.
func (a *adapted) append(from, to int, set []Weighted) {
	if n := len(a.groups); n > 0 && slices.Equal(a.groups[n-1].set, set) {
		a.groups[n-1].to = to
		return
	}
	a.groups = append(a.groups, rowGroup{from, to, set})
}

// regroup makes the groups those of the selected rows, which ascend.
func (o *ServeOps) regroup(rows []int32) {
	if len(o.groups) == 0 {
		return
	}
	segs := o.batch.Segs
	o.groups = o.groups[:0]
	s := 0
	for i, r := range rows {
		for int(r) >= segs[s].Row+segs[s].Len {
			s++
		}
		o.append(i, i+1, segs[s].Adapters)
	}
}

// adapts tells whether an adapter of the batch changes w.
func (o *ServeOps) adapts(w *Linear) bool {
	for i := range o.groups {
		if o.groups[i].changes(w) {
			return true
		}
	}
	return false
}

func (g *rowGroup) changes(w *Linear) bool {
	for _, a := range g.set {
		if a.update(w) != nil {
			return true
		}
	}
	return false
}

// pure tells that all updates of w only add to the base's product.
func (g *rowGroup) pure(w *Linear) bool {
	for _, a := range g.set {
		if u := a.update(w); u != nil && !u.plain() {
			return false
		}
	}
	return true
}

// smallRows is how many rows a group needs before its products are shared among
// the workers: below, meeting them takes longer than computing.
const smallRows = 16

// poolFor is the workers for products of so many rows.
func (o *ServeOps) poolFor(rows int) *kernel.Pool {
	if rows < smallRows {
		return nil
	}
	return o.pool
}

// adaptLinear turns y = Wx, without the bias, into what the adapters of each row
// make of it, and adds the biases.
func (o *ServeOps) adaptLinear(y, x Value, w *Linear) {
	for i := range o.groups {
		g := &o.groups[i]
		rows := g.to - g.from
		ys, xs := y.Data[g.from*y.Width:g.to*y.Width], x.Data[g.from*x.Width:g.to*x.Width]
		switch {
		case !g.changes(w):
			o.addBias(ys, w.B)
		case g.pure(w):
			for _, a := range g.set {
				if u := a.update(w); u != nil {
					o.lowRank(ys, xs, rows, u, a.Weight)
				}
			}
			o.addBias(ys, w.B)
		case len(g.set) == 1 && g.set[0].Weight == 1:
			o.apply(ys, xs, rows, w, g.set[0].update(w))
		default:
			o.blend(ys, xs, rows, w, g.set)
		}
	}
}

func (o *ServeOps) addBias(y, bias []float32) {
	if bias != nil {
		kernel.Add(o.pool, y, y, bias)
	}
}

// lowRank adds weight·Scale·B(Ax) to y [rows, Out].
func (o *ServeOps) lowRank(y, x []float32, rows int, u *Update, weight float32) {
	if u.A == nil {
		return
	}
	p := o.poolFor(rows)
	o.shrunk = grown(o.shrunk, rows*u.A.Rows)
	o.inA.Set(p, x, rows, u.A.Cols)
	kernel.MatMul(p, o.shrunk, u.A, &o.inA)
	o.expand(p, y, rows, u, weight)
}

// expand adds weight·Scale·B·shrunk to y.
func (o *ServeOps) expand(p *kernel.Pool, y []float32, rows int, u *Update, weight float32) {
	kernel.Scale(p, o.shrunk, o.shrunk, weight*u.Scale, 0)
	o.expanded = grown(o.expanded, len(y))
	o.inB.Set(p, o.shrunk, rows, u.B.Cols)
	kernel.MatMul(p, o.expanded, u.B, &o.inB)
	kernel.Add(p, y, y, o.expanded)
}

// apply turns y = Wx into the whole output of one adapter, bias included.
func (o *ServeOps) apply(y, x []float32, rows int, w *Linear, u *Update) {
	if u.W != nil {
		o.wholeActs.Set(o.pool, x, rows, u.W.Cols)
		kernel.MatMul(o.pool, y, u.W, &o.wholeActs)
	}
	o.lowRank(y, x, rows, u, 1)
	if u.Stretch != nil {
		for row := y; len(row) > 0; row = row[len(u.Stretch):] {
			for i, s := range u.Stretch {
				row[i] *= s
			}
		}
	}
	if u.Bias != nil {
		o.addBias(y, u.Bias)
	} else {
		o.addBias(y, w.B)
	}
}

// blend turns y = Wx into base + Σ weight·(output of the adapter − base), base
// being Wx + bias. PEFT means the same by several active adapters.
func (o *ServeOps) blend(y, x []float32, rows int, w *Linear, set []Weighted) {
	o.plain = append(o.plain[:0], y...)
	o.addBias(y, w.B)
	at := o.arena.at
	base, out := o.arena.take(len(y)), o.arena.take(len(y))
	copy(base, y)
	for _, a := range set {
		u := a.update(w)
		if u == nil {
			continue
		}
		copy(out, o.plain)
		o.apply(out, x, rows, w, u)
		for i, v := range out {
			y[i] += a.Weight * (v - base[i])
		}
	}
	o.arena.release(at)
}

// adaptEmbed turns rows of a table, not yet scaled, into those of the adapters.
func (o *ServeOps) adaptEmbed(y Value, table *Linear, ids []int32) {
	for i := range o.groups {
		g := &o.groups[i]
		if !g.changes(table) {
			continue
		}
		for row := g.from; row < g.to; row++ {
			e := y.Data[row*y.Width : (row+1)*y.Width]
			o.plain = append(o.plain[:0], e...)
			for _, a := range g.set {
				u := a.update(table)
				if u == nil {
					continue
				}
				if u.W != nil {
					o.replaceRow(e, u, int(ids[row]), a.Weight)
				}
				if u.A != nil {
					o.shrunk = grown(o.shrunk, u.A.Cols)
					u.A.Row(o.shrunk, int(ids[row]))
					o.expand(nil, e, 1, u, a.Weight)
				}
			}
		}
	}
}

// replaceRow adds weight times what a row of a replaced table is apart from the
// base's. With weight 1 and no other adapter the row is the replaced one, exactly.
func (o *ServeOps) replaceRow(e []float32, u *Update, id int, weight float32) {
	o.expanded = grown(o.expanded, len(e))
	u.W.Row(o.expanded, id)
	if weight == 1 && slices.Equal(e, o.plain) {
		copy(e, o.expanded)
		return
	}
	for i, v := range o.expanded {
		e[i] += weight * (v - o.plain[i])
	}
}

// grown is x with n numbers, whose values are left from before.
func grown(x []float32, n int) []float32 { return slices.Grow(x[:0], n)[:n] }
