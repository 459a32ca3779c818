package api

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// docs/adapters-broken-elsewhere.md says where these were reported.

const askFake = `{"model":"%s","messages":[{"role":"user","content":"x"}]}`

// served is the generation that answers for a name.
func (b *bench) served(t *testing.T, name string) string {
	t.Helper()
	b.ask(t, 200, "POST", "/v1/chat/completions", fmt.Sprintf(askFake, name))
	requests := b.Requests()
	used := requests[len(requests)-1].Adapters
	if len(used) != 1 {
		t.Fatalf("%s: answered with %v", name, used)
	}
	return b.which(used[0].Generation)
}

// The file is read once: neither the flag nor the path is remembered.
func TestBroken10LoadInplaceIsDoneOnce(t *testing.T) {
	b := newBench(t)
	load := func(status int, path, more string) {
		t.Helper()
		if w := do(b, "POST", "/v1/load_lora_adapter", `{"lora_name":"a","lora_path":"`+path+`"`+more+`}`); w.Code != status {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	load(200, "one", `,"load_inplace":true`)
	load(400, "two", "")
	for _, name := range []string{"one", "two"} {
		breakConfig(t, filepath.Join(b.root, name))
	}
	if got := b.served(t, "a"); got != "one" {
		t.Errorf("served %s", got)
	}
	if err := os.RemoveAll(filepath.Join(b.root, "one")); err != nil {
		t.Fatal(err)
	}
	if got := b.served(t, "a"); got != "one" {
		t.Errorf("served %s", got)
	}
	load(404, "one", `,"load_inplace":true`) // and a load that fails changes nothing
	load(500, "two", `,"load_inplace":true`)
	if got := b.served(t, "a"); got != "one" {
		t.Errorf("served %s", got)
	}
}

// Names are limited neither by memory nor by slots, and the same content is stored once.
func TestBroken16And30ManyNamesOneContent(t *testing.T) {
	b := newBench(t)
	for i := range 40 {
		b.ask(t, 201, "POST", "/v1/lora_adapters", fmt.Sprintf(`{"name":"tenant-%d","path":"one"}`, i))
	}
	list := b.ask(t, 200, "GET", "/v1/lora_adapters", "")
	if len(list["data"].([]any)) != 40 || len(list["generations"].([]any)) != 1 {
		t.Errorf("%d names, generations %v", len(list["data"].([]any)), list["generations"])
	}
	if got := b.served(t, "tenant-39"); got != "one" {
		t.Errorf("served %s", got)
	}
}

// What was trained beside projections is served or refused, never skipped.
func TestBroken22And23EndsAndDoRA(t *testing.T) {
	for _, c := range []struct {
		name, base        string // written by reference/adapters.py
		modules, replaced float64
	}{{"ends", "gemma3", 7 + 2, 0}, {"embed", "llama", 2 + 1, 0}, {"saved", "llama", 2, 1}, {"dora", "qwen2", 2 * 3, 0}} {
		b := newBenchOn(t, c.base)
		from := filepath.Join("..", "adapters", "testdata", c.name)
		kind, body := form(t, [][2]string{{"name", "a"}}, filepath.Join(from, "adapter_config.json"), filepath.Join(from, "adapter_model.safetensors"))
		made := fieldsOf(t, sendAs(b, "/v1/lora_adapters", kind, bytes.NewReader(body)), 201)
		report := made["report"].(map[string]any)
		if report["modules_applied"] != c.modules || report["modules_expected"] != c.modules || report["parameters_replaced"] != c.replaced {
			t.Errorf("%s: %v", c.name, report)
		}
		if got := b.served(t, "a"); got != made["generation"] {
			t.Errorf("%s: served %s", c.name, got)
		}
	}
}

// An adapter that comes over HTTP answers the next request: no restart, no reload.
func TestBroken19And31NextRequest(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"one", "two", "one"} {
		packed := archive(t, filepath.Join(b.root, name), 0)
		fieldsOf(t, sendAs(b, "/v1/lora_adapters?name=a&replace=true", "application/gzip", bytes.NewReader(packed)), 201)
		if got := b.served(t, "a"); got != name {
			t.Errorf("served %s, want %s", got, name)
		}
	}
	b.ask(t, 200, "DELETE", "/v1/lora_adapters/a", "")
	wantError(t, do(b, "POST", "/v1/chat/completions", fmt.Sprintf(askFake, "a")), 404, "invalid_request_error", "model", "model_not_found")
}
