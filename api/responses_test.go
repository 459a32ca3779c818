package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"graft/internal/chat"
	"graft/serving"
)

func TestResponsesMessages(t *testing.T) {
	text := func(s string) []chat.Part { return []chat.Part{{Type: "text", Text: s}} }
	for _, c := range []struct {
		name, in string
		want     []chat.Message
	}{
		{"string", `"input":"hi"`, []chat.Message{chat.Text("user", "hi")}},
		{"instructions", `"input":"hi","instructions":"be kind"`, []chat.Message{chat.Text("system", "be kind"), chat.Text("user", "hi")}},
		{"items", `"input":[
			{"role":"developer","content":"d"},
			{"type":"message","role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":"b"}],"id":"x","status":"completed"},
			{"type":"reasoning","id":"r","summary":[],"content":[{"type":"reasoning_text","text":"hm"}],"encrypted_content":null},
			{"type":"message","role":"assistant","id":"m","status":"completed","content":[{"type":"output_text","text":"c","annotations":[],"logprobs":[]}]},
			{"type":"function_call","id":"f","call_id":"c1","name":"f","arguments":"{}","status":"completed"},
			{"type":"function_call","call_id":"c2","name":"g","arguments":"{}"},
			{"type":"function_call_output","call_id":"c1","output":"1"},
			{"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"2"}]},
			{"type":"function_call","call_id":"c3","name":"f","arguments":"{}"},
			{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}]`,
			[]chat.Message{
				{Role: "developer", Content: text("d"), Plain: true},
				{Role: "user", Content: []chat.Part{{Type: "text", Text: "a"}, {Type: "text", Text: "b"}}},
				{Role: "assistant", Reasoning: "hm", Content: text("c"), Plain: true, ToolCalls: []chat.ToolCall{{ID: "c1", Name: "f", Arguments: "{}"}, {ID: "c2", Name: "g", Arguments: "{}"}}},
				{Role: "tool", ToolCallID: "c1", Content: text("1"), Plain: true},
				{Role: "tool", ToolCallID: "c2", Content: text("2"), Plain: true},
				{Role: "assistant", ToolCalls: []chat.ToolCall{{ID: "c3", Name: "f", Arguments: "{}"}}},
				{Role: "assistant", Content: text("no"), Plain: true},
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, fake := newTest(t)
			if w := do(h, "POST", "/v1/responses", `{"model":"fake",`+c.in+`}`); w.Code != 200 {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(c.want, fake.Requests()[0].Messages); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestResponsesRequest(t *testing.T) {
	h, fake := newTest(t)
	w := do(h, "POST", "/v1/responses", `{"model":"fake","input":"hi","max_output_tokens":9,"temperature":0.5,"top_p":0.5,"top_k":3,"seed":7,
		"tools":[{"type":"function","name":"f","description":"d","parameters":{"z":1,"a":2}},{"type":"function","name":"g","strict":false}],
		"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"g"}]},"parallel_tool_calls":false,
		"text":{"format":{"type":"json_object"},"verbosity":"medium"},"include":["message.output_text.logprobs"],"top_logprobs":4,
		"reasoning":{"effort":null,"summary":null},"truncation":"disabled","background":false,"service_tier":"auto","max_tool_calls":3,"store":false,
		"chat_template_kwargs":{"enable_thinking":false}}`)
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	seed := int64(7)
	want := &serving.Request{
		Model: "fake", Client: "192.0.2.1:1234", Messages: []chat.Message{chat.Text("user", "hi")}, N: 1, MaxTokens: 9, Logprobs: 4, PromptLogprobs: -1,
		Sampling: serving.Sampling{Temperature: .5, TopP: .5, TopK: 3, RepetitionPenalty: 1, Seed: &seed},
		Tools: []chat.Tool{
			{Name: "f", Description: "d", Strict: true, Parameters: []byte(`{"z":1,"a":2}`), Raw: []byte(`{"type":"function","function":{"name":"f","description":"d","parameters":{"z":1,"a":2}}}`)},
			{Name: "g", Raw: []byte(`{"type":"function","function":{"name":"g"}}`)}},
		ToolChoice:   serving.ToolChoice{Mode: "auto", Names: []string{"g"}},
		Format:       serving.Format{Type: "json_object"},
		TemplateVars: map[string]any{"enable_thinking": false},
	}
	if diff := cmp.Diff([]*serving.Request{want}, fake.Requests()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestResponsesBadInput(t *testing.T) {
	input := func(s string) string { return `"input":[` + s + `]` }
	for _, c := range []struct{ name, in, param, code string }{
		{"no input", ``, "input", "missing_required_parameter"},
		{"empty input", input(``), "input", "empty_array"},
		{"number", `"input":5`, "input", "invalid_type"},
		{"image", input(`{"role":"user","content":[{"type":"input_image","image_url":"x"}]}`), "input[0].content[0].type", "unsupported_value"},
		{"file", input(`{"role":"user","content":[{"type":"input_file","file_id":"x"}]}`), "input[0].content[0].type", "unsupported_value"},
		{"reference", input(`{"type":"item_reference","id":"x"}`), "input[0].type", "unsupported_value"},
		{"role", input(`{"role":"tool","content":"x"}`), "input[0].role", "invalid_value"},
		{"call without arguments", input(`{"type":"function_call","call_id":"x","name":"f"}`), "input[0].arguments", "missing_required_parameter"},
		{"output without call", input(`{"type":"function_call_output","output":"f"}`), "input[0].call_id", "missing_required_parameter"},
		{"unknown in an item", input(`{"role":"user","content":"x","mood":1}`), "input[0].mood", "unknown_parameter"},
		{"web search", `"input":"x","tools":[{"type":"web_search"}]`, "tools[0].type", "unsupported_value"},
		{"nested function", `"input":"x","tools":[{"type":"function","function":{"name":"f"}}]`, "tools[0].name", "missing_required_parameter"},
		{"background", `"input":"x","background":true`, "background", "unsupported_parameter"},
		{"conversation", `"input":"x","conversation":"c"`, "conversation", "unsupported_parameter"},
		{"prompt", `"input":"x","prompt":{"id":"p"}`, "prompt", "unsupported_parameter"},
		{"reasoning", `"input":"x","reasoning":{"effort":"high"}`, "reasoning", "unsupported_parameter"},
		{"verbosity", `"input":"x","text":{"verbosity":"low"}`, "text.verbosity", "unsupported_parameter"},
		{"encrypted", `"input":"x","include":["reasoning.encrypted_content"]`, "include[0]", "unsupported_value"},
		{"top_logprobs alone", `"input":"x","top_logprobs":1`, "top_logprobs", "invalid_parameter_combination"},
		{"chat's limit", `"input":"x","max_tokens":1`, "max_tokens", "unknown_parameter"},
		{"n", `"input":"x","n":1`, "n", "unknown_parameter"},
		{"metadata", `"input":"x","metadata":{"a":1}`, "metadata.a", "invalid_type"},
		{"truncation", `"input":"x","truncation":"maybe"`, "truncation", "invalid_value"},
		{"schema without a name", `"input":"x","text":{"format":{"type":"json_schema","schema":{}}}`, "text.format.name", "missing_required_parameter"},
		{"previous", `"input":"x","previous_response_id":"resp_none"`, "previous_response_id", "previous_response_not_found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, fake := newTest(t)
			in := strings.TrimSuffix(`{"model":"fake",`+c.in, ",") + "}"
			wantError(t, do(h, "POST", "/v1/responses", in), 400, "invalid_request_error", c.param, c.code)
			if len(fake.Requests()) > 0 {
				t.Error("the backend was asked")
			}
		})
	}
	h, _ := newTest(t)
	for _, c := range []struct {
		path, param string
		status      int
	}{
		{"/v1/responses/x", "response_id", 404}, {"/v1/responses/x/input_items", "response_id", 404}, {"/v1/responses/x?stream=true", "stream", 400},
		{"/v1/responses/x/input_items?limit=0", "limit", 400}, {"/v1/responses/x/input_items?order=up", "order", 400},
	} {
		w := do(h, "GET", c.path, "")
		if w.Code != c.status || !strings.Contains(w.Body.String(), `"param":"`+c.param+`"`) {
			t.Errorf("%s: status %d: %s", c.path, w.Code, w.Body)
		}
	}
}

// A conversation goes on with all that was said, but without old instructions.
func TestResponsesConversation(t *testing.T) {
	h, fake := newTest(t)
	fake.Reasoning = "hm"
	do(h, "POST", "/v1/responses", `{"model":"fake","input":"one","instructions":"old"}`)
	do(h, "POST", "/v1/responses", `{"model":"fake","input":"use f","previous_response_id":"resp_2","tools":[{"type":"function","name":"f"}]}`)
	w := do(h, "POST", "/v1/responses", `{"model":"fake","input":[{"type":"function_call_output","call_id":"call_fake_0","output":"42"}],"previous_response_id":"resp_6","instructions":"new"}`)
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	want := []chat.Message{
		chat.Text("system", "new"),
		chat.Text("user", "one"),
		{Role: "assistant", Reasoning: "hm", Content: []chat.Part{{Type: "text", Text: "one"}}, Plain: true},
		chat.Text("user", "use f"),
		{Role: "assistant", Reasoning: "hm", ToolCalls: []chat.ToolCall{{ID: "call_fake_0", Name: "f", Arguments: `{"text":"use f"}`}}},
		{Role: "tool", ToolCallID: "call_fake_0", Content: []chat.Part{{Type: "text", Text: "42"}}, Plain: true},
	}
	got := fake.Requests()[2].Messages
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestResponsesReasoningStream(t *testing.T) {
	h, fake := newTest(t)
	fake.Reasoning = "hm"
	body := do(h, "POST", "/v1/responses", `{"model":"fake","input":"x","stream":true}`).Body.String()
	var names []string
	for i, event := range strings.Split(strings.TrimSpace(body), "\n\n") {
		line, data, _ := strings.Cut(event, "\n")
		var fields struct {
			Type     string
			Sequence int `json:"sequence_number"`
		}
		if err := json.Unmarshal([]byte(strings.TrimPrefix(data, "data: ")), &fields); err != nil || "event: "+fields.Type != line || fields.Sequence != i {
			t.Errorf("event %d: %v in %s", i, err, event)
		}
		names = append(names, strings.TrimPrefix(fields.Type, "response."))
	}
	want := "created in_progress" +
		" output_item.added content_part.added reasoning_text.delta reasoning_text.done content_part.done output_item.done" +
		" output_item.added content_part.added output_text.delta output_text.done content_part.done output_item.done completed"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestResponsesFailure(t *testing.T) {
	h, fake := newTest(t)
	fake.FailAfter = 1
	body := do(h, "POST", "/v1/responses", `{"model":"fake","input":"hello","stream":true}`).Body.String()
	last := body[strings.LastIndex(body, "event: "):]
	if !strings.HasPrefix(last, "event: response.failed\n") || !strings.Contains(last, `"status":"failed"`) ||
		!strings.Contains(last, `"error":{"code":"server_error","message":"internal error (request id test)"}`) {
		t.Errorf("got %s", last)
	}
	wantError(t, do(h, "POST", "/v1/responses", `{"model":"fake","input":"hello"}`), 500, "server_error", "", "internal_error")
	wantError(t, do(h, "GET", "/v1/responses/resp_2", ""), 404, "invalid_request_error", "response_id", "response_not_found")

	fake.Err = func(*serving.Request) error { return serving.ErrOverloaded }
	wantError(t, do(h, "POST", "/v1/responses", `{"model":"fake","input":"hello","stream":true}`), 429, "rate_limit_error", "", "rate_limit_exceeded")
}

// What one key stored, another does not see; store false keeps nothing.
func TestResponsesOwner(t *testing.T) {
	h, _ := newTest(t, func(d *Deps) {
		d.Options.RequireKeys = true
		d.Keys = keys{"one": {ID: "a"}, "two": {ID: "b"}}
	})
	ask := func(key, method, path, body string) (int, string) {
		r := request(method, path, body)
		r.Header.Set("Authorization", "Bearer "+key)
		w := serve(h, r)
		return w.Code, w.Body.String()
	}
	ask("one", "POST", "/v1/responses", `{"model":"fake","input":"x"}`)
	for _, c := range []struct {
		key, method string
		status      int
	}{{"two", "GET", 404}, {"two", "DELETE", 404}, {"one", "GET", 200}, {"one", "DELETE", 200}, {"one", "GET", 404}} {
		if got, body := ask(c.key, c.method, "/v1/responses/resp_2", ""); got != c.status {
			t.Errorf("%s %s: status %d, want %d: %s", c.key, c.method, got, c.status, body)
		}
	}
	_, body := ask("one", "POST", "/v1/responses", `{"model":"fake","input":"x","store":false}`)
	if !strings.Contains(body, `"store":false`) || !strings.Contains(body, `"id":"resp_5"`) {
		t.Fatalf("got %s", body)
	}
	if got, _ := ask("one", "GET", "/v1/responses/resp_5", ""); got != 404 {
		t.Errorf("not stored: status %d", got)
	}
}

func TestResponsesTruncation(t *testing.T) {
	h, fake := newTest(t)
	fake.List[0].Context = 20
	long := strings.Repeat("abc", 10) // 10 tokens, and 1 for the message
	in := fmt.Sprintf(`"input":[{"role":"user","content":"%s"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"x"},{"role":"user","content":"%s"}]`, long, "last")
	wantError(t, do(h, "POST", "/v1/responses", `{"model":"fake","max_output_tokens":10,`+in+`}`), 400, "invalid_request_error", "input", "context_length_exceeded")
	w := do(h, "POST", "/v1/responses", `{"model":"fake","truncation":"auto","instructions":"k","max_output_tokens":14,`+in+`}`)
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	// 20 - 14 leaves 6: instructions 2 and the last turn 3, but no half of a tool's call.
	got := fake.Requests()[len(fake.Requests())-1].Messages
	if diff := cmp.Diff([]chat.Message{chat.Text("system", "k"), chat.Text("user", "last")}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMemoryResponses(t *testing.T) {
	ctx := context.Background()
	m := NewMemoryResponses(2, 10)
	put := func(id, body string) error { return m.Put(ctx, "o", id, json.RawMessage(body)) }
	has := func(id string) bool { _, err := m.Get(ctx, "o", id); return err == nil }
	if err := errors.Join(put("a", "1"), put("b", "2")); err != nil || !has("a") {
		t.Fatal(err)
	}
	put("c", "3") // b is the least recently used
	if !has("a") || has("b") || !has("c") {
		t.Error("the wrong one went")
	}
	put("c", "123456789")
	if !has("a") || !has("c") || m.bytes != 10 {
		t.Errorf("%d bytes", m.bytes)
	}
	put("d", "12")
	if has("a") || has("c") || !has("d") || m.bytes != 2 {
		t.Errorf("%d bytes", m.bytes)
	}
	if err := put("e", "12345678901"); err == nil {
		t.Error("a response larger than the whole store was stored")
	}
	if err := m.Delete(ctx, "other", "d"); !errors.Is(err, ErrNoResponse) {
		t.Error(err)
	}
	if err := m.Delete(ctx, "o", "d"); err != nil || m.bytes != 0 {
		t.Error(err, m.bytes)
	}
}

// Tokens that come with reasoning belong to no message.
func TestResponsesReasoningTokens(t *testing.T) {
	b := responseBuilder{s: &server{Deps: Deps{ID: func(p string) string { return p }}}, want: true}
	for _, e := range []serving.Event{
		{Reasoning: "hm", Tokens: []serving.TokenLogprob{{Bytes: []byte("hm")}}},
		{Reasoning: "m", Tokens: []serving.TokenLogprob{{Bytes: []byte("m")}}},
		{Tokens: []serving.TokenLogprob{{Bytes: []byte("</think>")}}},
		{Text: "a", Tokens: []serving.TokenLogprob{{Bytes: []byte("a")}}},
		{Tokens: []serving.TokenLogprob{{Bytes: []byte("b")}}},
		{Finish: serving.FinishStop},
	} {
		if err := b.event(e); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := marshal(b.r.Output)
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, string(raw), `[{"id":"rs_","type":"reasoning","status":"completed","summary":[],"content":[{"type":"reasoning_text","text":"hmm"}]},
		{"id":"msg_","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[],"logprobs":[
			{"token":"a","logprob":0,"bytes":[97],"top_logprobs":[]},{"token":"b","logprob":0,"bytes":[98],"top_logprobs":[]}]}]}]`)
}
