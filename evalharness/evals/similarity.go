package evals

import (
	"context"
	"errors"
	"fmt"

	"graft/evalharness/metrics"
	"graft/serving"
)

// Embedder is the power of Models that embed.
type Embedder interface {
	// Embed gives the vectors of texts, and the model that made them.
	Embed(ctx context.Context, client Client, texts []string) (vectors [][]float32, model string, err error)
}

// Encoder is the power of Models that tell what they make of each token of a text.
type Encoder interface {
	// Encode gives the hidden states of the tokens of texts, and the model that made them.
	Encode(ctx context.Context, client Client, texts []string) (states *serving.TokenStates, model string, err error)
}

// ErrNoEmbedder says what cosine and bertscore lack.
var ErrNoEmbedder = errors.New("there is no embedding model here: serve one, such as all-minilm-l6-v2")

// maxCells bounds the product of the lengths of two texts that are compared, in
// bytes: some measures take time in proportion to it.
const maxCells = 1 << 27

// Similarity compares two texts for a client.
func (s *Service) Similarity(client Client) func(ctx context.Context, metric, text, reference string) (float64, string, error) {
	return func(ctx context.Context, metric, text, reference string) (float64, string, error) {
		if len(text)*len(reference) > maxCells {
			return 0, "", fmt.Errorf("texts of %d and %d bytes are too long to be compared", len(text), len(reference))
		}
		switch metric {
		case "cosine":
			return s.cosine(ctx, client, text, reference)
		case "bertscore":
			return s.bertScore(ctx, client, text, reference)
		}
		score, err := metrics.Similarity(metric, text, reference)
		return score, metrics.SimilaritySignature(metric), err
	}
}

func (s *Service) cosine(ctx context.Context, client Client, text, reference string) (float64, string, error) {
	embedder, ok := s.using().(Embedder)
	if !ok {
		return 0, "", ErrNoEmbedder
	}
	model := ""
	score, err := metrics.Cosine(ctx, func(ctx context.Context, texts []string) (v [][]float32, err error) {
		v, model, err = embedder.Embed(ctx, client, texts)
		return v, err
	}, text, reference)
	return score, metrics.SimilaritySignature("cosine") + "|model:" + model, err
}

// bertScore is graft's own: OpenAI's graders have no such measure.
func (s *Service) bertScore(ctx context.Context, client Client, text, reference string) (float64, string, error) {
	encoder, ok := s.using().(Encoder)
	if !ok {
		return 0, "", ErrNoEmbedder
	}
	model := ""
	score, err := metrics.BERTScore(ctx, func(ctx context.Context, texts []string) ([]metrics.Tokenwise, error) {
		states, name, err := encoder.Encode(ctx, client, texts)
		if err != nil {
			return nil, err
		}
		model = name
		out := make([]metrics.Tokenwise, len(states.Texts))
		for i, t := range states.Texts {
			out[i] = metrics.Tokenwise{Vectors: t.Vectors, IDs: t.IDs, Special: t.Special}
		}
		return out, nil
	}, text, reference)
	if err == nil && model == "" { // of empty texts nothing was asked
		_, model, err = encoder.Encode(ctx, client, nil)
	}
	return score, metrics.SimilaritySignature("bertscore") + "|model:" + model, err
}
