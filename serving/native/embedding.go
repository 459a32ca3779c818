package native

import (
	"context"
	"slices"

	"graft/internal/model"
	"graft/serving"
)

// embedding is one request for embeddings inside the engine. It takes turns with
// the steps of answers, and between inputs with other embeddings.
type embedding struct {
	ctx     context.Context // of the caller that waits
	inputs  [][]int32       // none empty
	vectors [][]float32     // of the inputs so far; nil for each when states are wanted
	each    bool            // the states of single tokens are wanted; of encoders only
	layers  int             // that are computed, of encoders; 0: all
	states  [][][]float32   // of the inputs so far, [T][D] each, when each is set
	err     error
	done    chan struct{} // closed when vectors, states and err can be read

	// The input in progress, when it takes several passes.
	table    table
	computed int
	pooler   *model.Pooler
}

// embedStep computes the next part of the embedding whose turn it is.
func (e *engine) embedStep() {
	x := e.embeds[0]
	err := guarded(func() error { return e.embedPass(x) })
	switch {
	case err != nil || len(x.vectors) == len(x.inputs):
		e.endEmbedding(x, err)
	case x.computed == 0: // in the middle of an input it holds blocks, and stays
		e.embeds = append(e.embeds[1:], x)
	}
}

// embedPass computes as many tokens of x as a step may have, at least one input
// of an encoder.
func (e *engine) embedPass(x *embedding) error {
	b := &e.batch
	b.IDs, b.Segs, b.Logits, b.Layers = b.IDs[:0], b.Segs[:0], b.Logits[:0], x.layers
	tables := make([]table, 0, 8) // of the inputs that begin and end here
	defer func() {
		for i := range tables {
			e.sched.blocks.release(&tables[i])
		}
	}()
	first := len(x.vectors)
	for i := first; i < len(x.inputs) && len(b.IDs) < e.sched.rows; i++ {
		ids, past := x.inputs[i], 0
		if i == first {
			past = x.computed
		}
		n := min(len(ids)-past, e.sched.rows-len(b.IDs))
		if e.encoder {
			if n < len(ids) && len(b.IDs) > 0 {
				break
			}
			b.Segs = append(b.Segs, model.Segment{Row: len(b.IDs), Len: len(ids), Limit: len(ids)})
			b.IDs = append(b.IDs, ids...)
			continue
		}
		if i > first {
			if n < len(ids) {
				break // begins in a pass of its own
			}
			var t table
			if !e.sched.blocks.grow(&t, len(ids)) {
				break
			}
			tables = append(tables, t)
			b.Segs = append(b.Segs, model.Segment{Row: len(b.IDs), Len: n, Limit: len(ids), Blocks: t.blocks})
		} else {
			for !e.sched.blocks.grow(&x.table, len(ids)) {
				e.sched.preempt(e.sched.running[len(e.sched.running)-1])
			}
			b.Segs = append(b.Segs, model.Segment{Row: len(b.IDs), Len: n, Past: past, Limit: len(ids), Blocks: x.table.blocks})
		}
		b.IDs = append(b.IDs, ids[past:past+n]...)
	}
	h, err := e.run.Hidden(b)
	if err != nil {
		return err
	}
	for k := range b.Segs {
		s := &b.Segs[k]
		if x.each {
			x.states, x.vectors = append(x.states, rowsOf(h, s)), append(x.vectors, nil)
			continue
		}
		if k == 0 && x.pooler != nil {
			x.pooler.Add(h, s)
		} else {
			x.pooler = e.run.NewPooler()
			x.pooler.Add(h, s)
		}
		x.computed = s.Past + s.Len
		if x.computed < len(x.inputs[first+k]) {
			return nil // goes on in the next pass
		}
		v := make([]float32, h.Width)
		x.pooler.Vector(v)
		x.vectors = append(x.vectors, v)
		x.pooler, x.computed = nil, 0
		if k == 0 {
			e.sched.blocks.release(&x.table)
		}
	}
	return nil
}

// rowsOf copies the rows of a segment: [Len][D].
func rowsOf(h model.Value, s *model.Segment) [][]float32 {
	all := slices.Clone(h.Data[s.Row*h.Width : (s.Row+s.Len)*h.Width])
	rows := make([][]float32, s.Len)
	for i := range rows {
		rows[i] = all[i*h.Width : (i+1)*h.Width : (i+1)*h.Width]
	}
	return rows
}

func (e *engine) endEmbedding(x *embedding, err error) {
	e.sched.blocks.release(&x.table)
	e.embeds = slices.DeleteFunc(e.embeds, func(y *embedding) bool { return y == x })
	x.err = err
	close(x.done)
}

// embed computes x and waits for it.
func (e *engine) embed(x *embedding) error {
	select {
	case e.in <- message{embed: x}:
	case <-e.done:
		return serving.ErrDraining
	case <-x.ctx.Done():
		return context.Cause(x.ctx)
	}
	select {
	case <-x.done:
		return x.err
	case <-x.ctx.Done():
		return context.Cause(x.ctx)
	}
}
