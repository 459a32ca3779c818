package adapters

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"graft/internal/kernel"
	"graft/internal/model"
)

// MergeReport says how near a merged model is to base and adapter.
type MergeReport struct {
	Tokens int     `json:"tokens"` // places that were compared
	KL     float64 `json:"kl"`     // mean of KL(base and adapter ‖ merged) of the next token, in nats
	Top1   float64 `json:"top1"`   // share of places with the same likeliest token
}

// compareRows is how many places are computed at a time: their logits are kept.
const compareRows = 32

// Compare runs texts, each the ids of a sequence, through the base with the adapter
// beside it and through a merged model, with activations in 16 bits, and compares
// the next token at every place. The report is exact: it is of all tokens of the
// vocabulary.
func (b *Bound) Compare(ctx context.Context, merged *model.Model, texts [][]int32) (MergeReport, error) {
	var r MergeReport
	compiled, err := b.Compile()
	if err != nil {
		return r, err
	}
	base := b.Base.model
	if merged.Config.Vocab != base.Config.Vocab {
		return r, fmt.Errorf("the merged model has %d tokens, the base %d", merged.Config.Vocab, base.Config.Vocab)
	}
	pool := kernel.NewPool(runtime.GOMAXPROCS(0))
	defer pool.Close()
	want, err := newForward(pool, base, []model.Weighted{{Adapter: compiled, Weight: 1}}, texts)
	if err != nil {
		return r, err
	}
	defer want.close()
	have, err := newForward(pool, merged, nil, texts)
	if err != nil {
		return r, err
	}
	defer have.close()
	same := 0
	for _, ids := range texts {
		for at := 0; at < len(ids); at += compareRows {
			if err := ctx.Err(); err != nil {
				return r, err
			}
			n := min(compareRows, len(ids)-at)
			w, h := want.rows(ids, at, n), have.rows(ids, at, n)
			for i := range n {
				p, q := w[i*base.Config.Vocab:(i+1)*base.Config.Vocab], h[i*base.Config.Vocab:(i+1)*base.Config.Vocab]
				r.KL += divergence(p, q)
				if likeliest(p) == likeliest(q) {
					same++
				}
			}
			r.Tokens += n
		}
	}
	if r.Tokens == 0 {
		return r, fmt.Errorf("no text to compare on")
	}
	r.KL, r.Top1 = r.KL/float64(r.Tokens), float64(same)/float64(r.Tokens)
	return r, nil
}

// divergence is KL(p ‖ q) of two rows of logits.
func divergence(p, q []float32) float64 {
	np, nq := kernel.LogSumExp(p), kernel.LogSumExp(q)
	sum := 0.0
	for i, v := range p {
		lp := float64(v) - np
		sum += math.Exp(lp) * (lp - (float64(q[i]) - nq))
	}
	return sum
}

// likeliest is the first of the largest.
func likeliest(row []float32) int {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return best
}

// forward computes one sequence after the other.
type forward struct {
	model    *model.Model
	cache    *model.Cache
	ops      *model.ServeOps
	blocks   []int32
	adapters []model.Weighted
}

func newForward(pool *kernel.Pool, m *model.Model, list []model.Weighted, texts [][]int32) (*forward, error) {
	const block = 32
	longest := 1
	for _, ids := range texts {
		longest = max(longest, len(ids))
	}
	f := &forward{model: m, adapters: list}
	for i := range (longest + block - 1) / block {
		f.blocks = append(f.blocks, int32(i))
	}
	var err error
	if f.cache, err = model.NewCache(m.CacheSpec(kernel.F32, block, len(f.blocks))); err != nil {
		return nil, err
	}
	f.ops = model.NewServeOps(pool, f.cache)
	f.ops.Exact = true
	return f, nil
}

func (f *forward) close() { _ = f.cache.Close() }

// rows are the logits [n, V] of ids[at:at+n], after those before were computed.
func (f *forward) rows(ids []int32, at, n int) []float32 {
	b := &model.Batch{IDs: ids[at : at+n], Segs: []model.Segment{{Len: n, Past: at, Limit: len(ids), Blocks: f.blocks, Adapters: f.adapters}}}
	for i := range n {
		b.Logits = append(b.Logits, int32(i))
	}
	return f.model.Forward(f.ops, b).Data
}
