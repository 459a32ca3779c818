package api

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"graft/adapters"
	"graft/serving"
	"graft/serving/servingtest"
)

// What broke in other servers, as far as requests and replies go. The numbers are
// those of docs/adapters-broken-elsewhere.md.

// A name that is replaced gives the next request another generation, by which
// everything below is keyed: KV blocks, prefix cache, what is in memory.
func TestBroken01ReplacedNameIsAnotherKey(t *testing.T) {
	h, fake, registry := newChoosing(t)
	for _, digit := range []string{"1", "2", "1"} {
		registry.put("poet", "fake", digit, adapters.Settings{})
		w := do(h, "POST", "/v1/chat/completions", ask(`"model":"poet"`))
		if got, want := uses(latest(t, fake)), "fake "+digit+digit+"*1"; got != want {
			t.Errorf("the backend was asked for %q, want %q", got, want)
		}
		if got := w.Header().Get("X-Graft-Adapter"); got != "poet@"+gen(digit) {
			t.Errorf("x-graft-adapter %q", got)
		}
	}
}

// Two names of one content are one adapter to the backend; one name on other
// content is another. Nothing that reaches the backend holds a name.
func TestBroken03NamesDoNotReachTheBackend(t *testing.T) {
	h, fake, registry := newChoosing(t)
	registry.put("twin", "fake", "a", adapters.Settings{})
	var asked []*serving.Request
	for _, name := range []string{"poet", "twin"} {
		do(h, "POST", "/v1/chat/completions", ask(`"model":"`+name+`","seed":1`))
		asked = append(asked, latest(t, fake))
	}
	asked[0].Client, asked[1].Client = "", "" // the connection's
	if !reflect.DeepEqual(asked[0], asked[1]) {
		t.Errorf("%+v differs from %+v", asked[0], asked[1])
	}
}

// Each request carries its own weights, so that what was computed with others is
// not taken for it.
func TestBroken04WeightsBelongToRequests(t *testing.T) {
	h, fake, _ := newChoosing(t)
	for body, want := range map[string]string{
		`"model":"fake","lora":[{"id":0,"scale":0.5}]`: "fake aa*0.5",
		`"model":"fake","lora":[{"id":0,"scale":1}]`:   "fake aa*1",
		`"model":"fake"`: "fake",
	} {
		do(h, "POST", "/v1/chat/completions", ask(body))
		if got := uses(latest(t, fake)); got != want {
			t.Errorf("%s: the backend was asked for %q, want %q", body, got, want)
		}
	}
}

// No field of a client's own words becomes part of what names an adapter.
func TestBroken05NoFieldForgesAnAdapter(t *testing.T) {
	h, fake, _ := newChoosing(t)
	do(h, "POST", "/v1/chat/completions", ask(`"model":"fake","seed":1`))
	plain := latest(t, fake)
	for _, field := range []string{"user", "prompt_cache_key", "safety_identifier", "service_tier", "prompt_cache_retention"} {
		do(h, "POST", "/v1/chat/completions", ask(`"model":"fake","seed":1,"`+field+`":"`+gen("a")+`"`))
		if got := latest(t, fake); !reflect.DeepEqual(got, plain) {
			t.Errorf("%s changed the request: %+v", field, got)
		}
	}
	for _, field := range []string{"extra_key", "cache_salt", "lora_id", "lora_name", "lora_request"} {
		wantError(t, do(h, "POST", "/v1/chat/completions", ask(`"model":"fake","`+field+`":"poet"`)), 400, "invalid_request_error", field, "unknown_parameter")
	}
}

// startStream begins a stream whose answer never ends by itself.
func startStream(t *testing.T, h http.Handler, fake *servingtest.Fake, body string) (header http.Header, next func() string) {
	t.Helper()
	fake.Delay = 2 * time.Millisecond
	fake.Answer = func(*serving.Request, int) string { return strings.Repeat("word ", 60) }
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	res, err := http.Post(server.URL+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	lines := bufio.NewReader(res.Body)
	return res.Header, func() string {
		for {
			line, err := lines.ReadString('\n')
			if data, ok := strings.CutPrefix(line, "data: "); ok || err != nil {
				return strings.TrimSpace(data)
			}
		}
	}
}

// A name that is replaced, and deleted, in the middle of an answer: the answer
// ends with what it began with, and says so to the end; it never mixes two.
func TestBroken11And12AnswersKeepTheirGeneration(t *testing.T) {
	h, fake, registry := newChoosing(t)
	header, next := startStream(t, h, fake, ask(`"model":"poet","stream":true`))
	next()
	registry.put("poet", "fake", "d", adapters.Settings{})
	do(h, "DELETE", "/v1/models/poet", "")
	if _, open := registry.counts(); open != 1 {
		t.Errorf("%d leases are held", open)
	}
	last := ""
	for line := next(); line != "[DONE]" && line != ""; line = next() {
		last = line
	}
	if header.Get("X-Graft-Adapter") != "poet@"+gen("a") || !strings.Contains(last, `"adapter_generation":"`+gen("a")+`"`) || !strings.Contains(last, `"finish_reason":"stop"`) {
		t.Errorf("header %q, the last chunk %s", header.Get("X-Graft-Adapter"), last)
	}
	if got := uses(latest(t, fake)); got != "fake aa*1" {
		t.Errorf("the backend was asked for %q", got)
	}
	wantError(t, do(h, "POST", "/v1/chat/completions", ask(`"model":"poet"`)), 404, "invalid_request_error", "model", "model_not_found")
}

// Deleting a name and using it again for something else gives requests that
// something, with its own settings and limits.
func TestBroken15ReusedNameIsNew(t *testing.T) {
	h, fake, registry := newChoosing(t)
	hot := float32(1.5)
	registry.put("poet", "fake", "1", adapters.Settings{Temperature: &hot, Stop: []string{"END"}})
	do(h, "POST", "/v1/chat/completions", ask(`"model":"poet"`))
	do(h, "DELETE", "/v1/models/poet", "")
	registry.put("poet", "fake-base", "2", adapters.Settings{})
	do(h, "POST", "/v1/completions", `{"model":"poet","prompt":"x"}`)
	if r := latest(t, fake); uses(r) != "fake-base 22*1" || r.Sampling.Temperature != 1 || len(r.Stop) != 0 {
		t.Errorf("the backend was asked for %+v", r)
	}
}

// New scales for everybody do not reach a request that runs, nor one that chooses.
func TestBroken18ScalesDoNotReachRunningRequests(t *testing.T) {
	loras := &loraSet{}
	h, fake, _ := newChoosing(t, func(d *Deps) { d.loras = loras })
	loras.setScales(map[string]float32{"poet": 0.5})
	_, next := startStream(t, h, fake, ask(`"model":"fake","stream":true`))
	next()
	loras.setScales(map[string]float32{"coder": 2})
	last := ""
	for line := next(); line != "[DONE]" && line != ""; line = next() {
		last = line
	}
	if got := uses(latest(t, fake)); got != "fake aa*0.5" || !strings.Contains(last, `"name":"poet"`) {
		t.Errorf("the backend was asked for %q, the last chunk %s", got, last)
	}
	for body, want := range map[string]string{`"model":"fake"`: "fake bb*2", `"model":"poet"`: "fake aa*1"} {
		do(h, "POST", "/v1/chat/completions", ask(body))
		if got := uses(latest(t, fake)); got != want {
			t.Errorf("%s: the backend was asked for %q, want %q", body, got, want)
		}
	}
}

// Several adapters per request, each with its weight; three stages on top of
// each other.
func TestBroken21SeveralAdaptersWithWeights(t *testing.T) {
	h, fake, registry := newChoosing(t)
	registry.put("third", "fake", "3", adapters.Settings{})
	w := do(h, "POST", "/v1/chat/completions", ask(`"model":"fake","adapters":[{"name":"poet"},{"name":"coder","weight":0.7},{"name":"third","weight":-0.25}]`))
	if got, want := uses(latest(t, fake)), "fake aa*1 bb*0.7 33*-0.25"; got != want {
		t.Errorf("the backend was asked for %q, want %q", got, want)
	}
	if got, want := w.Header().Get("X-Graft-Adapter"), "poet@"+gen("a")+", coder@"+gen("b")+";weight=0.7, third@"+gen("3")+";weight=-0.25"; got != want {
		t.Errorf("x-graft-adapter %q, want %q", got, want)
	}
}

// The reply calls the model what the request called it, in every chunk.
func TestBroken25ReplyNamesWhatWasAsked(t *testing.T) {
	h, _, _ := newChoosing(t)
	for _, model := range []string{"poet", "fake:poet", "poet@" + gen("a"), "fake"} {
		for _, stream := range []string{"false", "true"} {
			body := do(h, "POST", "/v1/chat/completions", ask(`"model":"`+model+`","stream":`+stream)).Body.String()
			if strings.Count(body, `"model":`) != strings.Count(body, `"model":"`+model+`"`) || !strings.Contains(body, `"model":`) {
				t.Errorf("%s: %s", model, body)
			}
		}
	}
}

// An adapter with the name of a base model: the base answers, unless it was
// registered to shadow it. By any longer name the adapter answers either way.
func TestBroken26PrecedenceOfNames(t *testing.T) {
	h, fake, registry := newChoosing(t)
	registry.put("fake", "fake", "d", adapters.Settings{})
	check := func(body, want string) {
		t.Helper()
		w := do(h, "POST", "/v1/completions", `{"prompt":"x",`+body+`}`)
		if got := uses(latest(t, fake)); w.Code != 200 || got != want {
			t.Errorf("%s: status %d, the backend was asked for %q, want %q", body, w.Code, got, want)
		}
	}
	listed := func() (parent any) {
		for _, m := range parse(t, do(h, "GET", "/v1/models", "").Body.String()).(map[string]any)["data"].([]any) {
			if m := m.(map[string]any); m["id"] == "fake" {
				return m["parent"]
			}
		}
		t.Error("not listed")
		return nil
	}
	check(`"model":"fake"`, "fake")
	check(`"model":"fake:fake"`, "fake dd*1")
	check(`"model":"fake@dddddddd"`, "fake dd*1")
	check(`"adapters":[{"name":"fake"}]`, "fake dd*1")
	if p := listed(); p != nil {
		t.Errorf("listed with the parent %v", p)
	}
	registry.change("fake", func(e *adapters.Entry) { e.Shadow = true })
	check(`"model":"fake"`, "fake dd*1")
	check(`"model":"poet"`, "fake aa*1")
	check(`"model":"fake:poet"`, "fake aa*1")
	if p := listed(); p != "fake" {
		t.Errorf("listed with the parent %v", p)
	}
	// An adapter whose name looks like base:name goes before base:name.
	registry.put("fake:poet", "fake", "e", adapters.Settings{})
	check(`"model":"fake:poet"`, "fake ee*1")
	check(`"model":"fake::poet"`, "fake aa*1")
}

// What cannot be honoured is refused by name, in each dialect; nothing is dropped.
func TestBroken27NothingIsDropped(t *testing.T) {
	h, fake, _ := newChoosing(t)
	for body, param := range map[string]string{
		`"model":"fake","merged_adapters":{"ids":["poet"],"merge_strategy":"dare_ties","density":0.5}`: "merged_adapters.merge_strategy",
		`"model":"fake","merged_adapters":{"ids":["poet"],"majority":"total"}`:                         "merged_adapters.majority",
		`"model":"fake","adapter_id":"poet","adapter_source":"pbase"`:                                  "adapter_source",
		`"model":"fake","adapters":[{"name":"poet","scale":2}]`:                                        "adapters[0].scale",
		`"model":"fake","adapter":{"generation":"aaaaaaaa","alias":"x"}`:                               "adapter.alias",
		`"model":"fake","lora":[{"id":0,"scale":1,"path":"x"}]`:                                        "lora[0].path",
		`"model":"fake","lora_path":["poet",null]`:                                                     "lora_path",
		`"model":"poet","lora_scale":0.5`:                                                              "lora_scale",
	} {
		w := do(h, "POST", "/v1/chat/completions", ask(body))
		if got := parse(t, w.Body.String()).(map[string]any)["error"]; w.Code != 400 || got.(map[string]any)["param"] != param {
			t.Errorf("%s: status %d: %s", body, w.Code, w.Body)
		}
	}
	if n := len(fake.Requests()); n != 0 {
		t.Errorf("the backend was asked %d times", n)
	}
}

// The adapter's chat template and stop strings hold, adapter_id works on chat, and
// a new adapter answers the next request.
func TestBroken28TemplateStopAndNewAdapters(t *testing.T) {
	h, fake, registry := newChoosing(t)
	wantError(t, do(h, "POST", "/v1/chat/completions", ask(`"adapter_id":"new"`)), 404, "invalid_request_error", "adapter_id", "model_not_found")
	registry.put("new", "fake", "d", adapters.Settings{Template: "T", Stop: []string{"END"}})
	fake.Answer = func(*serving.Request, int) string { return "one END two" }
	w := do(h, "POST", "/v1/chat/completions", ask(`"adapter_id":"new"`))
	if r := latest(t, fake); w.Code != 200 || r.Template != "T" || !strings.Contains(w.Body.String(), `"content":"one "`) {
		t.Errorf("status %d, asked %+v: %s", w.Code, r, w.Body)
	}
	// A base without a chat template can chat by the adapter's.
	registry.put("other", "fake-base", "c", adapters.Settings{Template: "T"})
	for path, body := range map[string]string{"/v1/chat/completions": ask(`"model":"other"`), "/api/generate": `{"model":"other","prompt":"hi","stream":false}`} {
		w := do(h, "POST", path, body)
		if r := latest(t, fake); w.Code != 200 || len(r.Messages) != 1 {
			t.Errorf("%s: status %d, asked %+v: %s", path, w.Code, r, w.Body)
		}
	}
}

// Requests to the base that run beside those of adapters carry none.
func TestBroken29BaseRequestsStayBase(t *testing.T) {
	h, fake, _ := newChoosing(t)
	_, next := startStream(t, h, fake, ask(`"model":"poet","stream":true`))
	next()
	w := do(h, "POST", "/v1/chat/completions", ask(`"model":"fake"`))
	if r := latest(t, fake); r.Adapters != nil || r.Template != "" || w.Header().Get("X-Graft-Adapter") != "" {
		t.Errorf("asked %+v, x-graft-adapter %q", r, w.Header().Get("X-Graft-Adapter"))
	}
	for line := next(); line != "[DONE]" && line != ""; line = next() {
	}
}
