package native

import (
	"context"

	"graft/internal/tokenizer"
	"graft/serving"
)

// Embed computes the vectors of texts: by an encoder, or by the last hidden
// states of a model that writes.
func (b *Backend) Embed(ctx context.Context, req *serving.EmbedRequest) (*serving.Embeddings, error) {
	in, release, err := b.models.acquire(ctx, req.Model)
	if err != nil {
		return nil, err
	}
	defer release()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	x := &embedding{ctx: ctx, done: make(chan struct{})}
	out := &serving.Embeddings{}
	for _, input := range req.Inputs {
		ids, err := in.embedIDs(input, req.Truncate)
		if err != nil {
			return nil, err
		}
		x.inputs = append(x.inputs, ids)
		out.Usage.Prompt += len(ids)
	}
	if len(x.inputs) == 0 {
		return out, nil
	}
	if err := in.engine.embed(x); err != nil {
		return nil, err
	}
	out.Vectors = x.vectors
	return out, nil
}

// embedIDs are the tokens of one input; truncate cuts those that are too many.
func (in *instance) embedIDs(input serving.EmbedInput, truncate bool) ([]int32, error) {
	p := prompt{ids: input.IDs}
	if input.IDs == nil {
		p.ids = in.tok.Encode(input.Text, tokenizer.EncodeOptions{AddSpecial: true})
	}
	for _, id := range p.ids {
		if id < 0 || int(id) >= in.vocab {
			return nil, badID("input", id, in.vocab)
		}
	}
	if len(p.ids) == 0 {
		return nil, &serving.ParamError{Param: "input", Message: "an input is empty"}
	}
	return in.fit(p.ids, input.IDs == nil, truncate)
}

// fit refuses tokens that are too many, or cuts them; of text, the token that ends it
// is kept.
func (in *instance) fit(ids []int32, text, truncate bool) ([]int32, error) {
	n := len(ids)
	if n <= in.context {
		return ids, nil
	}
	if !truncate {
		return nil, &serving.ContextError{Context: in.context, Prompt: n}
	}
	last := ids[n-1]
	ids = ids[:in.context:in.context]
	if text && in.tok.AddEOS() {
		ids[in.context-1] = last
	}
	return ids, nil
}
