package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"graft/serving"
)

func TestResidency(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"one", "two"} {
		b.ask(t, 201, "POST", "/v1/lora_adapters", `{"name":"`+name+`","path":"`+name+`"}`)
	}
	one, two := b.one.Generation, b.two.Generation
	path := "/v1/lora_adapters"
	b.list = []serving.Resident{{Model: "fake", Generation: two, Bytes: 700, Leases: 2}, {Model: "fake", Generation: "sha256:gone", Bytes: 9}}
	got := b.ask(t, 200, "GET", path+"/residency", "")
	first := got["data"].([]any)[0].(map[string]any)
	if got["resident_bytes"] != 709.0 || len(got["data"].([]any)) != 2 || first["generation"] != two || first["active_leases"] != 2.0 || first["aliases"].([]any)[0] != "two" {
		t.Errorf("residency %v", got)
	}
	if list := b.ask(t, 200, "GET", path, ""); list["resident_generations"] != 1.0 || list["resident_bytes"] != 700.0 {
		t.Errorf("list %v", list)
	}
	steps := []struct {
		method, path, body string
		want               []string
	}{
		{"POST", "/one/load", "", []string{"warm fake " + one[:15]}},
		{"POST", "/one/unload", "{}", []string{"unload " + one[:15]}},
		{"POST", "/one/pin", "", []string{"pin " + one[:15] + " true"}},
		// The pin stays with the name, wherever that goes.
		{"POST", "/one/promote", `{"from":"two"}`, []string{"pin " + two[:15] + " true", "pin " + one[:15] + " false", "unload " + one[:15]}},
		{"POST", "/one/rollback", "", []string{"pin " + one[:15] + " true", "pin " + two[:15] + " false"}},
		{"POST", "/one/unpin", "", []string{"pin " + one[:15] + " false"}},
		{"PATCH", "/one", `{"settings":{"pinned":true}}`, []string{"pin " + one[:15] + " true"}},
		{"DELETE", "/one", "", []string{"pin " + one[:15] + " false", "unload " + one[:15]}},
	}
	b.notes()
	for _, s := range steps {
		b.ask(t, 200, s.method, path+s.path, s.body)
		if got := b.notes(); !slices.Equal(got, s.want) {
			t.Errorf("%s %s: %q, want %q", s.method, s.path, got, s.want)
		}
	}
	for _, action := range []string{"", "/none", "/load/x"} {
		if w := do(b, "POST", path+"/two"+action, ""); w.Code != 404 {
			t.Errorf("%s: %d %s", action, w.Code, w.Body)
		}
	}
	wantError(t, do(b, "POST", path+"/two/pin", `{"x":1}`), 400, "invalid_request_error", "x", "unknown_parameter")
}

// Without a memory that it can order, the API says so.
func TestNoResidency(t *testing.T) {
	b := newBench(t)
	b.ask(t, 201, "POST", "/v1/lora_adapters", `{"name":"one","path":"one"}`)
	plain := newBench(t, func(d *Deps) { d.Backend, d.Adapters = b.Fake, b.registry })
	path := "/v1/lora_adapters"
	for _, c := range [][2]string{{"GET", "/residency"}, {"POST", "/one/load"}, {"POST", "/one/unload"}, {"POST", "/one/pin"}} {
		wantError(t, do(plain, c[0], path+c[1], ""), 409, "invalid_request_error", "", "lora_runtime_unavailable")
	}
	if list := plain.ask(t, 200, "GET", path, ""); list["resident_generations"] != 0.0 || len(list["data"].([]any)) != 1 {
		t.Errorf("list %v", list)
	}
	plain.ask(t, 200, "DELETE", path+"/one", "")

	none, _ := newTest(t)
	sameJSON(t, do(none, "GET", path, "").Body.String(), `{"object":"list","data":[],"generations":[],"resident_generations":0,"retired_generations":0,"resident_bytes":0,"max_adapters":0,"max_rank":0,"max_bytes":0}`)
	for _, c := range [][2]string{{"POST", path}, {"DELETE", path + "/x"}, {"GET", path + "/x"}, {"POST", "/v1/load_lora_adapter"}, {"POST", "/lora-adapters"}, {"POST", "/v1/loras"}} {
		wantError(t, do(none, c[0], c[1], "{}"), http.StatusConflict, "invalid_request_error", "", "lora_runtime_unavailable")
	}
}

func TestAdapterSettingsChange(t *testing.T) {
	b := newBench(t)
	path := "/v1/lora_adapters"
	b.ask(t, 201, "POST", path, `{"name":"a/b","path":"one","notes":"n","settings":{"system":"s","stop":["x"],"top_p":0.5,"keys":["ann"]}}`)
	settings := func(v map[string]any) string {
		t.Helper()
		return encode(t, v["settings"])
	}
	// What is named changes, null takes away, the rest stays.
	got := b.ask(t, 200, "PATCH", path+"/a/b", `{"settings":{"system":null,"stop":"y","max_tokens":7},"notes":""}`)
	if settings(got) != `{"keys":["ann"],"max_tokens":7,"stop":["y"],"top_p":0.5}` || got["notes"] != nil {
		t.Errorf("changed: %v", got)
	}
	wantError(t, do(b, "PATCH", path+"/a/b", `{"settings":{"top_p":2}}`), 400, "invalid_request_error", "settings.top_p", "decimal_above_max_value")
	wantError(t, do(b, "PATCH", path+"/a/b", `{"setings":{}}`), 400, "invalid_request_error", "setings", "unknown_parameter")
	wantError(t, do(b, "PATCH", path+"/a/b", `{"notes":"x","expected_generation":"`+b.two.Generation+`"}`), 409, "invalid_request_error", "", "lora_generation_mismatch")
	wantError(t, do(b, "PATCH", path+"/none", `{"notes":"x"}`), 404, "invalid_request_error", "name", "lora_adapter_not_found")
	// Replaced with settings, those that are not named stay: above all who may use it.
	got = b.ask(t, 201, "POST", path, `{"name":"a/b","path":"two","replace":true,"settings":{"top_p":0.25}}`)
	if settings(got) != `{"keys":["ann"],"max_tokens":7,"stop":["y"],"top_p":0.25}` {
		t.Errorf("replaced: %v", got)
	}
	// A name that ends like an action.
	b.ask(t, 201, "POST", path, `{"name":"a/report","path":"one"}`)
	if got := b.ask(t, 200, "GET", path+"/a%2Freport", ""); got["id"] != "a/report" {
		t.Errorf("got %v", got)
	}
	wantError(t, do(b, "GET", path+"/a/report", ""), 404, "invalid_request_error", "name", "lora_adapter_not_found")
	if got := b.ask(t, 200, "GET", path+"/a%2Fb/report", ""); got["rank"] != 2.0 {
		t.Errorf("got %v", got)
	}
	// What a name was is known to admins after it is gone.
	b.ask(t, 200, "DELETE", path+"/a/b", "")
	if got := b.ask(t, 200, "GET", path+"/a/b/history", ""); got["data"].([]any)[0].(map[string]any)["action"] != "delete" {
		t.Errorf("history %v", got)
	}
}

func TestStage(t *testing.T) {
	b := newBench(t)
	path := "/v1/lora_adapters"
	b.ask(t, 201, "POST", path, `{"name":"a","path":"one"}`)
	got := b.ask(t, 201, "POST", path, `{"name":"a","path":"two","stage":true}`)
	if got["generation"] != b.one.Generation || got["staged"] != b.two.Generation {
		t.Errorf("staged %v", got)
	}
	if got = b.ask(t, 200, "POST", path+"/a/promote", ""); got["generation"] != b.two.Generation || got["staged"] != nil {
		t.Errorf("promoted %v", got)
	}
	wantError(t, do(b, "POST", path+"/a/promote", `{"generation":"`+b.one.Generation+`","from":"a"}`), 400, "invalid_request_error", "from", "invalid_value")
	wantError(t, do(b, "POST", path+"/a/promote", `{"from":"none"}`), 404, "invalid_request_error", "name", "lora_adapter_not_found")
}

// encode is v as JSON, keys sorted.
func encode(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
