package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
)

// FuzzLifecycle: no path, type or body makes a route of adapters panic or answer
// 500, and what it says is JSON or one of vLLM's sentences.
func FuzzLifecycle(f *testing.F) {
	b := newBench(f, func(d *Deps) { d.Blobs = &folder{dir: f.TempDir()} })
	b.ask(f, 201, "POST", "/v1/lora_adapters", `{"name":"a","path":"one"}`)
	add := func(method, path, kind, body string) { f.Add(method, path, kind, []byte(body)) }
	add("POST", "/v1/lora_adapters", "application/json", `{"name":"x","path":"two","replace":true,"settings":{"stop":"a","chat_template":"{{ x }}","keys":[]}}`)
	add("POST", "/v1/lora_adapters?name=x&settings={}", "application/gzip", string(archive(f, filepath.Join(b.root, "one"), 0)))
	kind, body := form(f, [][2]string{{"name", "x"}, {"stage", "1"}, {"settings", `{"top_k":1}`}}, filepath.Join(b.root, "one", "adapter_config.json"))
	f.Add("POST", "/v1/lora_adapters", kind, body)
	add("PATCH", "/v1/lora_adapters/a", "application/json", `{"settings":{"system":null},"notes":"n"}`)
	add("POST", "/v1/lora_adapters/a/promote", "application/json", `{"generation":"sha256:00000000"}`)
	add("GET", "/v1/lora_adapters/a%2Freport", "", "")
	add("GET", "/v1/lora_adapters/a/history", "", "")
	add("DELETE", "/v1/lora_adapters/x?expected_generation=0123456789", "", "")
	add("POST", "/v1/load_lora_adapter", "application/json", `{"lora_name":"x","lora_path":"one","load_inplace":true}`)
	add("POST", "/load_lora_adapter", "application/json", `{"lora_name":"x","lora_path":"one","pinned":true}`)
	add("POST", "/v1/loras", "application/json", `{"lora_name":"x","source":{"uri":"file:///x"}}`)
	add("POST", "/lora-adapters", "application/json", `[{"id":0,"scale":1}]`)
	add("POST", "/api/create", "", `{"model":"x","from":"fake","adapters":{"a.gguf":"sha256:00"},"parameters":{"stop":["a"],"num_predict":-1}}`)
	add("POST", "/api/blobs/sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "", "")
	f.Fuzz(func(t *testing.T, method, path, kind string, body []byte) {
		r, err := http.NewRequest(method, "http://localhost"+path, bytes.NewReader(body))
		if err != nil || len(path) == 0 || path[0] != '/' {
			return
		}
		r.Header.Set("Content-Type", kind)
		r.RequestURI = r.URL.RequestURI()
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		if w.Code >= 500 && w.Header().Get("X-Should-Retry") != "false" {
			t.Fatalf("%s %s: status %d: %s", method, path, w.Code, w.Body)
		}
		if w.Header().Get("Content-Type") == "application/json" && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s %s: reply %q", method, path, w.Body)
		}
	})
}
