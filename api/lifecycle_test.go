package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"graft/adapters"
	"graft/adapters/adapterstest"
	"graft/internal/model"
	"graft/internal/store"
	"graft/serving"
	"graft/serving/servingtest"
)

// resident is a fake backend with a memory for adapters, which notes what is asked of it.
type resident struct {
	*servingtest.Fake
	mu   sync.Mutex
	list []serving.Resident
	log  []string
}

func (r *resident) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, fmt.Sprintf(format, args...))
}

// notes returns what was noted since the last call.
func (r *resident) notes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	log := r.log
	r.log = nil
	return log
}

func (r *resident) Residents() []serving.Resident { return r.list }

func (r *resident) Warm(_ context.Context, model, generation string) error {
	r.note("warm %s %.15s", model, generation)
	return nil
}

func (r *resident) Unload(_ context.Context, generation string) error {
	r.note("unload %.15s", generation)
	return nil
}

func (r *resident) Pin(generation string, pinned bool) { r.note("pin %.15s %t", generation, pinned) }

// oneBase is a tiny model under the fake's name.
type oneBase struct{ base *adapters.Base }

func (b oneBase) Base(_ context.Context, id string) (*adapters.Base, string, func(), error) {
	if id != "" && id != "fake" {
		return nil, "", nil, fmt.Errorf("model %q: %w", id, serving.ErrModelNotFound)
	}
	return b.base, "fake", func() {}, nil
}

// bench is an API with a registry, and folders of adapters to register.
type bench struct {
	http.Handler
	*resident
	registry *adapters.Registry
	root     string
	one, two *adapters.Adapter // in the folders "one" and "two" of root
}

func newBench(t testing.TB, change ...func(*Deps)) *bench { return newBenchOn(t, "llama", change...) }

// newBenchOn is newBench with one of the tiny models.
func newBenchOn(t testing.TB, base string, change ...func(*Deps)) *bench {
	t.Helper()
	m, err := model.Load(filepath.Join("..", "internal", "model", "testdata", base), model.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{resident: &resident{Fake: servingtest.NewFake()}, root: t.TempDir()}
	for name, a := range map[string]**adapters.Adapter{"one": &b.one, "two": &b.two} {
		*a = adapterstest.Random(t, m, 2, []string{"q_proj", "v_proj"}, uint64(name[0]), 0.1)
		if err := os.Rename(adapterstest.WriteFolder(t, *a), filepath.Join(b.root, name)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b.registry, err = adapters.OpenRegistry(t.Context(), adapters.RegistryOptions{
		Store: s, Dir: t.TempDir(), Roots: []string{b.root}, Bases: oneBase{adapters.NewBase(m)},
		Limits: adapters.Limits{Rank: 64, Bytes: 1 << 20}, Models: func() []string { return []string{"fake", "fake-base"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.registry.Close(); err != nil {
			t.Error(err)
		}
		s.Close()
		m.Close()
	})
	b.Handler, _ = newTest(t, append([]func(*Deps){func(d *Deps) {
		d.Backend, d.Adapters = b.resident, b.registry
		d.Options.SpoolDir = t.TempDir()
	}}, change...)...)
	return b
}

// ask sends a request and returns the reply's fields; status is what it must be.
func (b *bench) ask(t testing.TB, status int, method, path, body string) map[string]any {
	t.Helper()
	return fieldsOf(t, do(b, method, path, body), status)
}

func fieldsOf(t testing.TB, w *httptest.ResponseRecorder, status int) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != status {
		t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	return v
}

// names are the adapters that the registry has, with the first digits of what they stand for.
func (b *bench) names(t testing.TB) (list []string) {
	t.Helper()
	entries, err := b.registry.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name+" "+b.which(e.Generation))
	}
	return list
}

func (b *bench) which(generation string) string {
	switch generation {
	case b.one.Generation:
		return "one"
	case b.two.Generation:
		return "two"
	}
	return generation
}

func (b *bench) want(t testing.TB, want ...string) {
	t.Helper()
	if got := b.names(t); !slices.Equal(got, want) {
		t.Errorf("registered: %q, want %q", got, want)
	}
}

func TestAdapterLifecycle(t *testing.T) {
	b := newBench(t)
	made := b.ask(t, 201, "POST", "/v1/lora_adapters", `{"name":"style","path":"one","notes":"first","settings":{"system":"Be brief.","top_k":-1}}`)
	for key, want := range map[string]any{"id": "style", "object": "lora_adapter", "generation": b.one.Generation, "rank": 2.0, "base": "fake", "state": "live", "notes": "first"} {
		if made[key] != want {
			t.Errorf("%s is %v, want %v", key, made[key], want)
		}
	}
	if diff := cmp.Diff(map[string]any{"system": "Be brief.", "top_k": 0.0}, made["settings"]); diff != "" {
		t.Error(diff)
	}
	if report := made["report"].(map[string]any); report["modules_applied"] != 4.0 || report["modules_expected"] != 4.0 || report["norm"].(float64) <= 0 {
		t.Errorf("report %v", report)
	}
	if got := b.ask(t, 200, "GET", "/v1/lora_adapters/style/report", ""); len(got["modules"].([]any)) != 4 {
		t.Errorf("report %v", got)
	}

	// The same files under another name are the same generation.
	b.ask(t, 201, "POST", "/v1/lora_adapters", `{"name":"copy","path":"one"}`)
	b.want(t, "copy one", "style one")
	b.notes()

	// A lost race changes nothing, and clients that try again by themselves do not.
	w := do(b, "POST", "/v1/lora_adapters", `{"name":"style","path":"two","replace":true,"expected_generation":"`+b.two.Generation+`"}`)
	wantError(t, w, 409, "invalid_request_error", "", "lora_generation_mismatch")
	if w.Header().Get("X-Should-Retry") != "false" {
		t.Error("clients would try a lost race again")
	}
	w = do(b, "POST", "/v1/lora_adapters", `{"name":"style","path":"two"}`)
	wantError(t, w, 409, "invalid_request_error", "", "lora_adapter_already_loaded")
	b.want(t, "copy one", "style one")
	b.ask(t, 201, "POST", "/v1/lora_adapters", `{"name":"style","path":"two","load_inplace":true,"expected_generation":"`+b.one.Generation+`"}`)
	b.want(t, "copy one", "style two")
	if got := b.notes(); !slices.Equal(got, []string{"pin " + b.one.Generation[:15] + " false"}) {
		t.Errorf("copy still stands for the old generation, but: %q", got)
	}

	b.ask(t, 200, "POST", "/v1/lora_adapters/style/rollback", "")
	b.want(t, "copy one", "style one")
	b.ask(t, 200, "POST", "/v1/lora_adapters/copy/promote", `{"generation":"`+b.one.Generation[:20]+`"}`)
	if got := b.ask(t, 200, "GET", "/v1/lora_adapters/style/history", ""); len(got["data"].([]any)) != 3 {
		t.Errorf("history %v", got)
	}

	list := b.ask(t, 200, "GET", "/v1/lora_adapters", "")
	if data, generations := list["data"].([]any), list["generations"].([]any); len(data) != 2 || len(generations) != 2 || list["retired_generations"] != 1.0 || list["max_rank"] != 64.0 {
		t.Errorf("list %v", list)
	}

	// Deleting the last name frees the memory, at once or after the last request.
	b.notes()
	b.ask(t, 200, "DELETE", "/v1/lora_adapters/copy", "")
	if got := b.notes(); !slices.Equal(got, []string{"pin " + b.one.Generation[:15] + " false"}) {
		t.Errorf("style still stands for it, but: %q", got)
	}
	wantError(t, do(b, "DELETE", "/v1/lora_adapters/style?expected_generation="+b.two.Generation, ""), 409, "invalid_request_error", "", "lora_generation_mismatch")
	b.ask(t, 200, "DELETE", "/v1/lora_adapters/style?expected_generation="+b.one.Generation, "")
	if got := b.notes(); !slices.Equal(got, []string{"pin " + b.one.Generation[:15] + " false", "unload " + b.one.Generation[:15]}) {
		t.Errorf("memory: %q", got)
	}
	b.want(t)
	wantError(t, do(b, "GET", "/v1/lora_adapters/style", ""), 404, "invalid_request_error", "name", "lora_adapter_not_found")
}

// Nothing is served whose file does not fit, and every mismatch is named.
func TestAdapterRefused(t *testing.T) {
	b := newBench(t)
	breakConfig(t, filepath.Join(b.root, "one"))
	for _, c := range []struct {
		body          string
		status        int
		param, code   string
		wantInMessage string
	}{
		{`{"name":"x","path":"one"}`, 422, "", "invalid_lora_adapter", "k_proj"},
		{`{"name":"x","path":"none"}`, 404, "", "adapter_path_not_found", "none"},
		{`{"name":"x","path":"../x"}`, 403, "path", "adapter_path_forbidden", ""},
		{`{"name":"x@y","path":"two"}`, 400, "", "invalid_lora_name", "x@y"},
		{`{"name":"fake","path":"two"}`, 400, "", "invalid_lora_name", "model"},
		{`{"name":"x","path":"two","base":"none"}`, 404, "model", "model_not_found", ""},
		{`{"name":"x"}`, 400, "path", "missing_required_parameter", "adapters.roots"},
		{`{"path":"two"}`, 400, "name", "missing_required_parameter", ""},
		{`{"name":"x","path":"two","repo":"a/b"}`, 400, "path", "missing_required_parameter", ""},
		{`{"name":"x","path":"two","revision":"b"}`, 400, "revision", "invalid_value", ""},
		{`{"name":"x","path":"two","scale":2}`, 400, "scale", "unknown_parameter", ""},
		{`{"name":"x","path":"two","settings":{"temp":2}}`, 400, "settings.temp", "unknown_parameter", ""},
		{`{"name":"x","path":"two","settings":{"temperature":3}}`, 400, "settings.temperature", "decimal_above_max_value", ""},
		{`{"name":"x","path":"two","settings":{"chat_template":"{{ .System }}"}}`, 400, "settings.chat_template", "invalid_template", "Go's"},
		{`{"name":"x","path":"two","settings":{"chat_template":"{% if %}"}}`, 400, "settings.chat_template", "invalid_template", "Jinja"},
		{`{"name":"x","path":"two","expected_generation":"sha256:0123456789"}`, 400, "expected_generation", "invalid_lora_load_policy", "replace"},
		{`{"name":"x","path":"two","replace":true,"expected_generation":"0123"}`, 400, "expected_generation", "invalid_generation", ""},
	} {
		w := do(b, "POST", "/v1/lora_adapters", c.body)
		if m := wantError(t, w, c.status, "invalid_request_error", c.param, c.code); !strings.Contains(m, c.wantInMessage) || strings.Contains(m, b.root) {
			t.Errorf("%s: %s", c.body, m)
		}
	}
	b.want(t)
	// With strict off, misspelt fields are still refused here.
	lax := newBench(t, func(d *Deps) { d.Options.Strict = false })
	wantError(t, do(lax, "POST", "/v1/lora_adapters", `{"name":"x","path":"two","replase":true}`), 400, "invalid_request_error", "replase", "unknown_parameter")
}

// breakConfig makes adapter_config.json promise modules that the tensors lack.
func breakConfig(t testing.TB, dir string) {
	t.Helper()
	config := filepath.Join(dir, "adapter_config.json")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.ReplaceAll(string(text), `"model.layers.0.self_attn.q_proj"`, `"model.layers.0.self_attn.k_proj"`)
	if wrong == string(text) {
		t.Fatal("the configuration names its targets otherwise than this test thinks")
	}
	if err := os.WriteFile(config, []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Without an admin key nothing can be changed, and adapters of others are not seen.
func TestAdapterKeys(t *testing.T) {
	b := newBench(t, func(d *Deps) {
		d.Options.RequireKeys = true
		d.Keys = keyTable{"root": {ID: "key_root", Name: "root", Admin: true}, "ann": {ID: "key_ann", Name: "ann"}, "ben": {ID: "key_ben", Name: "ben"}}
	})
	as := func(key, method, path, body string) *httptest.ResponseRecorder {
		r := request(method, path, body)
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		return w
	}
	post := "/v1/lora_adapters"
	fieldsOf(t, as("root", "POST", post, `{"name":"all","path":"one"}`), 201)
	made := fieldsOf(t, as("root", "POST", post, `{"name":"anns","path":"two","settings":{"keys":["ann"]}}`), 201)
	if made["owner"] != "key_root" || made["source"] != "path two" {
		t.Errorf("made %v", made)
	}
	for _, c := range [][3]string{
		{"POST", post, `{"name":"x","path":"one"}`}, {"DELETE", post + "/all", ""}, {"PATCH", post + "/all", `{"notes":"x"}`},
		{"POST", post + "/all/promote", "{}"}, {"POST", post + "/all/unload", ""}, {"POST", post + "/anns/pin", ""},
		{"POST", "/v1/load_lora_adapter", `{"lora_name":"x","lora_path":"one"}`}, {"POST", "/v1/unload_lora_adapter", `{"lora_name":"all"}`},
	} {
		if m := wantError(t, as("ann", c[0], c[1], c[2]), 403, "invalid_request_error", "", "admin_key_required"); !strings.Contains(m, "graft keys create NAME --admin") {
			t.Error(m)
		}
	}
	// So is every other route that changes something.
	changing := regexp.MustCompile(`lora|^/v1/models/|^/api/(blobs|create|copy|delete)`)
	routes := 0
	for _, r := range b.Handler.(*gin.Engine).Routes() {
		if r.Method == "GET" || r.Method == "HEAD" || !changing.MatchString(r.Path) {
			continue
		}
		routes++
		if w := as("ann", r.Method, strings.NewReplacer("*name", "all/pin", "*id", "all", ":digest", "x").Replace(r.Path), "{}"); w.Code != 403 {
			t.Errorf("%s %s: %d %s", r.Method, r.Path, w.Code, w.Body)
		}
	}
	if routes < 17 {
		t.Errorf("only %d routes", routes)
	}
	b.want(t, "all one", "anns two")
	for key, want := range map[string]int{"root": 2, "ann": 2, "ben": 1} {
		list := fieldsOf(t, as(key, "GET", post, ""), 200)
		if data, generations := list["data"].([]any), list["generations"].([]any); len(data) != want || len(generations) != want {
			t.Errorf("%s sees %v", key, list)
		}
	}
	wantError(t, as("ben", "GET", post+"/anns", ""), 404, "invalid_request_error", "name", "lora_adapter_not_found")
	seen := as("ann", "GET", post+"/anns", "")
	if got := fieldsOf(t, seen, 200); got["owner"] != nil || got["source"] != nil || strings.Contains(seen.Body.String(), "path two") || strings.Contains(seen.Body.String(), `"keys"`) {
		t.Errorf("a user sees %v", got)
	}
}

type keyTable map[string]KeyInfo

func (k keyTable) Check(_ context.Context, secret string) (KeyInfo, error) {
	if info, ok := k[secret]; ok {
		return info, nil
	}
	return KeyInfo{}, ErrBadKey
}
