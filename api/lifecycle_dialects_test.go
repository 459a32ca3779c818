package api

import (
	"path/filepath"
	"strings"
	"testing"

	"graft/serving"
)

func TestLlamaScales(t *testing.T) {
	b := newBench(t)
	list := func(want string) {
		t.Helper()
		sameJSON(t, do(b, "GET", "/lora-adapters", "").Body.String(), want)
	}
	list(`[]`)
	for _, name := range []string{"one", "two"} {
		b.ask(t, 201, "POST", "/v1/lora_adapters", `{"name":"`+name+`","path":"`+name+`"}`)
	}
	list(`[{"id":0,"path":"one","scale":0,"task_name":"","prompt_prefix":""},{"id":1,"path":"two","scale":0,"task_name":"","prompt_prefix":""}]`)
	chosen := func(extra string) []serving.AdapterUse {
		t.Helper()
		b.ask(t, 200, "POST", "/v1/chat/completions", `{"model":"fake","messages":[{"role":"user","content":"x"}]`+extra+`}`)
		requests := b.Requests()
		return requests[len(requests)-1].Adapters
	}
	if got := chosen(""); len(got) != 0 {
		t.Errorf("before anything is set: %v", got)
	}
	sameJSON(t, do(b, "POST", "/lora-adapters", `[{"id":1,"scale":0.5}]`).Body.String(), `{"success":true}`)
	list(`[{"id":0,"path":"one","scale":0,"task_name":"","prompt_prefix":""},{"id":1,"path":"two","scale":0.5,"task_name":"","prompt_prefix":""}]`)
	if got := chosen(""); len(got) != 1 || got[0] != (serving.AdapterUse{Generation: b.two.Generation, Weight: 0.5}) {
		t.Errorf("with a global scale: %v", got)
	}
	if got := chosen(`,"lora":[{"id":0,"scale":2}]`); len(got) != 1 || got[0] != (serving.AdapterUse{Generation: b.one.Generation, Weight: 2}) {
		t.Errorf("a request's own choice: %v", got)
	}
	// What is left out falls to 0.
	do(b, "POST", "/lora-adapters", `[{"id":0,"scale":1}]`)
	if got := chosen(""); len(got) != 1 || got[0].Generation != b.one.Generation {
		t.Errorf("the other: %v", got)
	}
	for _, body := range []string{`[{"id":7,"scale":1}]`, `[{"id":0,"scale":1},{"id":0,"scale":2}]`, `[{"id":0}]`, `[{"id":0,"scale":1,"x":1}]`, `{"id":0,"scale":1}`, `[0]`} {
		if w := do(b, "POST", "/lora-adapters", body); w.Code != 400 {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if got := chosen(""); len(got) != 1 || got[0].Weight != 1 {
		t.Errorf("a refused change changed something: %v", got)
	}
	do(b, "POST", "/lora-adapters", `[]`)
	if got := chosen(""); len(got) != 0 {
		t.Errorf("all off: %v", got)
	}
}

func TestSGLangRoutes(t *testing.T) {
	b := newBench(t)
	load, unload := "/load_lora_adapter", "/unload_lora_adapter"
	say := func(path, body string, status int, want string) {
		t.Helper()
		w := do(b, "POST", path, body)
		if w.Code != status {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
		sameJSON(t, w.Body.String(), want)
	}
	one, two := b.one.Generation, b.two.Generation
	say(load, `{"lora_name":"a","lora_path":"one"}`, 200, `{"success":true,"error_message":null,"loaded_adapters":{"a":"`+one+`"}}`)
	say(load, `{"lora_name":"b","lora_path":"two","pinned":true}`, 200, `{"success":true,"error_message":null,"loaded_adapters":{"a":"`+one+`","b":"`+two+`"}}`)
	if got := b.notes(); len(got) != 1 || got[0] != "pin "+two[:15]+" true" {
		t.Errorf("pinned: %q", got)
	}
	got := fieldsOf(t, do(b, "POST", load, `{"lora_name":"a","lora_path":"two"}`), 400)
	if message, _ := got["error_message"].(string); got["success"] != false || !strings.Contains(message, "taken") || len(got["loaded_adapters"].(map[string]any)) != 2 {
		t.Errorf("a name that is taken: %v", got)
	}
	say(unload, `{"lora_name":"a"}`, 200, `{"success":true,"error_message":null,"loaded_adapters":{"b":"`+two+`"}}`)
	if got := fieldsOf(t, do(b, "POST", unload, `{"lora_name":"a"}`), 400); got["success"] != false {
		t.Errorf("unloaded twice: %v", got)
	}
	if got := fieldsOf(t, do(b, "POST", "/load_lora_adapter_from_tensors", `{"lora_name":"x","serialized_tensors":"gASV"}`), 400); !strings.Contains(got["error_message"].(string), "pickle") {
		t.Errorf("a pickle: %v", got)
	}
}

func TestDynamoRoutes(t *testing.T) {
	b := newBench(t)
	path := filepath.Join(b.root, "one")
	made := b.ask(t, 200, "POST", "/v1/loras", `{"lora_name":"my-lora","source":{"uri":"file://`+path+`"}}`)
	id := made["lora_id"]
	if made["status"] != "success" || made["message"] != "LoRA adapter 'my-lora' loaded successfully" || made["lora_name"] != "my-lora" {
		t.Errorf("made %v", made)
	}
	if list := b.ask(t, 200, "GET", "/v1/loras", ""); list["count"] != 1.0 || list["loras"].(map[string]any)["my-lora"] != id {
		t.Errorf("list %v", list)
	}
	for _, uri := range []string{"s3://bucket/x", "file://host/x", "hf://name", "/path", ""} {
		wantError(t, do(b, "POST", "/v1/loras", `{"lora_name":"x","source":{"uri":"`+uri+`"}}`), 400, "invalid_request_error", "source.uri", "invalid_value")
	}
	if gone := b.ask(t, 200, "DELETE", "/v1/loras/my-lora", ""); gone["message"] != "LoRA adapter 'my-lora' unloaded successfully" || gone["lora_id"] != id {
		t.Errorf("gone %v", gone)
	}
	wantError(t, do(b, "DELETE", "/v1/loras/my-lora", ""), 404, "invalid_request_error", "name", "lora_adapter_not_found")
}
