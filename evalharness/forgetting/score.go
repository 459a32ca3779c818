package forgetting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"graft/internal/chat"
	"graft/internal/neutral"
	"graft/serving"
)

// Model is what is asked: a base, or an adapter on it.
type Model struct {
	Backend serving.Backend
	Name    string
	// Tokenize is the ids of a text, without what a tokenizer adds by itself.
	Tokenize func(ctx context.Context, text string) ([]int32, error)
}

// Choice is what a model makes of one choice of an item.
type Choice struct {
	LogProb float64 // Σ of the tokens of " choice" after the question, in nats
	Chars   int     // of the choice
	Bytes   int
}

// Score is what a model makes of an item: by the sum of log-probabilities, by that sum
// for each character, and for each byte, as lm-evaluation-harness has acc, acc_norm and
// acc_bytes. Of equal choices the first counts.
type Score struct {
	Choices               []Choice
	Acc, AccNorm, AccByte bool
}

// Score computes the log-probabilities of all choices.
func (m *Model) Score(ctx context.Context, it *Item) (s Score, err error) {
	question, err := m.Tokenize(ctx, it.Question)
	if err != nil {
		return s, err
	}
	s.Choices = make([]Choice, len(it.Choices))
	errs := make([]error, len(it.Choices))
	var all sync.WaitGroup // the engine computes them in one pass
	for i, c := range it.Choices {
		all.Go(func() {
			s.Choices[i].Chars, s.Choices[i].Bytes = len([]rune(c)), len(c)
			s.Choices[i].LogProb, errs[i] = m.after(ctx, it.Question, len(question), " "+c)
		})
	}
	all.Wait()
	if err := cmp.Or(errs...); err != nil {
		return Score{}, fmt.Errorf("item %s: %w", it.ID, err)
	}
	s.Acc = s.best(func(c Choice) float64 { return c.LogProb }) == it.Answer
	s.AccNorm = s.best(func(c Choice) float64 { return c.LogProb / float64(c.Chars) }) == it.Answer
	s.AccByte = s.best(func(c Choice) float64 { return c.LogProb / float64(c.Bytes) }) == it.Answer
	return s, nil
}

// after is the log-probability of a continuation of a question of n tokens. The tokens of
// both together are taken, as they would be read; those after the first n are the
// continuation's.
func (m *Model) after(ctx context.Context, question string, n int, continuation string) (float64, error) {
	ids, err := m.Tokenize(ctx, question+continuation)
	if err != nil {
		return 0, err
	}
	if n == 0 || len(ids) <= n {
		return 0, fmt.Errorf("%q adds no token to the question", continuation)
	}
	logs, err := m.logProbs(ctx, ids)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, l := range logs[n:] {
		sum += l
	}
	return sum, nil
}

func (s *Score) best(of func(Choice) float64) int {
	best := 0
	for i := range s.Choices {
		if of(s.Choices[i]) > of(s.Choices[best]) {
			best = i
		}
	}
	return best
}

// errShort: the endpoint does not tell the log-probabilities of a prompt.
var errShort = errors.New("the endpoint does not send log-probabilities of the prompt")

// logProbs are those of each token after the ones before it; of the first, 0.
func (m *Model) logProbs(ctx context.Context, ids []int32) ([]float64, error) {
	s := serving.DefaultSampling()
	s.Temperature = 0
	r, err := m.Backend.Generate(ctx, &serving.Request{
		Model: m.Name, PromptIDs: ids, Sampling: s, N: 1, MaxTokens: -1, Logprobs: -1, PromptLogprobs: 0, Client: "evaluation",
	}, func(serving.Event) error { return nil })
	if err != nil {
		return nil, err
	}
	if len(r.Prompt) != len(ids) {
		return nil, errShort
	}
	logs := make([]float64, len(ids))
	for i, t := range r.Prompt[1:] {
		logs[i+1] = t.Logprob
	}
	return logs, nil
}

// BitsPerByte is how many bits the model needs for a byte of the neutral text, paragraph
// by paragraph; the first token of each, which nothing comes before, is not counted.
func (m *Model) BitsPerByte(ctx context.Context) (float64, error) {
	nats, size := 0.0, 0
	for _, p := range strings.Split(neutral.Text, "\n") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		ids, err := m.Tokenize(ctx, p)
		if err != nil {
			return 0, err
		}
		logs, err := m.logProbs(ctx, ids)
		if err != nil {
			return 0, err
		}
		for _, l := range logs {
			nats -= l
		}
		size += len(p)
	}
	return nats / math.Ln2 / float64(size), nil
}

// follows asks for an answer and checks it.
func (m *Model) follows(ctx context.Context, in *instruction) (bool, error) {
	s := serving.DefaultSampling()
	s.Temperature = 0
	var text strings.Builder
	_, err := m.Backend.Generate(ctx, &serving.Request{
		Model: m.Name, Messages: []chat.Message{chat.Text("user", in.ask)}, Sampling: s, N: 1, MaxTokens: 48, Logprobs: -1, PromptLogprobs: -1, Client: "evaluation",
	}, func(e serving.Event) error { text.WriteString(e.Text); return nil })
	return in.followed(text.String()), err
}
