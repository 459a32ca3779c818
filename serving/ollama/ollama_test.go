package ollama

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

// server answers every POST with status and body, and keeps what it was sent.
type server struct {
	status int
	body   string
	path   string
	got    map[string]any
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		io.WriteString(w, `{"models":[{"name":"first:latest","model":"first:latest","size":7,"digest":"d","details":{"family":"llama","quantization_level":"Q4_0"}},{"name":"second:1b","model":"second:1b"}]}`)
		return
	}
	s.path, s.got = r.URL.Path, nil
	data, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(data, &s.got); err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	w.WriteHeader(s.status)
	io.WriteString(w, s.body)
}

func start(t *testing.T, s *server, models ...string) *Backend {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	b, err := New(Options{BaseURL: srv.URL, Models: models})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func hello() *serving.Request {
	return &serving.Request{Model: "m", Messages: []chat.Message{chat.Text("user", "hi")}, N: 1, Sampling: serving.DefaultSampling(), Logprobs: -1, PromptLogprobs: -1, ParallelTools: true}
}

func collect(b *Backend, req *serving.Request) (events []serving.Event, res *serving.Result, err error) {
	res, err = b.Generate(context.Background(), req, func(e serving.Event) error {
		events = append(events, e)
		return nil
	})
	return events, res, err
}

const done = `{"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":2}` + "\n"

// Everything that Ollama would else fill in with its own defaults is said.
func TestRequestOnTheWire(t *testing.T) {
	s := &server{status: 200, body: done}
	b := start(t, s)
	req := hello()
	seed := int64(3)
	req.Sampling.Seed, req.Stop, req.MaxTokens = &seed, []string{"x"}, 9
	req.Format = serving.Format{Type: "json_schema", Schema: json.RawMessage(`{"type":"object"}`)}
	req.TemplateVars = map[string]any{"enable_thinking": false}
	req.Messages = append(req.Messages,
		chat.Message{Role: "assistant", ToolCalls: []chat.ToolCall{{ID: "c1", Name: "f", Arguments: `{"a":1}`}}},
		chat.Message{Role: "tool", ToolCallID: "c1", Content: []chat.Part{{Type: "text", Text: "42"}}})
	req.Tools = []chat.Tool{{Name: "f", Raw: json.RawMessage(`{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"a":{"type":"integer"}}}}}`)}}
	if _, _, err := collect(b, req); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"model": "m", "truncate": false, "shift": false, "think": false, "format": map[string]any{"type": "object"},
		"options": map[string]any{"temperature": 1.0, "top_p": 1.0, "top_k": 0.0, "min_p": 0.0, "repeat_penalty": 1.0, "repeat_last_n": -1.0,
			"presence_penalty": 0.0, "frequency_penalty": 0.0, "num_predict": 9.0, "seed": 3.0, "stop": []any{"x"}},
		"messages": []any{
			map[string]any{"role": "user", "content": "hi"},
			map[string]any{"role": "assistant", "content": "", "tool_calls": []any{map[string]any{"id": "c1", "function": map[string]any{"index": 0.0, "name": "f", "arguments": map[string]any{"a": 1.0}}}}},
			map[string]any{"role": "tool", "content": "42", "tool_call_id": "c1", "tool_name": "f"},
		},
		"tools": []any{map[string]any{"type": "function", "function": map[string]any{"name": "f", "description": "d", "parameters": map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{"type": "integer"}}}}}},
	}
	if diff := cmp.Diff(want, s.got); diff != "" || s.path != "/api/chat" {
		t.Errorf("%s: -want +got:\n%s", s.path, diff)
	}
	plain := hello()
	plain.Messages, plain.Prompt = nil, "once"
	s.body = `{"response":"a","done":true,"done_reason":"length"}` + "\n"
	events, _, err := collect(b, plain)
	if err != nil || s.path != "/api/generate" || s.got["raw"] != true || s.got["prompt"] != "once" || len(events) != 1 || events[0].Finish != serving.FinishLength {
		t.Errorf("%s %v: %+v, %v", s.path, s.got, events, err)
	}
}

func TestRefused(t *testing.T) {
	b := start(t, &server{status: 500})
	for param, change := range map[string]func(*serving.Request){
		"logit_bias":           func(r *serving.Request) { r.Sampling.LogitBias = map[int32]float32{1: 1} },
		"ignore_eos":           func(r *serving.Request) { r.IgnoreEOS = true },
		"stop_token_ids":       func(r *serving.Request) { r.StopIDs = []int32{1} },
		"prompt":               func(r *serving.Request) { r.PromptIDs = []int32{1} },
		"prompt_logprobs":      func(r *serving.Request) { r.PromptLogprobs = 0 },
		"best_of":              func(r *serving.Request) { r.BestOf = 2 },
		"response_format":      func(r *serving.Request) { r.Format.Type = "regex" },
		"chat_template_kwargs": func(r *serving.Request) { r.TemplateVars = map[string]any{"x": 1} },
		"max_tokens":           func(r *serving.Request) { r.MaxTokens = -1 },
		"tool_choice": func(r *serving.Request) {
			r.Tools, r.ToolChoice.Mode = []chat.Tool{{Name: "f", Raw: json.RawMessage(`{}`)}}, "required"
		},
		"tools":    func(r *serving.Request) { r.Tools = []chat.Tool{{Name: "f", Raw: json.RawMessage(`[]`)}} },
		"messages": func(r *serving.Request) { r.Messages[0].ToolCalls = []chat.ToolCall{{Arguments: "nonsense"}} },
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
		{404, `{"error":"model \"m\" not found, try pulling it first"}`, serving.ErrModelNotFound},
		{503, `{"error":"server busy, please try again.  maximum pending requests exceeded"}`, serving.ErrOverloaded},
		{400, `{"error":"\"m\" does not support tools"}`, serving.ErrUnsupported},
		{400, `{"error":"the input length exceeds the context length"}`, serving.ErrContextLength},
		{500, `{"error":"secret"}`, nil},
		{502, `<html>`, nil},
	} {
		_, _, err := collect(start(t, &server{status: c.status, body: c.body + "\n"}), hello())
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%d: %v, want %v", c.status, err, c.want)
		}
	}
}

func TestStreams(t *testing.T) {
	const text = `{"message":{"role":"assistant","content":"a","thinking":"hm"},"done":false,"logprobs":[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[{"token":"b","logprob":-1}]}]}` + "\n"
	const call = `{"message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"b":1,"a":2}}}]},"done":false}` + "\n"
	b := start(t, &server{status: 200, body: text + call + call + done})
	events, res, err := collect(b, hello())
	if err != nil {
		t.Fatal(err)
	}
	want := []serving.Event{
		{Text: "a", Reasoning: "hm", Tokens: []serving.TokenLogprob{{ID: -1, Bytes: []byte("a"), Logprob: -0.5, Top: []serving.TokenLogprob{{ID: -1, Bytes: []byte("b"), Logprob: -1}}}}},
		{ToolCalls: []serving.ToolCallDelta{{Index: 0, ID: "call_0_0", Name: "f", Arguments: `{"b":1,"a":2}`}}},
		{ToolCalls: []serving.ToolCallDelta{{Index: 1, ID: "call_0_1", Name: "f", Arguments: `{"b":1,"a":2}`}}},
		{Finish: serving.FinishToolCalls},
	}
	if diff := cmp.Diff(want, events); diff != "" || res.Usage != (serving.Usage{Prompt: 5, Completion: 2}) {
		t.Errorf("usage %+v, events -want +got:\n%s", res.Usage, diff)
	}
	for _, body := range []string{text, text + `{"error":"out of memory"}` + "\n", text + "nonsense\n", ""} {
		if _, _, err := collect(start(t, &server{status: 200, body: body}), hello()); err == nil {
			t.Errorf("%q is no error", body)
		}
	}
}

func TestModels(t *testing.T) {
	s := &server{status: 200, body: done}
	models, err := start(t, s).Models(t.Context())
	if err != nil || len(models) != 2 || models[0].ID != "first:latest" || models[0].Arch != "llama" || models[0].Format != "Q4_0" {
		t.Errorf("%+v, %v", models, err)
	}
	b := start(t, s, "second:1b", "first")
	if models, err := b.Models(t.Context()); err != nil || len(models) != 2 || models[1].ID != "first" || models[1].Digest != "d" {
		t.Errorf("%+v, %v", models, err)
	}
	req := hello()
	req.Model = ""
	if _, _, err := collect(b, req); err != nil || s.got["model"] != "second:1b" {
		t.Errorf("the default is %v, %v", s.got["model"], err)
	}
	req.Model = "third"
	if _, _, err := collect(b, req); !errors.Is(err, serving.ErrModelNotFound) || !strings.Contains(err.Error(), "second:1b, first") {
		t.Errorf("%v", err)
	}
	if _, err := New(Options{BaseURL: "localhost"}); err == nil {
		t.Error("an address without a scheme")
	}
}
