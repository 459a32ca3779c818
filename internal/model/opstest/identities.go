package opstest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"graft/internal/kernel"
	"graft/internal/model"
)

// RunModel checks that what a model computes for a sequence does not depend on
// how the work was cut: any chunks of the prompt, alone or among others, whatever
// cache blocks were given. All comparisons are exact, bit for bit. types are the
// caches to try; none means all that suit the model.
func RunModel(t *testing.T, m *model.Model, newOps NewOps, types ...kernel.Type) {
	if m.Config.Encoder {
		t.Run("batched", func(t *testing.T) { testEncoderBatch(t, m, newOps) })
		return
	}
	if len(types) == 0 {
		types = []kernel.Type{kernel.F32, kernel.F16, kernel.BF16, kernel.Q8_0}
	}
	for _, typ := range types {
		if typ.RowBytes(m.Config.HeadDim) == 0 {
			continue // heads too narrow for the blocks of the format
		}
		t.Run(typ.String(), func(t *testing.T) { testDecoder(t, m, newOps, typ) })
	}
}

// runner keeps some sequences with the logits of each in one pass, alone.
type runner struct {
	m    *model.Model
	ops  model.Ops
	seqs [][]int32     // token ids
	want [][][]float32 // of each sequence and position: the logits
}

const maxBlocks = 8 // a sequence

func testDecoder(t *testing.T, m *model.Model, newOps NewOps, typ kernel.Type) {
	rng := rand.New(rand.NewPCG(5, 0))
	r := &runner{m: m, ops: newOps(t, m.CacheSpec(typ, blockLen, 4*maxBlocks))}
	for _, n := range []int{47, 33, 1, 20} {
		ids := make([]int32, n)
		for i := range ids {
			ids[i] = int32(rng.IntN(m.Config.Vocab))
		}
		r.seqs = append(r.seqs, ids)
		all := []int{n}
		got := r.run([]int{len(r.seqs) - 1}, [][]int{all}, blocksFrom(0), everyRow)
		r.want = append(r.want, got[0])
	}
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(6, seed))
		s := rng.IntN(2)
		t.Run(fmt.Sprintf("chunks%d", seed), func(t *testing.T) {
			r.check(t, []int{s}, [][]int{split(rng, len(r.seqs[s]), 1+rng.IntN(9))}, blocksFrom(0))
		})
	}
	t.Run("token by token", func(t *testing.T) {
		r.check(t, []int{3}, [][]int{split(rng, len(r.seqs[3]), 1)}, blocksFrom(0))
	})
	t.Run("blocks", func(t *testing.T) {
		r.check(t, []int{0}, [][]int{{30, 17}}, func(int) []int32 { return []int32{9, 31, 2, 17, 4, 0, 1, 3} })
	})
	t.Run("batched", func(t *testing.T) {
		r.check(t, []int{0, 1, 2, 3}, [][]int{{47}, {33}, {1}, {20}}, blocksFrom(1))
	})
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(7, seed))
		t.Run(fmt.Sprintf("mixed%d", seed), func(t *testing.T) {
			var chunks [][]int
			order := rng.Perm(len(r.seqs))
			for _, s := range order {
				chunks = append(chunks, split(rng, len(r.seqs[s]), 1+rng.IntN(20)))
			}
			r.check(t, order, chunks, blocksFrom(int32(seed)))
			r.checkRows(t, order, chunks, blocksFrom(int32(seed)), func(int) bool { return rng.IntN(4) == 0 })
		})
	}
	t.Run("last rows", func(t *testing.T) {
		chunks := [][]int{{16, 31}, {20, 13}}
		r.checkRows(t, []int{0, 1}, chunks, blocksFrom(1), func(p int) bool { return p == 46 || p == 32 })
	})
	t.Run("hidden", func(t *testing.T) { r.checkHidden(t) })
}

// everyRow asks for all logits.
func everyRow(int) bool { return true }

// blocksFrom gives sequence s the blocks of its own, beginning with the first-th.
func blocksFrom(first int32) func(s int) []int32 {
	return func(s int) []int32 {
		blocks := make([]int32, maxBlocks)
		for i := range blocks {
			blocks[i] = int32(s*maxBlocks) + (int32(i)*3+first)%maxBlocks
		}
		return blocks
	}
}

// split cuts n into pieces of at most most.
func split(rng *rand.Rand, n, most int) []int {
	var pieces []int
	for n > 0 {
		piece := min(n, 1+rng.IntN(most))
		pieces = append(pieces, piece)
		n -= piece
	}
	return pieces
}

// run computes the sequences named by order together, each in its own chunks, and
// returns the logits of every position that asks chooses; nil of the others.
func (r *runner) run(order []int, chunks [][]int, blocks func(s int) []int32, asks func(p int) bool) [][][]float32 {
	out := make([][][]float32, len(order))
	for pass := 0; ; pass++ {
		b := &model.Batch{}
		var of []int // which of order each row belongs to
		for i, s := range order {
			if pass >= len(chunks[i]) {
				continue
			}
			past, n := len(out[i]), chunks[i][pass]
			b.Segs = append(b.Segs, model.Segment{
				Row: len(b.IDs), Len: n, Past: past, Limit: len(r.seqs[s]), Blocks: blocks(s),
			})
			b.IDs = append(b.IDs, r.seqs[s][past:past+n]...)
			for range n {
				of = append(of, i)
				out[i] = append(out[i], nil)
			}
		}
		if len(b.IDs) == 0 {
			return out
		}
		var place []int // in its sequence, of each row that is asked for
		for _, s := range b.Segs {
			for i := range s.Len {
				if asks(s.Past + i) {
					b.Logits = append(b.Logits, int32(s.Row+i))
					place = append(place, s.Past+i)
				}
			}
		}
		logits := r.m.Forward(r.ops, b)
		for i, at := range b.Logits {
			out[of[at]][place[i]] = slices.Clone(row(logits, i))
		}
	}
}

// check compares such a run with the sequences in one pass, alone.
func (r *runner) check(t *testing.T, order []int, chunks [][]int, blocks func(s int) []int32) {
	t.Helper()
	r.checkRows(t, order, chunks, blocks, everyRow)
}

// checkRows compares the logits that asks chooses.
func (r *runner) checkRows(t *testing.T, order []int, chunks [][]int, blocks func(s int) []int32, asks func(p int) bool) {
	t.Helper()
	got := r.run(order, chunks, blocks, asks)
	for i, s := range order {
		for p, want := range r.want[s] {
			if got[i][p] != nil && !slices.Equal(got[i][p], want) {
				at := 0
				for got[i][p][at] == want[at] {
					at++
				}
				t.Fatalf("sequence %d in chunks %v among %v: logit %d at position %d is %g, want %g as in one pass alone",
					s, chunks[i], order, at, p, got[i][p][at], want[at])
			}
		}
	}
}

// checkHidden compares the last hidden states of all rows, after a pass that asked for few logits, with those of
// the sequence in two pieces.
func (r *runner) checkHidden(t *testing.T) {
	t.Helper()
	ids := r.seqs[0]
	segment := func(from, to int) *model.Batch {
		return &model.Batch{IDs: ids[from:to], Segs: []model.Segment{{Len: to - from, Past: from, Limit: len(ids), Blocks: blocksFrom(0)(0)}}}
	}
	r.m.Forward(r.ops, segment(0, len(ids)))
	want := slices.Clone(r.m.Hidden(r.ops, segment(0, len(ids))).Data)
	if len(want) != len(ids)*r.m.Config.Width {
		t.Fatalf("%d hidden numbers of %d rows of %d", len(want), len(ids), r.m.Config.Width)
	}
	var got []float32
	for _, b := range []*model.Batch{segment(0, 30), segment(30, len(ids))} {
		got = append(got, r.m.Hidden(r.ops, b).Data...)
	}
	if !slices.Equal(got, want) {
		t.Error("hidden states differ from those of two pieces")
	}
}

// testEncoderBatch compares texts encoded together with each alone.
func testEncoderBatch(t *testing.T, m *model.Model, newOps NewOps) {
	rng := rand.New(rand.NewPCG(8, 0))
	ops := newOps(t, m.CacheSpec(kernel.F32, blockLen, 1))
	b := &model.Batch{}
	for _, n := range []int{3, 40, 1, 17} {
		b.Segs = append(b.Segs, model.Segment{Row: len(b.IDs), Len: n})
		for range n {
			b.IDs = append(b.IDs, int32(rng.IntN(m.Config.Vocab)))
			b.Types = append(b.Types, int32(rng.IntN(m.Config.Types)))
		}
	}
	together := m.Hidden(ops, b)
	width, data := together.Width, slices.Clone(together.Data)
	for _, s := range b.Segs {
		alone := m.Hidden(ops, &model.Batch{
			IDs: b.IDs[s.Row : s.Row+s.Len], Types: b.Types[s.Row : s.Row+s.Len], Segs: []model.Segment{{Len: s.Len}},
		})
		if !slices.Equal(alone.Data, data[s.Row*width:(s.Row+s.Len)*width]) {
			t.Errorf("the text of %d tokens has other hidden states among others than alone", s.Len)
		}
	}
}
