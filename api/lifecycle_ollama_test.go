package api

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	ollama "github.com/ollama/ollama/api"

	"graft/adapters"
)

// folder keeps blobs as files.
type folder struct {
	dir string
	mu  sync.Mutex
}

func (f *folder) PutAs(digest string, r io.Reader) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != digest {
		return fmt.Errorf("%w: it is %s", ErrDigest, got)
	}
	return os.WriteFile(filepath.Join(f.dir, digest), data, 0o600)
}

func (f *folder) Open(digest string) (*os.File, error) {
	file, err := os.Open(filepath.Join(f.dir, digest))
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w: %s", ErrNoBlob, digest)
	}
	return file, err
}

func newOllamaBench(t *testing.T) (*bench, *ollama.Client) {
	b := newBench(t, func(d *Deps) { d.Blobs = &folder{dir: t.TempDir()} })
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	base, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	return b, ollama.NewClient(base, http.DefaultClient)
}

// send uploads a file as `ollama create` does, and returns its digest.
func send(t *testing.T, client *ollama.Client, data []byte) string {
	t.Helper()
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(data))
	if err := client.CreateBlob(t.Context(), digest, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return digest
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The client of `ollama create`, unmodified: a PEFT folder and a GGUF file become
// models, which chat, are shown, copied and deleted.
func TestOllamaCreate(t *testing.T) {
	b, client := newOllamaBench(t)
	ctx := t.Context()
	files := map[string]string{}
	for _, name := range []string{"adapter_config.json", "adapter_model.safetensors"} {
		files["lora/"+name] = send(t, client, read(t, b.root, "one", name))
	}
	var lines []string
	progress := func(p ollama.ProgressResponse) error {
		lines = append(lines, p.Status)
		return nil
	}
	create := &ollama.CreateRequest{
		Model: "mario", From: "fake:latest", Adapters: files, System: "You are Mario.",
		Parameters: map[string]any{"temperature": 0.5, "top_k": 20, "repeat_penalty": 1.1, "stop": []string{"END"}, "num_predict": 50},
	}
	if err := client.Create(ctx, create, progress); err != nil || lines[len(lines)-1] != "success" || len(lines) < 2 {
		t.Fatalf("%v, %q", err, lines)
	}
	b.want(t, "mario one")
	e, err := b.registry.Get(ctx, "mario")
	if err != nil {
		t.Fatal(err)
	}
	half, penalty, k := float32(0.5), float32(1.1), 20
	want := adapters.Settings{System: "You are Mario.", Stop: []string{"END"}, Temperature: &half, TopK: &k, RepetitionPenalty: &penalty, MaxTokens: 50}
	if diff := cmp.Diff(want, e.Settings); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	// It answers with its adapter and its defaults.
	if err := client.Chat(ctx, &ollama.ChatRequest{Model: "mario", Messages: []ollama.Message{{Role: "user", Content: "hi"}}}, func(ollama.ChatResponse) error { return nil }); err != nil {
		t.Fatal(err)
	}
	requests := b.Requests()
	if r := requests[len(requests)-1]; len(r.Adapters) != 1 || r.Adapters[0].Generation != b.one.Generation || r.Sampling.Temperature != 0.5 || r.Messages[0].Role != "system" {
		t.Errorf("asked %+v", r)
	}
	shown, err := client.Show(ctx, &ollama.ShowRequest{Model: "mario:latest"})
	if err != nil || shown.System != "You are Mario." || shown.Details.ParentModel != "fake" {
		t.Errorf("shown %+v, %v", shown, err)
	}

	// Made anew it is another one, whose access stays as it was.
	if _, err := b.registry.Configure(ctx, "mario", &adapters.Settings{Keys: []string{"ann"}, System: "old"}, nil, adapters.Change{}); err != nil {
		t.Fatal(err)
	}
	gguf := read(t, "..", "adapters", "testdata", "lora.gguf")
	if err := client.Create(ctx, &ollama.CreateRequest{Model: "mario:latest", From: "fake", Adapters: map[string]string{"adapter": send(t, client, gguf)}}, progress); err != nil {
		t.Fatal(err)
	}
	if e, err = b.registry.Get(ctx, "mario"); err != nil || e.Settings.System != "" || !slices.Equal(e.Settings.Keys, []string{"ann"}) || e.Generation == b.one.Generation {
		t.Errorf("made anew: %+v, %v", e, err)
	}

	// From a model that is an adapter: the same one with other settings.
	stream := false
	if err := client.Create(ctx, &ollama.CreateRequest{Model: "luigi", From: "mario", System: "You are Luigi.", Stream: &stream}, progress); err != nil {
		t.Fatal(err)
	}
	if err := client.Copy(ctx, &ollama.CopyRequest{Source: "luigi", Destination: "twin:latest"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"luigi", "twin"} {
		if got, err := b.registry.Get(ctx, name); err != nil || got.Generation != e.Generation || got.Settings.System != "You are Luigi." || !slices.Equal(got.Settings.Keys, []string{"ann"}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	list, err := client.List(ctx)
	if err != nil || !slices.ContainsFunc(list.Models, func(m ollama.ListModelResponse) bool { return m.Name == "twin:latest" }) {
		t.Errorf("list %+v, %v", list, err)
	}
	for _, name := range []string{"mario:latest", "luigi", "twin"} {
		if err := client.Delete(ctx, &ollama.DeleteRequest{Model: name}); err != nil {
			t.Error(err)
		}
	}
	b.want(t)
}

func TestOllamaCreateRefused(t *testing.T) {
	b, client := newOllamaBench(t)
	config, tensors := send(t, client, read(t, b.root, "one", "adapter_config.json")), send(t, client, read(t, b.root, "one", "adapter_model.safetensors"))
	gguf := send(t, client, read(t, "..", "adapters", "testdata", "lora.gguf"))
	files := `"adapters":{"adapter_config.json":"` + config + `","adapter_model.safetensors":"` + tensors + `"}`
	b.ask(t, 201, "POST", "/v1/lora_adapters", `{"name":"one","path":"one"}`)
	missing := "sha256:" + strings.Repeat("0", 64)
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"model":"x",` + files + `}`, 400, "neither 'from' or 'files' was specified"},
		{`{"model":"x","from":"fake"}`, 400, "adapters"},
		{`{"from":"fake",` + files + `}`, 400, "model"},
		{`{"model":"x","from":"none",` + files + `}`, 404, "does not exist"},
		{`{"model":"x","from":"one",` + files + `}`, 400, "stacked"},
		{`{"model":"x","from":"fake","adapters":{"a.gguf":"` + gguf + `","b.gguf":"` + gguf + `"}}`, 400, "only one adapter is currently supported"},
		{`{"model":"x","from":"fake","adapters":{"a.gguf":"` + missing + `"}}`, 404, "blob"},
		{`{"model":"x","from":"fake","adapters":{"a.gguf":"sha256:12"}}`, 400, "digest"},
		{`{"model":"x","from":"fake","adapters":{"adapter_config.json":"` + config + `"}}`, 422, "adapter_model.safetensors"},
		{`{"model":"x","from":"fake",` + files + `,"template":"{{ if .System }}{{ .System }}{{ end }}{{ .Prompt }}"}`, 400, "Go's"},
		{`{"model":"x","from":"fake",` + files + `,"messages":[{"role":"user","content":"x"}]}`, 400, "messages"},
		{`{"model":"x","from":"fake",` + files + `,"quantize":"q4_0"}`, 400, "quantize"},
		{`{"model":"x","from":"fake",` + files + `,"license":"MIT"}`, 400, "license"},
		{`{"model":"x","from":"fake",` + files + `,"files":{"a":"b"}}`, 400, "files"},
		{`{"model":"x","from":"fake",` + files + `,"parameters":{"num_ctx":4096}}`, 400, "num_ctx"},
		{`{"model":"x","from":"fake",` + files + `,"parameters":{"num_predict":0}}`, 400, "num_predict"},
		{`{"model":"x","from":"fake",` + files + `,"parameters":{"temprature":1}}`, 400, "temprature"},
		{`{"model":"fake","from":"fake",` + files + `}`, 400, "model"},
	} {
		w := do(b, "POST", "/api/create", c.body)
		if got := fieldsOf(t, w, c.status); !strings.Contains(got["error"].(string), c.want) {
			t.Errorf("%s: %s", c.body, w.Body)
		}
	}
	b.want(t, "one one")

	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"DELETE", "/api/delete", `{"model":"none"}`, 404}, {"DELETE", "/api/delete", `{"model":"fake"}`, 400}, {"DELETE", "/api/delete", `{}`, 400},
		{"POST", "/api/copy", `{"source":"fake","destination":"x"}`, 400}, {"POST", "/api/copy", `{"source":"none","destination":"x"}`, 404},
		{"POST", "/api/blobs/" + missing, "another content", 400}, {"POST", "/api/blobs/sha256:x", "", 400}, {"POST", "/api/blobs/" + config, "", 200},
		{"HEAD", "/api/blobs/" + missing, "", 404}, {"HEAD", "/api/blobs/" + config, "", 200}, {"HEAD", "/api/blobs/x", "", 400},
	} {
		if w := do(b, c.method, c.path, c.body); w.Code != c.status {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
	b.want(t, "one one")
}
