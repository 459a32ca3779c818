package native

import (
	"context"
	"fmt"
	"slices"

	"graft/internal/tokenizer"
	"graft/serving"
)

var _ serving.TokenEncoder = (*Backend)(nil)

// EncodeTokens computes the hidden states of the tokens of texts.
func (b *Backend) EncodeTokens(ctx context.Context, req *serving.TokenStatesRequest) (*serving.TokenStates, error) {
	in, release, err := b.models.acquire(ctx, req.Model)
	if err != nil {
		return nil, err
	}
	defer release()
	layers := in.model.Config.Layers
	switch {
	case !in.engine.encoder:
		return nil, &serving.ParamError{Param: "model", Message: fmt.Sprintf("model %q is no encoder: the hidden states of single tokens are given by encoders, such as all-minilm-l6-v2", in.info.ID)}
	case req.Layer < 0 || req.Layer > layers:
		return nil, &serving.ParamError{Param: "layer", Message: fmt.Sprintf("model %q has layers 1 to %d, not %d", in.info.ID, layers, req.Layer)}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	x := &embedding{ctx: ctx, each: true, layers: req.Layer, done: make(chan struct{})}
	out := &serving.TokenStates{Layer: req.Layer}
	if req.Layer == 0 {
		out.Layer = layers
	}
	for _, text := range req.Texts {
		ids := in.tok.Encode(text, tokenizer.EncodeOptions{AddSpecial: true, ParseSpecial: true})
		if ids, err = in.fit(ids, true, req.Truncate); err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			return nil, &serving.ParamError{Param: "input", Message: "an input has no tokens"}
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
	marks := in.tok.Encode("", tokenizer.EncodeOptions{AddSpecial: true})
	for i, ids := range x.inputs {
		s := serving.TextStates{IDs: ids, Vectors: x.states[i]}
		for _, id := range ids {
			s.Strings = append(s.Strings, in.tok.Text(id))
			s.Special = append(s.Special, slices.Contains(marks, id))
		}
		out.Texts = append(out.Texts, s)
	}
	return out, nil
}
