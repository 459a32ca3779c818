package api

import (
	"context"
	"errors"
	"strings"
	"testing"

	"graft/adapters"
	"graft/serving"
	"graft/serving/servingtest"
)

// residentFake has one adapter in memory.
type residentFake struct {
	*servingtest.Fake
	serving.Residency
}

func (residentFake) Residents() []serving.Resident {
	return []serving.Resident{{Model: "fake", Generation: gen("a")}}
}

func TestAdapterCards(t *testing.T) {
	h, _, registry := newChoosing(t, func(d *Deps) { d.Backend = residentFake{Fake: d.Backend.(*servingtest.Fake)} })
	registry.put("org/x", "fake", "d", adapters.Settings{})
	registry.put("org/x", "fake", "e", adapters.Settings{})
	registry.put("waits", "fake", "f", adapters.Settings{})
	registry.change("waits", func(e *adapters.Entry) { e.State = staged })

	card := func(id, digit, base, length, loaded, more string) string {
		return `{"id":"` + id + `","object":"model","owned_by":"graft","root":"` + gen(digit) + `","parent":"` + base + `","max_model_len":` + length + `,` + more +
			`"graft":{"generation":"` + gen(digit) + `","rank":8,"bytes":1000,"state":"live","created":1750000000,"updated":1750000000,"loaded":` + loaded + `},"created":1750000000}`
	}
	sameJSON(t, do(h, "GET", "/v1/models/poet", "").Body.String(), card("poet", "a", "fake", "1000", "true", ""))
	sameJSON(t, do(h, "GET", "/v1/models/fake:poet", "").Body.String(), card("fake:poet", "a", "fake", "1000", "true", ""))
	sameJSON(t, do(h, "GET", "/v1/models/poet@"+gen("a"), "").Body.String(), card("poet@"+gen("a"), "a", "fake", "1000", "true", ""))
	sameJSON(t, strings.ReplaceAll(do(h, "GET", "/v1/models/org/x", "").Body.String(), "1750000003", "1750000000"), card("org/x", "e", "fake", "1000", "false", ""))
	sameJSON(t, do(h, "GET", "/v1/models/org/x@dddddddd", "").Body.String(), `{"id":"org/x@dddddddd","object":"model","created":1750000003,"owned_by":"graft","root":"`+gen("d")+`","parent":"fake","max_model_len":1000,
		"graft":{"generation":"`+gen("d")+`","rank":4,"bytes":500,"state":"stored","created":1750000003,"updated":1700000000,"loaded":false}}`)
	for _, id := range []string{"waits", "poett", "poet@bbbbbbbb", "org"} {
		w := do(h, "GET", "/v1/models/"+id, "")
		wantError(t, w, 404, "invalid_request_error", "model", "model_not_found")
	}

	var ids []string
	for _, m := range parse(t, do(h, "GET", "/v1/models", "").Body.String()).(map[string]any)["data"].([]any) {
		ids = append(ids, m.(map[string]any)["id"].(string))
	}
	if got, want := strings.Join(ids, " "), "fake fake-base fake-embed coder org/x other poet"; got != want {
		t.Errorf("listed %q, want %q", got, want)
	}
	schema := schemas(t)
	if err := schema("ModelList").Validate(parse(t, do(h, "GET", "/v1/models", "").Body.String())); err != nil {
		t.Error(err)
	}
	w := do(h, "POST", "/v1/chat/completions", ask(`"adapters":[{"name":"poet","weight":0.5},{"generation":"bbbbbbbb"}]`))
	if err := schema("ChatCompletion").Validate(parse(t, w.Body.String())); err != nil {
		t.Error(err)
	}
	if err := schema("ChatRequest").Validate(parse(t, ask(`"adapters":[{"name":"poet","weight":0.5},{"generation":"bbbbbbbb"}]`))); err != nil {
		t.Error(err)
	}
}

func TestDeleteAdapter(t *testing.T) {
	h, _, registry := newChoosing(t, withKeys)
	loras := &loraSet{}
	registry.put("org/x", "fake", "d", adapters.Settings{})
	for _, c := range []struct {
		key, id string
		status  int
		code    string
	}{
		{"ann", "poet", 403, "admin_key_required"},
		{"ann", "nobody", 403, "admin_key_required"},
		{"admin", "fake", 403, "model_not_deletable"},
		{"admin", "poett", 404, "model_not_found"},
		{"admin", "poet@bbbbbbbb", 404, "model_not_found"},
		{"admin", "poet", 200, ""},
		{"admin", "poet", 404, "model_not_found"},
		{"admin", "org/x", 200, ""},
	} {
		w := doAs(h, c.key, "DELETE", "/v1/models/"+c.id, "")
		if c.status == 200 {
			if w.Code != 200 {
				t.Errorf("%s: status %d", c.id, w.Code)
			}
			sameJSON(t, w.Body.String(), `{"id":"`+c.id+`","object":"model","deleted":true}`)
			continue
		}
		param := "model"
		if c.code == "admin_key_required" {
			param = ""
		}
		wantError(t, w, c.status, "invalid_request_error", param, c.code)
	}
	registry.put("coder", "fake", "e", adapters.Settings{})
	w := doAs(h, "admin", "DELETE", "/v1/models/coder@"+gen("b"), "") // it stands for e now
	wantError(t, w, 409, "invalid_request_error", "", "lora_generation_mismatch")
	if w.Header().Get("X-Should-Retry") != "false" {
		t.Error("clients would try again")
	}
	if w := doAs(h, "admin", "DELETE", "/v1/models/coder@eeeeeeee", ""); w.Code != 200 {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}

	// What POST /lora-adapters said of it goes with it.
	h, fake, registry := newChoosing(t, func(d *Deps) { d.loras = loras })
	loras.setScales(map[string]float32{"poet": 1})
	do(h, "DELETE", "/v1/models/poet", "")
	registry.put("poet", "fake", "f", adapters.Settings{})
	do(h, "POST", "/v1/chat/completions", ask(`"model":"fake"`))
	if got := uses(latest(t, fake)); got != "fake" {
		t.Errorf("the backend was asked for %q", got)
	}
}

// Ollama's lists have the adapters with their size, digest and defaults.
func TestOllamaAdapters(t *testing.T) {
	h, _, registry := newChoosing(t)
	cold := float32(0.5)
	registry.put("poet", "fake", "a", adapters.Settings{Template: "T", System: "be brief", Temperature: &cold, Stop: []string{"END"}, MaxTokens: 5})
	var poet map[string]any
	for _, m := range parse(t, do(h, "GET", "/api/tags", "").Body.String()).(map[string]any)["models"].([]any) {
		if m := m.(map[string]any); m["name"] == "poet:latest" {
			poet = m
		}
	}
	if poet == nil || poet["digest"] != strings.Repeat("a", 64) || poet["details"].(map[string]any)["parent_model"] != "fake" {
		t.Errorf("listed as %v", poet)
	}
	for _, name := range []string{"poet", "poet:latest", "poet@aaaaaaaa"} {
		w := do(h, "POST", "/api/show", `{"model":"`+name+`"}`)
		show := parse(t, w.Body.String()).(map[string]any)
		want := "temperature                    0.5\nnum_predict                    5\nstop                           \"END\""
		if w.Code != 200 || show["template"] != "T" || show["system"] != "be brief" || show["parameters"] != want {
			t.Errorf("%s: status %d: %s", name, w.Code, w.Body)
		}
	}
	if w := do(h, "POST", "/api/show", `{"model":"poem"}`); w.Code != 404 || !strings.Contains(w.Body.String(), "Did you mean: poet") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

// A registry that fails is an error, never an answer of the base.
func TestRegistryFails(t *testing.T) {
	h, fake, _ := newChoosing(t, func(d *Deps) { d.registry = failingRegistry{d.registry} })
	for _, body := range []string{ask(`"model":"poet"`), ask(`"model":"fake"`), ask(`"adapters":[{"name":"poet"}]`)} {
		wantError(t, do(h, "POST", "/v1/chat/completions", body), 500, "server_error", "", "internal_error")
	}
	if n := len(fake.Requests()); n != 0 {
		t.Errorf("the backend was asked %d times", n)
	}
}

type failingRegistry struct{ adapterRegistry }

func (failingRegistry) Resolve(ctx context.Context, _ adapters.Ref) (*adapters.Lease, error) {
	return nil, errors.New("disk I/O error")
}

func (failingRegistry) Get(ctx context.Context, _ string) (adapters.Entry, error) {
	return adapters.Entry{}, errors.New("disk I/O error")
}
