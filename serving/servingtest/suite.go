package servingtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"graft/serving"
)

// Subject says what the backend under test can do. What is left out is not tested.
type Subject struct {
	Chat  string // a model that chats
	Base  string // a model without a chat template
	Embed string // a model for embeddings

	Seeds          bool // the same seed gives the same answer
	IgnoreEOS      bool
	N              bool // several answers
	Logprobs       bool
	PromptLogprobs bool
	Echo           bool
	PromptIDs      bool
	Formats        []string // of serving.Format.Type
	Tools          bool     // tool_choice required and named force a call
	ContextErrors  bool     // prompts that are too long are refused, with numbers

	Adapter string // generation of an adapter that changes what Chat answers; "": adapters are refused
}

// Run holds a backend to the contract of serving.Backend, and of
// serving.Tokenizer and serving.Residency where it meets those. start is called
// once for each test.
func Run(t *testing.T, s Subject, start func(t *testing.T) serving.Backend) {
	type test struct {
		name string
		on   bool
		why  string // printed when it fails
		run  func(*run)
	}
	for _, c := range []test{
		{"Models", true, "clients choose from this list; its first is what they get without a choice", testModels},
		{"UnknownModel", true, "a model that does not exist is never replaced by another", testUnknownModel},
		{"Stream", true, "events of an answer are whole runes, in order, and end once", testStream},
		{"DefaultModel", true, "an empty model is the default", testDefaultModel},
		{"Greedy", true, "temperature 0 means the same answer every time", testGreedy},
		{"Seed", s.Seeds, "the same seed means the same answer", testSeed},
		{"MaxTokens", s.IgnoreEOS, "an answer has no more tokens than asked for, and says that it was cut", testMaxTokens},
		{"Stop", true, "the answer ends before the stop string, wherever tokens begin", testStop},
		{"N", s.N, "every answer has its own index and end", testN},
		{"Cancel", true, "a client that leaves costs nothing from then on", testCancel},
		{"EmitError", true, "an error of emit ends the generation and comes back", testEmitError},
		{"Deadline", true, "a deadline ends a request", testDeadline},
		{"Concurrent", true, "requests do not change each other's answers", testConcurrent},
		{"ContextLength", s.ContextErrors, "what does not fit is refused with the numbers, not cut", testContextLength},
		{"NoChatTemplate", s.Base != "", "a model without a template cannot chat, but completes", testNoChatTemplate},
		{"Logprobs", s.Logprobs, "tokens, their bytes and probabilities belong to the text", testLogprobs},
		{"PromptLogprobs", s.PromptLogprobs, "every token of the prompt is scored but the first", testPromptLogprobs},
		{"Echo", s.Echo, "the prompt comes first, by itself", testEcho},
		{"PromptIDs", s.PromptIDs, "ids and the text they came from are the same prompt", testPromptIDs},
		{"Formats", len(s.Formats) > 0, "a constrained answer keeps to its constraint", testFormats},
		{"Tools", s.Tools, "tools are called when they must be and never when they must not", testTools},
		{"NoAdapters", s.Adapter == "", "a backend that has no adapters never answers by the base instead", testNoAdapters},
		{"Adapter", s.Adapter != "", "an adapter changes the requests that ask for it, and no others", testAdapter},
		{"Embed", s.Embed != "", "vectors have unit length and come in the order of the inputs", testEmbed},
	} {
		if !c.on {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			r := &run{T: t, s: s, b: start(t)}
			c.run(r)
			if t.Failed() {
				t.Log("the rule: " + c.why)
			}
		})
	}
	t.Run("Tokenizer", func(t *testing.T) {
		b := start(t)
		if tok, ok := b.(serving.Tokenizer); ok {
			testTokenizer(&run{T: t, s: s, b: b}, tok)
		}
	})
	t.Run("TokenEncoder", func(t *testing.T) {
		b := start(t)
		if e, ok := b.(serving.TokenEncoder); ok && s.Embed != "" {
			testTokenStates(&run{T: t, s: s, b: b}, e)
		}
	})
	t.Run("Residency", func(t *testing.T) {
		b := start(t)
		if memory, ok := b.(serving.Residency); ok && s.Adapter != "" {
			testResidency(&run{T: t, s: s, b: b}, memory)
		}
	})
}

func testModels(r *run) {
	models, err := r.b.Models(r.Context())
	if err != nil || len(models) == 0 {
		r.Fatalf("%d models, %v", len(models), err)
	}
	var ids []string
	for _, m := range models {
		if slices.Contains(ids, m.ID) || m.ID == "" {
			r.Errorf("id %q is empty or there twice", m.ID)
		}
		ids = append(ids, m.ID)
	}
	for _, id := range []string{r.s.Chat, r.s.Base, r.s.Embed} {
		if id != "" && !slices.Contains(ids, id) {
			r.Errorf("%q is not among %v", id, ids)
		}
	}
}

func testUnknownModel(r *run) {
	req := r.request(hello)
	req.Model = "no-such-model"
	r.refused(req, serving.ErrModelNotFound)
	if _, err := r.b.Embed(r.Context(), &serving.EmbedRequest{Model: "no-such-model", Inputs: []serving.EmbedInput{{Text: "x"}}}); !errors.Is(err, serving.ErrModelNotFound) {
		r.Errorf("Embed: %v, want %v", err, serving.ErrModelNotFound)
	}
}

func testStream(r *run) {
	a := r.must(r.request(hello))
	if a.text[0] == "" || a.Usage.Completion == 0 || a.Usage.Completion > 24 {
		r.Errorf("%q in %d tokens", a.text[0], a.Usage.Completion)
	}
	if len(a.events) < 2 {
		r.Errorf("an answer of %d tokens came in %d pieces", a.Usage.Completion, len(a.events))
	}
}

func testDefaultModel(r *run) {
	models, err := r.b.Models(r.Context())
	if err != nil || len(models) == 0 || !models[0].Chat {
		r.Skip("the default model does not chat")
	}
	named, unnamed := r.request(hello), r.request(hello)
	named.Model, unnamed.Model = models[0].ID, ""
	if a, b := r.must(named), r.must(unnamed); a.text[0] != b.text[0] {
		r.Errorf("%q and %q", a.text[0], b.text[0])
	}
}

func testGreedy(r *run) {
	a, b := r.must(r.request(hello)), r.must(r.request(hello))
	if a.text[0] != b.text[0] || a.Fingerprint != b.Fingerprint {
		r.Errorf("%q (%s) and %q (%s)", a.text[0], a.Fingerprint, b.text[0], b.Fingerprint)
	}
}

func testSeed(r *run) {
	req := r.request(hello)
	req.Sampling = serving.DefaultSampling()
	seed := int64(42)
	req.Sampling.Seed = &seed
	if a, b := r.must(req), r.must(req); a.text[0] != b.text[0] {
		r.Errorf("%q and %q", a.text[0], b.text[0])
	}
}

func testMaxTokens(r *run) {
	for _, n := range []int{1, 2, 7} {
		req := r.request(hello)
		req.MaxTokens = n
		if a := r.must(req); a.finish[0] != serving.FinishLength || a.Usage.Completion != n {
			r.Errorf("MaxTokens %d: %d tokens, finish %s", n, a.Usage.Completion, a.finish[0])
		}
	}
}

// testStop makes stop strings of every stretch of an answer.
func testStop(r *run) {
	whole := []rune(r.must(r.request(hello)).text[0])
	if len(whole) < 4 {
		r.Fatalf("%q is too short to be stopped", string(whole))
	}
	for _, n := range []int{1, 2, 5} {
		for at := 0; at+n <= min(len(whole), 30); at += 1 + n {
			stop := string(whole[at : at+n])
			req := r.request(hello)
			req.Stop = []string{"\x00 never", stop}
			a := r.must(req)
			want, _, _ := strings.Cut(string(whole), stop)
			if a.text[0] != want || a.finish[0] != serving.FinishStop {
				r.Errorf("stop %q: %q finish %s, want %q", stop, a.text[0], a.finish[0], want)
			}
		}
	}
}

func testN(r *run) {
	req := r.request(hello)
	req.N = 3
	a := r.must(req)
	one := r.must(r.request(hello))
	for i := range req.N {
		if a.text[i] != one.text[0] {
			r.Errorf("answer %d is %q, alone it is %q", i, a.text[i], one.text[0])
		}
	}
	if a.Usage.Completion != 3*one.Usage.Completion || a.Usage.Prompt != one.Usage.Prompt {
		r.Errorf("usage %+v of three, %+v of one", a.Usage, one.Usage)
	}
}

func testCancel(r *run) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	req := r.request(hello)
	req.MaxTokens = 0
	begin := time.Now()
	_, err := r.generate(ctx, req, func(serving.Event) error { cancel(); return nil })
	if err != nil && !errors.Is(err, context.Canceled) {
		r.Errorf("%v, want %v", err, context.Canceled)
	}
	if d := time.Since(begin); d > 20*time.Second {
		r.Errorf("it took %v to notice", d)
	}
	if _, err := r.generate(ctx, r.request(hello), nil); !errors.Is(err, context.Canceled) {
		r.Errorf("cancelled before it began: %v, want %v", err, context.Canceled)
	}
	r.must(r.request(hello)) // and others are served as before
}

func testEmitError(r *run) {
	want := errors.New("the client is gone")
	if _, err := r.generate(r.Context(), r.request(hello), func(serving.Event) error { return want }); !errors.Is(err, want) {
		r.Errorf("%v, want %v", err, want)
	}
}

func testDeadline(r *run) {
	req := r.request(hello)
	req.Deadline = time.Now().Add(-time.Second)
	if _, err := r.generate(r.Context(), req, nil); !errors.Is(err, serving.ErrDeadline) {
		r.Errorf("%v, want %v", err, serving.ErrDeadline)
	}
	req.Deadline = time.Now().Add(time.Hour)
	r.must(req)
}
