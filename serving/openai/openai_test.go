package openai

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"graft/internal/chat"
	"graft/serving"
)

// endpoint answers every POST with status and body, and keeps what it was sent.
type endpoint struct {
	status int
	body   string
	got    map[string]any
	header http.Header
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.header = r.Header
	if r.Method == http.MethodGet {
		io.WriteString(w, `{"object":"list","data":[{"id":"first","object":"model","created":5,"owned_by":"o"},{"id":"second","object":"model"}]}`)
		return
	}
	e.got = nil
	data, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(data, &e.got); err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	if e.status == 200 && strings.HasPrefix(e.body, "data:") {
		w.Header().Set("Content-Type", "text/event-stream")
	} else {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(e.status)
	io.WriteString(w, e.body)
}

func start(t *testing.T, e *endpoint, change ...func(*Options)) *Backend {
	t.Helper()
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	o := Options{BaseURL: srv.URL + "/v1/", Key: "sk-test", Extensions: true}
	for _, f := range change {
		f(&o)
	}
	return New(o)
}

func hello() *serving.Request {
	return &serving.Request{Model: "m", Messages: []chat.Message{chat.Text("user", "hi")}, N: 1, Sampling: serving.DefaultSampling(), Logprobs: -1, PromptLogprobs: -1, ParallelTools: true}
}

func sse(chunks ...string) string {
	return "data: " + strings.Join(chunks, "\n\ndata: ") + "\n\n"
}

func collect(b *Backend, req *serving.Request) (events []serving.Event, res *serving.Result, err error) {
	res, err = b.Generate(context.Background(), req, func(e serving.Event) error {
		events = append(events, e)
		return nil
	})
	return events, res, err
}

// Zeros reach the endpoint, which would put its own defaults in their place.
func TestRequestOnTheWire(t *testing.T) {
	e := &endpoint{status: 200, body: sse(`{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}`, "[DONE]")}
	b := start(t, e)
	req := hello()
	req.Sampling.Temperature, req.Sampling.TopK, req.MaxTokens = 0, 5, 7
	req.Sampling.LogitBias = map[int32]float32{3: 1.5}
	req.ToolChoice = serving.ToolChoice{Mode: "named", Names: []string{"f"}}
	req.Tools = []chat.Tool{{Name: "f", Parameters: json.RawMessage(`{"type":"object"}`)}, {Name: "g"}}
	if _, _, err := collect(b, req); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"model": "m", "messages": []any{map[string]any{"role": "user", "content": "hi"}}, "stream": true, "n": 1.0,
		"temperature": 0.0, "top_p": 1.0, "top_k": 5.0, "max_tokens": 7.0, "logit_bias": map[string]any{"3": 1.5},
		"stream_options": map[string]any{"include_usage": true},
		"tools":          []any{map[string]any{"type": "function", "function": map[string]any{"name": "f", "parameters": map[string]any{"type": "object"}}}},
		"tool_choice":    map[string]any{"type": "function", "function": map[string]any{"name": "f"}},
	}
	if diff := cmp.Diff(want, e.got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if auth := e.header.Get("Authorization"); auth != "Bearer sk-test" {
		t.Errorf("authorization %q", auth)
	}
}

// Without extensions nothing is dropped in silence.
func TestExtensionsRefused(t *testing.T) {
	b := start(t, &endpoint{status: 500}, func(o *Options) { o.Extensions = false })
	for param, change := range map[string]func(*serving.Request){
		"top_k":              func(r *serving.Request) { r.Sampling.TopK = 3 },
		"min_p":              func(r *serving.Request) { r.Sampling.MinP = 0.1 },
		"repetition_penalty": func(r *serving.Request) { r.Sampling.RepetitionPenalty = 1.1 },
		"ignore_eos":         func(r *serving.Request) { r.IgnoreEOS = true },
		"stop_token_ids":     func(r *serving.Request) { r.StopIDs = []int32{1} },
		"structured_outputs": func(r *serving.Request) { r.Format = serving.Format{Type: "regex", Regex: "a"} },
		"prompt_logprobs":    func(r *serving.Request) { r.PromptLogprobs = 0 },
	} {
		req := hello()
		change(req)
		_, _, err := collect(b, req)
		var p *serving.ParamError
		if !errors.As(err, &p) || p.Param != param {
			t.Errorf("%s: %v", param, err)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   error
	}{
		{404, `{"error":{"message":"no m","type":"x","param":"model","code":"model_not_found"}}`, serving.ErrModelNotFound},
		{404, `{"error":{"message":"The model does not exist.","type":"NotFoundError","param":null,"code":404}}`, serving.ErrModelNotFound},
		{429, `{"error":{"message":"busy","type":"x","param":null,"code":null}}`, serving.ErrOverloaded},
		{503, `{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}`, serving.ErrOverloaded},
		{400, `{"error":{"message":"bad","type":"x","param":"temperature","code":null}}`, serving.ErrUnsupported},
		{400, `{"error":{"message":"no","type":"x","param":"model","code":"no_chat_template"}}`, serving.ErrNoChatTemplate},
		{504, `{"error":{"message":"slow","type":"x","param":null,"code":null}}`, serving.ErrDeadline},
		{400, `{"error":{"message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4990 in the messages, 10 in the completion).","type":"BadRequestError","param":null,"code":400}}`, serving.ErrContextLength},
		{500, `{"error":{"message":"secret","type":"x","param":null,"code":null}}`, nil},
		{502, `<html>bad gateway</html>`, nil},
	} {
		b := start(t, &endpoint{status: c.status, body: c.body})
		_, _, err := collect(b, hello())
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%d %s: %v, want %v", c.status, c.body, err, c.want)
		}
		for _, known := range []error{serving.ErrModelNotFound, serving.ErrOverloaded, serving.ErrUnsupported, serving.ErrContextLength, serving.ErrDeadline} {
			if c.want == nil && errors.Is(err, known) {
				t.Errorf("%d: %v is no %v", c.status, err, known)
			}
		}
	}
	if _, _, err := collect(New(Options{BaseURL: "http://127.0.0.1:1/v1"}), hello()); err == nil {
		t.Error("no endpoint, no error")
	}
}

func TestContextNumbers(t *testing.T) {
	for message, want := range map[string]serving.ContextError{
		"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4990 in the messages, 10 in the completion).":             {Context: 4096, Prompt: 4990, Max: 10},
		"This model's maximum context length is 100 tokens, but the prompt has 120; shorten the prompt":                                                    {Context: 100, Prompt: 120},
		(&serving.ContextError{Context: 100, Prompt: 90, Max: 20}).Error():                                                                                 {Context: 100, Prompt: 90, Max: 20},
		"This model's maximum context length is 2048 tokens. However, your request has 3000 input tokens. Please reduce the length of the input messages.": {Context: 2048, Prompt: 3000},
	} {
		var got *serving.ContextError
		if err := contextError(message); !errors.As(err, &got) || *got != want {
			t.Errorf("%s: %+v, want %+v", message, got, want)
		}
	}
}

// What a stream can do wrong.
func TestStreams(t *testing.T) {
	const text = `{"choices":[{"index":0,"delta":{"content":"a"}}]}`
	const end = `{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}`
	for _, c := range []struct {
		name, body string
		ok         bool
	}{
		{"as it should be", sse(`{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}`, text, end, `{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4,"prompt_tokens_details":{"cached_tokens":2}}}`, "[DONE]"), true},
		{"comments and empty chunks", ": alive\n\n" + sse(text) + ": alive\n\n" + sse(end, end, "[DONE]"), true},
		{"no end", sse(text, "[DONE]"), false},
		{"cut off", sse(text), false},
		{"an error within", sse(text, `{"error":{"message":"out of memory","type":"server_error","param":null,"code":null}}`), false},
		{"not JSON", sse(text, `{"choices":`), false},
		{"an answer too many", sse(`{"choices":[{"index":1,"delta":{"content":"a"}}]}`, end, "[DONE]"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, &endpoint{status: 200, body: c.body})
			events, res, err := collect(b, hello())
			if (err == nil) != c.ok {
				t.Fatalf("error %v", err)
			}
			if !c.ok {
				return
			}
			if len(events) != 2 || events[0].Text != "a" || events[1].Finish != serving.FinishLength {
				t.Errorf("events %+v", events)
			}
			if c.name == "as it should be" && res.Usage != (serving.Usage{Prompt: 3, Completion: 1, Cached: 2}) {
				t.Errorf("usage %+v", res.Usage)
			}
		})
	}
}

func TestModels(t *testing.T) {
	e := &endpoint{status: 200, body: sse(`{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}`, "[DONE]")}
	all := start(t, e)
	req := hello()
	req.Model = ""
	if _, _, err := collect(all, req); err != nil || e.got["model"] != "first" {
		t.Errorf("the default is %v, %v", e.got["model"], err)
	}
	one := start(t, e, func(o *Options) { o.Models = []string{"second", "missing"} })
	if models, err := one.Models(t.Context()); err != nil || len(models) != 1 || models[0].ID != "second" {
		t.Errorf("%+v, %v", models, err)
	}
	if _, _, err := collect(one, req); err != nil || e.got["model"] != "second" {
		t.Errorf("the default is %v, %v", e.got["model"], err)
	}
	req.Model = "first"
	if _, _, err := collect(one, req); !errors.Is(err, serving.ErrModelNotFound) {
		t.Errorf("a model that is not served: %v", err)
	}
}

func TestNamed(t *testing.T) {
	for name, want := range map[string]string{"a": "a", `bytes:\xf0\x9f`: "\xf0\x9f", "bytes:": "", `bytes:\xzz`: `bytes:\xzz`, `bytes:\x1`: `bytes:\x1`} {
		if got := string(named(name)); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// A prompt of token ids goes out as numbers, streamed or scored; the token that is asked
// for beyond a scored prompt is dropped.
func TestPromptIDs(t *testing.T) {
	e := &endpoint{status: 200, body: `{"choices":[{"index":0,"text":"abc","finish_reason":"length","logprobs":{"tokens":["a","b","c"],"token_logprobs":[null,-0.5,-2],"top_logprobs":[null,{"b":-0.5},{"c":-2}],"text_offset":[0,1,2]}}],"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}`}
	b := start(t, e)
	req := hello()
	req.Messages, req.PromptIDs, req.MaxTokens, req.PromptLogprobs = nil, []int32{7, 9}, -1, 0
	events, res, err := collect(b, req)
	if err != nil {
		t.Fatal(err)
	}
	ids := []any{7.0, 9.0}
	if diff := cmp.Diff(ids, e.got["prompt"]); diff != "" || e.got["echo"] != true || e.got["max_tokens"] != 1.0 || e.got["logprobs"] != 0.0 {
		t.Errorf("the endpoint got %v", e.got)
	}
	if len(res.Prompt) != 2 || !res.Prompt[0].First || res.Prompt[1].Logprob != -.5 || res.Usage != (serving.Usage{Prompt: 2}) || len(events) != 1 || events[0].Text != "" {
		t.Errorf("%+v, events %+v", res, events)
	}

	e.body = sse(`{"choices":[{"index":0,"text":"c","finish_reason":"stop"}]}`, "[DONE]")
	req.MaxTokens, req.PromptLogprobs = 3, -1
	if events, _, err = collect(b, req); err != nil || len(events) != 1 || events[0].Text != "c" {
		t.Fatal(events, err)
	}
	if diff := cmp.Diff(ids, e.got["prompt"]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
