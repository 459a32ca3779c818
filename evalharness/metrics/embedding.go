package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
)

func init() {
	register(Info{Name: "embedding_similarity", Doc: "cosine of an answer's embedding with a reference's", Kind: Continuous, Margin: .02, Scale: 1, Needs: "embeddings", Options: []string{"model"}},
		func(o Options) (*Metric, error) {
			if o.Embed == nil {
				return nil, errors.New("it needs an embedding model: Options.Embed")
			}
			vectors := map[string][]float32{}
			return &Metric{
				Signature: "embedding_similarity|graft:1|cosine|model:" + o.EmbedModel + "|empty:0|least:0|refs:max",
				Prepare: func(ctx context.Context, cases []Case) error {
					return embedAll(ctx, o.Embed, cases, vectors)
				},
				Cases: each(func(p string, refs []string) float64 {
					top := 0.0
					for _, r := range refs {
						if trim(p) == "" || trim(r) == "" {
							continue
						}
						a, b := vectors[p], vectors[r]
						if a == nil || b == nil {
							return math.NaN()
						}
						top = max(top, cosine(a, b))
					}
					return top
				}),
			}, nil
		})
}

// embedBatch is how many texts one call of an EmbedFunc gets.
const embedBatch = 64

// embedAll adds to vectors the embedding of each text of the cases that is not empty.
func embedAll(ctx context.Context, embed EmbedFunc, cases []Case, vectors map[string][]float32) error {
	var texts []string
	seen := map[string]bool{}
	for i := range cases {
		for _, text := range append([]string{cases[i].text()}, cases[i].References...) {
			if trim(text) != "" && vectors[text] == nil && !seen[text] {
				seen[text] = true
				texts = append(texts, text)
			}
		}
	}
	for start := 0; start < len(texts); start += embedBatch {
		part := texts[start:min(start+embedBatch, len(texts))]
		out, err := embed(ctx, part)
		if err != nil {
			return fmt.Errorf("embeddings of %d texts: %w", len(part), err)
		}
		if len(out) != len(part) {
			return fmt.Errorf("embeddings: %d for %d texts", len(out), len(part))
		}
		for i, v := range out {
			if len(v) == 0 || len(v) != len(out[0]) {
				return fmt.Errorf("embeddings: one has %d numbers, another %d", len(v), len(out[0]))
			}
			vectors[part[i]] = v
		}
	}
	return nil
}
