package evals

import (
	"context"
	"errors"
	"fmt"

	"graft/evalharness/metrics"
)

// Embedder is the power of Models that embed.
type Embedder interface {
	// Embed gives the vectors of texts, and the model that made them.
	Embed(ctx context.Context, client Client, texts []string) (vectors [][]float32, model string, err error)
}

// ErrNoEmbedder says what cosine lacks.
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
		if metric != "cosine" {
			score, err := metrics.Similarity(metric, text, reference)
			return score, metrics.SimilaritySignature(metric), err
		}
		embedder, ok := s.using().(Embedder)
		if !ok {
			return 0, "", ErrNoEmbedder
		}
		model := ""
		score, err := metrics.Cosine(ctx, func(ctx context.Context, texts []string) (v [][]float32, err error) {
			v, model, err = embedder.Embed(ctx, client, texts)
			return v, err
		}, text, reference)
		return score, metrics.SimilaritySignature(metric) + "|model:" + model, err
	}
}
