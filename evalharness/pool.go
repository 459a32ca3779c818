package evalharness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"graft/serving"
	"graft/training/dataset"
)

// pool is the rows that examples and texts are taken from: never gold, never dev.
type pool struct {
	examples []Example
	texts    []string // what is retrieved
	vectors  [][]float32
	docs     [][]float32 // of texts; the same as vectors where texts are rows
	own      bool        // texts are documents of their own
}

// newPool takes rows that have a question and an answer of plain text.
func newPool(rows []dataset.Row) *pool {
	p := &pool{}
	for i := range rows {
		c, ok := caseOf(&rows[i])
		if !ok {
			continue
		}
		q := c.Messages[len(c.Messages)-1].Content
		p.examples = append(p.examples, Example{Line: c.Line, Question: q, Answer: c.References[0]})
		p.texts = append(p.texts, q+"\n→ "+c.References[0])
	}
	return p
}

// embedder turns texts into vectors of length 1.
type embedder struct {
	backend serving.Backend
	model   string
	mu      sync.Mutex
	cache   map[string][]float32
}

func newEmbedder(b serving.Backend, model string) *embedder {
	return &embedder{backend: b, model: model, cache: map[string][]float32{}}
}

// embedBatch is how many texts are sent at once.
const embedBatch = 32

func (e *embedder) embed(ctx context.Context, texts []string) ([][]float32, error) {
	if e == nil {
		return nil, errors.New("there is no model of embeddings (retrieval.embedder)")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var missing []string
	seen := map[string]bool{}
	for _, s := range texts {
		if e.cache[s] == nil && !seen[s] {
			missing, seen[s] = append(missing, s), true
		}
	}
	for batch := range slices.Chunk(missing, embedBatch) {
		vectors, err := e.ask(ctx, batch)
		if errors.Is(err, serving.ErrContextLength) {
			vectors, err = e.askEach(ctx, batch)
		}
		if err != nil {
			return nil, fmt.Errorf("embedding with %s: %w", e.model, err)
		}
		for i, s := range batch {
			e.cache[s] = vectors[i]
		}
	}
	out := make([][]float32, len(texts))
	for i, s := range texts {
		out[i] = e.cache[s]
	}
	return out, nil
}

func (e *embedder) ask(ctx context.Context, texts []string) ([][]float32, error) {
	req := &serving.EmbedRequest{Model: e.model}
	for _, s := range texts {
		req.Inputs = append(req.Inputs, serving.EmbedInput{Text: s})
	}
	got, err := e.backend.Embed(ctx, req)
	if err != nil {
		return nil, err
	}
	if len(got.Vectors) != len(texts) {
		return nil, fmt.Errorf("%d vectors for %d texts", len(got.Vectors), len(texts))
	}
	return got.Vectors, nil
}

// askEach asks for texts one by one, and cuts those that are too long for the model:
// their beginnings are what they are found by. Not every server can cut by tokens.
func (e *embedder) askEach(ctx context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, s := range texts {
		runes := []rune(s)
		for {
			v, err := e.ask(ctx, []string{string(runes)})
			if err == nil {
				out[i] = v[0]
				break
			}
			if !errors.Is(err, serving.ErrContextLength) || len(runes) < 2 {
				return nil, err
			}
			runes = runes[:len(runes)*3/4]
		}
	}
	return out, nil
}

// index computes the vectors of the pool.
func (p *pool) index(ctx context.Context, e *embedder) (err error) {
	questions := make([]string, len(p.examples))
	for i, x := range p.examples {
		questions[i] = x.Question
	}
	if p.vectors, err = e.embed(ctx, questions); err != nil {
		return err
	}
	if !p.own {
		p.docs = p.vectors
		return nil
	}
	p.docs, err = e.embed(ctx, p.texts)
	return err
}

// nearest are the k rows whose vectors are nearest to v, the nearest last: that is what
// a model reads right before the question.
func nearest(vectors [][]float32, v []float32, k int) []int {
	type hit struct {
		i   int
		dot float32
	}
	hits := make([]hit, len(vectors))
	for i, w := range vectors {
		var sum float32
		for d := range min(len(v), len(w)) {
			sum += v[d] * w[d]
		}
		hits[i] = hit{i, sum}
	}
	slices.SortFunc(hits, func(a, b hit) int { return cmp.Or(cmp.Compare(b.dot, a.dot), a.i-b.i) })
	hits = hits[:min(k, len(hits))]
	out := make([]int, len(hits))
	for i, h := range hits {
		out[len(hits)-1-i] = h.i
	}
	return out
}

// random draws k examples, as far as possible one of each answer in turn, so that no
// label is left out by chance.
func (p *pool) random(k int, seed uint64) []Example {
	r := rand.New(rand.NewPCG(seed, 0x73686f7473))
	by := map[string][]Example{}
	for _, x := range p.examples {
		by[x.Answer] = append(by[x.Answer], x)
	}
	answers := make([]string, 0, len(by))
	for a := range by {
		answers = append(answers, a)
	}
	slices.Sort(answers)
	for _, a := range answers {
		list := by[a]
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	r.Shuffle(len(answers), func(i, j int) { answers[i], answers[j] = answers[j], answers[i] })
	var out []Example
	for n := 0; len(out) < min(k, len(p.examples)); n++ {
		for _, a := range answers {
			if n < len(by[a]) && len(out) < k {
				out = append(out, by[a][n])
			}
		}
	}
	return out
}

// question is what a case is found by.
func (c *Case) question() string { return c.Messages[len(c.Messages)-1].Content }
