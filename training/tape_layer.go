package training

import "graft/internal/model"

// layerTape is what the tape knows of one layer after the forward pass: which of the
// results inside the backward pass needs, and those that are kept.
type layerTape struct {
	f         model.LayerFunc
	needed    []bool            // by operation
	kept      [][]float32       // by operation; nil: not kept
	squeezed  map[int][]float32 // by operation; see projection.u
	first     int               // node that the operations begin at
	replaying bool
	at        int // operation that is next
	outside   int // values with IDs up to this are not of the layer
}

// guess tells whether the next result will be kept, going by the layer before: it then
// need not be copied.
func (l *layerTape) guess(k kind, t *Tape, n int) bool {
	like := t.like
	return like != nil && l.at < len(like.kept) && like.kept[l.at] != nil && dear(k) && t.kept+4*int64(n) <= t.Keep
}

// last tells whether the next result is that of the layer, going by the layer before.
func (l *layerTape) last(t *Tape) bool { return t.like != nil && l.at+1 == len(t.like.needed) }

// dear tells the operations whose results are worth their memory.
func dear(k kind) bool { return k == opLinear || k == opAttend }

// next is the memory for the next result of a replay, and whether it is to be computed.
func (l *layerTape) next(t *Tape, n int) (data []float32, todo bool) {
	i := l.at
	l.at++
	switch {
	case l.kept[i] != nil:
		return l.kept[i], false
	case l.needed[i]:
		return t.work.take(n), true
	}
	return nil, false
}

// Layer runs f and keeps its input, its result and, of what is inside, what pays.
func (t *Tape) Layer(f model.LayerFunc, x model.Value) model.Value {
	if t.layer != nil { // a layer in a layer is part of it
		return f(t, t.batch, x)
	}
	if !t.pause() {
		y, _ := t.begin(node{kind: opLayer, a: x.ID}, x.Rows, x.Width)
		return y
	}
	vals, nodes, m := len(t.vals), len(t.nodes), t.work.at
	l := &layerTape{f: f, first: nodes, squeezed: map[int][]float32{}}
	t.layer = l
	y := f(t, t.batch, x)
	t.ready(y.ID)
	t.layer = nil
	needs, out := t.val(y.ID).needs, y.Data
	if needs && t.record {
		t.plan(l, nodes)
		t.like = l
		if !t.val(y.ID).stays || int(y.ID) <= vals {
			out = t.keep.take(len(y.Data))
			copy(out, y.Data)
		}
	} else {
		t.turn = 1 - t.turn
		if cap(t.turns[t.turn]) < len(y.Data) {
			t.turns[t.turn] = t.keep.take(len(y.Data))
		}
		out = t.turns[t.turn][:len(y.Data)]
		copy(out, y.Data)
	}
	t.vals, t.nodes = t.vals[:vals], t.nodes[:nodes]
	t.work.release(m)
	t.vals = append(t.vals, value{data: out, rows: y.Rows, width: y.Width, needs: needs})
	id := int32(len(t.vals))
	t.nodes = append(t.nodes, node{kind: opLayer, a: x.ID, y: id, layer: l})
	return t.valueOf(id)
}

// plan finds out, for the layer whose nodes begin at first, which results the backward
// pass needs, and keeps those that are dear if there is room for all of them.
func (t *Tape) plan(l *layerTape, first int) {
	nodes := t.nodes[first:]
	last := len(nodes)
	want := make(map[int32]bool, last)
	for i := range nodes {
		t.wants(&nodes[i], want)
	}
	keep := t.kept
	for i := range nodes {
		if n := &nodes[i]; dear(n.kind) && t.reaches(nodes, i, want) {
			keep += 4 * int64(len(t.val(n.y).data))
		}
	}
	all := keep <= t.Keep
	l.needed, l.kept = make([]bool, last), make([][]float32, last)
	for i := last - 1; i >= 0; i-- {
		n := &nodes[i]
		if !want[n.y] {
			continue
		}
		if all && dear(n.kind) {
			v := t.val(n.y)
			if l.kept[i] = v.data; !v.stays {
				l.kept[i] = t.keep.take(len(v.data))
				copy(l.kept[i], v.data)
			}
			t.kept += 4 * int64(len(l.kept[i]))
			continue
		}
		l.needed[i] = true
		want[n.a], want[n.b], want[n.c] = true, true, true
	}
}

// reaches tells whether the result of node i is wanted, by the backward pass or to
// compute again what is cheap.
func (t *Tape) reaches(nodes []node, i int, want map[int32]bool) bool {
	if want[nodes[i].y] {
		return true
	}
	for k := i + 1; k < len(nodes); k++ {
		n := &nodes[k]
		if (n.a == nodes[i].y || n.b == nodes[i].y || n.c == nodes[i].y) && !dear(n.kind) && t.reaches(nodes, k, want) {
			return true
		}
	}
	return false
}

// wants marks the values that the backward pass of n reads.
func (t *Tape) wants(n *node, want map[int32]bool) {
	if !t.val(n.y).needs {
		return
	}
	needs := func(id int32) bool { return id > 0 && t.val(id).needs }
	switch n.kind {
	case opNorm:
		want[n.a] = want[n.a] || needs(n.a)
	case opLinear:
		m := t.module(n.linear)
		want[n.a] = want[n.a] || m != nil
		want[n.y] = want[n.y] || m != nil && m.M != nil
	case opAttend:
		want[n.a], want[n.b], want[n.c] = true, true, true
	case opGLU:
		want[n.a] = true
		want[n.b] = want[n.b] || n.b > 0 && needs(n.a)
	case opScale:
		want[n.y] = want[n.y] || n.cap > 0
	}
}
