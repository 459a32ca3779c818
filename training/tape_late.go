package training

import (
	"slices"

	"graft/internal/kernel"
)

// In the forward pass through a layer norms and gated units are computed where their rows
// are laid out for products, which is most often the one thing they are for: rows are read
// while they are still near. Whoever else asks for them has them computed at once.

// late tells whether the result of an operation is to be computed so.
func (t *Tape) late() bool {
	return !t.eager && t.layer != nil && !t.layer.replaying && t.gemm.Tiled()
}

// ready computes what is missing of values.
func (t *Tape) ready(ids ...int32) {
	for _, id := range ids {
		if id <= 0 || t.val(id).fill == nil {
			continue
		}
		v := t.val(id)
		fill := v.fill
		v.fill = nil
		t.inParts(v.rows, fill)
	}
}

// lateGates are gradients by a gate and what it gates that are computed where they are laid
// out, in the backward pass.
type lateGates struct {
	gate, up int32
	fill     func(row, rows int) // nil: there are none
}

// gatesBack is the backward pass of a gated unit, late if its inputs' gradients are this alone.
func (t *Tape) gatesBack(n *node, y *value) {
	gate, up := t.val(n.a).data, []float32(nil)
	if n.b > 0 {
		up = t.val(n.b).data
	}
	gy, act, width := y.grad, n.act, y.width
	if up == nil || t.eager || !t.gemm.Tiled() || y.lasts || !t.first(n.a) || !t.first(n.b) {
		t.written([3]int32{n.a, n.b}, func(g [3][]float32) { kernel.GLUBack(t.pool, g[0], g[1], gy, gate, up, act) })
		return
	}
	gg, _ := t.grad(n.a)
	gu, _ := t.grad(n.b)
	t.gates = lateGates{n.a, n.b, func(row, rows int) {
		lo, hi := row*width, (row+rows)*width
		kernel.GLUBack(nil, gg[lo:hi], gu[lo:hi], gy[lo:hi], gate[lo:hi], up[lo:hi], act)
	}}
}

// first tells whether a gradient is wanted, has nothing yet and ends with the layer.
func (t *Tape) first(id int32) bool {
	v := t.val(id)
	return v.needs && v.grad == nil && !t.outside(id)
}

// takeGates is what fills the gradients of both projections when they wait for it, and nil
// when they are there.
func (t *Tape) takeGates(all []projection) func(row, rows int) {
	of := func(id int32) bool {
		return slices.ContainsFunc(all, func(p projection) bool { return t.nodes[p.node].y == id && (p.m == nil || p.m.M == nil) })
	}
	if g := t.gates; g.fill != nil && len(all) == 2 && of(g.gate) && of(g.up) {
		t.gates = lateGates{}
		return g.fill
	}
	t.readyGates()
	return nil
}

// readyGates computes gradients that wait to be.
func (t *Tape) readyGates() {
	if g := t.gates; g.fill != nil {
		t.gates = lateGates{}
		t.inParts(t.val(g.gate).rows, g.fill)
	}
}

// inParts calls fill for all of so many rows.
func (t *Tape) inParts(rows int, fill func(row, rows int)) {
	const each = 32
	t.pool.Run((rows+each-1)/each, piece(func(i int) { fill(i*each, min(each, rows-i*each)) }))
}
