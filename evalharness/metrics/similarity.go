package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// ErrNeedsEmbedder says that a measure compares embeddings: use Cosine.
var ErrNeedsEmbedder = errors.New("the measure compares embeddings and no embedding model was given")

// measures are the text_similarity measures of the Evals API that need no model.
var measures = map[string]measure1{}

// measure1 is a measure of two texts.
type measure1 struct {
	signature string
	f         func(input, reference string) float64
}

// Similarity is a text_similarity measure of the Evals API, between 0 and 1:
// fuzzy_match, bleu, gleu, meteor, rouge_1 to rouge_5, rouge_l. "cosine" is
// ErrNeedsEmbedder: see Cosine.
func Similarity(name, input, reference string) (float64, error) {
	if name == "cosine" {
		return 0, ErrNeedsEmbedder
	}
	m, ok := measures[name]
	if !ok {
		return 0, fmt.Errorf("text similarity %q: there is none of that name; there are cosine, fuzzy_match, bleu, gleu, meteor, rouge_1 to rouge_5, rouge_l", name)
	}
	return m.f(input, reference), nil
}

// SimilaritySignature says how a measure is computed, "" for one there is not.
func SimilaritySignature(name string) string {
	if name == "cosine" {
		return "cosine|graft:1"
	}
	return measures[name].signature
}

// Cosine is the cosine of two texts' embeddings, 0 when one of them is zero.
func Cosine(ctx context.Context, embed EmbedFunc, input, reference string) (float64, error) {
	v, err := embed(ctx, []string{input, reference})
	if err != nil {
		return 0, fmt.Errorf("cosine: %w", err)
	}
	if len(v) != 2 || len(v[0]) != len(v[1]) {
		return 0, fmt.Errorf("cosine: want two embeddings of one width, have %d", len(v))
	}
	return cosine(v[0], v[1]), nil
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
