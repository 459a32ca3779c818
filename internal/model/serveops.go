package model

import "graft/internal/kernel"

// ServeOps computes the operations at once, over paged keys and values. It
// belongs to one goroutine. Steps allocate nothing once it has seen the largest.
type ServeOps struct {
	// Exact has activations in 16 bits, not 8, in all products with quantised
	// weights, not only in those of the head: logits are then those of the
	// dequantised weights, and prompts take up to half as long again.
	Exact bool

	pool  *kernel.Pool
	cache *Cache
	batch *Batch

	arena arena
	last  int32 // ID of the last value

	// acts is the input of the last Linear, made ready for products; q, k, v and
	// gate, up share theirs. It belongs to the value named actsOf.
	acts   kernel.Acts
	actsOf int32

	one      [1]*Linear       // of Linear
	outputs  []Value          // of Linears
	products []kernel.Product // of Linears

	results  [2][]float32 // of layers, in turn
	turn     int
	input    []float32 // of the layer that runs, which Residual adds to; nil outside
	inner    mark      // where that layer's memory begins
	rotary   map[*Rope]*rotary
	attender kernel.Attender
	spans    []kernel.Span // of the batch
	wanted   []kernel.Span // of what is wanted of the last layer

	adapted // what adapters of the batch's segments need
}

// rotary is the tables of a Rope.
type rotary struct{ short, long *kernel.Rotary }

// NewServeOps computes with the workers of pool over cache.
func NewServeOps(pool *kernel.Pool, cache *Cache) *ServeOps {
	return &ServeOps{pool: pool, cache: cache, rotary: map[*Rope]*rotary{}}
}

// Begin implements Ops, as do all that follow.
func (o *ServeOps) Begin(b *Batch) {
	b.Begin()
	o.batch = b
	o.arena.release(mark{})
	o.actsOf, o.last, o.input = 0, 0, nil
	o.spans = o.spans[:0]
	for i := range b.Segs {
		s := &b.Segs[i]
		o.spans = append(o.spans, kernel.Span{Row: s.Row, Len: s.Len, Past: s.Past, Blocks: s.Blocks})
	}
	o.group(b)
}

func (o *ServeOps) value(rows, width int) Value {
	o.last++
	return Value{Data: o.arena.take(rows * width), Rows: rows, Width: width, ID: o.last}
}

// Embed looks up and scales.
func (o *ServeOps) Embed(table *Linear, ids []int32, scale float32) Value {
	y := o.value(len(ids), table.W.Cols)
	for i, id := range ids {
		table.W.Row(y.Data[i*y.Width:(i+1)*y.Width], int(id))
	}
	if len(o.groups) > 0 {
		o.adaptedTable(y, ids, table)
	}
	if scale != 1 {
		kernel.Scale(o.pool, y.Data, y.Data, scale, 0)
	}
	return y
}

// Norm normalises rows or heads.
func (o *ServeOps) Norm(x Value, n *Norm) Value {
	y := o.value(x.Rows, x.Width)
	if n.Center {
		kernel.LayerNorm(o.pool, y.Data, x.Data, n.Weight, n.Bias, n.Eps)
	} else {
		kernel.RMSNorm(o.pool, y.Data, x.Data, n.Weight, n.Eps)
	}
	return y
}

// Linear projects, and adds what the adapters of each row make of it.
func (o *ServeOps) Linear(x Value, w *Linear) Value {
	o.one[0] = w
	return o.Linears(x, o.one[:])[0]
}

// Linears computes all of them in one meeting of the pool.
func (o *ServeOps) Linears(x Value, w []*Linear) []Value {
	o.set(x)
	o.outputs, o.products = o.outputs[:0], o.products[:0]
	for _, w := range w {
		y := o.value(x.Rows, w.W.Rows)
		o.outputs = append(o.outputs, y)
		o.products = append(o.products, kernel.Product{Y: y.Data, W: w.W, Exact: w.Wide || o.Exact})
	}
	if len(o.groups) > 0 {
		o.adaptedLinears(o.outputs, x, w)
	} else {
		kernel.MatMuls(o.pool, o.products, &o.acts, nil)
	}
	for i, w := range w {
		if y := o.outputs[i].Data; w.B != nil {
			kernel.Add(o.pool, y, y, w.B)
		}
	}
	return o.outputs
}

// set makes x ready for products.
func (o *ServeOps) set(x Value) {
	if o.actsOf != x.ID {
		o.acts.Set(o.pool, x.Data, x.Rows, x.Width)
		o.actsOf = x.ID
	}
}

// again is a new value in the memory of x, which is used up.
func (o *ServeOps) again(x Value) Value {
	o.last++
	x.ID = o.last
	return x
}

// Rope rotates heads, in their place.
func (o *ServeOps) Rope(x Value, r *Rope) Value {
	y := o.again(x)
	t := o.rotary[r]
	if t == nil {
		t = &rotary{short: kernel.NewRotary(r.InvFreq, r.MScale)}
		if r.InvFreqLong != nil {
			t.long = kernel.NewRotary(r.InvFreqLong, r.MScale)
		}
		o.rotary[r] = t
	}
	heads, pos := x.Width/r.HeadDim, o.batch.Positions()
	if t.long == nil {
		t.short.Rows(o.pool, y.Data, x.Data, heads, r.HeadDim, pos)
		return y
	}
	for i := range o.batch.Segs {
		s := &o.batch.Segs[i]
		use := t.short
		if s.Limit > r.OriginalContext {
			use = t.long
		}
		lo, hi := s.Row*x.Width, (s.Row+s.Len)*x.Width
		use.Rows(o.pool, y.Data[lo:hi], x.Data[lo:hi], heads, r.HeadDim, pos[s.Row:s.Row+s.Len])
	}
	return y
}

// Attend stores keys and values, then attends.
func (o *ServeOps) Attend(q, k, v Value, a *Attention) Value {
	y := o.value(q.Rows, q.Width)
	opts := kernel.AttendOptions{Heads: a.Heads, Scale: a.Scale, SoftCap: a.SoftCap, Window: a.Window}
	if !a.Causal {
		o.attender.AttendFull(o.pool, y.Data, q.Data, k.Data, v.Data, a.KVHeads, a.HeadDim, o.spans, opts)
		return y
	}
	kv := &o.cache.layers[a.Layer]
	kv.StoreRows(o.pool, k.Data, v.Data, o.spans)
	spans := o.spans
	if a.Last && o.batch.some() {
		spans = o.wantedSpans()
	}
	o.attender.Attend(o.pool, y.Data, q.Data, kv, spans, opts)
	return y
}

// wantedSpans are the rows of the batch's Logits.
func (o *ServeOps) wantedSpans() []kernel.Span {
	o.wanted = o.wanted[:0]
	left := o.batch.Logits
	for _, s := range o.spans {
		for len(left) > 0 && int(left[0]) < s.Row+s.Len {
			n := 1 // adjacent rows
			for n < len(left) && int(left[n]) == int(left[0])+n && int(left[n]) < s.Row+s.Len {
				n++
			}
			row := int(left[0])
			o.wanted = append(o.wanted, kernel.Span{Row: row, Len: n, Past: s.Past + row - s.Row, Blocks: s.Blocks})
			left = left[n:]
		}
	}
	return o.wanted
}

// Gated computes both projections and the unit in one meeting of the pool.
func (o *ServeOps) Gated(x Value, w *[2]*Linear, act Activation) Value {
	if w[0].B != nil || w[1].B != nil || o.touches(w[0]) || o.touches(w[1]) {
		y := o.Linears(x, w[:])
		return o.GLU(y[0], y[1], act)
	}
	o.set(x)
	y := o.value(x.Rows, w[0].W.Rows)
	m := o.arena.at
	var both [2]kernel.Product
	for i, w := range w {
		both[i] = kernel.Product{Y: o.arena.take(x.Rows * w.W.Rows), W: w.W, Exact: w.Wide || o.Exact}
	}
	kernel.MatMulGLU(o.pool, y.Data, both[0], both[1], &o.acts, act)
	o.arena.release(m)
	return y
}

// GLU gates.
func (o *ServeOps) GLU(gate, up Value, act Activation) Value {
	y := o.value(gate.Rows, gate.Width)
	kernel.GLU(o.pool, y.Data, gate.Data, up.Data, act)
	return y
}

// Add sums.
func (o *ServeOps) Add(a, b Value) Value {
	y := o.value(a.Rows, a.Width)
	kernel.Add(o.pool, y.Data, a.Data, b.Data)
	return y
}

// Residual adds y to the layer's input in its place, and takes all memory of the layer
// back: what the parts of a layer write and read stays in the caches.
func (o *ServeOps) Residual(x, y Value) Value {
	if !sameMemory(x.Data, o.input) {
		return o.Add(x, y)
	}
	kernel.Add(o.pool, x.Data, x.Data, y.Data)
	o.arena.release(o.inner)
	return o.again(x)
}

func sameMemory(a, b []float32) bool {
	return len(a) > 0 && len(a) == len(b) && &a[0] == &b[0]
}

// Scale multiplies and caps.
func (o *ServeOps) Scale(x Value, s, softCap float32) Value {
	y := o.value(x.Rows, x.Width)
	kernel.Scale(o.pool, y.Data, x.Data, s, softCap)
	return y
}

// Select keeps rows.
func (o *ServeOps) Select(x Value, rows []int32) Value {
	y := o.value(len(rows), x.Width)
	for i, from := range rows {
		copy(y.Data[i*y.Width:(i+1)*y.Width], x.Data[int(from)*x.Width:])
	}
	o.choose(rows, y.ID)
	return y
}

// Layer runs f and takes back all memory but that of the result, which lies where x lay
// if f ends in Residual.
func (o *ServeOps) Layer(f LayerFunc, x Value) Value {
	o.input, o.inner = x.Data, o.arena.at
	y := f(o, o.batch, x)
	o.input = nil
	if !sameMemory(y.Data, x.Data) {
		out := &o.results[o.turn]
		o.turn = 1 - o.turn
		if cap(*out) < len(y.Data) {
			*out = make([]float32, len(y.Data))
		}
		*out = (*out)[:len(y.Data)]
		kernel.Copy(o.pool, *out, y.Data)
		y.Data = *out
	}
	o.arena.release(o.inner)
	return o.again(y)
}
