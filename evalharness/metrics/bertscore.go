package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
)

func init() {
	register(Info{Name: "bertscore", Doc: "how near an answer's words are to a reference's by their hidden states in an encoder (BERTScore F1)", Kind: Continuous, Margin: .02, Scale: 1, Needs: "tokens"},
		func(o Options) (*Metric, error) {
			if o.Tokens == nil {
				return nil, errors.New("it needs an encoder's hidden states: Options.Tokens")
			}
			if o.IDF {
				return nil, errors.New("weights by idf are not supported")
			}
			signature := "bertscore|bert_score:0.3.12|model:" + o.EmbedModel + "|layer:last|idf:no|padding:none|refs:max"
			if o.Baseline != nil {
				signature += fmt.Sprintf("|rescaled:%g", o.Baseline.F)
			}
			states := map[string]*Tokenwise{}
			return &Metric{
				Signature: signature,
				Prepare: func(ctx context.Context, cases []Case) error {
					for i := range cases {
						for _, text := range append([]string{cases[i].text()}, cases[i].References...) {
							text = trim(text)
							if text == "" || states[text] != nil {
								continue
							}
							s, err := o.Tokens(ctx, text)
							if err != nil {
								return fmt.Errorf("hidden states of %.40q: %w", text, err)
							}
							if len(s.Special) != len(s.Vectors) {
								return fmt.Errorf("hidden states of %.40q: %d vectors, %d marks", text, len(s.Vectors), len(s.Special))
							}
							states[text] = s
						}
					}
					return nil
				},
				Cases: each(func(p string, refs []string) float64 {
					top := math.Inf(-1)
					for _, r := range refs {
						var f float64 // of an empty text
						if p, r := trim(p), trim(r); p != "" && r != "" {
							if states[p] == nil || states[r] == nil {
								return math.NaN()
							}
							f = bertScore(states[p], states[r]).F
						}
						top = max(top, f)
					}
					if len(refs) == 0 {
						top = 0
					}
					if o.Baseline != nil {
						top = (top - o.Baseline.F) / (1 - o.Baseline.F)
					}
					return top
				}),
			}, nil
		})
}

// Baseline are the values of BERTScore for unrelated texts, which rescaling maps to 0.
type Baseline struct{ P, R, F float64 }

// bertScore is bert_score's greedy_cos_idf of one pair without padding: each token is
// worth its greatest cosine with a token of the other text, [CLS] and [SEP] included,
// which weigh nothing themselves. A text without other tokens scores 0.
func bertScore(prediction, reference *Tokenwise) PRF {
	p, r := unit(prediction.Vectors), unit(reference.Vectors)
	precision, ok := greedy(p, r, prediction.Special)
	recall, too := greedy(r, p, reference.Special)
	if !ok || !too || precision+recall == 0 {
		return PRF{}
	}
	return PRF{precision, recall, 2 * precision * recall / (precision + recall)}
}

// greedy is the mean over a's ordinary tokens of the greatest product with one of b.
func greedy(a, b [][]float64, special []bool) (float64, bool) {
	var sum, n float64
	for i, x := range a {
		if special[i] {
			continue
		}
		top := math.Inf(-1)
		for _, y := range b {
			var dot float64
			for k := range min(len(x), len(y)) {
				dot += x[k] * y[k]
			}
			top = max(top, dot)
		}
		sum, n = sum+top, n+1
	}
	return sum / max(n, 1), n > 0
}

// unit scales vectors to length 1; zero stays zero.
func unit(vectors [][]float32) [][]float64 {
	out := make([][]float64, len(vectors))
	for i, v := range vectors {
		var square float64
		for _, x := range v {
			square += float64(x) * float64(x)
		}
		scale := 1 / math.Sqrt(max(square, math.SmallestNonzeroFloat64))
		out[i] = make([]float64, len(v))
		for k, x := range v {
			out[i][k] = float64(x) * scale
		}
	}
	return out
}
