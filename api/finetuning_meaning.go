package api

import (
	"cmp"
	"context"

	"graft/serving"
	"graft/training/lint"
)

// textEmbedder is an embedding model that is served, as the checks of training files
// use it.
type textEmbedder struct {
	backend embedder
	model   string
}

// embedAtOnce is how many texts one request has: others come in between.
const embedAtOnce = 32

// Embed returns a vector of length 1 for each text. Long texts count by their
// beginning. An empty input is refused: a space stands for it.
func (e textEmbedder) Embed(ctx context.Context, texts []string) (vectors [][]float32, err error) {
	for len(texts) > 0 {
		req := serving.EmbedRequest{Model: e.model, Truncate: true}
		for _, text := range texts[:min(embedAtOnce, len(texts))] {
			req.Inputs = append(req.Inputs, serving.EmbedInput{Text: cmp.Or(text, " ")})
		}
		out, err := e.backend.Embed(ctx, &req)
		if err != nil {
			return nil, err
		}
		vectors, texts = append(vectors, out.Vectors...), texts[len(req.Inputs):]
	}
	return vectors, nil
}

// LoadedEmbedder is the first embedding model of a backend that is loaded; nil: none is,
// and files are compared by words alone.
func LoadedEmbedder(ctx context.Context, b serving.Backend) (lint.Embedder, error) {
	list, err := b.Models(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		if m.Embedder && m.Loaded {
			return textEmbedder{b, m.ID}, nil
		}
	}
	return nil, nil
}
