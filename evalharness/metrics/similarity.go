package metrics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// ErrNeedsModel says that a measure compares what a model makes of texts: use Cosine or
// BERTScore.
var ErrNeedsModel = errors.New("the measure needs a model of embeddings, and none was given")

// measures are the text_similarity measures of the Evals API that need no model.
var measures = map[string]measure1{}

// measure1 is a measure of two texts.
type measure1 struct {
	signature string
	f         func(input, reference string) float64
}

// modelled are the measures that need a model, with their signatures.
var modelled = map[string]string{
	"cosine":    "cosine|graft:1",
	"bertscore": "bertscore|bert_score:0.3.12|layer:last|idf:no|padding:none",
}

// Similarities are the names of all measures, sorted.
func Similarities() []string {
	names := slices.Collect(maps.Keys(measures))
	return slices.Sorted(slices.Values(slices.AppendSeq(names, maps.Keys(modelled))))
}

// Similarity is a text_similarity measure of the Evals API, between 0 and 1:
// fuzzy_match, bleu, gleu, meteor, rouge_1 to rouge_5, rouge_l. Of cosine and bertscore
// it is ErrNeedsModel: see Cosine and BERTScore.
func Similarity(name, input, reference string) (float64, error) {
	if modelled[name] != "" {
		return 0, ErrNeedsModel
	}
	m, ok := measures[name]
	if !ok {
		return 0, fmt.Errorf("text similarity %q: there is none of that name; there are %s", name, strings.Join(Similarities(), ", "))
	}
	return m.f(input, reference), nil
}

// SimilaritySignature says how a measure is computed, "" for one there is not. Those
// that need a model leave its name to who knows it.
func SimilaritySignature(name string) string {
	if s := modelled[name]; s != "" {
		return s
	}
	return measures[name].signature
}

// BERTScore is F1 of BERTScore of two texts.
func BERTScore(ctx context.Context, encode EncodeFunc, input, reference string) (float64, error) {
	m, err := New("bertscore", Options{Encode: encode})
	if err != nil {
		return 0, err
	}
	one := []Case{{Prediction: input, References: []string{reference}}}
	if err := m.Prepare(ctx, one); err != nil {
		return 0, fmt.Errorf("bertscore: %w", err)
	}
	return m.Cases(one)[0], nil
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
