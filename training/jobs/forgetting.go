package jobs

import (
	"context"
	"fmt"
	"math"

	"graft/internal/neutral"
	"graft/internal/tokenizer"
	"graft/training"
)

// plainWindow is how many tokens of the neutral text are read at a time: a part that
// every model's context holds, so that figures of models can be compared.
const plainWindow = 512

// plainText is the neutral text as a model reads it: no chat template, windows that
// overlap by the token that the next one begins with.
type plainText struct {
	examples []training.Example
	tokens   int // computed
	bytes    int // that the targets stand for
}

func newPlainText(base *Base) plainText {
	tok := base.Tokenizer
	ids, at := tok.EncodeOffsets(neutral.Text, tokenizer.EncodeOptions{AddSpecial: tok.AddBOS() && !tok.AddEOS()})
	p := plainText{bytes: len(neutral.Text)}
	if len(ids) < 2 {
		return p
	}
	p.bytes -= at[0][1] // nothing comes before the first token; BOS stands for no bytes
	window := min(plainWindow, base.Model.Config.Context)
	for from := 0; from < len(ids)-1; from += window - 1 {
		part := ids[from:min(from+window, len(ids))]
		e := training.Example{IDs: part, Weights: make([]float32, len(part))}
		for i := 1; i < len(part); i++ {
			e.Weights[i] = 1
		}
		p.examples = append(p.examples, e)
		p.tokens += len(part)
	}
	return p
}

// bits is how many bits the model needs for a byte of the neutral text, with the
// adapter as it is now; nil: the base. Unlike a loss per token, models of other
// vocabularies can be compared by it.
func (p *plainText) bits(ctx context.Context, t *training.Trainer, a *training.Adapter) (float64, error) {
	s, err := t.Evaluate(ctx, a, p.examples)
	return s.Loss / math.Ln2 / float64(max(1, p.bytes)), err
}

// forget measures what the model has lost on the neutral text.
func (r *run) forget(ctx context.Context) (*forgotten, error) {
	bits, err := r.plain.bits(ctx, r.t, r.t.Adapter())
	if err != nil {
		return nil, err
	}
	return &forgotten{bits: bits, share: bits/r.base - 1}, nil
}

// forgotten is what a checkpoint has lost.
type forgotten struct {
	bits  float64 // per byte of the neutral text
	share float64 // of more bits than the base needs; below 0: fewer
}

// beyond is why a job ends whose checkpoint has forgotten more than it may; nil: it has
// not.
func (f *forgotten) beyond(step int, most *float64) error {
	if most == nil || f.share <= *most {
		return nil
	}
	// One that is not a number is beyond every bound.
	err := fmt.Errorf("at step %d the model needs %.1f %% more bits for a byte of neutral text than the base (%.4f), beyond max_forgetting (%.1f %%): lower the learning rate or the epochs, or raise the bound; earlier checkpoints stay", step, 100*f.share, f.bits, 100**most)
	return &failure{told: Error{Code: "max_forgetting_exceeded", Message: err.Error()}, cause: err}
}
