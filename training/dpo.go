package training

import (
	"context"
	"errors"
	"fmt"
	"math"

	"graft/internal/kernel"
	"graft/internal/model"
)

// Pair is two continuations of one prompt, of which the first is preferred. Tokens
// with a weight above 0 are the continuation.
type Pair struct{ Chosen, Rejected Example }

// NewPairTrainer learns preferences (Rafailov et al., "Direct preference optimization",
// 2023): with π the adapter and r the base, log-probabilities summed over the
// continuation by weight, the loss of a pair is
//
//	-log σ(h),   h = β ((π_chosen - r_chosen) - (π_rejected - r_rejected))
//
// In reports the loss is the mean over pairs, the accuracy the share with h > 0, and
// Targets counts tokens of continuations.
func NewPairTrainer(pool *kernel.Pool, m *model.Model, a *Adapter, train, valid []Pair, beta float64, opts Options) (*Trainer, error) {
	if !(beta > 0) || math.IsInf(beta, 0) {
		return nil, fmt.Errorf("beta is %v, want a number above 0", beta)
	}
	if opts.PerExample {
		return nil, errors.New("pairs count the same each: there is no loss per example to choose")
	}
	flat := func(pairs []Pair) (all []Example) {
		for _, p := range pairs {
			all = append(all, p.Chosen, p.Rejected)
		}
		return all
	}
	return newTrainer(pool, m, a, flat(train), flat(valid), beta, opts)
}

// pairs are examples 2i and 2i+1 for each i, computed as many pairs at a time as there
// may be tokens. With back gradients are added to those of the adapter.
func (t *Trainer) pairs(ctx context.Context, of []Example, which []int, step uint64, back bool) (s Stats, err error) {
	for pass := uint64(0); len(which) > 0; pass++ {
		var b micro
		var rows []int // targets of each sequence
		n := 0
		for ; n < len(which); n++ {
			chosen, rejected := of[2*which[n]], of[2*which[n]+1]
			if n > 0 && len(b.IDs)+chosen.used()+rejected.used() > t.opts.MicroTokens {
				break
			}
			for _, e := range []Example{chosen, rejected} {
				before := len(b.targets)
				b.add(e)
				rows = append(rows, len(b.targets)-before)
			}
		}
		which = which[n:]
		reference, err := t.sequences(ctx, &b, rows, Pass{})
		if err != nil {
			return s, err
		}
		p := Pass{Adapter: t.adapter, Train: back, Number: keyOf(t.opts.Seed, "pass", step, pass)}
		policy, err := t.sequences(ctx, &b, rows, p)
		if err != nil {
			return s, err
		}
		s.Tokens += len(b.targets)
		weights, at := make([]float32, len(b.weights)), 0
		for i := range n {
			h := t.beta * ((policy[2*i] - reference[2*i]) - (policy[2*i+1] - reference[2*i+1]))
			s.Loss += softplus(-h)
			s.Weight++
			if h > 0 {
				s.Hits++
			}
			// The gradient of the loss by π_chosen is -β σ(-h), and so by the nll the reverse.
			slope := t.beta / (1 + math.Exp(h))
			for k, by := range []float64{slope, -slope} {
				for range rows[2*i+k] {
					weights[at] = float32(by * float64(b.weights[at]))
					at++
				}
			}
		}
		if back {
			if _, err := t.tape.Backward(b.targets, weights); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

// sequences are the log-probabilities of the sequences of b under a pass.
func (t *Trainer) sequences(ctx context.Context, b *micro, rows []int, p Pass) ([]float64, error) {
	if err := t.tape.Forward(ctx, t.model, &b.Batch, p); err != nil {
		return nil, err
	}
	tokens, err := t.tape.LogProbs(b.targets)
	if err != nil {
		return nil, err
	}
	sums, at := make([]float64, len(rows)), 0
	for i, n := range rows {
		for range n {
			sums[i] += float64(b.weights[at]) * tokens[at]
			at++
		}
	}
	return sums, nil
}

// softplus is log(1+e^x).
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
