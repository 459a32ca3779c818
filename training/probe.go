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
	// Bytes is the memory that the training will take beside the base, at its peak; see
	// Trainer.Bytes.
	Bytes int64
}

// Probe computes some examples, forward and back, and changes nothing. They are the
// longest that are computed at a time: those need the most memory, and it is then there.
func (t *Trainer) Probe(ctx context.Context) (Probe, error) {
	examples, tokens := t.largest()
	start := time.Now()
	if _, err := t.gradient(ctx, examples, 0); err != nil {
		return Probe{}, err
	}
	p := Probe{Tokens: tokens, Took: time.Since(start)}
	for _, m := range t.adapter.Params() {
		clear(m.Grad)
	}
	p.Bytes = t.Bytes()
	if t.best == nil && len(t.valid) > 0 {
		p.Bytes += 4 * int64(t.adapter.Size())
	}
	return p, nil
}

// largest are examples that fill a pass: the longest, then each that still fits.
func (t *Trainer) largest() (examples []int, tokens int) {
	sizes := t.windows.sizes
	order := make([]int, len(sizes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return sizes[b] - sizes[a] })
	most := len(order)
	if t.opts.Windows == nil && t.opts.BatchTokens == 0 {
		most = t.opts.Batch
	}
	for _, i := range order {
		if len(examples) > 0 && tokens+sizes[i] > t.opts.MicroTokens {
			continue
		}
		if len(examples) == most {
			break
		}
		examples, tokens = append(examples, i), tokens+sizes[i]
	}
	return examples, tokens
}
