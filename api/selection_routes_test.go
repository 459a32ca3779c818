package api

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"graft/adapters"
	"graft/internal/chat"
	"graft/serving"
	"graft/serving/servingtest"
)

// Each route that writes text chooses adapters, and says which.
func TestChooseEverywhere(t *testing.T) {
	for _, c := range []struct{ path, body string }{
		{"/v1/chat/completions", `{"model":"poet","messages":[{"role":"user","content":"hi"}]%s}`},
		{"/v1/completions", `{"model":"poet","prompt":"hi"%s}`},
		{"/v1/responses", `{"model":"poet","input":"hi"%s}`},
		{"/api/chat", `{"model":"poet","messages":[{"role":"user","content":"hi"}],"stream":false%s}`},
		{"/api/chat", `{"model":"poet:latest","messages":[{"role":"user","content":"hi"}],"stream":false%s}`},
		{"/api/generate", `{"model":"poet","prompt":"hi","stream":false%s}`},
		{"/api/generate", `{"model":"poet@aaaaaaaa:latest","prompt":"hi","stream":false%s}`},
	} {
		t.Run(c.path, func(t *testing.T) {
			h, fake, _ := newChoosing(t)
			body := strings.Replace(c.body, "%s", "", 1)
			w := do(h, "POST", c.path, body)
			if w.Code != 200 || uses(latest(t, fake)) != "fake aa*1" {
				t.Fatalf("status %d, the backend was asked for %q: %s", w.Code, uses(latest(t, fake)), w.Body)
			}
			if got, want := w.Header().Get("X-Graft-Adapter"), "poet@"+gen("a"); got != want {
				t.Errorf("x-graft-adapter %q, want %q", got, want)
			}
			if got := w.Header().Get("X-Adapter-Id"); got != "poet" {
				t.Errorf("x-adapter-id %q", got)
			}
			var asked struct{ Model string }
			_ = json.Unmarshal([]byte(body), &asked)
			wantReport(t, w.Body.String(), asked.Model, `{"adapters":[{"name":"poet","generation":"`+gen("a")+`","weight":1}]}`)

			// A mix, and a base by itself.
			body = strings.Replace(strings.Replace(c.body, asked.Model, "fake", 1), "%s", `,"adapters":[{"name":"poet","weight":0.5},{"name":"coder"}]`, 1)
			w = do(h, "POST", c.path, body)
			if got := uses(latest(t, fake)); w.Code != 200 || got != "fake aa*0.5 bb*1" {
				t.Errorf("status %d, the backend was asked for %q: %s", w.Code, got, w.Body)
			}
			wantReport(t, w.Body.String(), "fake", `{"adapters":[{"name":"poet","generation":"`+gen("a")+`","weight":0.5},{"name":"coder","generation":"`+gen("b")+`","weight":1}]}`)
			if got := w.Header().Get("X-Adapter-Id"); got != "" {
				t.Errorf("x-adapter-id %q of a mix", got)
			}
			w = do(h, "POST", c.path, strings.Replace(strings.Replace(c.body, asked.Model, "fake", 1), "%s", "", 1))
			if strings.Contains(w.Body.String(), "graft\"") || w.Header().Get("X-Graft-Adapter") != "" || w.Code != 200 {
				t.Errorf("status %d, the base names adapters: %s", w.Code, w.Body)
			}
			for _, wrong := range []string{"poett", "fake:poett", "poet@bbbbbbbb"} {
				w = do(h, "POST", c.path, strings.Replace(strings.Replace(c.body, asked.Model, wrong, 1), "%s", "", 1))
				if w.Code != 404 || !strings.Contains(w.Body.String(), "Did you mean: ") {
					t.Errorf("%s: status %d: %s", wrong, w.Code, w.Body)
				}
			}
		})
	}
}

// wantReport checks what a body says of model and adapters.
func wantReport(t testing.TB, body, model, graft string) {
	t.Helper()
	var got struct {
		Model      string
		Generation string          `json:"adapter_generation"`
		Graft      json.RawMessage `json:"graft"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if got.Model != model {
		t.Errorf("model %q, want %q", got.Model, model)
	}
	if string(got.Graft) != graft {
		t.Errorf("graft %s, want %s", got.Graft, graft)
	}
	var list adapterReport
	_ = json.Unmarshal([]byte(graft), &list)
	want := ""
	if len(list.Adapters) == 1 {
		want = list.Adapters[0].Generation
	}
	if got.Generation != want {
		t.Errorf("adapter_generation %q, want %q", got.Generation, want)
	}
}

// The first chunk of each answer and the last say what made it, those between do
// not; the header is there before either.
func TestStreamReport(t *testing.T) {
	field := `"adapter_generation":"` + gen("a") + `","graft":{"adapters":[{"name":"poet","generation":"` + gen("a") + `","weight":1}]}}`
	for _, c := range []struct {
		path, body string
		lines      string // of the chunks, one letter each: r with the report
	}{
		{"/v1/chat/completions", `{"model":"poet","messages":[{"role":"user","content":"abcdefghi"}],"stream":true,"n":2,"stream_options":{"include_usage":true}}`, "r...rr...r.D"},
		{"/v1/completions", `{"model":"poet","prompt":["abcdef"],"stream":true}`, "r.rD"},
		{"/api/chat", `{"model":"poet","messages":[{"role":"user","content":"abcdef"}]}`, "..R"},
		{"/api/generate", `{"model":"poet","prompt":"abcdef"}`, "..R"},
	} {
		h, _, _ := newChoosing(t)
		w := do(h, "POST", c.path, c.body)
		if got, want := w.Header().Get("X-Graft-Adapter"), "poet@"+gen("a"); got != want {
			t.Errorf("%s: x-graft-adapter %q", c.path, got)
		}
		lines := ""
		for line := range strings.SplitSeq(w.Body.String(), "\n") {
			switch line = strings.TrimPrefix(line, "data: "); {
			case line == "":
			case line == "[DONE]":
				lines += "D"
			case strings.HasSuffix(line, field):
				lines += "r"
			case strings.Contains(line, strings.TrimSuffix(field, "}")):
				lines += "R"
			default:
				lines += "."
			}
			if line != "" && line != "[DONE]" {
				if got := parse(t, line).(map[string]any)["model"]; got != "poet" {
					t.Errorf("%s: a chunk of the model %q", c.path, got)
				}
			}
		}
		if lines != c.lines {
			t.Errorf("%s: chunks %s, want %s:\n%s", c.path, lines, c.lines, w.Body)
		}
	}
}

// A stored response keeps what made it, whatever becomes of the name.
func TestStoredResponseKeepsAdapter(t *testing.T) {
	h, fake, registry := newChoosing(t)
	w := do(h, "POST", "/v1/responses", `{"model":"poet","input":"hi","stream":true}`)
	id := parse(t, lastData(w.Body.String())).(map[string]any)["response"].(map[string]any)["id"].(string)
	if n := strings.Count(w.Body.String(), `"adapter_generation":"`+gen("a")+`"`); n != 3 { // created, in_progress, completed
		t.Errorf("%d events say what made them:\n%s", n, w.Body)
	}
	registry.put("poet", "fake", "d", adapters.Settings{})
	wantReport(t, do(h, "GET", "/v1/responses/"+id, "").Body.String(), "poet", `{"adapters":[{"name":"poet","generation":"`+gen("a")+`","weight":1}]}`)
	w = do(h, "POST", "/v1/responses", `{"model":"poet","input":"more","previous_response_id":"`+id+`"}`)
	if got := uses(latest(t, fake)); w.Code != 200 || got != "fake dd*1" {
		t.Errorf("status %d, the backend was asked for %q", w.Code, got)
	}
}

func lastData(stream string) (data string) {
	for line := range strings.SplitSeq(stream, "\n") {
		if rest, ok := strings.CutPrefix(line, "data: "); ok {
			data = rest
		}
	}
	return data
}

// tokenizeSpy keeps what it was asked.
type tokenizeSpy struct {
	*servingtest.Fake
	list []*serving.TokenizeRequest
}

func (s *tokenizeSpy) Tokenize(ctx context.Context, req *serving.TokenizeRequest) (*serving.Tokens, error) {
	s.list = append(s.list, req)
	return s.Fake.Tokenize(ctx, req)
}

// Tokens are counted as the adapter's requests count them.
func TestTokenizeWithAdapter(t *testing.T) {
	var asked tokenizeSpy
	h, _, registry := newChoosing(t, func(d *Deps) {
		asked.Fake = d.Backend.(*servingtest.Fake)
		d.Backend = &asked
	})
	registry.put("poet", "fake", "a", adapters.Settings{Template: "T", System: "be brief"})
	messages := `"messages":[{"role":"user","content":"hello"}]`
	count := func(path, body string) string {
		w := do(h, "POST", path, body)
		if w.Code != 200 {
			t.Fatalf("%s: status %d: %s", path, w.Code, w.Body)
		}
		return strings.TrimSpace(w.Body.String())
	}
	with, without := count("/tokenize", `{"model":"poet",`+messages+`}`), count("/tokenize", `{"model":"fake",`+messages+`}`)
	if want := count("/tokenize", `{"model":"fake","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hello"}]}`); with != want || with == without {
		t.Errorf("tokens %s, want %s", with, want)
	}
	if got, want := count("/v1/responses/input_tokens", `{"model":"poet","input":"hello"}`), count("/v1/responses/input_tokens", `{"model":"fake","input":"hello","instructions":"be brief"}`); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := asked.list; len(got) != 5 || got[0].Template != "T" || got[0].Model != "fake" || got[1].Template != "" || got[3].Template != "T" {
		t.Errorf("tokenized %+v", got)
	}
	wantError(t, do(h, "POST", "/tokenize", `{"model":"poett","prompt":"x"}`), 404, "invalid_request_error", "model", "model_not_found")
	if got := count("/tokenize", `{"prompt":"hello"}`); !strings.Contains(got, `"count":2`) {
		t.Errorf("the default model: %s", got)
	}
}

func TestEmbeddingsRefuseAdapters(t *testing.T) {
	h, _, _ := newChoosing(t)
	for _, body := range []string{`{"model":"poet","input":"x"}`, `{"model":"fake-embed","input":"x","adapters":[{"name":"poet"}]}`} {
		w := do(h, "POST", "/v1/embeddings", body)
		if w.Code != 400 || !strings.Contains(w.Body.String(), "adapter") {
			t.Errorf("%s: status %d: %s", body, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/api/embed", "/api/embeddings"} {
		w := do(h, "POST", path, `{"model":"poet:latest","input":"x","prompt":"x"}`)
		if w.Code == 200 {
			t.Errorf("%s answers", path)
		}
	}
	if w := do(h, "POST", "/v1/embeddings", `{"model":"fake-embed","input":"x"}`); w.Code != 200 {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

// The scales of POST /lora-adapters hold for requests that say nothing else.
func TestGlobalScales(t *testing.T) {
	loras := &loraSet{}
	h, fake, registry := newChoosing(t, func(d *Deps) { d.loras = loras })
	registry.put("secret", "fake", "e", adapters.Settings{})
	loras.setScales(map[string]float32{"poet": 0.5, "other": 2, "gone": 1})
	for _, c := range []struct{ body, want string }{
		{`"model":"fake"`, "fake aa*0.5"},
		{`"model":"fake-base"`, "fake-base cc*2"},
		{`"model":"coder"`, "fake bb*1"},
		{`"model":"fake","lora":[]`, "fake"},
		{`"model":"fake","lora":[{"id":1,"scale":1}]`, "fake bb*1"},
	} {
		body := strings.Replace(ask(c.body), `"messages":[{"role":"user","content":"hello"}]`, `"prompt":"x"`, 1)
		w := do(h, "POST", "/v1/completions", body)
		if got := uses(latest(t, fake)); w.Code != 200 || got != c.want {
			t.Errorf("%s: status %d, the backend was asked for %q, want %q: %s", c.body, w.Code, got, c.want, w.Body)
		}
	}
	registry.put("twin", "fake", "a", adapters.Settings{}) // the content of poet
	loras.setScales(map[string]float32{"poet": 0.5, "coder": 1, "twin": 0.25})
	do(h, "POST", "/v1/completions", `{"model":"fake","prompt":"x"}`)
	if got := uses(latest(t, fake)); got != "fake aa*0.75 bb*1" {
		t.Errorf("with two names of one content the backend was asked for %q", got)
	}
	loras.setScales(map[string]float32{"poet": 0.5})
	loras.forget("poet")
	do(h, "POST", "/api/generate", `{"model":"fake:latest","prompt":"x","stream":false}`)
	if got := uses(latest(t, fake)); got != "fake" {
		t.Errorf("after it was forgotten the backend was asked for %q", got)
	}
}

// Settings of a name, where the request says nothing.
func TestAdapterSettings(t *testing.T) {
	h, fake, registry := newChoosing(t)
	half, zero, ten, one := float32(0.5), float32(0), 10, float32(1.5)
	full := adapters.Settings{Template: "T", System: "be brief", Stop: []string{"END", "x"}, Temperature: &zero, TopP: &half, TopK: &ten, MinP: &half, RepetitionPenalty: &one, MaxTokens: 7}
	registry.put("poet", "fake", "a", full)
	user := []chat.Message{chat.Text("user", "hello")}

	check := func(path, body string, system string, temperature, topP float32, topK, maxTokens int, stop ...string) {
		t.Helper()
		w := do(h, "POST", path, body)
		if w.Code != 200 {
			t.Fatalf("%s: status %d: %s", path, w.Code, w.Body)
		}
		r := latest(t, fake)
		p := r.Sampling
		if p.Temperature != temperature || p.TopP != topP || p.TopK != topK || r.MaxTokens != maxTokens || p.MinP != half || p.RepetitionPenalty != one {
			t.Errorf("%s: %s: sampling %+v, %d tokens", path, body, p, r.MaxTokens)
		}
		if strings.Join(r.Stop, "|") != strings.Join(stop, "|") || r.Template != "T" {
			t.Errorf("%s: %s: stop %q, template %q", path, body, r.Stop, r.Template)
		}
		if r.Messages == nil {
			return
		}
		if first := r.Messages[0]; (first.Role == "system") != (system != "") || system != "" && first.Content[0].Text != system {
			t.Errorf("%s: %s: messages %+v, want the system prompt %q", path, body, r.Messages, system)
		}
		if n := len(r.Messages); n > 2 || r.Messages[n-1].Role != user[0].Role {
			t.Errorf("%s: messages %+v", path, r.Messages)
		}
	}
	check("/v1/chat/completions", ask(`"model":"poet"`), "be brief", 0, 0.5, 10, 7, "END", "x")
	check("/v1/chat/completions", ask(`"model":"poet","temperature":null`), "be brief", 0, 0.5, 10, 7, "END", "x")
	check("/v1/chat/completions", ask(`"model":"poet","temperature":1,"top_p":1,"top_k":0,"max_tokens":3,"stop":["y"]`), "be brief", 1, 1, 0, 3, "y", "END", "x")
	check("/v1/chat/completions", `{"model":"poet","messages":[{"role":"system","content":"mine"},{"role":"user","content":"hello"}]}`, "mine", 0, 0.5, 10, 7, "END", "x")
	check("/v1/completions", `{"model":"poet","prompt":"hello"}`, "", 0, 0.5, 10, 7, "END", "x")
	check("/v1/completions", `{"model":"poet","prompt":"hello","max_tokens":4}`, "", 0, 0.5, 10, 4, "END", "x")
	check("/v1/responses", `{"model":"poet","input":"hello","truncation":"auto"}`, "be brief", 0, 0.5, 10, 7, "END", "x")
	check("/v1/responses", `{"model":"poet","input":"hello","instructions":"mine"}`, "mine", 0, 0.5, 10, 7, "END", "x")
	check("/api/chat", `{"model":"poet","messages":[{"role":"user","content":"hello"}],"stream":false}`, "be brief", 0, 0.5, 10, 7, "END", "x")
	check("/api/chat", `{"model":"poet","messages":[{"role":"user","content":"hello"}],"stream":false,"options":{"temperature":1,"num_predict":2,"stop":["y"]}}`, "be brief", 1, 0.5, 10, 2, "y", "END", "x")
	check("/api/generate", `{"model":"poet","prompt":"hello","stream":false}`, "be brief", 0, 0.5, 10, 7, "END", "x")
	check("/api/generate", `{"model":"poet","prompt":"hello","system":"mine","stream":false}`, "mine", 0, 0.5, 10, 7, "END", "x")

	// A developer message is one of the conversation's own too.
	do(h, "POST", "/v1/chat/completions", `{"model":"poet","messages":[{"role":"developer","content":"mine"},{"role":"user","content":"hello"}]}`)
	if r := latest(t, fake); len(r.Messages) != 2 {
		t.Errorf("messages %+v", r.Messages)
	}
	// The base is as it was.
	do(h, "POST", "/v1/chat/completions", ask(`"model":"fake"`))
	if r := latest(t, fake); r.Sampling.Temperature != 1 || r.Template != "" || len(r.Stop) != 0 || len(r.Messages) != 1 || r.MaxTokens != 0 {
		t.Errorf("the base got the settings: %+v", r)
	}
}

// In a mix the first adapter that has a setting decides.
func TestSettingsOfMix(t *testing.T) {
	h, fake, registry := newChoosing(t)
	cold, hot := float32(0.1), float32(1.9)
	registry.put("poet", "fake", "a", adapters.Settings{Temperature: &cold, Stop: []string{"A", "B"}})
	registry.put("coder", "fake", "b", adapters.Settings{Temperature: &hot, Template: "T", System: "code", Stop: []string{"B", "C"}, MaxTokens: 9})
	if w := do(h, "POST", "/v1/chat/completions", ask(`"adapters":[{"name":"poet"},{"name":"coder"}]`)); w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	r := latest(t, fake)
	if r.Sampling.Temperature != cold || r.Template != "T" || r.MaxTokens != 9 || strings.Join(r.Stop, "") != "ABC" || r.Messages[0].Content[0].Text != "code" {
		t.Errorf("got %+v", r)
	}
	registry.put("poet", "fake", "a", adapters.Settings{Template: "U"})
	w := do(h, "POST", "/v1/chat/completions", ask(`"adapters":[{"name":"poet"},{"name":"coder"}]`))
	if says := wantError(t, w, 400, "invalid_request_error", "adapters", "adapter_template_conflict"); !strings.Contains(says, "'poet' and 'coder'") {
		t.Errorf("message %q", says)
	}
}
