package training

import (
	"context"
	"fmt"

	"graft/internal/kernel"
	"graft/internal/model"
)

// Losses is the mean loss of each example under the model itself, by weight, in nats.
// between is called between small pieces of work, its error ends it; nil: nothing is.
func Losses(ctx context.Context, pool *kernel.Pool, m *model.Model, examples []Example, between func(context.Context) error) ([]float64, error) {
	t := NewTape(pool, nil)
	defer t.mem.Release()
	t.Between = func(ctx context.Context) error {
		if err := ctx.Err(); err != nil || between == nil {
			return err
		}
		return between(ctx)
	}
	out := make([]float64, 0, len(examples))
	var b micro
	for i := range examples {
		e := &examples[i]
		if err := e.Check(m.Config.Vocab, m.Config.Context); err != nil {
			return nil, fmt.Errorf("example %d: %w", i+1, err)
		}
		b.reset()
		b.add(*e)
		if err := t.Forward(ctx, m, &b.Batch, Pass{}); err != nil {
			return nil, err
		}
		s, err := t.Measure(b.targets, b.weights)
		if err != nil {
			return nil, err
		}
		out = append(out, s.Mean())
	}
	return out, nil
}
