package api

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"graft/internal/chat"
	"graft/serving"
)

func TestOllamaRequest(t *testing.T) {
	seed := int64(7)
	user := []chat.Message{chat.Text("user", "hi")}
	for _, c := range []struct {
		name, path, in string
		want           func(r *serving.Request)
	}{
		{"defaults", "chat", `"messages":[{"role":"user","content":"hi"}]`, func(r *serving.Request) {}},
		{"options", "chat", `"messages":[{"role":"user","content":"hi"}],"options":{"temperature":0,"top_k":5,"top_p":0.5,"min_p":0.25,"seed":7,"num_predict":9,"stop":["a",""],"repeat_penalty":1.5,"presence_penalty":1,"frequency_penalty":-1,"num_ctx":4096,"num_thread":4,"repeat_last_n":-1,"typical_p":1.0,"mirostat":0}`,
			func(r *serving.Request) {
				r.Sampling = serving.Sampling{TopK: 5, TopP: .5, MinP: .25, Seed: &seed, RepetitionPenalty: 1.5, PresencePenalty: 1, FrequencyPenalty: -1}
				r.MaxTokens, r.Stop = 9, []string{"a"}
			}},
		{"no limit", "chat", `"messages":[{"role":"user","content":"hi"}],"options":{"num_predict":-1,"seed":-1,"repeat_penalty":1.5,"repeat_last_n":0}`, func(r *serving.Request) {}},
		{"nothing", "chat", `"messages":[{"role":"user","content":"hi"}],"options":{"num_predict":0}`, func(r *serving.Request) { r.MaxTokens = -1 }},
		{"format", "chat", `"messages":[{"role":"user","content":"hi"}],"format":"json","think":false`, func(r *serving.Request) {
			r.Format.Type, r.TemplateVars = "json_object", map[string]any{"enable_thinking": false}
		}},
		{"schema", "chat", `"messages":[{"role":"user","content":"hi"}],"format":{"z":1,"a":2}`, func(r *serving.Request) {
			r.Format = serving.Format{Type: "json_schema", Schema: []byte(`{"z":1,"a":2}`)}
		}},
		{"no format", "chat", `"messages":[{"role":"user","content":"hi"}],"format":"","keep_alive":-1,"think":null`, func(r *serving.Request) {}},
		{"generate", "generate", `"prompt":"hi"`, func(r *serving.Request) {}},
		{"generate with system", "generate", `"prompt":"hi","system":"s"`, func(r *serving.Request) {
			r.Messages = []chat.Message{chat.Text("system", "s"), chat.Text("user", "hi")}
		}},
		{"generate raw", "generate", `"prompt":"hi","system":"s","raw":true`, func(r *serving.Request) { r.Messages, r.Prompt = nil, "hi" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, fake := newTest(t)
			w := do(h, "POST", "/api/"+c.path, `{"model":"fake",`+c.in+`}`)
			if w.Code != 200 {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			want := &serving.Request{Model: "fake", Client: "192.0.2.1:1234", Messages: user, ParallelTools: true, N: 1, Logprobs: -1, PromptLogprobs: -1,
				Sampling: serving.Sampling{Temperature: 0.8, TopK: 40, TopP: 0.9, RepetitionPenalty: 1}}
			want.ToolChoice.Mode = "none"
			c.want(want)
			if diff := cmp.Diff([]*serving.Request{want}, fake.Requests()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestOllamaMessages(t *testing.T) {
	h, fake := newTest(t)
	w := do(h, "POST", "/api/chat", `{"model":"fake","messages":[
		{"role":"System","content":"s"},
		{"role":"assistant","content":"","thinking":"hm","tool_calls":[{"function":{"name":"f","arguments":{"x": 1}}},{"id":"mine","function":{"index":1,"name":"g","arguments":{}}}]},
		{"role":"tool","tool_name":"g","content":"2"},
		{"role":"tool","content":"1"},
		{"role":"user","content":"go"}]}`)
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	want := []chat.Message{
		chat.Text("system", "s"),
		{Role: "assistant", Reasoning: "hm", ToolCalls: []chat.ToolCall{{ID: "call_0", Name: "f", Arguments: `{"x": 1}`}, {ID: "mine", Name: "g", Arguments: `{}`}}},
		{Role: "tool", Name: "g", ToolCallID: "mine", Content: []chat.Part{{Type: "text", Text: "2"}}, Plain: true},
		{Role: "tool", Name: "f", ToolCallID: "call_0", Content: []chat.Part{{Type: "text", Text: "1"}}, Plain: true},
		chat.Text("user", "go"),
	}
	if diff := cmp.Diff(want, fake.Requests()[0].Messages); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func wantOllamaError(t *testing.T, w *httptest.ResponseRecorder, status int, says string) {
	t.Helper()
	if w.Code != status || !strings.HasPrefix(w.Body.String(), `{"error":"`) || !strings.Contains(w.Body.String(), says) {
		t.Errorf("status %d, want %d with %q: %s", w.Code, status, says, w.Body)
	}
}

func TestOllamaErrors(t *testing.T) {
	h, fake := newTest(t)
	const hi = `"messages":[{"role":"user","content":"hi"}]`
	for _, c := range []struct {
		path, in string
		status   int
		says     string
	}{
		{"chat", `{` + hi + `}`, 400, "'model'"},
		{"chat", `{"model":"fake","messages":[{"role":"robot","content":"x"}]}`, 400, "messages[0].role"},
		{"chat", `{"model":"fake","messages":[{"role":"user","content":"x","images":["aGk="]}]}`, 400, "text only"},
		{"chat", `{"model":"fake",` + hi + `,"options":{"warmth":1}}`, 400, "options.warmth"},
		{"chat", `{"model":"fake",` + hi + `,"options":{"temperature":"hot"}}`, 400, "options.temperature"},
		{"chat", `{"model":"fake",` + hi + `,"options":{"mirostat":2}}`, 400, "options.mirostat"},
		{"chat", `{"model":"fake",` + hi + `,"options":{"repeat_penalty":1.1,"repeat_last_n":64}}`, 400, "options.repeat_last_n"},
		{"chat", `{"model":"fake",` + hi + `,"format":"xml"}`, 400, "xml"},
		{"chat", `{"model":"fake",` + hi + `,"think":"high"}`, 400, "think"},
		{"chat", `{"model":"fake-base",` + hi + `}`, 400, "no chat template"},
		{"chat", `{"model":`, 400, "JSON"},
		{"generate", `{"model":"fake","prompt":"x","suffix":"y"}`, 400, "suffix"},
		{"generate", `{"model":"fake","prompt":"x","context":[1]}`, 400, "context"},
		{"generate", `{"model":"none","prompt":"x"}`, 404, "none"},
		{"embed", `{"model":"fake-embed"}`, 400, "'input'"},
		{"embeddings", `{"model":"none","prompt":"x"}`, 404, "none"},
		{"show", `{}`, 404, ""},
	} {
		wantOllamaError(t, do(h, "POST", "/api/"+c.path, c.in), c.status, c.says)
	}
	r := request("POST", "/api/chat", `{"model":"fake","stream":false,`+hi+`}`)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded") // as curl -d sends it
	if w := serve(h, r); w.Code != 200 {
		t.Errorf("curl: status %d: %s", w.Code, w.Body)
	}

	fake.FailAfter = 1
	lines := strings.Split(strings.TrimSpace(do(h, "POST", "/api/chat", `{"model":"fake","messages":[{"role":"user","content":"hello"}]}`).Body.String()), "\n")
	if len(lines) != 2 || lines[1] != `{"error":"internal error (request id test)"}` {
		t.Errorf("got %q", lines)
	}
	fake.Err = func(*serving.Request) error { return serving.ErrOverloaded }
	wantOllamaError(t, do(h, "POST", "/api/chat", `{"model":"fake",`+hi+`}`), 429, "queue")
}

func TestOllamaDurations(t *testing.T) {
	m := ollamaMetrics(&serving.Result{Usage: serving.Usage{Prompt: 3, Completion: 4}, QueueTime: time.Second, FirstToken: 3 * time.Second}, 10*time.Second)
	if m.PromptEvalDuration != 2*time.Second || m.EvalDuration != 7*time.Second || m.TotalDuration != 10*time.Second || m.PromptEvalCount != 3 || m.EvalCount != 4 {
		t.Errorf("got %+v", m)
	}
}

func TestParameterSize(t *testing.T) {
	for n, want := range map[int64]string{134_515_008: "134.52M", 1_235_814_432: "1.2B", 22_700_000: "22.70M", 900: "900", 5_500: "5.50K"} {
		if got := parameterSize(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}
