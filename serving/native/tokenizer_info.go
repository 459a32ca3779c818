package native

import (
	"context"

	"graft/serving"
)

// TokenizerInfo tells what the tokenizer of a model adds by itself.
func (b *Backend) TokenizerInfo(ctx context.Context, id string) (*serving.TokenizerInfo, error) {
	in, release, err := b.models.acquire(ctx, id)
	if err != nil {
		return nil, err
	}
	defer release()
	t := in.tok
	name := func(id int32) string {
		if id < 0 {
			return ""
		}
		return t.Text(id)
	}
	return &serving.TokenizerInfo{
		Class: "PreTrainedTokenizerFast", // what Hugging Face runs a tokenizer.json with, whatever its kind
		BOS:   name(t.BOS()), EOS: name(t.EOS()), PAD: name(t.PAD()), UNK: name(t.UNK()),
		AddBOS: t.AddBOS(), AddEOS: t.AddEOS(), Vocab: t.Size(),
	}, nil
}
