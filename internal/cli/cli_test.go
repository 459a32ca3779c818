package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"graft/internal/hub"
	"graft/internal/hub/hubtest"
)

// graft runs a command line in a data folder of the test's own.
func graft(t *testing.T, dir, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	example, e := os.ReadFile(filepath.Join("..", "..", "config.yaml"))
	if e != nil {
		t.Fatal(e)
	}
	status = Main(example, append([]string{"--data-dir", dir}, args...), strings.NewReader(stdin), &out, &err)
	return status, out.String(), err.String()
}

func TestMistakes(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no pip
	for _, c := range []struct {
		args string
		want string
	}{
		{"pul", "Did you mean this?\n\tpull"},
		{"serve --lisen 1", "unknown flag: --lisen; see `graft serve --help`"},
		{"pull smollm2-135m-instrct", "did you mean smollm2-135m-instruct?"},
		{"pull --offline-please", "unknown flag"},
		{"--set engine.thredas=1 models", `unknown key "engine.thredas"; did you mean engine.threads?`},
		{"--set nonsense models", "write KEY=VALUE"},
		{"--set engine.threads=-1 models", "engine.threads: -1 is less than 0"},
		{"--config none.yaml models", "none.yaml"},
		{"keys create", "accepts 1 arg"},
		{"keys revoke nobody", `key "nobody": not found`},
		{"models remove gemma-3-270m", "not on this machine"},
		{"serve --model ./none.gguf --listen 127.0.0.1:0", "no such file"},
		{"serve --listen 0.0.0.0:0", "graft keys create NAME"},
		{"serve --offline --listen 127.0.0.1:0", "graft pull smollm2-135m-instruct"},
		{"chat --url http://127.0.0.1:1 hello", "connection refused"},
	} {
		status, stdout, stderr := graft(t, t.TempDir(), "", strings.Fields(c.args)...)
		if status != 1 || !strings.HasPrefix(stderr, "graft: ") || !strings.Contains(stderr, c.want) || stdout != "" {
			t.Errorf("%s: status %d, stdout %q, stderr %q, want %q", c.args, status, stdout, stderr, c.want)
		}
	}
}

// TestHelp: every command explains itself with an example, and flags that are
// shown exist.
func TestHelp(t *testing.T) {
	for _, name := range []string{"serve", "chat", "pull", "models", "models remove", "keys", "keys create", "keys list", "keys revoke", "adapters", "adapters list", "adapters show", "adapters history", "adapters add", "adapters rm", "adapters promote", "adapters rollback", "adapters set", "adapters export", "adapters merge", "adapters mix", "adapters diff", "data", "data check", "data split", "data preview", "train", "jobs", "jobs list", "jobs show", "jobs watch", "jobs cancel", "jobs pause", "jobs resume", "tokenize", "config", "version"} {
		status, stdout, _ := graft(t, t.TempDir(), "", append(strings.Fields(name), "--help")...)
		if status != 0 || !strings.Contains(stdout, "Examples:\n") || !strings.Contains(stdout, "graft "+name) {
			t.Errorf("%s: %d\n%s", name, status, stdout)
		}
	}
	if _, stdout, _ := graft(t, t.TempDir(), ""); !strings.Contains(stdout, "Available Commands:") {
		t.Errorf("no arguments: %s", stdout)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if status, stdout, _ := graft(t, t.TempDir(), "", "completion", shell); status != 0 || len(stdout) < 1000 {
			t.Errorf("completion %s: %d", shell, status)
		}
	}
	if _, stdout, _ := graft(t, t.TempDir(), "", "__complete", "pull", "all-"); !strings.Contains(stdout, "all-minilm-l6-v2\tall-MiniLM") {
		t.Errorf("completion of models: %s", stdout)
	}
}

func TestModelsList(t *testing.T) {
	dir := t.TempDir()
	status, stdout, _ := graft(t, dir, "", "models", "--json")
	var lines []modelLine
	if err := json.Unmarshal([]byte(stdout), &lines); status != 0 || err != nil {
		t.Fatalf("%d %v", status, err)
	}
	if len(lines) != len(hub.Catalog()) || lines[0].ID != hub.Default || lines[0].Installed || lines[0].Bytes != 98362432 {
		t.Fatalf("%d lines, first %+v", len(lines), lines[0])
	}
	_, stdout, _ = graft(t, dir, "", "models")
	for _, want := range []string{"smollm2-135m-instruct", "Gemma Terms of Use https://ai.google.dev/gemma/terms", "not tried"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
}

func TestKeysCommands(t *testing.T) {
	dir := t.TempDir()
	status, secret, stderr := graft(t, dir, "", "keys", "create", "laptop")
	if status != 0 || !strings.HasPrefix(secret, "sk-graft-") || strings.Count(secret, "\n") != 1 || !strings.Contains(stderr, "only time") {
		t.Fatalf("%d %q %q", status, secret, stderr)
	}
	if _, _, stderr := graft(t, dir, "", "keys", "create", "-q", "other"); stderr != "" {
		t.Errorf("quiet: %q", stderr)
	}
	_, list, _ := graft(t, dir, "", "keys", "list")
	if !strings.Contains(list, "laptop") || strings.Contains(list, strings.TrimSpace(secret)) {
		t.Errorf("list: %s", list)
	}
	if status, _, _ := graft(t, dir, "", "keys", "revoke", "laptop"); status != 0 {
		t.Error("revoke failed")
	}
	var keys []map[string]any
	_, list, _ = graft(t, dir, "", "keys", "list", "--json")
	if err := json.Unmarshal([]byte(list), &keys); err != nil || len(keys) != 2 || keys[0]["revoked"] == nil || keys[1]["revoked"] != nil {
		t.Errorf("%v %v", keys, err)
	}
}

// TestPullHere: for programs, a model that is here already is done as well.
func TestPullHere(t *testing.T) {
	want := hubtest.Model(t, hub.Default)
	status, stdout, stderr := graft(t, hubtest.DataDir(t), "", "pull", "--json")
	var ev struct{ Event, Model, Path string }
	if err := json.Unmarshal([]byte(stdout), &ev); status != 0 || err != nil || ev.Event != "done" || ev.Model != hub.Default || ev.Path != want {
		t.Errorf("%d %q %q %v", status, stdout, stderr, err)
	}
}

// TestTokenize uses the default model; numbers from Hugging Face's tokenizers.
func TestTokenize(t *testing.T) {
	hubtest.Model(t, hub.Default)
	dir := hubtest.DataDir(t)
	for _, c := range []struct{ stdin, args, want string }{
		{"Hello, world", "tokenize --ids", "19556 28 905\n"},
		{"", "tokenize --ids Hello, world", "19556 28 905\n"},
		{"", "tokenize --decode 19556 28 905", "Hello, world\n"},
		{"", "tokenize --decode [19556,28,905]", "Hello, world\n"},
		{"", "tokenize -q --special <|im_start|>user", "1     \"<|im_start|>\"  control <|im_start|>\n4093  \"user\"\n"},
		{"", "tokenize --json abc", `[{"id":25276,"text":"abc","bytes":[97,98,99]}]` + "\n"},
	} {
		status, stdout, stderr := graft(t, dir, c.stdin, strings.Fields(c.args)...)
		if status != 0 || stdout != c.want {
			t.Errorf("%s: %d %q %q", c.args, status, stdout, stderr)
		}
	}
	if status, _, stderr := graft(t, dir, "", "tokenize", "--decode", "49152"); status != 1 || !strings.Contains(stderr, "from 0 to 49151") {
		t.Errorf("%d %q", status, stderr)
	}
}

func TestConfigAndVersion(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("..", "..", "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, stdout, _ := graft(t, t.TempDir(), "", "config"); stdout != string(want) {
		t.Error("graft config does not print config.yaml")
	}
	if status, stdout, _ := graft(t, t.TempDir(), "", "--version"); status != 0 || stdout != "graft "+Version+"\n" {
		t.Errorf("--version: %d %q", status, stdout)
	}
	_, stdout, _ := graft(t, t.TempDir(), "", "version", "--json")
	var v map[string]string
	if err := json.Unmarshal([]byte(stdout), &v); err != nil || v["version"] != Version || !strings.HasPrefix(v["go"], "go1.") {
		t.Errorf("%s %v", stdout, err)
	}
}
