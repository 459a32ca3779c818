package opstest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"graft/internal/kernel"
	"graft/internal/model"
)

// testAttend runs several passes over sequences that lie scattered in the cache,
// so that later passes read what earlier ones stored.
func testAttend(t *testing.T, newOps NewOps) {
	shapes := []model.Attention{
		{Heads: 1, KVHeads: 1, HeadDim: 32, Scale: 0.2},
		{Heads: 6, KVHeads: 2, HeadDim: 64, Scale: 0.125},
		{Heads: 4, KVHeads: 4, HeadDim: 96, Scale: 0.1, SoftCap: 2},
		{Heads: 4, KVHeads: 1, HeadDim: 256, Scale: 0.06, Window: 10},
		{Heads: 9, KVHeads: 3, HeadDim: 32, Scale: 0.2, Window: 1, SoftCap: 5},
	}
	for _, a := range shapes {
		for _, typ := range []kernel.Type{kernel.F32, kernel.F16, kernel.BF16, kernel.Q8_0} {
			t.Run(fmt.Sprintf("%v/H%dG%dK%d", typ, a.Heads, a.KVHeads, a.HeadDim), func(t *testing.T) {
				testCausal(t, newOps, a, typ)
			})
		}
	}
	for _, a := range shapes[:4] {
		t.Run(fmt.Sprintf("encoder/H%dG%dK%d", a.Heads, a.KVHeads, a.HeadDim), func(t *testing.T) { testEncoder(t, newOps, a) })
	}
	t.Run("far", func(t *testing.T) { testFarLogits(t, newOps) })
}

// testCausal gives the reference keys and values rounded as the cache keeps them.
func testCausal(t *testing.T, newOps NewOps, a model.Attention, typ kernel.Type) {
	a.Causal = true
	rng := rand.New(rand.NewPCG(3, uint64(a.HeadDim)))
	p := &pair{rng: rng, ref: NewReference(blockLen)}
	p.ops = newOps(t, model.CacheSpec{Layers: 2, KVHeads: a.KVHeads, HeadDim: a.HeadDim, Type: typ, BlockLen: blockLen, Blocks: 12})
	sequences := [][]int32{{7, 2, 11, 0}, {3, 9}, {5, 1, 4, 8}}
	past := make([]int, len(sequences))
	for _, lens := range [][]int{{5, 0, 1}, {40, 3, 0}, {1, 1, 33}, {1, 13, 1}, {0, 1, 7}} {
		b := &model.Batch{}
		for s, n := range lens {
			if n == 0 {
				continue
			}
			b.Segs = append(b.Segs, model.Segment{Row: len(b.IDs), Len: n, Past: past[s], Blocks: sequences[s]})
			b.IDs = append(b.IDs, make([]int32, n)...)
			past[s] += n
		}
		p.ops.Begin(b)
		p.ref.Begin(b)
		rows := len(b.IDs)
		for layer := range 2 {
			a.Layer = layer
			q, k, v := p.input(rows, a.Heads*a.HeadDim), p.input(rows, a.KVHeads*a.HeadDim), p.input(rows, a.KVHeads*a.HeadDim)
			same(t, fmt.Sprint("pass ", lens), p.ops.Attend(q, k, v, &a), p.ref.Attend(q, stored(k, typ), stored(v, typ), &a), tolerance)
		}
	}
}

// stored is v after a stay in a cache of type typ.
func stored(v model.Value, typ kernel.Type) model.Value {
	f, _ := kernel.FormatOf(typ)
	b := make([]byte, typ.RowBytes(len(v.Data)))
	f.Quantize(b, v.Data)
	v.Data = make([]float32, len(v.Data))
	f.Dequantize(v.Data, b)
	return v
}

func testEncoder(t *testing.T, newOps NewOps, a model.Attention) {
	b := &model.Batch{IDs: make([]int32, 60), Segs: []model.Segment{{Row: 0, Len: 1}, {Row: 1, Len: 17}, {Row: 18, Len: 42}}}
	p := newPair(t, newOps, 1)
	p.ops.Begin(b)
	p.ref.Begin(b)
	a.Window = 0
	q, k, v := p.input(60, a.Heads*a.HeadDim), p.input(60, a.KVHeads*a.HeadDim), p.input(60, a.KVHeads*a.HeadDim)
	same(t, "encoder", p.ops.Attend(q, k, v, &a), p.ref.Attend(q, k, v, &a), tolerance)
}

// testFarLogits has logits whose exponential overflows and underflows: only a
// softmax that subtracts the largest first survives.
func testFarLogits(t *testing.T, newOps NewOps) {
	a := &model.Attention{Heads: 1, KVHeads: 1, HeadDim: 8, Scale: 1, Causal: true}
	p := newPair(t, newOps, 30)
	q, k, v := p.input(30, 8), p.input(30, 8), p.input(30, 8)
	for i := range q.Data {
		q.Data[i] *= 40
		k.Data[i] *= 40
	}
	got := p.ops.Attend(q, k, v, a)
	for i, x := range got.Data {
		if math.IsNaN(float64(x)) {
			t.Fatalf("number %d is NaN", i)
		}
	}
	same(t, "far logits", got, p.ref.Attend(q, k, v, a), 1e-3)
}
