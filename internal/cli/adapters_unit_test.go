package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"graft/adapters"
)

// TestUpload: a server that may not read a path is sent the files and the fields;
// other refusals are final.
func TestUpload(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"adapter_config.json": `{"r":8}`, "adapter_model.safetensors": strings.Repeat("x", 100000), "README.md": "no"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var paths []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" || r.Method != "POST" || r.URL.Path != "/v1/lora_adapters" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		if r.Header.Get("Content-Type") == "application/json" {
			var body map[string]any
			json.NewDecoder(r.Body).Decode(&body)
			paths = append(paths, body["path"].(string))
			w.WriteHeader(403)
			code := "adapter_path_forbidden"
			if body["name"] == "broken" {
				code = "invalid_adapter"
			}
			io.WriteString(w, `{"error":{"message":"no","code":"`+code+`"}}`)
			return
		}
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			t.Error(err)
			return
		}
		var files []string
		for _, f := range r.MultipartForm.File["file"] {
			files = append(files, f.Filename)
		}
		if !slices.Equal(files, []string{"adapter_config.json", "adapter_model.safetensors"}) || r.FormValue("name") != "one" ||
			r.FormValue("replace") != "true" || r.FormValue("expected_generation") != "0123abcd" || r.FormValue("stage") != "" {
			t.Errorf("files %v, fields %v", files, r.MultipartForm.Value)
		}
		w.WriteHeader(201)
		io.WriteString(w, `{"id":"one","generation":"sha256:aa","report":{"modules_applied":3,"modules_expected":3,"norm":0.01}}`)
	}))
	defer s.Close()
	status, out, stderr := graft(t, t.TempDir(), "", "adapters", "add", "one", folder, "--expect", "0123abcd", "--url", s.URL, "--key", "secret")
	if status != 0 || !strings.Contains(out, "3 of 3 changed") || !slices.Equal(paths, []string{folder}) {
		t.Errorf("%d %q %q, asked for %v", status, out, stderr, paths)
	}
	if status, _, stderr := graft(t, t.TempDir(), "", "adapters", "add", "broken", folder, "--url", s.URL, "--key", "secret"); status != 1 || stderr != "graft: no\n" {
		t.Errorf("%d %q", status, stderr)
	}
	if status, _, stderr := graft(t, t.TempDir(), "", "adapters", "add", "one", filepath.Dir(folder), "--url", s.URL, "--key", "secret"); status != 1 || !strings.Contains(stderr, "a PEFT folder holds") {
		t.Errorf("%d %q", status, stderr)
	}
}

// TestNames: a slash in a name is not one of the path.
func TestNames(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"id":"`+r.Method+" "+r.URL.EscapedPath()+"?"+r.URL.RawQuery+`","generation":"g"}`)
	}))
	defer s.Close()
	for args, want := range map[string]string{
		"show team/a":                     "GET /v1/lora_adapters/team%2Fa?",
		"promote ft:x:y/z 01234567":       "POST /v1/lora_adapters/ft:x:y%2Fz/promote?",
		"rollback a --expect 01234567":    "POST /v1/lora_adapters/a/rollback?",
		"set a temperature=1 --notes new": "PATCH /v1/lora_adapters/a?",
	} {
		status, out, stderr := graft(t, t.TempDir(), "", append(append([]string{"adapters"}, strings.Fields(args)...), "--json", "--url", s.URL)...)
		var a adapterInfo
		if err := json.Unmarshal([]byte(out), &a); status != 0 || err != nil || a.ID != want {
			t.Errorf("%s: %d %q %q", args, status, a.ID, stderr)
		}
	}
}

func TestReadSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.jinja")
	if err := os.WriteFile(path, []byte("{{ x }}"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readSettings([]string{"temperature=0.5", "top_k=4", "pinned=true", "stop=a,b", "system=", "chat_template=@" + path})
	text, _ := json.Marshal(got)
	if want := `{"chat_template":"{{ x }}","pinned":true,"stop":["a","b"],"system":null,"temperature":0.5,"top_k":4}`; err != nil || string(text) != want {
		t.Errorf("%s, %v, want %s", text, err, want)
	}
	for _, bad := range []string{"temperature", "temperature=warm", "top_k=1.5", "pinned=perhaps", "colour=red", "chat_template=@" + path + "x"} {
		if _, err := readSettings([]string{bad}); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestBoundedKL: by hand, and never more than the divergence of what it coarsens.
func TestBoundedKL(t *testing.T) {
	log := func(list ...float64) map[string]float64 {
		m := map[string]float64{}
		for i, p := range list {
			m[string(rune('a'+i))] = math.Log(p)
		}
		return m
	}
	p, q := log(0.5, 0.25), log(0.25, 0.5)
	// 0.5 ln 2 - 0.25 ln 2, and a rest of 0.25 each
	if have := boundedKL(p, q); math.Abs(have-0.25*math.Ln2) > 1e-12 {
		t.Errorf("%g", have)
	}
	// only a is named by both: 0.5 ln 2 + 0.5 ln(0.5/0.75)
	if have, want := boundedKL(p, log(0.25)), 0.5*math.Ln2+0.5*math.Log(0.5/0.75); math.Abs(have-want) > 1e-12 {
		t.Errorf("%g, want %g", have, want)
	}
	if boundedKL(p, p) != 0 || top(p) != "a" || top(q) != "b" || top(log(0.3, 0.3)) != "a" {
		t.Error("a distribution differs from itself")
	}
}

func TestParting(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"same", "same", -1}, {"abc", "abd", 2}, {"ab", "abc", 2}, {"", "x", 0}, {"é", "è", 0}, {"xé", "xè", 1}} {
		if have := parting(test.a, test.b); have != test.want {
			t.Errorf("%q, %q: %d, want %d", test.a, test.b, have, test.want)
		}
	}
	if have := wrap("one two three, abcdefghijklm", 10); !slices.Equal(have, []string{"one two", "three,", "abcdefghij", "klm"}) {
		t.Errorf("%q", have)
	}
}

// TestBars: heights follow the norms, also when all are 0.
func TestBars(t *testing.T) {
	var b bytes.Buffer
	list := []adapters.ModuleNorm{{Path: "model.layers.0.self_attn.q_proj", Rank: 4, Scale: 2, Norm: 0.01}, {Path: "lm_head", Norm: 0.08}, {Path: "model.layers.1.self_attn.q_proj", Norm: 0.04}}
	if err := printKinds(&b, list); err != nil || !strings.Contains(b.String(), "1 % to 4 %  ▂▅") || !strings.Contains(b.String(), "8 %         █") {
		t.Errorf("%s", &b)
	}
	b.Reset()
	if err := printModules(&b, list); err != nil || !strings.Contains(b.String(), "4     2      1 %  ███\n") {
		t.Errorf("%s", &b)
	}
	b.Reset()
	if err := printKinds(&b, []adapters.ModuleNorm{{Path: "x"}}); err != nil || !strings.Contains(b.String(), "▁") {
		t.Errorf("%s", &b)
	}
}

func TestReadProbes(t *testing.T) {
	for text, want := range map[string]string{
		`{"prompt":"a"}` + "\n\n" + `{"messages":[{"role":"user","content":"b"}]}`: "",
		"": "holds no prompt", "{}": "line 1", "{\"prompt\":\"a\"}\nx": "line 2", `{"prompt":"a","messages":[1]}`: "either",
	} {
		path := filepath.Join(t.TempDir(), "p")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := readProbes(path)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v", text, err)
			}
		} else if err != nil || len(list) != 2 || list[1].text() != "b" {
			t.Errorf("%q: %v %v", text, list, err)
		}
	}
}

// TestNoModels: commands that need no base neither fetch nor load one.
func TestNoModels(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no pip
	dir := t.TempDir()
	if status, out, stderr := graft(t, dir, "", "adapters", "list", "--json"); status != 0 || out != "[]\n" {
		t.Errorf("%d %q %q", status, out, stderr)
	}
	c := &client{url: "http://127.0.0.1:1"}
	if err := c.call(context.Background(), "GET", "/", nil, nil); err == nil {
		t.Error("nobody answered")
	}
}
