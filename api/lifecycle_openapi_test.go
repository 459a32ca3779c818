package api

import (
	"fmt"
	"strings"
	"testing"
)

// What openapi.yaml says of the routes of adapters holds: replies are as described,
// and the server knows every field.
func TestOpenAPIAdapters(t *testing.T) {
	b := newBench(t)
	schema := schemas(t)
	doc := document(t)["components"].(map[string]any)["schemas"].(map[string]any)
	is := func(name, method, path, body string, status int) {
		t.Helper()
		w := do(b, method, path, body)
		if w.Code != status {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		if err := schema(name).Validate(parse(t, w.Body.String())); err != nil {
			t.Errorf("%s %s: %v in %s", method, path, err, w.Body)
		}
	}
	path := "/v1/lora_adapters"
	full := `{"name":"a","path":"one","notes":"n","settings":{"chat_template":"{{ messages }}","system":"s","stop":["x"],"temperature":1,"top_p":1,"top_k":1,"min_p":0.1,"repetition_penalty":1.5,"max_tokens":1,"keys":["k"],"requests_per_minute":1,"tokens_per_minute":1,"pinned":true,"require_verdict":false}}`
	if err := schema("AdapterRequest").Validate(parse(t, full)); err != nil {
		t.Error(err)
	}
	is("Adapter", "POST", path, full, 201)
	is("Adapter", "POST", path, `{"name":"a","path":"two","stage":true}`, 201)
	is("Adapter", "GET", path+"/a", "", 200)
	is("AdapterList", "GET", path, "", 200)
	is("Error", "GET", path+"/none", "", 404)
	is("Error", "POST", "/v1/load_lora_adapter", `{}`, 400)
	for name, route := range map[string]string{
		"AdapterRequest": "POST " + path, "AdapterChange": "PATCH " + path + "/a", "AdapterMove": "POST " + path + "/a/promote",
		"LoraLoad": "POST /v1/load_lora_adapter", "LoraUnload": "POST /v1/unload_lora_adapter", "SGLangLoad": "POST /load_lora_adapter", "OllamaCreate": "POST /api/create",
	} {
		method, target, _ := strings.Cut(route, " ")
		fields := doc[name].(map[string]any)["properties"].(map[string]any)
		for field := range fields {
			if w := do(b, method, target, fmt.Sprintf(`{%q:null}`, field)); strings.Contains(w.Body.String(), "Unknown parameter") {
				t.Errorf("%s: %s is described, but: %s", route, field, w.Body)
			}
		}
	}
	for field := range doc["AdapterSettings"].(map[string]any)["properties"].(map[string]any) {
		if w := do(b, "PATCH", path+"/a", fmt.Sprintf(`{"settings":{%q:null}}`, field)); w.Code != 200 {
			t.Errorf("settings: %s is described, but: %s", field, w.Body)
		}
	}
}
