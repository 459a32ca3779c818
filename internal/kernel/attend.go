package kernel

import (
	"fmt"
	"math"
	"sync/atomic"
)

// Attention is softmax(Q Kᵀ scale) V for each row and head. Keys are taken in
// chunks of chunkLen positions of the sequence. Within a chunk
//
//	s_j = scale Σ_d q_d k_jd          summed in the order of d
//	m = max s_j, p_j = e^(s_j-m), l = Σ p_j   summed as Dot does, by j - first of the chunk
//	a_d = Σ p_j v_jd                  summed in the order of j
//
// and chunks are merged in their order, scaled to the larger m. All this depends
// on positions alone, so a row gets the same bits in any batch, in any piece of
// its prompt, and wherever its blocks lie.
const chunkLen = 128

// tileQueries is how many queries (rows times heads of one key head) share the
// decoding of a block.
const tileQueries = 96

// AttendOptions are the properties of a layer.
type AttendOptions struct {
	Heads   int     // query heads, a multiple of KVHeads; query head h uses key head h*KVHeads/Heads
	Scale   float32 // above 0; usually 1/sqrt(HeadDim)
	SoftCap float32 // above 0: scores become SoftCap*tanh(score/SoftCap)
	Window  int     // tokens that a query sees, itself included; 0: all before it
}

// Attender computes attention in memory that it keeps. It serves one goroutine at
// a time. The zero value is ready.
type Attender struct {
	scratch []attendScratch // one per worker
	job     attendJob
	full    KV // what AttendFull stores
	blocks  []int32
	spans   []Span
}

// Attend computes out [rows, Heads*HeadDim] from q of the same shape. Each row
// attends to the tokens of its sequence in kv up to its own position, which must
// all be stored. Rows outside of all spans are left alone. out must not be q.
func (a *Attender) Attend(p *Pool, out, q []float32, kv *KV, spans []Span, o AttendOptions) {
	a.attend(p, out, q, kv, spans, o, true)
}

// AttendFull is attention without a cache, as in encoders: each row attends to all
// rows of its span, before and after. k and v are [rows, kvHeads*headDim]; Past
// and Blocks of spans and Window are not used.
func (a *Attender) AttendFull(p *Pool, out, q, k, v []float32, kvHeads, headDim int, spans []Span, o AttendOptions) {
	const blockLen = 32
	kv := &a.full
	kv.Type, kv.BlockLen, kv.KVHeads, kv.HeadDim = F32, blockLen, kvHeads, headDim
	blocks := 0
	for _, s := range spans {
		blocks += (s.Len + blockLen - 1) / blockLen
	}
	for len(a.blocks) < blocks {
		a.blocks = append(a.blocks, int32(len(a.blocks)))
	}
	if n := blocks * kv.BlockBytes(); len(kv.K) < n {
		kv.K, kv.V = make([]byte, n), make([]byte, n)
	}
	a.spans = a.spans[:0]
	first := 0
	for _, s := range spans {
		n := (s.Len + blockLen - 1) / blockLen
		a.spans = append(a.spans, Span{Row: s.Row, Len: s.Len, Blocks: a.blocks[first : first+n]})
		first += n
	}
	kv.StoreRows(p, k, v, a.spans)
	o.Window = 0
	a.attend(p, out, q, kv, a.spans, o, false)
}

func (a *Attender) attend(p *Pool, out, q []float32, kv *KV, spans []Span, o AttendOptions, causal bool) {
	if err := kv.Check(); err != nil {
		panic("kernel: " + err.Error())
	}
	if !(o.Scale > 0) || o.Heads < 1 || o.Heads%kv.KVHeads != 0 || len(out) != len(q) || len(q)%(o.Heads*kv.HeadDim) != 0 {
		panic(fmt.Sprintf("kernel: attention of %d numbers into %d: %d heads of %d, %d of keys, scale %v", len(q), len(out), o.Heads, kv.HeadDim, kv.KVHeads, o.Scale))
	}
	j := &a.job
	j.out, j.q, j.kv, j.spans, j.o, j.causal = out, q, kv, spans, o, causal
	j.plan(p.Workers())
	if len(j.items) == 0 {
		return
	}
	workers := min(p.Workers(), len(j.items))
	a.reserve(workers)
	j.scratch = a.scratch
	j.left.set(0, len(j.items))
	p.Run(workers, j)
	j.out, j.q, j.kv, j.spans = nil, nil, nil, nil
}

// attendJob is the task of one call: workers take items until none is left.
type attendJob struct {
	out, q  []float32
	kv      *KV
	spans   []Span
	o       AttendOptions
	causal  bool
	group   int // query heads of one key head
	scratch []attendScratch
	items   []attendItem
	left    ends

	// Of tiles whose chunks are shared out, the results of all chunks, and how many
	// chunks are yet to come.
	parts   []float32
	pending []atomic.Int32
}

// attendItem is some rows of a span and one key head, with all chunks or a few.
type attendItem struct {
	span, row, rows, head int // row counts from the start of the span
	first, chunks         int // of the tile
	from, to              int // chunks of the item
	tile                  int // index into pending, if its chunks are shared out
	part                  int // offset of the tile's results in parts
}

// shared tells that other items have the rest of the tile's chunks.
func (it *attendItem) shared() bool { return it.to-it.from < it.chunks }

// Do is one worker; i picks its scratch memory. The caller begins with the last items, which
// are those of the first rows, as everywhere.
func (j *attendJob) Do(i int) {
	s := &j.scratch[i]
	s.held = nil
	step := len(j.scratch) - 1
	if i == 0 {
		step = -1
	}
	for {
		n, ok := j.left.take(i > 0)
		if !ok {
			return
		}
		s.next = nil
		if m := n + step; m >= 0 && m < len(j.items) {
			s.next = &j.items[m]
		}
		s.run(j, &j.items[n])
	}
}

// plan cuts the work into items, the longest first.
func (j *attendJob) plan(workers int) {
	j.group = j.o.Heads / j.kv.KVHeads
	rows := max(1, tileQueries/j.group)
	tiles := 0
	for _, s := range j.spans {
		tiles += (s.Len + rows - 1) / rows * j.kv.KVHeads
	}
	j.items = j.items[:0]
	parts, pending := 0, 0
	for i, s := range j.spans {
		for row := (s.Len - 1) / rows * rows; row >= 0; row -= rows {
			n := min(rows, s.Len-row)
			lo, _ := j.visible(s, row)
			_, hi := j.visible(s, row+n-1)
			first := lo / chunkLen
			chunks := (hi-1)/chunkLen + 1 - first
			size := chunks * n * j.group * (j.kv.HeadDim + 2)
			for head := range j.kv.KVHeads {
				item := attendItem{span: i, row: row, rows: n, head: head, first: first, chunks: chunks}
				// Few tiles over long sequences, as when one stream decodes: share out the
				// chunks, if their results take little memory. A chunk alone is soon done: a few
				// in a row, as long as there are some sixteen items for each worker.
				few := chunks
				if tiles < 4*workers && workers > 1 && parts+size <= 1<<22 {
					few = min(chunks, max(1, tiles*chunks/(16*workers)), 4)
				}
				item.tile, item.part = pending, parts
				for c := first; c < first+chunks; c += few {
					item.from, item.to = c, min(c+few, first+chunks)
					j.items = append(j.items, item)
				}
				if item.shared() {
					parts += size
					pending++
				}
			}
		}
	}
	if len(j.parts) < parts {
		j.parts = make([]float32, parts)
	}
	if len(j.pending) < pending {
		j.pending = make([]atomic.Int32, pending)
	}
	for _, it := range j.items {
		if it.shared() {
			j.pending[it.tile].Store(int32(it.chunks))
		}
	}
}

// visible is the range of positions that a row of a span attends to.
func (j *attendJob) visible(s Span, row int) (lo, hi int) {
	if !j.causal {
		return 0, s.Len
	}
	hi = s.Past + row + 1
	if w := j.o.Window; w > 0 {
		lo = max(0, hi-w)
	}
	return lo, hi
}

// reserve makes scratch memory for n workers.
func (a *Attender) reserve(n int) {
	kv := a.job.kv
	for len(a.scratch) < n {
		a.scratch = append(a.scratch, attendScratch{ahead: new(readAhead)})
	}
	queries := max(1, tileQueries/a.job.group) * a.job.group
	for i := range a.scratch[:n] {
		s := &a.scratch[i]
		grow := func(x *[]float32, n int) {
			if len(*x) < n {
				*x = make([]float32, n)
			}
		}
		if kv.Type == Q16 {
			if s.digits == nil {
				s.digits = new(digitScratch)
			}
			s.digits.reserve(queries, kv.HeadDim)
		} else {
			grow(&s.q, queries*kv.HeadDim)
			grow(&s.block, kv.BlockLen*kv.HeadDim)
			grow(&s.p, queries*chunkLen)
		}
		grow(&s.part, queries*(kv.HeadDim+2))
		grow(&s.total, queries*(kv.HeadDim+2))
		grow(&s.w, (queries+lanes-1)/lanes*lanes)
	}
}

var negInf = float32(math.Inf(-1))
