package training

import (
	"context"
	"fmt"

	"graft/internal/kernel"
	"graft/internal/model"
)

// Tape computes a pass of a model with an adapter and then its gradients. It is the
// model.Ops of training, and belongs to one goroutine.
//
// Of a layer it keeps the input, and as many of the dear results inside (products,
// attention) as Keep allows; the backward pass runs the layer again for the rest. What
// is computed again is the same, bit for bit, so Keep changes speed and memory only.
// Of what no gradient depends on, nothing is kept and nothing computed again, and
// below the lowest adapted module there is no backward pass.
type Tape struct {
	// Keep is how many bytes of results may be kept between the passes.
	Keep int64
	// Precision is that of products with weights and of attention. It is set before the first pass.
	Precision kernel.Precision
	// Between is called between small pieces of work, so that others may use the
	// cores; its error ends the pass. May be nil.
	Between func(ctx context.Context) error

	eager   bool // nothing is computed late; for tests
	pool    *kernel.Pool
	adapter *Adapter // nil: the base alone
	drop    float32  // rate of dropout in this pass; 0: none
	step    uint64   // numbers the pass; masks are drawn from it
	record  bool     // a backward pass will follow
	part    uint64   // first row of those that the head is computed for; its masks depend on it

	ctx   context.Context
	err   error // of Between; nothing is computed any more
	batch *model.Batch

	vals  []value
	nodes []node
	mem   *Memory
	work  *arena // of mem, as is keep
	keep  *arena
	kept  int64        // bytes of results kept in layers
	turns [2][]float32 // results of layers that no backward pass will ask for, in turn; of keep
	turn  int
	layer *layerTape
	like  *layerTape // the layer before, which the next is likely to be like
	head  headTape

	gates   lateGates
	outputs []model.Value    // of Linears
	free    [][]float32      // gradients of values outside of layers, to be used again; of keep
	sharing map[*float32]int // by the first number of a gradient: values that have it, but for one

	gemm   *kernel.Gemm // of mem, as is attend
	attend *kernel.SelfAttention
	spans  []kernel.Span
	rotary map[*model.Rope]*rotary
}

// value is one result of an operation; model.Value.ID is its index, plus one.
type value struct {
	data        []float32 // nil: was not needed
	rows, width int
	needs       bool      // gradients flow through it
	stays       bool      // data lies where what is kept does
	grad        []float32 // nil: none yet
	lasts       bool      // grad outlives its layer

	fill func(row, rows int) // writes some rows of data; nil: they are there
}

// rotary is the tables of a Rope and of the rotation backwards.
type rotary struct{ short, long, shortBack, longBack *kernel.Rotary }

// NewTape computes with the workers of pool in mem; nil: in memory of its own.
func NewTape(pool *kernel.Pool, mem *Memory) *Tape {
	if mem == nil {
		mem = NewMemory()
	}
	return &Tape{pool: pool, mem: mem, work: &mem.work, keep: &mem.keep, gemm: &mem.gemm, attend: &mem.attend, rotary: map[*model.Rope]*rotary{}, sharing: map[*float32]int{}}
}

// Pass says how a pass is computed.
type Pass struct {
	Adapter *Adapter // nil: the base alone
	// Train records what Backward needs and switches dropout on. Number tells the
	// pass from all others: the masks are drawn from it.
	Train  bool
	Number uint64
}

// Forward runs m over b up to the input of the head. The rows of b.Logits are those
// that LogProbs and Backward are about. It returns an error only from Between.
func (t *Tape) Forward(ctx context.Context, m *model.Model, b *model.Batch, p Pass) error {
	t.ctx, t.err = ctx, nil
	t.adapter, t.record, t.step, t.drop = p.Adapter, p.Train, p.Number, 0
	if p.Train && p.Adapter != nil {
		t.drop = p.Adapter.Dropout
	}
	t.work.release(mark{})
	t.gemm.Precision, t.attend.Precision = t.Precision, t.Precision
	t.stretches(m)
	m.Forward(t, b)
	return t.err
}

// Begin implements model.Ops, as do the operations in tape_ops.go.
func (t *Tape) Begin(b *model.Batch) {
	b.Begin()
	t.batch = b
	t.vals, t.nodes = t.vals[:0], t.nodes[:0]
	t.work.release(mark{})
	t.keep.release(mark{})
	t.kept, t.layer, t.like, t.head = 0, nil, nil, headTape{}
	t.gates = lateGates{}
	t.turns, t.free = [2][]float32{}, t.free[:0]
	clear(t.sharing)
	t.spans = t.spans[:0]
	for i := range b.Segs {
		s := &b.Segs[i]
		if s.Past != 0 {
			panic(fmt.Sprintf("training: segment %d begins at position %d: there is no cache", i, s.Past))
		}
		t.spans = append(t.spans, kernel.Span{Row: s.Row, Len: s.Len})
	}
}

// Leaf makes a value of the pass that gradients flow to. It is for tests of single
// operations.
func (t *Tape) Leaf(data []float32, rows, width int) model.Value {
	t.vals = append(t.vals, value{data: data, rows: rows, width: width, needs: true})
	return t.valueOf(int32(len(t.vals)))
}

func (t *Tape) valueOf(id int32) model.Value {
	v := &t.vals[id-1]
	return model.Value{Data: v.data, Rows: v.rows, Width: v.width, ID: id}
}

func (t *Tape) val(id int32) *value { return &t.vals[id-1] }

// Bytes is the memory that passes have needed so far.
func (t *Tape) Bytes() int64 { return t.mem.Bytes() }

// pause lets others use the cores; false: the pass has ended with an error.
func (t *Tape) pause() bool {
	if t.err == nil && t.Between != nil {
		t.err = t.Between(t.ctx)
	}
	return t.err == nil
}
