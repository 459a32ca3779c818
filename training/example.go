package training

import (
	"fmt"

	"graft/internal/model"
)

// Example is one sequence to learn from.
type Example struct {
	IDs []int32 // token ids
	// Weights of the tokens as targets: Weights[i] counts the loss of IDs[i] after
	// the tokens before it. That of the first, which nothing comes before, is 0.
	Weights []float32
	// Targets are what is to be said in the place of each token; nil: the tokens. They
	// differ only where an outside trainer has labels of its own.
	Targets []int32
}

// Check tells what is wrong with an example for a model of so many tokens and a
// context of so many.
func (e *Example) Check(vocab, context int) error {
	if len(e.Weights) != len(e.IDs) {
		return fmt.Errorf("%d tokens with %d weights", len(e.IDs), len(e.Weights))
	}
	if e.Targets != nil && len(e.Targets) != len(e.IDs) {
		return fmt.Errorf("%d tokens with %d targets", len(e.IDs), len(e.Targets))
	}
	if len(e.IDs) > context {
		return fmt.Errorf("%d tokens; the model takes %d", len(e.IDs), context)
	}
	trained := false
	for i, w := range e.Weights {
		switch {
		case e.IDs[i] < 0 || int(e.IDs[i]) >= vocab:
			return fmt.Errorf("token %d is %d; the model has %d", i, e.IDs[i], vocab)
		case w > 0 && (e.target(i) < 0 || int(e.target(i)) >= vocab):
			return fmt.Errorf("target %d is %d; the model has %d tokens", i, e.target(i), vocab)
		case !(w >= 0 && w <= 1e6):
			return fmt.Errorf("the weight of token %d is %v, want a number from 0 on", i, w)
		case i == 0 && w != 0:
			return fmt.Errorf("the weight of the first token is %v, but nothing comes before it", w)
		}
		trained = trained || w > 0
	}
	if !trained {
		return fmt.Errorf("no token is trained: all weights are 0")
	}
	return nil
}

// target is what is to be said in the place of token i.
func (e *Example) target(i int) int32 {
	if e.Targets != nil {
		return e.Targets[i]
	}
	return e.IDs[i]
}

// used is how many tokens are computed: those after the last target, and that target
// itself, change nothing.
func (e *Example) used() int {
	for i := len(e.Weights) - 1; i > 0; i-- {
		if e.Weights[i] != 0 {
			return i
		}
	}
	return 0
}

// micro is examples computed in one pass, side by side: each attends to itself, and
// its positions begin at 0.
type micro struct {
	model.Batch
	targets []int32   // of the rows in Logits
	weights []float32 // of the targets
}

func (b *micro) reset() {
	*b = micro{
		Batch:   model.Batch{IDs: b.IDs[:0], Segs: b.Segs[:0], Logits: b.Logits[:0]},
		targets: b.targets[:0], weights: b.weights[:0],
	}
}

// add appends an example without a target that counts for nothing.
func (b *micro) add(e Example) {
	n, first := e.used(), len(b.IDs)
	if n == 0 {
		return
	}
	b.IDs = append(b.IDs, e.IDs[:n]...)
	b.Segs = append(b.Segs, model.Segment{Row: first, Len: n, Limit: len(e.IDs)})
	for i, w := range e.Weights[1 : n+1] {
		if w != 0 {
			b.Logits = append(b.Logits, int32(first+i))
			b.targets = append(b.targets, e.target(i+1))
			b.weights = append(b.weights, w)
		}
	}
}
