package training

import "graft/internal/kernel"

// The gradient of a sum is that of each of its parts: they share its memory until one
// of them is to be added to, which by then is most often the last that has it.

// grad is the gradient of a value to add to; nil when none is wanted. A fresh one
// holds anything.
func (t *Tape) grad(id int32) (g []float32, fresh bool) {
	if id == 0 || !t.val(id).needs {
		return nil, false
	}
	v := t.val(id)
	if v.grad != nil {
		t.own(id)
		return v.grad, false
	}
	t.room(id)
	return v.grad, true
}

// room gives a value memory for its gradient.
func (t *Tape) room(id int32) {
	v := t.val(id)
	if v.lasts = t.outside(id); v.lasts {
		v.grad = t.borrow(v.rows * v.width)
	} else {
		v.grad = t.work.take(v.rows * v.width)
	}
}

// outside tells whether a value is not of the layer that runs backwards, so that its
// gradient outlives it.
func (t *Tape) outside(id int32) bool { return t.layer == nil || int(id) <= t.layer.outside }

// onto is memory for the gradient of a value, and what is to be added to it;
// nil: nothing yet. They are the same unless others share the latter.
func (t *Tape) onto(id int32) (g, base []float32) {
	if id == 0 || !t.val(id).needs {
		return nil, nil
	}
	v := t.val(id)
	base = v.grad
	switch {
	case base == nil:
		t.room(id)
	case t.sharing[&base[0]] > 0:
		t.sharing[&base[0]]--
		t.room(id)
	}
	return v.grad, base
}

// added is grad, with zeros when fresh.
func (t *Tape) added(id int32) []float32 {
	g, fresh := t.grad(id)
	if fresh {
		clear(g)
	}
	return g
}

// hand adds the gradient of a value to that of another, which shares its memory if it
// had none.
func (t *Tape) hand(to, from int32) {
	if to == 0 || !t.val(to).needs {
		return
	}
	v, y := t.val(to), t.val(from)
	if v.grad == nil && (y.lasts || !t.outside(to)) {
		v.grad, v.lasts = y.grad, y.lasts
		t.sharing[&y.grad[0]]++
		return
	}
	if g, fresh := t.grad(to); fresh {
		copy(g, y.grad)
	} else {
		kernel.Add(t.pool, g, g, y.grad)
	}
}

// own makes the gradient of a value its own, so that it may be changed.
func (t *Tape) own(id int32) {
	v := t.val(id)
	if g := v.grad; t.sharing[&g[0]] > 0 {
		t.sharing[&g[0]]--
		t.room(id)
		copy(v.grad, g)
	}
}

// spent takes the gradient of a value back.
func (t *Tape) spent(id int32) {
	v := t.val(id)
	g := v.grad
	v.grad = nil
	switch {
	case g == nil: // handed on before
	case t.sharing[&g[0]] > 0:
		t.sharing[&g[0]]--
	case v.lasts:
		t.free = append(t.free, g)
	}
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

// written has f write what is to be added to the gradients of some values, nil for those
// that want none: in place where it is the first, beside what is there else.
func (t *Tape) written(ids [3]int32, f func(g [3][]float32)) {
	var sums, g [3][]float32
	for i, id := range ids {
		var fresh bool
		if g[i], fresh = t.grad(id); g[i] != nil && !fresh {
			sums[i] = g[i]
		}
	}
	at := t.work.at
	for i, sum := range sums {
		if sum != nil {
			g[i] = t.work.take(len(sum))
		}
	}
	f(g)
	for i, sum := range sums {
		if sum != nil {
			kernel.Add(t.pool, sum, sum, g[i])
		}
	}
	t.work.release(at)
}
