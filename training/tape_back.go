package training

import "graft/internal/kernel"

// back runs the backward pass of the nodes from first on, the last one first, from
// the gradients that their results have.
func (t *Tape) back(first int) {
	for i := len(t.nodes) - 1; i >= first; i-- {
		n := t.nodes[i]
		y := *t.val(n.y)
		if y.grad == nil || t.err != nil {
			continue
		}
		t.nodeBack(&n, &y)
		if t.layer == nil {
			t.free = append(t.free, y.grad)
		}
		t.val(n.y).grad = nil
	}
}

// grad is the gradient of a value to add to; nil when none is wanted. A fresh one
// holds anything.
func (t *Tape) grad(id int32) (g []float32, fresh bool) {
	if id == 0 || !t.val(id).needs {
		return nil, false
	}
	v := t.val(id)
	if v.grad != nil {
		return v.grad, false
	}
	n := v.rows * v.width
	if t.layer == nil || int(id) <= t.layer.outside {
		v.grad = t.borrow(n)
	} else {
		v.grad = t.work.take(n)
	}
	return v.grad, true
}

// added is grad, with zeros when fresh.
func (t *Tape) added(id int32) []float32 {
	g, fresh := t.grad(id)
	if fresh {
		clear(g)
	}
	return g
}

// borrow finds memory for a gradient that outlives its layer.
func (t *Tape) borrow(n int) []float32 {
	for i, f := range t.free {
		if cap(f) >= n {
			t.free[i] = t.free[len(t.free)-1]
			t.free = t.free[:len(t.free)-1]
			return f[:n]
		}
	}
	return t.keep.take(n)
}

// nodeBack adds to the gradients of the inputs of n.
func (t *Tape) nodeBack(n *node, y *value) {
	gy := y.grad
	switch n.kind {
	case opNorm:
		if g := t.added(n.a); g != nil {
			x := t.val(n.a).data
			if n.norm.Center {
				kernel.LayerNormBack(t.pool, g, gy, x, n.norm.Weight, n.norm.Eps)
			} else {
				kernel.RMSNormBack(t.pool, g, gy, x, n.norm.Weight, n.norm.Eps)
			}
		}
	case opLinear:
		g, fresh := t.grad(n.a)
		t.projectBack(g, gy, t.val(n.a).data, y.data, y.rows, n.linear, t.drop, fresh)
	case opRope:
		t.through(n.a, func(g []float32) { t.rotate(g, gy, y.width, n.rope, true) })
	case opAttend:
		t.attendBack(n, gy)
	case opGLU:
		gate, up := t.val(n.a).data, []float32(nil)
		gg, gu := t.added(n.a), t.added(n.b)
		if n.b > 0 {
			up = t.val(n.b).data
		}
		kernel.GLUBack(t.pool, gg, gu, gy, gate, up, n.act)
	case opAdd:
		t.through(n.a, func(g []float32) { copy(g, gy) })
		if n.b > 0 && t.val(n.b).rows == y.rows {
			t.through(n.b, func(g []float32) { copy(g, gy) })
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

// through has f compute what is to be added to the gradient of a value.
func (t *Tape) through(id int32, f func(g []float32)) {
	g, fresh := t.grad(id)
	switch {
	case g == nil:
	case fresh:
		f(g)
	default:
		at := t.work.at
		z := t.work.take(len(g))
		f(z)
		kernel.Add(t.pool, g, g, z)
		t.work.release(at)
	}
}

// attendBack computes all three gradients, and drops those that are not wanted.
func (t *Tape) attendBack(n *node, gy []float32) {
	ids := [3]int32{n.a, n.b, n.c}
	var direct [3]bool
	var g [3][]float32
	for i, id := range ids {
		g[i], direct[i] = t.grad(id)
	}
	at := t.work.at
	for i, id := range ids {
		if !direct[i] {
			g[i] = t.work.take(len(t.val(id).data))
		}
	}
	t.attend.Back(t.pool, g[0], g[1], g[2], gy, t.attention(t.val(n.a).data, t.val(n.b).data, t.val(n.c).data, n.attn))
	for i, id := range ids {
		if sum, _ := t.grad(id); sum != nil && !direct[i] {
			kernel.Add(t.pool, sum, sum, g[i])
		}
	}
	t.work.release(at)
}

// layerBack runs the layer again, then its operations backwards.
func (t *Tape) layerBack(n *node) {
	if !t.pause() {
		return
	}
	l, y := n.layer, t.val(n.y)
	vals, nodes, m := len(t.vals), len(t.nodes), t.work.at
	x, gy := t.valueOf(n.a), y.grad
	l.replaying, l.at, l.outside = true, 0, vals
	t.layer = l
	inner := l.f(t, t.batch, x)
	if int(inner.ID) > vals {
		t.val(inner.ID).grad = gy
	} else { // the layer gave back its input
		t.through(inner.ID, func(g []float32) { copy(g, gy) })
	}
	t.back(nodes)
	t.layer = nil
	l.replaying = false
	t.vals, t.nodes = t.vals[:vals], t.nodes[:nodes]
	t.work.release(m)
}
