package lint

import (
	"context"

	"graft/internal/kernel"
	"graft/internal/model"
	"graft/training"
)

// Base is a Scorer: a model that is loaded.
type Base struct {
	Model   *model.Model
	Cores   int                         // it computes with; 0: all
	Between func(context.Context) error // called between small pieces of work, its error ends it; nil: nothing is
}

// Loss computes one example after the other.
func (b Base) Loss(ctx context.Context, examples []training.Example) ([]float64, error) {
	pool := kernel.NewPool(b.Cores)
	defer pool.Close()
	return training.Losses(ctx, pool, b.Model, examples, b.Between)
}

// mostScored bounds the tokens that a Scorer reads of one file: some seconds on two
// cores for a model of some hundred million parameters.
const mostScored = 8192

// sample is the numbers of examples, evenly spread over the file, that have at most so
// many tokens together; all where they have.
func sample(examples []training.Example, tokens int) []int {
	all := 0
	for _, e := range examples {
		all += len(e.IDs)
	}
	every := max(1, (all+tokens-1)/tokens)
	var out []int
	for i := 0; i < len(examples); i += every {
		if tokens -= len(examples[i].IDs); tokens < 0 && len(out) > 0 {
			break
		}
		out = append(out, i)
	}
	return out
}
