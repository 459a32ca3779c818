package native

import (
	"context"

	"graft/internal/tokenizer"
	"graft/serving"
)

// Tokenize returns the tokens of a text or conversation.
func (b *Backend) Tokenize(ctx context.Context, req *serving.TokenizeRequest) (*serving.Tokens, error) {
	in, release, err := b.models.acquire(ctx, req.Model)
	if err != nil {
		return nil, err
	}
	defer release()
	out := &serving.Tokens{Context: in.context}
	if req.Messages != nil {
		p, err := in.conversation(req.Template, req.Messages, req.Tools, req.TemplateVars, req.AddGenerationPrompt)
		if err != nil {
			return nil, err
		}
		out.IDs = p.ids
	} else {
		out.IDs = in.tok.Encode(req.Prompt, tokenizer.EncodeOptions{AddSpecial: req.AddSpecial, ParseSpecial: true})
	}
	for _, id := range out.IDs {
		out.Strings = append(out.Strings, in.tok.Text(id))
	}
	return out, nil
}

// Detokenize returns the text of tokens, control tokens included.
func (b *Backend) Detokenize(ctx context.Context, id string, ids []int32) (string, error) {
	in, release, err := b.models.acquire(ctx, id)
	if err != nil {
		return "", err
	}
	defer release()
	for _, id := range ids {
		if id < 0 || int(id) >= in.vocab {
			return "", badID("tokens", id, in.vocab)
		}
	}
	return in.tok.Decode(ids, false), nil
}
