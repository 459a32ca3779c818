package api

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"graft/adapters"
)

// The requests of vLLM's documentation (docs/features/lora.md), and what its server
// says: vllm/entrypoints/openai/models/serving.py.
func TestVLLMRoutes(t *testing.T) {
	b := newBench(t)
	say := func(path, body, want string) {
		t.Helper()
		w := do(b, "POST", path, body)
		if w.Code != 200 || w.Body.String() != want || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %s %q", body, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
	refuse := func(path, body string, status int, kind, param, code, want string) {
		t.Helper()
		if m := wantError(t, do(b, "POST", path, body), status, kind, param, code); want != "" && m != want {
			t.Errorf("%s: %s", body, m)
		}
	}
	load, unload := "/v1/load_lora_adapter", "/v1/unload_lora_adapter"
	path := filepath.Join(b.root, "one") // absolute, as there
	say(load, `{"lora_name":"sql_adapter","lora_path":"`+path+`"}`, "Success: LoRA adapter 'sql_adapter' added successfully.")
	b.want(t, "sql_adapter one")
	refuse(load, `{"lora_name":"sql_adapter","lora_path":"`+path+`"}`, 400, "InvalidUserInput", "", "lora_adapter_already_loaded",
		"The lora adapter 'sql_adapter' has already been loaded. If you want to load the adapter in place, set 'load_inplace' to True.")
	say(load, `{"lora_name":"sql_adapter","lora_path":"two","load_inplace":true,"is_3d_lora_weight":false,"expected_generation":"`+strings.TrimPrefix(b.one.Generation, "sha256:")+`"}`,
		"Success: LoRA adapter 'sql_adapter' added successfully.")
	b.want(t, "sql_adapter two")
	refuse(load, `{"lora_name":"sql_adapter","lora_path":"one","load_inplace":true,"expected_generation":"`+b.one.Generation+`"}`, 409, "invalid_request_error", "", "lora_generation_mismatch", "")
	for _, body := range []string{`{"lora_name":"x"}`, `{"lora_path":"one"}`, `{"lora_name":"","lora_path":""}`, `{"lora_name":null,"lora_path":"one"}`} {
		refuse(load, body, 400, "InvalidUserInput", "", "missing_required_parameter", "Both 'lora_name' and 'lora_path' must be provided.")
	}
	refuse(load, `{"lora_name":"x","lora_path":"none"}`, 404, "NotFoundError", "", "adapter_path_not_found", "Loading lora x failed: No adapter found for none")
	refuse(load, `{"lora_name":"x","lora_path":"one","is_3d_lora_weight":true}`, 400, "InvalidUserInput", "is_3d_lora_weight", "unsupported_lora_layout", "")
	refuse(load, `{"lora_name":"x","lora_path":"one","rank":8}`, 400, "InvalidUserInput", "rank", "unknown_parameter", "")
	refuse(load, `{"lora_name":"x","lora_path":"one","expected_generation":"`+b.one.Generation+`"}`, 400, "InvalidUserInput", "expected_generation", "invalid_lora_load_policy", "")
	refuse(load, `{"lora_name":"x","lora_path":"/etc"}`, 403, "invalid_request_error", "lora_path", "adapter_path_forbidden", "")

	refuse(unload, `{"lora_name":"none"}`, 404, "NotFoundError", "", "lora_adapter_not_found", "The lora adapter 'none' cannot be found.")
	refuse(unload, `{"lora_int_id":1}`, 400, "InvalidUserInput", "", "missing_required_parameter", "'lora_name' needs to be provided to unload a LoRA adapter.")
	refuse(unload, `{"lora_name":"sql_adapter","expected_generation":"`+b.one.Generation+`"}`, 409, "invalid_request_error", "", "lora_generation_mismatch", "")
	b.notes()
	say(unload, `{"lora_name":"sql_adapter","lora_int_id":1}`, "Success: LoRA adapter 'sql_adapter' removed successfully.")
	if got := b.notes(); len(got) != 2 || got[1] != "unload "+b.two.Generation[:15] {
		t.Errorf("the memory keeps it: %q", got)
	}
	b.want(t)
}

// A load that fails because of the file is a 500 in vLLM; clients must not repeat it.
func TestVLLMInvalid(t *testing.T) {
	b := newBench(t)
	breakConfig(t, filepath.Join(b.root, "one"))
	w := do(b, "POST", "/v1/load_lora_adapter", `{"lora_name":"x","lora_path":"one"}`)
	if m := wantError(t, w, 500, "InternalServerError", "", "invalid_lora_adapter"); !strings.Contains(m, "k_proj") || w.Header().Get("X-Should-Retry") != "false" {
		t.Errorf("%s, %v", m, w.Header())
	}
	b.want(t)
}

// lora_path is a folder first; what looks like owner/name and is none is looked
// for at Hugging Face.
func TestVLLMRepository(t *testing.T) {
	b := newBench(t)
	var asked []string
	b.registry.Fetch = func(_ context.Context, repo, revision, dir string, _ int64) (string, error) {
		asked = append(asked, repo)
		if repo != "owner/lora" {
			return "", fmt.Errorf("%w: %s", adapters.ErrNoPath, repo)
		}
		return "0123abcd", os.CopyFS(dir, os.DirFS(filepath.Join(b.root, "two")))
	}
	if err := os.Rename(filepath.Join(b.root, "one"), filepath.Join(b.root, "local")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(b.root, "team"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(b.root, "local"), filepath.Join(b.root, "team", "lora")); err != nil {
		t.Fatal(err)
	}
	for path, status := range map[string]int{"team/lora": 200, "owner/lora": 200, "owner/none": 404, "./owner/lora": 404, "owner/lora/x": 404, "lora": 404, "/owner/lora": 403, "../lora": 403} {
		if w := do(b, "POST", "/v1/load_lora_adapter", `{"lora_name":"`+strings.Trim(path, "./")+`","lora_path":"`+path+`","load_inplace":true}`); w.Code != status {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	slices.Sort(asked)
	if !slices.Equal(asked, []string{"owner/lora", "owner/none"}) {
		t.Errorf("asked for %q", asked)
	}
	b.want(t, "owner/lora two", "team/lora one")
	if got := b.ask(t, 200, "GET", "/v1/lora_adapters/owner/lora", ""); got["revision"] != "0123abcd" || got["source"] != "hf owner/lora@0123abcd" {
		t.Errorf("got %v", got)
	}
}
