package training

import (
	"context"
	"slices"
	"time"
)

// Probe is what a short piece of a training has shown.
type Probe struct {
	Tokens int           // computed, forward and back
	Took   time.Duration // for them
	// Bytes is the memory that the training will take at about its peak: base,
	// parameters with gradients, moments and the best so far, activations.
	Bytes int64
}

// Probe computes some examples, forward and back, and changes nothing. They are the
// longest, as many as are computed at a time: those need the most memory.
func (t *Trainer) Probe(ctx context.Context) (Probe, error) {
	sizes := t.windows.sizes
	order := make([]int, len(sizes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return sizes[b] - sizes[a] })
	n, tokens := 0, 0
	for ; n < len(order) && (n == 0 || tokens+sizes[order[n]] <= t.opts.MicroTokens); n++ {
		if t.opts.BatchTokens == 0 && n == t.opts.Batch {
			break
		}
		tokens += sizes[order[n]]
	}
	start := time.Now()
	if _, err := t.gradient(ctx, order[:n], 0); err != nil {
		return Probe{}, err
	}
	p := Probe{Tokens: tokens, Took: time.Since(start), Bytes: t.tape.Bytes() + t.model.Config.Bytes}
	for _, m := range t.adapter.Params() {
		clear(m.Grad)
		p.Bytes += 5 * 4 * int64(len(m.Data))
	}
	return p, nil
}
