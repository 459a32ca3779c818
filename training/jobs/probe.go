package jobs

import (
	"context"

	"graft/training"
)

// probe measures the largest pass, and says how long the training will take and what
// memory it will need.
func (r *run) probe(ctx context.Context, plan *Plan) error {
	p, err := r.t.Probe(ctx)
	if err != nil {
		return err
	}
	plan.Bytes = p.Bytes
	seconds := p.Took.Seconds()
	if seconds <= 0 {
		return nil
	}
	plan.TokenRate = float64(p.Tokens) / seconds
	epochs := r.p.settings.options.Epochs
	looked := r.p.plain.tokens // and those of validation, forward only: about a third
	r.p.valid.each(func(e *training.Example) { looked += len(e.IDs) })
	plan.Seconds = (float64(epochs*r.t.Tokens()) + float64(looked*(epochs+1))/3) / plan.TokenRate
	return nil
}
