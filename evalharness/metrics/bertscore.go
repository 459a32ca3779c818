package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

func init() {
	register(Info{
		Name: "bertscore", Doc: "how near an answer's words are to a reference's by their hidden states in an encoder (BERTScore F1)",
		Kind: Continuous, Margin: .02, Least: -1, Scale: 1, Needs: "encoder", Options: []string{"model", "layer", "idf", "baseline"},
	}, newBERTScore)
}

// leastIDF is how many references idf needs: with one, all weights are 0.
const leastIDF = 20

func newBERTScore(o Options) (*Metric, error) {
	if o.Encode == nil {
		return nil, errors.New("it needs an encoder's hidden states: Options.Encode")
	}
	if o.IDF && len(o.IDFTexts) < leastIDF {
		return nil, fmt.Errorf("idf: %d references are too few to tell rare words from frequent ones; %d are needed", len(o.IDFTexts), leastIDF)
	}
	b := &bertScorer{o: o, references: map[string]*Tokenwise{}, scores: map[[2]string]PRF{}, empty: map[string]bool{}}
	layer, idf := "last", "no"
	if o.Layer > 0 {
		layer = fmt.Sprint(o.Layer)
	}
	if o.IDF {
		idf = fmt.Sprintf("%d-references", len(o.IDFTexts))
	}
	// 0.3.12 is what bert_score calls itself in its release 0.3.13.
	signature := "bertscore|bert_score:0.3.12|model:" + o.EncodeModel + "|layer:" + layer + "|idf:" + idf + "|padding:none|refs:max"
	if r := o.Baseline; r != nil {
		signature += fmt.Sprintf("|rescaled:%g,%g,%g", r.P, r.R, r.F)
	}
	return &Metric{Signature: signature, Prepare: b.prepare, Cases: b.each(func(s PRF) float64 { return s.F }, b.rescaled), Details: b.details}, nil
}

// bertScorer keeps what was computed: the pairs' scores, and the states of references,
// which every arm's answers are matched with. Those of answers are let go of.
type bertScorer struct {
	o          Options
	references map[string]*Tokenwise
	scores     map[[2]string]PRF // of (answer, reference), raw
	empty      map[string]bool   // answers without a token of their own
	idf        map[int32]float64 // nil: every token weighs 1
	unseen     float64           // weight of tokens that no reference has
}

// encodeBatch is how many texts are encoded at once: their states, 0.8 MB each at most
// for 384 numbers a token, are in memory together.
const encodeBatch = 16

// prepare scores all pairs of the cases that are not scored yet.
func (b *bertScorer) prepare(ctx context.Context, cases []Case) error {
	if b.o.IDF && b.idf == nil {
		if err := b.weigh(ctx); err != nil {
			return err
		}
	}
	todo := map[string][]string{} // references of each answer
	var answers, refs []string
	for i := range cases {
		p := trim(cases[i].text())
		for _, r := range cases[i].References {
			r = trim(r)
			if _, ok := b.scores[[2]string{p, r}]; ok || slices.Contains(todo[p], r) {
				continue
			}
			if p == "" || r == "" {
				b.scores[[2]string{p, r}], b.empty[p] = PRF{}, b.empty[p] || p == ""
				continue
			}
			if todo[p] == nil {
				answers = append(answers, p)
			}
			todo[p] = append(todo[p], r)
			refs = append(refs, r)
		}
	}
	if err := b.keep(ctx, refs); err != nil {
		return err
	}
	for part := range slices.Chunk(answers, encodeBatch) {
		states, err := b.encode(ctx, part)
		if err != nil {
			return err
		}
		for i, p := range part {
			b.empty[p] = bare(&states[i])
			for _, r := range todo[p] {
				b.scores[[2]string{p, r}] = b.score(&states[i], b.references[r])
			}
		}
	}
	return nil
}

// keep encodes references that are not encoded yet.
func (b *bertScorer) keep(ctx context.Context, texts []string) error {
	var missing []string
	seen := map[string]bool{}
	for _, t := range texts {
		if t != "" && b.references[t] == nil && !seen[t] {
			missing, seen[t] = append(missing, t), true
		}
	}
	for part := range slices.Chunk(missing, encodeBatch) {
		states, err := b.encode(ctx, part)
		if err != nil {
			return err
		}
		for i, t := range part {
			b.references[t] = &states[i]
		}
	}
	return nil
}

// encode asks for states, and checks their shapes.
func (b *bertScorer) encode(ctx context.Context, texts []string) ([]Tokenwise, error) {
	states, err := b.o.Encode(ctx, texts)
	if err != nil {
		return nil, fmt.Errorf("hidden states of %d texts: %w", len(texts), err)
	}
	if len(states) != len(texts) {
		return nil, fmt.Errorf("hidden states of %d texts, %d were asked for", len(states), len(texts))
	}
	for i := range states {
		s := &states[i]
		if len(s.Special) != len(s.Vectors) || len(s.IDs) != len(s.Vectors) {
			return nil, fmt.Errorf("hidden states of %.40q: %d vectors, %d ids, %d marks", texts[i], len(s.Vectors), len(s.IDs), len(s.Special))
		}
		for _, v := range s.Vectors {
			if len(v) == 0 || len(v) != len(states[0].Vectors[0]) {
				return nil, fmt.Errorf("hidden states of %.40q: a vector has %d numbers", texts[i], len(v))
			}
		}
	}
	return states, nil
}

// weigh computes the idf of tokens: ln((N+1)/(n+1)) of one that n of the N references
// have. [CLS] and [SEP], which all have, weigh 0 by themselves.
func (b *bertScorer) weigh(ctx context.Context) error {
	texts := make([]string, len(b.o.IDFTexts))
	for i, t := range b.o.IDFTexts {
		texts[i] = trim(t)
	}
	if err := b.keep(ctx, texts); err != nil {
		return err
	}
	in := map[int32]float64{}
	for _, t := range texts {
		s := b.references[t]
		if s == nil {
			continue // an empty one has the tokens that weigh 0
		}
		seen := map[int32]bool{}
		for i, id := range s.IDs {
			if !s.Special[i] && !seen[id] {
				seen[id] = true
				in[id]++
			}
		}
	}
	n := float64(len(texts))
	b.idf, b.unseen = map[int32]float64{}, math.Log(n+1)
	for id, df := range in {
		b.idf[id] = math.Log((n + 1) / (df + 1))
	}
	return nil
}

// weights are those of a text's tokens.
func (b *bertScorer) weights(s *Tokenwise) []float64 {
	w := make([]float64, len(s.IDs))
	for i, id := range s.IDs {
		switch known, ok := b.idf[id]; {
		case s.Special[i]:
		case b.idf == nil:
			w[i] = 1
		case ok:
			w[i] = known
		default:
			w[i] = b.unseen
		}
	}
	return w
}

// score is bert_score's greedy_cos_idf of one pair without padding: each token is worth
// its greatest cosine with a token of the other text, [CLS] and [SEP] included, which
// weigh nothing themselves. A text without other tokens scores 0; where bert_score's P
// or R are no numbers, because all weights are 0, they are 0 here, as its F is.
func (b *bertScorer) score(prediction, reference *Tokenwise) PRF {
	if bare(prediction) || bare(reference) {
		return PRF{}
	}
	p, r := unit(prediction.Vectors), unit(reference.Vectors)
	s := PRF{P: greedy(p, r, b.weights(prediction)), R: greedy(r, p, b.weights(reference))}
	if s.P != 0 && s.R != 0 && s.P+s.R != 0 {
		s.F = 2 * s.P * s.R / (s.P + s.R)
	}
	return s
}

// bare tells whether a text has no token but [CLS] and [SEP] around it. One that has
// them written out is not bare: bert_score goes by the number of tokens.
func bare(s *Tokenwise) bool { return len(s.IDs) <= 2 && !slices.Contains(s.Special, false) }

// greedy is the weighted mean over a's tokens of the greatest product with one of b.
func greedy(a, b [][]float64, weights []float64) float64 {
	var sum, total float64
	for i, x := range a {
		if weights[i] == 0 {
			continue
		}
		top := math.Inf(-1)
		for _, y := range b {
			var dot float64
			for k := range x {
				dot += x[k] * y[k]
			}
			top = max(top, dot)
		}
		sum, total = sum+weights[i]*top, total+weights[i]
	}
	if total == 0 {
		return 0
	}
	return sum / total
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
