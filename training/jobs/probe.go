package jobs

import (
	"context"
	"slices"
	"time"

	"graft/internal/kernel"
	"graft/training"
)

// probeTokens is how many tokens a probe computes, at least; one example is enough.
const probeTokens = 256

// probe measures a step over a few examples, and says how long the training will take
// and what memory it will need. Adam's state and the best parameters count.
func (p *prepared) probe(ctx context.Context, pool *kernel.Pool, j *Job, plan *Plan, between func(context.Context) error) error {
	few := *p
	few.valid = rows{}
	pairs := len(p.train.pairs) > 0
	tokens, n := 0, 0
	size := func(i int) int {
		if pairs {
			return len(p.train.pairs[i].Chosen.IDs) + len(p.train.pairs[i].Rejected.IDs)
		}
		return len(p.train.examples[i].IDs)
	}
	for n < p.train.count() && tokens < probeTokens {
		tokens += size(n)
		n++
	}
	if pairs {
		few.train = rows{pairs: slices.Clone(p.train.pairs[:n])}
	} else {
		few.train = rows{examples: slices.Clone(p.train.examples[:n])}
	}
	t, err := few.trainer(pool, j, func(o *training.Options) {
		o.Epochs, o.MaxSteps, o.Batch, o.Between = 1, 1, n, between
	})
	if err != nil {
		return err
	}
	start := time.Now()
	if _, err := t.Step(ctx); err != nil {
		return err
	}
	seconds := time.Since(start).Seconds()
	if seconds > 0 {
		plan.TokenRate = float64(tokens) / seconds
		learnt := p.settings.options.Epochs * plan.Tokens
		looked := p.plain.tokens // and those of validation, forward only: about a third
		p.valid.each(func(e *training.Example) { looked += len(e.IDs) })
		plan.Seconds = (float64(learnt) + float64(looked*(p.settings.options.Epochs+1))/3) / plan.TokenRate
	}
	// What the tape holds grows with the tokens side by side.
	together := max(plan.Longest, min(p.settings.options.MicroTokens, plan.Tokens/max(1, plan.Examples)*p.settings.options.Batch))
	plan.Bytes = t.Bytes()/int64(max(1, tokens))*int64(together) + int64(plan.Parameters)*4*5
	return nil
}
