package native

import (
	"fmt"

	"graft/internal/model"
)

// modelRunner computes passes of a real model.
type modelRunner struct {
	model *model.Model
	ops   *model.ServeOps
}

// Step computes logits.
func (r *modelRunner) Step(b *model.Batch) ([]float32, error) {
	v := r.model.Forward(r.ops, b)
	if v.Rows != len(b.Logits) {
		return nil, fmt.Errorf("the model computed %d rows of logits, want %d", v.Rows, len(b.Logits))
	}
	return v.Data, nil
}

// Hidden computes hidden states.
func (r *modelRunner) Hidden(b *model.Batch) (model.Value, error) {
	return r.model.Hidden(r.ops, b), nil
}

// NewPooler makes vectors of hidden states.
func (r *modelRunner) NewPooler() *model.Pooler { return r.model.NewPooler() }
