package training

import (
	"graft/internal/kernel"
	"graft/internal/model"
)

// kind names an operation on the tape.
type kind uint8

const (
	opEmbed kind = iota
	opNorm
	opLinear
	opRope
	opAttend
	opGLU
	opAdd
	opScale
	opSelect
	opLayer
)

// node is one recorded operation: y of a, b, c, which are IDs of values, 0 for none.
type node struct {
	kind    kind
	a, b, c int32
	y       int32

	norm   *model.Norm
	linear *model.Linear
	rope   *model.Rope
	attn   *model.Attention
	act    model.Activation
	s, cap float32
	rows   []int32
	layer  *layerTape
	u      []float32 // of a projection with a module; see projection
}

// begin records an operation with a result [rows, width] and reports whether the
// result is to be computed.
func (t *Tape) begin(n node, rows, width int) (model.Value, bool) {
	if n.kind != opLinear {
		t.ready(n.a, n.b, n.c)
	}
	v := value{rows: rows, width: width}
	for _, id := range [...]int32{n.a, n.b, n.c} {
		v.needs = v.needs || id > 0 && t.val(id).needs
	}
	if n.kind == opLinear && t.module(n.linear) != nil {
		v.needs = true
	}
	due := t.err == nil
	switch {
	case !due:
	case t.layer == nil:
		v.data = t.keep.take(rows * width)
	case t.layer.replaying:
		v.data, due = t.layer.next(t, rows*width)
	case t.record && (t.layer.guess(n.kind, t, rows*width) || t.layer.last(t)):
		v.data, v.stays = t.keep.take(rows*width), true
	default:
		v.data = t.work.take(rows * width)
	}
	if t.layer != nil && !t.layer.replaying {
		t.layer.at++
	}
	n.y = int32(len(t.vals)) + 1
	t.vals = append(t.vals, v)
	t.nodes = append(t.nodes, n)
	return t.valueOf(n.y), due
}

// Embed looks up and scales.
func (t *Tape) Embed(table *model.Linear, ids []int32, scale float32) model.Value {
	y, due := t.begin(node{kind: opEmbed}, len(ids), table.W.Cols)
	if !due {
		return y
	}
	const each = 16 // rows
	t.pool.Run((len(ids)+each-1)/each, piece(func(i int) {
		for r := i * each; r < min(len(ids), (i+1)*each); r++ {
			table.W.Row(y.Data[r*y.Width:(r+1)*y.Width], int(ids[r]))
		}
	}))
	if scale != 1 {
		kernel.Scale(t.pool, y.Data, y.Data, scale, 0)
	}
	return y
}

// Norm normalises rows or heads.
func (t *Tape) Norm(x model.Value, n *model.Norm) model.Value {
	y, due := t.begin(node{kind: opNorm, a: x.ID, norm: n}, x.Rows, x.Width)
	switch {
	case !due:
	case n.Center:
		kernel.LayerNorm(t.pool, y.Data, x.Data, n.Weight, n.Bias, n.Eps)
	case t.late():
		t.val(y.ID).fill = func(row, rows int) {
			lo, hi := row*y.Width, (row+rows)*y.Width
			kernel.RMSNorm(nil, y.Data[lo:hi], x.Data[lo:hi], n.Weight, n.Eps)
		}
	default:
		kernel.RMSNorm(t.pool, y.Data, x.Data, n.Weight, n.Eps)
	}
	return y
}

// Linear projects, and adds what the adapter does. Of the head it only takes note:
// logits are computed some rows at a time, with the loss.
func (t *Tape) Linear(x model.Value, w *model.Linear) model.Value {
	if w.Wide && t.layer == nil {
		t.head = headTape{x: x.ID, linear: w, scale: 1}
		return model.Value{Rows: x.Rows, Width: w.W.Rows, ID: headID}
	}
	var one [1]model.Value
	return t.linears(one[:0], x, w)[0]
}

// Linears projects the same rows several times.
func (t *Tape) Linears(x model.Value, w []*model.Linear) []model.Value {
	t.outputs = t.linears(t.outputs[:0], x, w...)
	return t.outputs
}

func (t *Tape) linears(out []model.Value, x model.Value, w ...*model.Linear) []model.Value {
	due := make([]projection, 0, len(w))
	for _, w := range w {
		y, wanted := t.begin(node{kind: opLinear, a: x.ID, linear: w}, x.Rows, w.W.Rows)
		out = append(out, y)
		p := projection{w: w, m: t.module(w), y: y.Data, node: len(t.nodes) - 1}
		if t.layer != nil {
			p.u = t.layer.squeezed[p.node-t.layer.first]
			t.nodes[p.node].u = p.u
		}
		if wanted {
			due = append(due, p)
		}
	}
	if len(due) == 0 {
		return out
	}
	v := t.val(x.ID)
	if t.drop != 0 {
		t.ready(x.ID)
	}
	t.project(due, x.Data, x.Rows, t.drop, v.fill)
	v.fill = nil
	for _, p := range due {
		if p.u != nil && t.record {
			t.nodes[p.node].u = p.u
			if t.layer != nil {
				t.layer.squeezed[p.node-t.layer.first] = p.u
			}
		}
	}
	return out
}

// Rope rotates heads.
func (t *Tape) Rope(x model.Value, r *model.Rope) model.Value {
	y, due := t.begin(node{kind: opRope, a: x.ID, rope: r}, x.Rows, x.Width)
	if due {
		t.rotate(y.Data, x.Data, x.Width, r, false)
	}
	return y
}

// rotate turns the heads of all rows by their positions, or back.
func (t *Tape) rotate(y, x []float32, width int, r *model.Rope, back bool) {
	u := t.rotary[r]
	if u == nil {
		u = &rotary{short: kernel.NewRotary(r.InvFreq, r.MScale), shortBack: kernel.NewRotary(negated(r.InvFreq), r.MScale)}
		if r.InvFreqLong != nil {
			u.long, u.longBack = kernel.NewRotary(r.InvFreqLong, r.MScale), kernel.NewRotary(negated(r.InvFreqLong), r.MScale)
		}
		t.rotary[r] = u
	}
	pos, segs := t.batch.Positions(), t.batch.Segs
	for i := 0; i < len(segs); {
		use, from, to := u.of(&segs[i], r, back), segs[i].Row, segs[i].Row+segs[i].Len
		for i++; i < len(segs) && segs[i].Row == to && u.of(&segs[i], r, back) == use; i++ {
			to += segs[i].Len
		}
		use.Rows(t.pool, y[from*width:to*width], x[from*width:to*width], width/r.HeadDim, r.HeadDim, pos[from:to])
	}
}

// of is the tables for a segment.
func (u *rotary) of(s *model.Segment, r *model.Rope, back bool) *kernel.Rotary {
	switch long := u.long != nil && s.Limit > r.OriginalContext; {
	case long && back:
		return u.longBack
	case long:
		return u.long
	case back:
		return u.shortBack
	}
	return u.short
}

func negated(x []float32) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = -v
	}
	return y
}

// Attend attends within each segment.
func (t *Tape) Attend(q, k, v model.Value, a *model.Attention) model.Value {
	if !a.Causal {
		panic("training: attention that is not causal") // NewAdapter refuses such models
	}
	y, due := t.begin(node{kind: opAttend, a: q.ID, b: k.ID, c: v.ID, attn: a}, q.Rows, q.Width)
	if due {
		t.attend.Forward(t.pool, y.Data, t.attention(q.Data, k.Data, v.Data, a))
	}
	return y
}

func (t *Tape) attention(q, k, v []float32, a *model.Attention) *kernel.SelfAttend {
	return &kernel.SelfAttend{
		Q: q, K: k, V: v, Spans: t.spans, KVHeads: a.KVHeads, HeadDim: a.HeadDim,
		AttendOptions: kernel.AttendOptions{Heads: a.Heads, Scale: a.Scale, SoftCap: a.SoftCap, Window: a.Window},
	}
}

// Gated is two nodes more: the backward of each is known.
func (t *Tape) Gated(x model.Value, w *[2]*model.Linear, act model.Activation) model.Value {
	y := t.Linears(x, w[:])
	return t.GLU(y[0], y[1], act)
}

// GLU gates.
func (t *Tape) GLU(gate, up model.Value, act model.Activation) model.Value {
	y, due := t.begin(node{kind: opGLU, a: gate.ID, b: up.ID, act: act}, gate.Rows, gate.Width)
	switch {
	case !due:
	case up.ID > 0 && t.late():
		t.val(y.ID).fill = func(row, rows int) {
			lo, hi := row*y.Width, (row+rows)*y.Width
			kernel.GLU(nil, y.Data[lo:hi], gate.Data[lo:hi], up.Data[lo:hi], act)
		}
	default:
		kernel.GLU(t.pool, y.Data, gate.Data, up.Data, act)
	}
	return y
}

// Add sums.
func (t *Tape) Add(a, b model.Value) model.Value {
	y, due := t.begin(node{kind: opAdd, a: a.ID, b: b.ID}, a.Rows, a.Width)
	if due {
		kernel.Add(t.pool, y.Data, a.Data, b.Data)
	}
	return y
}

// Residual sums: a tape keeps what it was made of.
func (t *Tape) Residual(x, y model.Value) model.Value { return t.Add(x, y) }

// Scale multiplies and caps.
func (t *Tape) Scale(x model.Value, s, softCap float32) model.Value {
	if x.ID == headID {
		t.head.scale, t.head.cap = t.head.scale*s, softCap
		return x
	}
	y, due := t.begin(node{kind: opScale, a: x.ID, s: s, cap: softCap}, x.Rows, x.Width)
	if due {
		kernel.Scale(t.pool, y.Data, x.Data, s, softCap)
	}
	return y
}

// Select keeps rows.
func (t *Tape) Select(x model.Value, rows []int32) model.Value {
	y, due := t.begin(node{kind: opSelect, a: x.ID, rows: rows}, len(rows), x.Width)
	if due {
		for i, from := range rows {
			copy(y.Data[i*y.Width:(i+1)*y.Width], x.Data[int(from)*x.Width:])
		}
	}
	return y
}
