package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fuzzRoute asserts that no body makes a route panic or answer 500, and that
// every reply is JSON, or events of JSON.
func fuzzRoute(f *testing.F, path string, seeds ...string) {
	files, _ := filepath.Glob("testdata/transcripts/*.txt")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, exchange := range strings.Split(string(text), "====\n") {
			if rest, ok := strings.CutPrefix(exchange, "POST "+path+"\n"); ok {
				body, _, _ := strings.Cut(rest, "----\n")
				f.Add([]byte(body))
			}
		}
	}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	h, _ := newTest(f, func(d *Deps) { d.Options.MaxN, d.Options.MaxPrompts = 4, 8 })
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) == 0 {
			return
		}
		w := do(h, "POST", path, string(body))
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") {
			for line := range bytes.Lines(w.Body.Bytes()) {
				data, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("data: "))
				if ok && string(data) != "[DONE]" && !json.Valid(data) {
					t.Fatalf("event %q", data)
				}
			}
			return
		}
		for line := range bytes.Lines(w.Body.Bytes()) {
			if !json.Valid(line) {
				t.Fatalf("reply %q", line)
			}
		}
	})
}

func FuzzChatRequest(f *testing.F) {
	fuzzRoute(f, "/v1/chat/completions",
		`{"model":"fake","messages":[{"role":"user","content":[{"type":"text","text":"a"}]}],"temperature":0,"logit_bias":{"5":1},"stop":["a"],"seed":1,"max_tokens":3,"n":2}`,
		`{"model":"fake","messages":[{"role":"assistant","tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"x","content":"1"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"a":{"b":[1,2]}}}}],"tool_choice":{"type":"function","function":{"name":"f"}}}`,
		`{"model":"fake","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}},"chat_template_kwargs":{"a":[1e400,{"b":null}]}}`)
}

func FuzzCompletionsRequest(f *testing.F) {
	fuzzRoute(f, "/v1/completions", `{"model":"fake","prompt":[[1,2],[3]],"echo":true,"logprobs":2,"max_tokens":0,"best_of":2}`, `{"model":"fake","prompt":["\ud800",""],"stream":true}`)
}

func FuzzResponsesRequest(f *testing.F) {
	fuzzRoute(f, "/v1/responses",
		`{"model":"fake","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"x"},{"type":"reasoning","summary":[]}],"truncation":"auto","stream":true}`)
}

func FuzzOllamaRequest(f *testing.F) {
	fuzzRoute(f, "/api/chat", `{"model":"fake","messages":[{"role":"tool","content":"x"}],"options":{"seed":1,"stop":["x"]},"format":{},"think":true}`)
}

// FuzzJSON holds the reader to encoding/json: what is accepted is valid, and
// objects have the members that it finds.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":1,"b":[true,{"c":null}],"d":"\"}"}`, ` { } `, `{"a":"\\","b":-1.5e3}`, "[1,[2,[]], {}]", `{"é\n":"\ud83d\ude42"}`, `{"a":{"a":1,"a":2}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := checkJSON(body); err != nil {
			return
		}
		body = body[skipSpace(body, 0):]
		got := map[string]string{}
		switch body[0] {
		case '{':
			var want map[string]json.RawMessage
			if err := json.Unmarshal(body, &want); err != nil {
				t.Fatal(err)
			}
			eachMember(body, func(key string, value []byte) error { got[key] = string(value); return nil })
			text := map[string]string{}
			for k, v := range want {
				text[k] = string(v)
			}
			if diff := cmp.Diff(text, got); diff != "" {
				t.Fatalf("-want +got:\n%s", diff)
			}
		case '[':
			var want []json.RawMessage
			if err := json.Unmarshal(body, &want); err != nil {
				t.Fatal(err)
			}
			var list []json.RawMessage
			eachItem(body, func(value []byte) error { list = append(list, value); return nil })
			if len(list) != len(want) {
				t.Fatalf("%d items, want %d", len(list), len(want))
			}
			for i := range list {
				if !bytes.Equal(list[i], want[i]) {
					t.Fatalf("item %d: %s, want %s", i, list[i], want[i])
				}
			}
		default:
			if !json.Valid(body) {
				t.Fatalf("accepted %q", body)
			}
		}
	})
}

// FuzzAppendString holds the writer of strings to encoding/json.
func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"a\"b\\c\n\r\t\x00\x1f\x7f", "é🙂\u2028", "\xff\xe2\x80", "<&>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); got != want && len([]rune(got)) != len([]rune(s)) {
			t.Fatalf("got %q, want %q", got, want)
		}
		if strings.ToValidUTF8(s, "") == s && got != s {
			t.Fatalf("got %q, want %q", got, s)
		}
	})
}
