package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestFileIsDefaults: config.yaml in the root says what the code does, for
// every key, and explains each.
func TestFileIsDefaults(t *testing.T) {
	path := filepath.Join("..", "..", "config.yaml")
	got, err := Load(Request{File: path})
	if err != nil {
		t.Fatal(err)
	}
	want, err := Load(Request{File: write(t, "{}")})
	if err != nil {
		t.Fatal(err)
	}
	got.File, want.File = "", ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("code and config.yaml differ (-code +file):\n%s", diff)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for key := range keys() {
		last := key[strings.LastIndex(key, ".")+1:]
		if !regexp.MustCompile(`(?m)^ *` + last + `: \S.* # \S`).Match(text) {
			t.Errorf("%s has no line with a value and a comment", key)
		}
	}
}

func TestOrder(t *testing.T) {
	file := write(t, "listen: 127.0.0.1:1\nengine: {threads: 1, max_queue: 1}\nserver: {max_n: 1}")
	c, err := Load(Request{
		File:    file,
		Environ: []string{"GRAFT_ENGINE_THREADS=2", "GRAFT_ADAPTERS_ROOTS=/a,/b", "GRAFT_SERVER_MAX_N=2", "GRAFT_MODELS=a, b", "HF_TOKEN=secret"},
		Flags:   map[string]any{"server.max_n": 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:1" || c.Engine.MaxQueue != 1 || c.Engine.Threads != 2 || c.Server.MaxN != 3 || c.Engine.MaxRunning != 64 {
		t.Fatalf("%+v", c)
	}
	if diff := cmp.Diff([]string{"/a", "/b"}, c.Adapters.Roots); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, c.Models); diff != "" || c.Hub.Token != "secret" || c.File != file {
		t.Fatalf("%s %+v", diff, c)
	}
}

func TestValues(t *testing.T) {
	c, err := Load(Request{File: write(t, `
engine: {kv_memory: 1.5GiB}
server: {max_body_bytes: 5000, idle_timeout: 90s}
memory: {budget: "2 GB"}
auth: {required: true}
`), Environ: []string{"GRAFT_SERVER_STRICT=false", "GRAFT_HUB_CONNECT_TIMEOUT=250ms", "HF_ENDPOINT=http://mirror:1"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Engine.KVMemory != 3<<29 || c.Server.MaxBodyBytes != 5000 || c.Memory.Budget != 2e9 || c.Server.IdleTimeout != 90*time.Second {
		t.Errorf("%+v", c)
	}
	if c.Auth.Required != On || c.Server.Strict || c.Hub.ConnectTimeout != 250*time.Millisecond || c.Hub.HFEndpoint != "http://mirror:1" {
		t.Errorf("%+v", c)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ name, file, env, want string }{
		{"unknown key", "engine: {thredas: 1}", "", `unknown key "engine.thredas"; did you mean engine.threads?`},
		{"unknown section", "engin: {threads: 1}", "", `unknown key "engin.threads"; did you mean engine.threads?`},
		{"not YAML", "a: [", "", "yaml"},
		{"not a number", "engine: {threads: many}", "", `engine.threads: "many" is not a whole number`},
		{"not a number in the environment", "", "GRAFT_ENGINE_THREADS=abc", `engine.threads: "abc" is not a whole number`},
		{"a list", "engine: {threads: [1]}", "", "engine.threads: [1] is not a whole number"},
		{"not a share", "tracing: {sample_ratio: some}", "", `tracing.sample_ratio: "some" is not a number`},
		{"not true or false", "server: {strict: perhaps}", "", `server.strict: "perhaps" is not true or false`},
		{"not a size", "engine: {kv_memory: 12 parsecs}", "", "is not a size"},
		{"negative size", "engine: {kv_memory: -5}", "", "is not a size"},
		{"not a time", "", "GRAFT_SERVER_IDLE_TIMEOUT=soon", "idle_timeout"},
		{"not a switch", "auth: {required: perhaps}", "", "auto, true, false"},
		{"no port", "listen: localhost", "", "HOST:PORT"},
		{"no models", "models: []", "", "name at least one model"},
		{"bad choice", "", "GRAFT_ENGINE_KV_TYPE=f8", `engine.kv_type: "f8" is not one of auto, f32, f16, bf16, q16, q8_0`},
		{"adapters' memory", "adapters: {memory: 512MiB}", "", "adapters.memory: 512MiB is not less than engine.kv_memory"},
		{"rank", "adapters: {max_rank: 0}", "", "adapters.max_rank: 0 is less than 1"},
		{"keep", "", "GRAFT_ADAPTERS_KEEP=-1", "adapters.keep: -1 is less than 0"},
		{"ratio", "tracing: {sample_ratio: 2}", "", "between 0 and 1"},
		{"origin", "server: {cors_origins: [example.org]}", "", "is not an origin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(Request{File: write(t, c.file), Environ: []string{c.env}})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q on one line", err, c.want)
			}
		})
	}
	if c, err := Load(Request{Environ: []string{"GRAFT_CONFIG=" + write(t, "listen: 127.0.0.1:3")}}); err != nil || c.Listen != "127.0.0.1:3" {
		t.Errorf("GRAFT_CONFIG: %+v %v", c, err)
	}
	if _, err := Load(Request{File: "/does/not/exist.yaml"}); err == nil {
		t.Error("a file that was named and is not there is no error")
	}
	if _, err := Load(Request{File: write(t, ""), Flags: map[string]any{"nonsense": 1}}); err == nil {
		t.Error("an unknown --set is no error")
	}
}

// TestEveryProblem: all mistakes are reported together.
func TestEveryProblem(t *testing.T) {
	_, err := Load(Request{File: write(t, "listen: x\nengine: {max_running: 0, block_tokens: 0}")})
	for _, want := range []string{"listen: ", "engine.max_running: ", "engine.block_tokens: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %s", err, want)
		}
	}
}

// TestWebhooks: endpoints come from the file; a secret may come from the environment.
func TestWebhooks(t *testing.T) {
	file := write(t, "training: {webhooks: [{url: 'http://127.0.0.1:1/a', secret: whsec_one}, {url: 'https://example.org'}]}")
	c, err := Load(Request{File: file, Environ: []string{"GRAFT_WEBHOOK_SECRET=whsec_two"}})
	want := []Webhook{{"http://127.0.0.1:1/a", "whsec_one"}, {"https://example.org", "whsec_two"}}
	if diff := cmp.Diff(want, c.Training.Webhooks); err != nil || diff != "" || len(c.Warnings) > 0 {
		t.Errorf("%v, warnings %q\n%s", err, c.Warnings, diff)
	}
	for text, problem := range map[string]string{
		"[{url: 'http://127.0.0.1:1/a'}]": "training.webhooks[0].secret", "[{url: nowhere, secret: x}]": "training.webhooks[0].url",
		"[{url: 'http://a', secret: x}, {url: 'http://a', secret: x}]": "training.webhooks[1].url", "[{uri: 'http://a', secret: x}]": "uri", "some": "training.webhooks",
	} {
		if _, err := Load(Request{File: write(t, "training: {webhooks: "+text+"}")}); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v does not say %s", text, err, problem)
		}
	}
}

func TestUnknownVariable(t *testing.T) {
	c, err := Load(Request{File: write(t, ""), Environ: []string{"GRAFT_THREADS=3", "GRAFT_TEST_DATA=x", "GRAFT_ISA=avx2", "PATH=/bin"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "GRAFT_THREADS") {
		t.Fatalf("%q", c.Warnings)
	}
}

func TestSearch(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("HOME", home)
	t.Chdir(t.TempDir())
	load := func() Config {
		t.Helper()
		c, err := Load(Request{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := load(); c.File != "" {
		t.Fatalf("read %s", c.File)
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	os.MkdirAll(filepath.Join(dir, "graft"), 0o755)
	os.WriteFile(filepath.Join(dir, "graft", "config.yaml"), []byte("listen: 127.0.0.1:1"), 0o644)
	if c := load(); c.Listen != "127.0.0.1:1" {
		t.Fatalf("the user's file was not read: %+v", c)
	}
	os.WriteFile("config.yaml", []byte("listen: 127.0.0.1:2"), 0o644)
	if c := load(); c.Listen != "127.0.0.1:2" {
		t.Fatalf("./config.yaml does not come first: %+v", c)
	}
}

func TestLoopback(t *testing.T) {
	for listen, want := range map[string]bool{
		"127.0.0.1:1": true, "127.1.2.3:1": true, "[::1]:1": true, "localhost:1": true,
		":8080": false, "0.0.0.0:1": false, "[::]:1": false, "10.0.0.1:1": false, "example.org:1": false,
	} {
		if got := Loopback(listen); got != want {
			t.Errorf("%s: %v", listen, got)
		}
	}
}

func TestBytesText(t *testing.T) {
	for text, want := range map[string]Bytes{"0": 0, "1kB": 1000, "1 KiB": 1024, "12b": 12, "2TiB": 2 << 40} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%s: %d %v", text, b, err)
		}
	}
	if s := Bytes(512 << 20).String(); s != "512MiB" {
		t.Errorf("%s", s)
	}
}

func write(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
