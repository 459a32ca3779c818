package servingtest

import (
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"

	"graft/internal/chat"
	"graft/serving"
)

func testConcurrent(r *run) {
	prompts := []string{hello, "What is two and two?", "Name a colour.", "Hello there, tell me about the land."}
	want := make([]string, len(prompts))
	for i, p := range prompts {
		want[i] = r.must(r.request(p)).text[0]
	}
	var wg sync.WaitGroup
	for range 3 {
		for i, p := range prompts {
			wg.Go(func() {
				a, err := r.generate(r.Context(), r.request(p), nil)
				if err != nil {
					r.Error(err)
				} else if a.text[0] != want[i] {
					r.Errorf("%q is answered %q among others, %q alone", p, a.text[0], want[i])
				}
			})
		}
	}
	wg.Wait()
}

func testContextLength(r *run) {
	models, err := r.b.Models(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	size := models[slices.IndexFunc(models, func(m serving.Model) bool { return m.ID == r.s.Chat })].Context
	long := strings.Repeat("one two three ", size)
	for _, req := range []*serving.Request{r.request(long), r.request(hello)} {
		if req.Messages[0].Content[0].Text == hello {
			req.MaxTokens = size + 1
		}
		err := r.refused(req, serving.ErrContextLength)
		var c *serving.ContextError
		if !errors.As(err, &c) || c.Context != size || c.Prompt <= 0 || c.Prompt+c.Max <= size {
			r.Errorf("%+v: want the context of %d, and a prompt and tokens asked for that exceed it", c, size)
		}
	}
}

func testNoChatTemplate(r *run) {
	req := r.request(hello)
	req.Model = r.s.Base
	r.refused(req, serving.ErrNoChatTemplate)
	req = r.completion("Once upon a time")
	req.Model = r.s.Base
	if a := r.must(req); a.text[0] == "" {
		r.Error("no completion")
	}
}

func (r *run) checkLogprob(t serving.TokenLogprob, top int) {
	r.Helper()
	if t.First {
		return
	}
	if t.Logprob > 1e-9 || math.IsNaN(t.Logprob) || math.IsInf(t.Logprob, 0) {
		r.Errorf("token %d has log-probability %v", t.ID, t.Logprob)
	}
	if len(t.Top) != top {
		r.Errorf("%d alternatives, want %d", len(t.Top), top)
	}
	for i, alt := range t.Top {
		if i > 0 && alt.Logprob > t.Top[i-1].Logprob {
			r.Errorf("alternatives are not in order: %+v", t.Top)
		}
		if alt.ID == t.ID && t.ID >= 0 && math.Abs(alt.Logprob-t.Logprob) > 1e-6 {
			r.Errorf("token %d has %v, among the alternatives %v", t.ID, t.Logprob, alt.Logprob)
		}
	}
}

func testLogprobs(r *run) {
	for _, top := range []int{0, 3} {
		req := r.request(hello)
		req.Logprobs = top
		a := r.must(req)
		var bytes []byte
		for _, t := range a.tokens[0] {
			bytes = append(bytes, t.Bytes...)
			r.checkLogprob(t, top)
			if top > 0 && len(t.Top) > 0 && t.Top[0].Logprob > t.Logprob+1e-6 {
				r.Errorf("greedy, but token %d is not the most probable: %+v", t.ID, t)
			}
		}
		// A text may lose its leading space, and bytes that are no runes are replaced.
		if got := strings.TrimPrefix(strings.ToValidUTF8(string(bytes), "\ufffd"), " "); !strings.Contains(a.text[0], "\ufffd") && got != strings.TrimPrefix(a.text[0], " ") {
			r.Errorf("tokens spell %q, the text is %q", got, a.text[0])
		}
		if n := len(a.tokens[0]); n == 0 || n > a.Usage.Completion {
			r.Errorf("%d tokens have log-probabilities, %d were counted", n, a.Usage.Completion)
		}
	}
	if a := r.must(r.request(hello)); len(a.tokens[0]) != 0 {
		r.Error("log-probabilities that nobody asked for")
	}
}

func testPromptLogprobs(r *run) {
	req := r.completion("The sea is wide and blue")
	req.PromptLogprobs = 2
	a := r.must(req)
	if len(a.Prompt) != a.Usage.Prompt || !a.Prompt[0].First {
		r.Fatalf("%d log-probabilities of %d tokens, first %+v", len(a.Prompt), a.Usage.Prompt, a.Prompt[0])
	}
	for _, t := range a.Prompt {
		r.checkLogprob(t, 2)
	}
	again := r.must(req) // now in a prefix cache, if there is one
	for i := range a.Prompt {
		if a.Prompt[i].Logprob != again.Prompt[i].Logprob {
			r.Errorf("token %d: %v the first time, %v the second", i, a.Prompt[i].Logprob, again.Prompt[i].Logprob)
		}
	}
	req.MaxTokens = -1
	if only := r.must(req); only.Usage.Completion != 0 || only.text[0] != "" || len(only.Prompt) != len(a.Prompt) {
		r.Errorf("scored only: %+v %q", only.Usage, only.text[0])
	}
}

func testEcho(r *run) {
	const prompt = "The sea is wide and blue"
	plain := r.completion(prompt)
	req := r.completion(prompt)
	req.Echo = true
	a, b := r.must(req), r.must(plain)
	if a.text[0] != prompt+b.text[0] {
		r.Errorf("%q, want %q before %q", a.text[0], prompt, b.text[0])
	}
	if len(a.events) == 0 || a.events[0].Text != prompt {
		r.Errorf("the first event is %+v", a.events[0])
	}
	if !r.s.PromptLogprobs {
		return
	}
	req.PromptLogprobs, req.Logprobs, req.MaxTokens = 1, 1, 3
	a = r.must(req)
	if n := len(a.tokens[0]); n != a.Usage.Prompt+a.Usage.Completion {
		r.Errorf("%d tokens with log-probabilities, want %d of the prompt and %d of the answer", n, a.Usage.Prompt, a.Usage.Completion)
	}
}

func testPromptIDs(r *run) {
	tok := r.b.(serving.Tokenizer)
	const prompt = "The sea is wide and blue"
	ids, err := tok.Tokenize(r.Context(), &serving.TokenizeRequest{Model: r.s.Chat, Prompt: prompt, AddSpecial: true})
	if err != nil {
		r.Fatal(err)
	}
	byText := r.must(r.completion(prompt))
	req := r.completion("")
	req.PromptIDs = ids.IDs
	if byID := r.must(req); byID.text[0] != byText.text[0] || byID.Usage.Prompt != byText.Usage.Prompt {
		r.Errorf("by ids %q (%d tokens), by text %q (%d tokens)", byID.text[0], byID.Usage.Prompt, byText.text[0], byText.Usage.Prompt)
	}
	req.PromptIDs = []int32{1 << 30}
	if _, err := r.generate(r.Context(), req, nil); !errors.Is(err, serving.ErrUnsupported) {
		r.Errorf("an id that does not exist: %v, want %v", err, serving.ErrUnsupported)
	}
}

func testFormats(r *run) {
	schema := json.RawMessage(`{"type":"object","properties":{"text":{"type":"string","maxLength":40},"ok":{"type":"boolean"}},"required":["text"],"additionalProperties":false}`)
	for _, c := range []struct {
		format serving.Format
		ok     func(text string) bool
	}{
		{serving.Format{Type: "text"}, func(string) bool { return true }},
		{serving.Format{Type: "json_object"}, func(s string) bool { var m map[string]any; return json.Unmarshal([]byte(s), &m) == nil }},
		{serving.Format{Type: "json_schema", Schema: schema}, func(s string) bool {
			var m struct{ Text *string }
			return json.Unmarshal([]byte(s), &m) == nil && m.Text != nil
		}},
		{serving.Format{Type: "regex", Regex: `(yes|no), [0-9]{2,4}`}, regexp.MustCompile(`^(yes|no), [0-9]{2,4}$`).MatchString},
		{serving.Format{Type: "choice", Choice: []string{"red", "green", "greenish"}}, func(s string) bool { return s == "red" || s == "green" || s == "greenish" }},
	} {
		if !slices.Contains(r.s.Formats, c.format.Type) {
			continue
		}
		req := r.request("Please answer.")
		req.Format, req.MaxTokens, req.IgnoreEOS = c.format, 300, false
		// An object without a bound may be cut off by the number of tokens.
		if a := r.must(req); !c.ok(a.text[0]) && (a.finish[0] != serving.FinishLength || c.format.Type != "json_object") {
			r.Errorf("%s: %q, finish %s", c.format.Type, a.text[0], a.finish[0])
		}
	}
}

func testTools(r *run) {
	tool := func(name string) chat.Tool {
		params := `{"type":"object","properties":{"text":{"type":"string","maxLength":20}},"required":["text"],"additionalProperties":false}`
		return chat.Tool{Name: name, Description: "A test.", Parameters: json.RawMessage(params),
			Raw: json.RawMessage(`{"type":"function","function":{"name":"` + name + `","description":"A test.","parameters":` + params + `}}`)}
	}
	for _, c := range []struct {
		choice serving.ToolChoice
		want   []string // names that may be called; nil: no call
	}{
		{serving.ToolChoice{Mode: "required"}, []string{"first", "second"}},
		{serving.ToolChoice{Mode: "named", Names: []string{"second"}}, []string{"second"}},
		{serving.ToolChoice{Mode: "none"}, nil},
	} {
		req := r.request(hello)
		req.Tools, req.ToolChoice, req.IgnoreEOS = []chat.Tool{tool("first"), tool("second")}, c.choice, false
		req.ParallelTools, req.MaxTokens = false, 300
		a := r.must(req)
		if c.want == nil {
			if len(a.calls[0]) > 0 || a.finish[0] == serving.FinishToolCalls {
				r.Errorf("%+v: %d calls, finish %s", c.choice, len(a.calls[0]), a.finish[0])
			}
			continue
		}
		if len(a.calls[0]) != 1 || a.finish[0] != serving.FinishToolCalls {
			r.Errorf("%+v: %d calls, finish %s, text %q", c.choice, len(a.calls[0]), a.finish[0], a.text[0])
			continue
		}
		call := a.calls[0][0]
		var args struct{ Text *string }
		if call == nil || !slices.Contains(c.want, call.Name) || json.Unmarshal([]byte(call.Arguments), &args) != nil || args.Text == nil {
			r.Errorf("%+v: call %+v", c.choice, call)
		}
	}
}

func testEmbed(r *run) {
	req := &serving.EmbedRequest{Model: r.s.Embed, Inputs: []serving.EmbedInput{{Text: "the sea"}, {Text: "a green hill far away"}, {Text: "the sea"}}}
	out, err := r.b.Embed(r.Context(), req)
	if err != nil {
		r.Fatal(err)
	}
	if len(out.Vectors) != 3 || out.Usage.Prompt <= 0 {
		r.Fatalf("%d vectors, usage %+v", len(out.Vectors), out.Usage)
	}
	for i, v := range out.Vectors {
		sum := 0.0
		for _, x := range v {
			sum += float64(x) * float64(x)
		}
		if len(v) == 0 || len(v) != len(out.Vectors[0]) || math.Abs(sum-1) > 1e-4 {
			r.Errorf("vector %d has %d numbers and length %v", i, len(v), math.Sqrt(sum))
		}
	}
	if !slices.Equal(out.Vectors[0], out.Vectors[2]) || slices.Equal(out.Vectors[0], out.Vectors[1]) {
		r.Error("equal texts must have equal vectors, others other ones")
	}
	alone, err := r.b.Embed(r.Context(), &serving.EmbedRequest{Model: r.s.Embed, Inputs: req.Inputs[1:2]})
	if err != nil || !slices.Equal(alone.Vectors[0], out.Vectors[1]) {
		r.Errorf("alone a text has another vector than among others (%v)", err)
	}
	if r.s.Embed != r.s.Chat {
		req := r.completion("the sea")
		req.Model = r.s.Embed
		r.refused(req, serving.ErrUnsupported)
	}
	if !r.s.ContextErrors {
		return
	}
	long := &serving.EmbedRequest{Model: r.s.Embed, Inputs: []serving.EmbedInput{{Text: strings.Repeat("one two three ", 3000)}}}
	if _, err := r.b.Embed(r.Context(), long); !errors.Is(err, serving.ErrContextLength) {
		r.Errorf("too long: %v, want %v", err, serving.ErrContextLength)
	}
	long.Truncate = true
	if out, err := r.b.Embed(r.Context(), long); err != nil || len(out.Vectors) != 1 {
		r.Errorf("truncated: %v", err)
	}
}

func testTokenizer(r *run, tok serving.Tokenizer) {
	for _, text := range []string{"Hello world", "  two  spaces\n", "naïve café 🙂", "a"} {
		out, err := tok.Tokenize(r.Context(), &serving.TokenizeRequest{Model: r.s.Chat, Prompt: text})
		if err != nil || len(out.IDs) == 0 || len(out.Strings) != len(out.IDs) || out.Context <= 0 {
			r.Fatalf("%q: %+v, %v", text, out, err)
		}
		back, err := tok.Detokenize(r.Context(), r.s.Chat, out.IDs)
		if err != nil || back != text {
			r.Errorf("%q came back as %q, %v", text, back, err)
		}
	}
	if r.s.Chat != "" {
		req := r.request(hello)
		out, err := tok.Tokenize(r.Context(), &serving.TokenizeRequest{Model: r.s.Chat, Messages: req.Messages, AddGenerationPrompt: true, AddSpecial: true})
		if err != nil {
			r.Fatal(err)
		}
		if a := r.must(req); a.Usage.Prompt != len(out.IDs) {
			r.Errorf("a conversation has %d tokens, but %d are counted when it is answered", len(out.IDs), a.Usage.Prompt)
		}
	}
	if _, err := tok.Tokenize(r.Context(), &serving.TokenizeRequest{Model: "no-such-model", Prompt: "x"}); !errors.Is(err, serving.ErrModelNotFound) {
		r.Errorf("%v, want %v", err, serving.ErrModelNotFound)
	}
}
