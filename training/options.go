package training

import (
	"context"
	"fmt"
	"math"

	"graft/internal/kernel"
)

// Options of a Trainer. DefaultOptions has a value for each.
type Options struct {
	LearningRate float64
	RatioB       float64 // learning rate of B over that of A (LoRA+); 1: the same
	Schedule     Schedule
	Warmup       int // steps
	AdamW        AdamW
	Clip         float64 // length that the gradient of a step is cut to; 0: none

	Epochs      int
	MaxSteps    int // ends the training early; 0: no bound
	Batch       int // examples of a step
	BatchTokens int // with this, a step has as many examples as have so many tokens; 0: Batch counts
	// MicroTokens are computed at a time, side by side; a longer example goes alone. With
	// as many as DefaultOptions has, all that pays is kept of a small model (see
	// KeepBytes); more have more computed again, fewer have weights unpacked for less.
	MicroTokens int
	// Windows are the examples of each step, by number, in place of epochs in an order
	// that is drawn; nil: Epochs and Batch count.
	Windows [][]int
	// PerExample has each example count the same, however many targets it has; else
	// each target counts by its weight.
	PerExample bool
	Seed       uint64

	ValidateEvery int     // steps; 0: after each epoch
	Patience      int     // validations without an improvement before the training ends; 0: no bound
	MinDelta      float64 // what counts as an improvement, in nats

	KeepBytes int64 // of results kept between the passes; see Tape.Keep
	// Memory is what is computed in, and may be shared by trainings that take turns; nil:
	// each has its own.
	Memory *Memory
	// Precision is that of products with weights. With another than Full, another kind
	// of processor may come to other numbers.
	Precision kernel.Precision
	Base      string // digest of the base model; a checkpoint of another base is refused
	// Between is called between small pieces of work, so that others may use the
	// cores; its error ends the step. May be nil.
	Between func(ctx context.Context) error
}

// DefaultOptions is the usual practice.
func DefaultOptions() Options {
	return Options{
		LearningRate: 2e-4, RatioB: 1, Schedule: Cosine, AdamW: AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8},
		Clip: 1, Epochs: 3, Batch: 8, MicroTokens: 512, KeepBytes: 384 << 20,
	}
}

// Check tells what is wrong.
func (o *Options) Check() error {
	positive := func(v float64) bool { return v > 0 && !math.IsInf(v, 0) }
	switch {
	case !positive(o.LearningRate):
		return fmt.Errorf("learning rate is %v, want a number above 0", o.LearningRate)
	case !positive(o.RatioB):
		return fmt.Errorf("ratio of the learning rates of B and A is %v, want a number above 0", o.RatioB)
	case o.Warmup < 0:
		return fmt.Errorf("warm-up of %d steps", o.Warmup)
	case !(o.AdamW.Beta1 >= 0 && o.AdamW.Beta1 < 1 && o.AdamW.Beta2 >= 0 && o.AdamW.Beta2 < 1):
		return fmt.Errorf("betas are %v and %v, want numbers from 0 to below 1", o.AdamW.Beta1, o.AdamW.Beta2)
	case !(o.AdamW.Eps > 0) || !(o.AdamW.Decay >= 0 && o.AdamW.Decay*o.LearningRate < 1):
		return fmt.Errorf("epsilon is %v and weight decay %v", o.AdamW.Eps, o.AdamW.Decay)
	case !(o.Clip >= 0):
		return fmt.Errorf("gradients are cut to %v, want a number from 0 on", o.Clip)
	case o.Epochs < 1 || o.MaxSteps < 0:
		return fmt.Errorf("%d epochs, at most %d steps", o.Epochs, o.MaxSteps)
	case o.BatchTokens < 0 || o.BatchTokens == 0 && o.Batch < 1:
		return fmt.Errorf("steps of %d examples or %d tokens", o.Batch, o.BatchTokens)
	case o.MicroTokens < 1:
		return fmt.Errorf("%d tokens are computed at a time, want at least 1", o.MicroTokens)
	case o.ValidateEvery < 0 || o.Patience < 0 || !(o.MinDelta >= 0):
		return fmt.Errorf("validation every %d steps, patience %d, improvements of %v", o.ValidateEvery, o.Patience, o.MinDelta)
	case o.KeepBytes < 0:
		return fmt.Errorf("%d bytes are kept, want a number from 0 on", o.KeepBytes)
	}
	return o.Schedule.check()
}
