package servingtest

import (
	"context"
	"errors"
	"testing"
	"unicode/utf8"

	"graft/internal/chat"
	"graft/serving"
)

// run is one test.
type run struct {
	*testing.T
	s Subject
	b serving.Backend
}

// answer is what came of one generation.
type answer struct {
	*serving.Result
	text   []string // of each answer
	finish []serving.FinishReason
	tokens [][]serving.TokenLogprob
	calls  []map[int]*serving.ToolCallDelta // whole ones, by index
	events []serving.Event
}

// request is a chat of one message, greedy, of a few tokens.
func (r *run) request(text string) *serving.Request {
	req := &serving.Request{
		Model: r.s.Chat, Messages: []chat.Message{chat.Text("user", text)}, N: 1, MaxTokens: 24,
		Sampling: serving.DefaultSampling(), Logprobs: -1, PromptLogprobs: -1, ParallelTools: true,
	}
	req.Sampling.Temperature = 0
	req.IgnoreEOS = r.s.IgnoreEOS // a test model may end at once
	return req
}

// completion is the same for a plain prompt.
func (r *run) completion(text string) *serving.Request {
	req := r.request("")
	req.Messages, req.Prompt = nil, text
	return req
}

// generate runs req and holds its events to what is always true.
func (r *run) generate(ctx context.Context, req *serving.Request, emit func(serving.Event) error) (*answer, error) {
	r.Helper()
	n := max(req.N, 1)
	a := &answer{text: make([]string, n), finish: make([]serving.FinishReason, n), tokens: make([][]serving.TokenLogprob, n), calls: make([]map[int]*serving.ToolCallDelta, n)}
	over := false
	res, err := r.b.Generate(ctx, req, func(e serving.Event) error {
		switch {
		case over:
			r.Errorf("emit is called after it returned an error: %+v", e)
		case e.Index < 0 || e.Index >= n:
			r.Errorf("an event has index %d of %d answers", e.Index, n)
			return nil
		case a.finish[e.Index] != "":
			r.Errorf("an event after the end of answer %d: %+v", e.Index, e)
		case !utf8.ValidString(e.Text) || !utf8.ValidString(e.Reasoning):
			r.Errorf("an event has text %q, which is not whole runes", e.Text+e.Reasoning)
		}
		a.add(e)
		if emit == nil {
			return nil
		}
		err := emit(e)
		over = err != nil
		return err
	})
	if err != nil {
		return a, err
	}
	if res == nil {
		r.Fatal("neither a result nor an error")
	}
	a.Result = res
	for i, f := range a.finish {
		if f == "" {
			r.Errorf("answer %d has no end", i)
		}
	}
	if res.Usage.Prompt <= 0 || res.Usage.Completion < 0 || res.Usage.Cached > res.Usage.Prompt {
		r.Errorf("usage %+v", res.Usage)
	}
	return a, nil
}

func (a *answer) add(e serving.Event) {
	a.events = append(a.events, e)
	a.text[e.Index] += e.Text
	a.tokens[e.Index] = append(a.tokens[e.Index], e.Tokens...)
	a.finish[e.Index] = e.Finish
	for _, d := range e.ToolCalls {
		if a.calls[e.Index] == nil {
			a.calls[e.Index] = map[int]*serving.ToolCallDelta{}
		}
		c := a.calls[e.Index][d.Index]
		if c == nil {
			c = &serving.ToolCallDelta{Index: d.Index}
			a.calls[e.Index][d.Index] = c
		}
		c.ID += d.ID
		c.Name += d.Name
		c.Arguments += d.Arguments
	}
}

func (r *run) must(req *serving.Request) *answer {
	r.Helper()
	a, err := r.generate(r.Context(), req, nil)
	if err != nil {
		r.Fatalf("%v", err)
	}
	return a
}

// refused expects an error before anything is emitted.
func (r *run) refused(req *serving.Request, want error) error {
	r.Helper()
	a, err := r.generate(r.Context(), req, nil)
	if !errors.Is(err, want) {
		r.Errorf("error %v, want %v", err, want)
	}
	if len(a.events) > 0 {
		r.Errorf("%d events before the error", len(a.events))
	}
	return err
}

const hello = "Hello there, tell me about the sea."
