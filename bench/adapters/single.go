package main

import (
	"context"
	"fmt"
	"time"

	"graft/bench/harness"
	"graft/evalharness/stats"
)

// blocksOfRound is how many blocks of turns count as one round here.
const blocksOfRound = 12

// turns is what one of the two had in all blocks.
type turns struct {
	body    harness.Body
	seconds []float64 // of each block, two turns
	cpu     float64   // seconds of the server's processes, in all
	tokens  int
}

// single: one stream with an adapter against one without. Bytes read decide how
// long a token takes, so the cost may be 1.5 times the share of bytes added.
//
// A neighbour changes a machine's speed by more than that within seconds. Turns are
// therefore short and many, in blocks of base, adapter, adapter, base, in which a drift
// cancels out; all four have the same prompt. The cost is the median over all blocks of
// the ratio of times within a block. No block is left out.
func (b *bench) single(ctx context.Context) error {
	paths, err := b.folders(1, rank, false)
	if err != nil {
		return err
	}
	s, err := b.serving(ctx, paths)
	if err != nil {
		return err
	}
	defer s.Stop()
	share, err := b.share()
	if err != nil {
		return err
	}
	base, adapted := &turns{}, &turns{body: harness.Body{"model": "a0"}}
	for i := range 2 * prompts { // what is measured is decoding: prompts are in the cache then
		for _, t := range []*turns{base, adapted} {
			if _, err := harness.Chat(ctx, s, b.chat(i%prompts).With(t.body)); err != nil {
				return err
			}
		}
	}
	blocks := blocksOfRound * b.rounds
	for i := range blocks {
		base.seconds, adapted.seconds = append(base.seconds, 0), append(adapted.seconds, 0)
		for _, t := range []*turns{base, adapted, adapted, base} {
			if err := t.take(ctx, s, b.chat(i%prompts).With(t.body), b.tokens); err != nil {
				return err
			}
		}
	}
	b.Add("one stream, base", "tokens/s", base.speeds()...)
	b.Add("one stream, adapter", "tokens/s", adapted.speeds()...)
	b.Add("processor time of a token, base", "ms", base.work())
	b.Add("processor time of a token, adapter", "ms", adapted.work())
	b.Add("processor time, adapter over base", "%", 100*(adapted.work()/base.work()-1))
	b.Add("bytes added by the adapter", "%", 100*share)
	ratios := make([]float64, blocks)
	for i := range ratios {
		ratios[i] = 100 * (adapted.seconds[i]/base.seconds[i] - 1)
	}
	low, high := stats.Bootstrap(blocks, func(pick []int) float64 {
		drawn := make([]float64, len(pick))
		for i, k := range pick {
			drawn[i] = ratios[k]
		}
		return harness.Median(drawn)
	}, 1, 0.95)
	b.AtMostWithin("cost of the adapter over the base", "%", harness.Median(ratios), low, high, 150*share, blocks)
	return nil
}

// take asks for one answer and adds its time to the block.
func (t *turns) take(ctx context.Context, s *harness.Server, body harness.Body, tokens int) error {
	before, err := s.CPU()
	if err != nil {
		return err
	}
	began := time.Now()
	a, err := harness.Chat(ctx, s, body)
	took := time.Since(began).Seconds()
	if err != nil {
		return err
	}
	if a.Usage.Completion != tokens {
		return fmt.Errorf("an answer of %d tokens, want %d", a.Usage.Completion, tokens)
	}
	after, err := s.CPU()
	t.cpu += after - before
	t.tokens += tokens
	t.seconds[len(t.seconds)-1] += took
	return err
}

// speeds are the tokens per second of each block.
func (t *turns) speeds() []float64 {
	out := make([]float64, len(t.seconds))
	for i, v := range t.seconds {
		out[i] = float64(t.tokens) / float64(len(t.seconds)) / v
	}
	return out
}

// work is the processor time of a token, in milliseconds.
func (t *turns) work() float64 { return 1000 * t.cpu / float64(t.tokens) }
