package native

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"testing"

	"graft/internal/chat"
	"graft/internal/kernel"
	"graft/serving"
	"graft/serving/servingtest"
)

// at opens a path.
func at(path string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return path, nil }
}

// tinyOptions serve the models of testdata: tiny (chat), tiny-base (the same
// without its template) and tinybert.
func tinyOptions(t testing.TB) Options {
	o := DefaultOptions()
	o.BlockTokens = 16 // texts here are short
	o.CacheType = kernel.F32
	o.CacheBytes = 4 << 20
	o.Threads = 2
	o.Models = []Source{
		{Info: serving.Model{ID: "tiny"}, Open: at("testdata/tiny")},
		{Info: serving.Model{ID: "tiny-base"}, Open: at(withoutTemplate(t))},
		{Info: serving.Model{ID: "tinybert"}, Open: at("testdata/tinybert")},
	}
	return o
}

// withoutTemplate is a copy of tiny that cannot chat.
func withoutTemplate(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} {
		data, err := os.ReadFile("testdata/tiny/" + name)
		if err == nil {
			err = os.WriteFile(dir+"/"+name, data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func newBackend(t testing.TB, o Options) *Backend {
	t.Helper()
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close(cancelled()) })
	return b
}

func TestBackendConforms(t *testing.T) {
	o := tinyOptions(t)
	var b *Backend
	s := servingtest.Subject{
		Chat: "tiny", Base: "tiny-base", Embed: "tinybert", Seeds: true, IgnoreEOS: true, N: true, Logprobs: true, PromptLogprobs: true,
		Echo: true, PromptIDs: true, Formats: []string{"text", "json_object", "json_schema", "regex", "choice"}, Tools: true, ContextErrors: true,
	}
	servingtest.Run(t, s, func(*testing.T) serving.Backend {
		if b == nil {
			b = newBackend(t, o) // one for all tests: they share its cache, as clients do
		}
		return b
	})
}

// goldenAnswers is testdata/golden.json, written by reference/native.py.
type goldenAnswers struct {
	Chats []struct {
		Messages []struct{ Role, Content string }
		IDs      []int32
		Answer   []int32
		Logprobs []float64
		Text     string
	}
	Prompts []struct {
		Prompt         string
		IDs, Answer    []int32
		Logprobs       []float64
		Text           string
		PromptLogprobs []float64 `json:"prompt_logprobs"`
	}
	Embeddings []struct {
		Text        string
		IDs         []int32
		Vector      []float64
		DecoderIDs  []int32   `json:"decoder_ids"`
		DecoderMean []float64 `json:"decoder_mean"`
		DecoderLast []float64 `json:"decoder_last"`
	}
}

func readAnswers(t *testing.T) *goldenAnswers {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	g := new(goldenAnswers)
	if err := json.Unmarshal(data, g); err != nil {
		t.Fatal(err)
	}
	return g
}

func greedy(model string) *serving.Request {
	req := &serving.Request{Model: model, Sampling: serving.DefaultSampling(), N: 1, Logprobs: 0, PromptLogprobs: -1, ParallelTools: true}
	req.Sampling.Temperature = 0
	return req
}

// collected is a generation's events put together.
type collected struct {
	*serving.Result
	text   []string
	tokens [][]serving.TokenLogprob
	finish []serving.FinishReason
	calls  []serving.ToolCallDelta
}

func generate(t testing.TB, b serving.Backend, req *serving.Request) (*collected, error) {
	t.Helper()
	n := max(req.N, 1)
	c := &collected{text: make([]string, n), tokens: make([][]serving.TokenLogprob, n), finish: make([]serving.FinishReason, n)}
	var err error
	c.Result, err = b.Generate(context.Background(), req, func(e serving.Event) error {
		c.text[e.Index] += e.Text
		c.tokens[e.Index] = append(c.tokens[e.Index], e.Tokens...)
		c.finish[e.Index] = e.Finish
		c.calls = append(c.calls, e.ToolCalls...)
		return nil
	})
	return c, err
}

func mustGenerate(t testing.TB, b serving.Backend, req *serving.Request) *collected {
	t.Helper()
	c, err := generate(t, b, req)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return c
}

// closeTo compares log-probabilities with transformers' within 1e-4, as logits.
func closeTo(t *testing.T, what string, got []serving.TokenLogprob, ids []int32, want []float64) {
	t.Helper()
	if len(got) != len(ids) {
		t.Errorf("%s: %d tokens, want %d", what, len(got), len(ids))
		return
	}
	for i, tok := range got {
		if tok.ID != ids[i] || math.Abs(tok.Logprob-want[i]) > 1e-4 {
			t.Errorf("%s: token %d is %d with %v, want %d with %v", what, i, tok.ID, tok.Logprob, ids[i], want[i])
			return
		}
	}
}

// The whole way from messages to text is transformers': template, tokens,
// greedy answer, log-probabilities. A control token written into a message stays text.
func TestBackendGolden(t *testing.T) {
	b := newBackend(t, tinyOptions(t))
	g := readAnswers(t)
	for i, c := range g.Chats {
		req := greedy("tiny")
		for _, m := range c.Messages {
			req.Messages = append(req.Messages, chat.Text(m.Role, m.Content))
		}
		tok, err := b.Tokenize(t.Context(), &serving.TokenizeRequest{Model: "tiny", Messages: req.Messages, AddGenerationPrompt: true})
		if err != nil || !slices.Equal(tok.IDs, c.IDs) {
			t.Fatalf("chat %d: %v, tokens %v, want %v", i, err, tok.IDs, c.IDs)
		}
		req.MaxTokens = len(c.Answer)
		got := mustGenerate(t, b, req)
		n := len(c.Answer)
		if end := slices.Index(c.Answer, 2); end >= 0 {
			n = end
		}
		closeTo(t, "chat", got.tokens[0], c.Answer[:n], c.Logprobs[:n])
		if got.text[0] != c.Text {
			t.Errorf("chat %d: %q, want %q", i, got.text[0], c.Text)
		}
	}
	for i, c := range g.Prompts {
		req := greedy("tiny")
		req.Prompt, req.MaxTokens, req.IgnoreEOS, req.PromptLogprobs = c.Prompt, len(c.Answer), true, 0
		got := mustGenerate(t, b, req)
		closeTo(t, "completion", got.tokens[0], c.Answer, c.Logprobs)
		closeTo(t, "prompt", got.Prompt[1:], c.IDs[1:], c.PromptLogprobs)
		if got.text[0] != c.Text {
			t.Errorf("prompt %d: %q, want %q", i, got.text[0], c.Text)
		}
	}
}

func TestBackendEmbedGolden(t *testing.T) {
	o := tinyOptions(t)
	o.StepTokens = 5 // texts in several passes
	b := newBackend(t, o)
	g := readAnswers(t)
	for _, model := range []string{"tinybert", "tiny"} {
		req := &serving.EmbedRequest{Model: model}
		for _, c := range g.Embeddings {
			req.Inputs = append(req.Inputs, serving.EmbedInput{Text: c.Text})
		}
		out, err := b.Embed(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range g.Embeddings {
			want := c.Vector
			if model == "tiny" {
				want = c.DecoderLast
				if b.models.loaded()[0].model.Config.Pooling == "mean" {
					want = c.DecoderMean
				}
			}
			for d, v := range out.Vectors[i] {
				if math.Abs(float64(v)-want[d]) > 1e-5 {
					t.Errorf("%s, %q: number %d is %v, want %v", model, c.Text, d, v, want[d])
					break
				}
			}
		}
	}
}

// A model that somebody computes with outside of the engine stays loaded.
func TestWithModel(t *testing.T) {
	o := tinyOptions(t)
	b := newBackend(t, o)
	m, info, release, err := b.WithModel(t.Context(), "")
	if err != nil || info.ID != "tiny" || m.Config.Vocab == 0 || !info.Loaded {
		t.Fatalf("%+v, %v", info, err)
	}
	if n := b.models.find("tiny").leases; n != 1 {
		t.Errorf("%d leases while it is used", n)
	}
	release()
	if n := b.models.find("tiny").leases; n != 0 {
		t.Errorf("%d leases afterwards", n)
	}
	if _, _, _, err := b.WithModel(t.Context(), "none"); !errors.Is(err, serving.ErrModelNotFound) {
		t.Errorf("%v", err)
	}
}
