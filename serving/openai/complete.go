package openai

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	api "github.com/sashabaranov/go-openai"

	"graft/serving"
)

// completion is the request for completions.
func (g *generation) completion() api.CompletionRequest {
	r := g.req
	ask := api.CompletionRequest{
		Model: g.id, Prompt: r.Prompt, N: max(r.N, 1), BestOf: r.BestOf, MaxTokens: max(r.MaxTokens, 0), Stop: r.Stop,
		TopP: r.Sampling.TopP, PresencePenalty: r.Sampling.PresencePenalty, FrequencyPenalty: r.Sampling.FrequencyPenalty,
	}
	if seed := r.Sampling.Seed; seed != nil {
		n := int(*seed)
		ask.Seed = &n
	}
	return ask
}

// complete streams completions.
func (g *generation) complete() error {
	ask := g.completion()
	ask.Stream, ask.StreamOptions = true, &api.StreamOptions{IncludeUsage: true}
	stream, err := g.client.CreateCompletionStream(g.ctx, ask)
	if err != nil {
		return translate(g.ctx, g.id, err)
	}
	defer stream.Close()
	for {
		chunk, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return g.whole()
		case err != nil:
			return translate(g.ctx, g.id, err)
		}
		g.usage(chunk.Usage)
		for _, c := range chunk.Choices {
			if c.Index < 0 || c.Index >= max(g.req.N, 1) {
				return fmt.Errorf("the endpoint sent answer %d of %d", c.Index, max(g.req.N, 1))
			}
			e := serving.Event{Index: c.Index, Text: c.Text, Finish: finishOf(c.FinishReason)}
			if g.req.Logprobs >= 0 {
				e.Tokens = tokens(&c.LogProbs, g.req.Logprobs)
			}
			if err := g.send(e); err != nil {
				return err
			}
		}
	}
}

// score asks for prompt and answer together, in one piece, and tells them apart
// by the number of tokens in the prompt.
func (g *generation) score(extra map[string]any) error {
	r := g.req
	ask := g.completion()
	ask.Echo = true
	if r.MaxTokens < 0 {
		ask.MaxTokens = 1 // not every endpoint takes 0; this token is dropped
	}
	if n := max(r.Logprobs, r.PromptLogprobs); n >= 0 {
		extra["logprobs"] = n
	}
	got, err := g.client.CreateCompletion(g.ctx, ask)
	if err != nil {
		return translate(g.ctx, g.id, err)
	}
	if len(got.Choices) == 0 || got.Usage == nil {
		return errEmpty
	}
	g.usage(got.Usage)
	n := got.Usage.PromptTokens
	slices.SortFunc(got.Choices, func(a, b api.CompletionChoice) int { return a.Index - b.Index })
	for i := range got.Choices {
		c := &got.Choices[i]
		prompt, answer, err := split(c, r, n)
		if err != nil {
			return err
		}
		if i == 0 && r.PromptLogprobs >= 0 {
			g.result.Prompt = prompt.Tokens
		}
		if r.Echo {
			if err := g.send(prompt); err != nil {
				return err
			}
		}
		if r.MaxTokens < 0 {
			answer = serving.Event{Index: c.Index, Finish: serving.FinishLength}
		}
		if err := g.send(answer); err != nil {
			return err
		}
	}
	if r.MaxTokens < 0 {
		g.result.Usage.Completion = 0
	}
	return g.whole()
}

// split parts an echoed choice into the prompt, of n tokens, and the answer.
func split(c *api.CompletionChoice, r *serving.Request, n int) (prompt, answer serving.Event, err error) {
	prompt, answer = serving.Event{Index: c.Index}, serving.Event{Index: c.Index, Finish: finishOf(c.FinishReason)}
	if answer.Finish == "" {
		answer.Finish = serving.FinishStop
	}
	cut := len(r.Prompt)
	all := tokens(&c.LogProbs, max(r.Logprobs, r.PromptLogprobs))
	switch {
	case len(all) > 0 && len(all) < n:
		return prompt, answer, fmt.Errorf("the endpoint sent log-probabilities of %d tokens, but counts %d in the prompt", len(all), n)
	case len(all) > 0:
		all[0].First = true
		if r.PromptLogprobs >= 0 {
			prompt.Tokens = clip(all[:n], r.PromptLogprobs)
		}
		if r.Logprobs >= 0 {
			answer.Tokens = clip(all[n:], r.Logprobs)
		}
		if r.PromptIDs != nil {
			cut = 0
			for _, t := range all[:n] {
				cut += len(t.Bytes)
			}
		}
	case r.PromptIDs != nil:
		return prompt, answer, unsupported("echo", "the echo of token ids without log-probabilities")
	}
	if cut > len(c.Text) {
		return prompt, answer, fmt.Errorf("the endpoint sent %d bytes of text, less than the prompt", len(c.Text))
	}
	prompt.Text, answer.Text = c.Text[:cut], c.Text[cut:]
	return prompt, answer, nil
}

// clip leaves each token n alternatives.
func clip(list []serving.TokenLogprob, n int) []serving.TokenLogprob {
	out := slices.Clone(list)
	for i := range out {
		out[i].Top = out[i].Top[:min(n, len(out[i].Top))]
	}
	return out
}

// tokens reads the four lists of completions. The alternatives come as a map, in
// which endpoints put the token itself as well: the top most probable are kept.
func tokens(l *api.LogprobResult, top int) []serving.TokenLogprob {
	var out []serving.TokenLogprob
	for i, text := range l.Tokens {
		t := serving.TokenLogprob{ID: -1, Bytes: named(text)}
		if i < len(l.TokenLogprobs) {
			t.Logprob = float64(l.TokenLogprobs[i])
		}
		if i < len(l.TopLogprobs) {
			for alt, v := range l.TopLogprobs[i] {
				t.Top = append(t.Top, serving.TokenLogprob{ID: -1, Bytes: named(alt), Logprob: float64(v)})
			}
			slices.SortFunc(t.Top, func(a, b serving.TokenLogprob) int {
				switch {
				case a.Logprob > b.Logprob:
					return -1
				case a.Logprob < b.Logprob:
					return 1
				}
				return slices.Compare(a.Bytes, b.Bytes)
			})
			t.Top = t.Top[:min(top, len(t.Top))]
		}
		out = append(out, t)
	}
	return out
}

// named is the bytes of a token by its name in completions: those that are part
// of a character are written as "bytes:\xf0\x9f".
func named(name string) []byte {
	rest, ok := strings.CutPrefix(name, "bytes:")
	if !ok {
		return []byte(name)
	}
	var out []byte
	for ; rest != ""; rest = rest[4:] {
		if len(rest) < 4 || rest[:2] != `\x` {
			return []byte(name)
		}
		c, err := strconv.ParseUint(rest[2:4], 16, 8)
		if err != nil {
			return []byte(name)
		}
		out = append(out, byte(c))
	}
	return out
}
