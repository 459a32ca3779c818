package training

import (
	"slices"

	"graft/internal/kernel"
)

// back runs the backward pass of the nodes from first on, the last one first, from
// the gradients that their results have.
func (t *Tape) back(first int) {
	for i := len(t.nodes) - 1; i >= first; i-- {
		n := t.nodes[i]
		y := *t.val(n.y)
		if y.grad == nil || t.err != nil {
			continue
		}
		if n.kind == opLinear {
			i = t.linearsBack(first, i)
			continue
		}
		t.readyGates()
		t.nodeBack(&n, &y)
		t.spent(n.y)
	}
	t.readyGates()
}

// linearsBack is the backward pass of node i and of the projections before it that have
// the same input. It returns the first of them.
func (t *Tape) linearsBack(first, i int) int {
	x := t.nodes[i].a
	var all []projection
	var ys [][]float32
	for ; i >= first && t.nodes[i].kind == opLinear && t.nodes[i].a == x; i-- {
		n := &t.nodes[i]
		if y := t.val(n.y); y.grad != nil {
			all = append(all, projection{w: n.linear, m: t.module(n.linear), y: y.grad, u: n.u, node: i})
			ys = append(ys, y.data)
		}
	}
	slices.Reverse(all)
	slices.Reverse(ys)
	fill := t.takeGates(all)
	g, fresh := t.grad(x)
	v := t.val(x)
	t.projectBack(g, all, v.data, ys, v.rows, t.drop, fresh, fill)
	for _, p := range all {
		t.spent(t.nodes[p.node].y)
	}
	return i + 1
}

// nodeBack adds to the gradients of the inputs of n.
func (t *Tape) nodeBack(n *node, y *value) {
	gy := y.grad
	switch n.kind {
	case opNorm:
		if g, base := t.onto(n.a); g != nil {
			x := t.val(n.a).data
			if n.norm.Center {
				kernel.LayerNormBack(t.pool, g, base, gy, x, n.norm.Weight, n.norm.Eps)
			} else {
				kernel.RMSNormBack(t.pool, g, base, gy, x, n.norm.Weight, n.norm.Eps)
			}
		}
	case opRope:
		t.own(n.y)
		gy = t.val(n.y).grad
		t.rotate(gy, gy, y.width, n.rope, true)
		t.hand(n.a, n.y)
	case opAttend:
		t.attendBack(n, gy)
	case opGLU:
		t.gatesBack(n, y)
	case opAdd:
		t.hand(n.a, n.y)
		if n.b > 0 && t.val(n.b).rows == y.rows {
			t.hand(n.b, n.y)
		} else if g := t.added(n.b); g != nil { // one row, added to each
			for r := range y.rows {
				kernel.Add(nil, g, g, gy[r*y.width:(r+1)*y.width])
			}
		}
	case opScale:
		if g := t.added(n.a); g != nil {
			kernel.ScaleBack(t.pool, g, gy, y.data, n.s, n.cap)
		}
	case opSelect:
		if g := t.added(n.a); g != nil {
			for i, to := range n.rows {
				row := g[int(to)*y.width : (int(to)+1)*y.width]
				kernel.Add(nil, row, row, gy[i*y.width:(i+1)*y.width])
			}
		}
	case opLayer:
		t.layerBack(n)
	}
}

// attendBack computes all three gradients, and drops those that are not wanted.
func (t *Tape) attendBack(n *node, gy []float32) {
	t.written([3]int32{n.a, n.b, n.c}, func(g [3][]float32) {
		for i, id := range [...]int32{n.a, n.b, n.c} {
			if g[i] == nil {
				g[i] = t.work.take(len(t.val(id).data))
			}
		}
		t.attend.Back(t.pool, g[0], g[1], g[2], gy, t.attention(t.val(n.a).data, t.val(n.b).data, t.val(n.c).data, n.attn))
	})
}

// layerBack runs the layer again, then its operations backwards.
func (t *Tape) layerBack(n *node) {
	if !t.pause() {
		return
	}
	l := n.layer
	vals, nodes, m := len(t.vals), len(t.nodes), t.work.at
	x := t.valueOf(n.a)
	l.replaying, l.at, l.outside, l.first = true, 0, vals, nodes
	t.layer = l
	inner := l.f(t, t.batch, x)
	t.hand(inner.ID, n.y)
	t.spent(n.y)
	t.back(nodes)
	t.layer = nil
	l.replaying = false
	t.vals, t.nodes = t.vals[:vals], t.nodes[:nodes]
	t.work.release(m)
}
