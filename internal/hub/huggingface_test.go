package hub

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPullSingleFile(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{"m.gguf": random(1 << 20)})
	h := testHub(t, fake.URL, fake.model("m.gguf"))
	if _, err := h.Find("test-model"); !errors.Is(err, ErrNotInstalled) {
		t.Fatalf("before the pull: %v", err)
	}
	var last Event
	l, err := h.Pull(context.Background(), "test-model", func(e Event) { last = e })
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(l.Path); !bytes.Equal(got, fake.files["m.gguf"]) || filepath.Base(l.Path) != "m.gguf" {
		t.Fatalf("%s is not the file", l.Path)
	}
	if l.Digest != sum(fake.files["m.gguf"]) || l.Bytes != 1<<20 || last.Kind != EventDone {
		t.Fatalf("%+v, last event %+v", l, last)
	}
	before := len(fake.asked())
	if again, err := h.Pull(context.Background(), "test-model", nil); err != nil || again.Path != l.Path {
		t.Fatalf("second pull: %+v %v", again, err)
	}
	if len(fake.asked()) != before {
		t.Fatal("a model that is there was asked for again")
	}
}

// TestResume breaks the download twice: the third request must ask for the
// rest only, and the whole must be right.
func TestResume(t *testing.T) {
	for name, stall := range map[string]bool{"broken": false, "stalled": true} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeHub(t, map[string][]byte{"m.gguf": random(1 << 20)})
			fake.set(func() { fake.breakAt, fake.stall = []int{300_000, 200_000}, stall })
			h := testHub(t, fake.URL, fake.model("m.gguf"))
			l, err := h.Pull(context.Background(), "test-model", nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(l.Path); !bytes.Equal(got, fake.files["m.gguf"]) {
				t.Fatal("the file is not the one sent")
			}
			r := fake.asked()[len(fake.asked())-1]
			if len(fake.asked()) != 3 || r.Header.Get("Range") != "bytes=500000-" || r.Header.Get("If-Range") != `"v1"` {
				t.Fatalf("request %d has Range %q, If-Range %q", len(fake.asked()), r.Header.Get("Range"), r.Header.Get("If-Range"))
			}
		})
	}
}

// TestResumeNextRun continues what an earlier run of the program left.
func TestResumeNextRun(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{"m.gguf": random(1 << 20)})
	h := testHub(t, fake.URL, fake.model("m.gguf"))
	ctx, cancel := context.WithCancel(context.Background())
	_, err := h.Pull(ctx, "test-model", func(e Event) {
		if e.Done > 300_000 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled pull: %v", err)
	}
	if _, err := h.Pull(context.Background(), "test-model", nil); err != nil {
		t.Fatal(err)
	}
	if r := fake.asked()[len(fake.asked())-1]; !strings.HasPrefix(r.Header.Get("Range"), "bytes=") {
		t.Fatal("the second run did not continue the part")
	}
	if left, _ := filepath.Glob(filepath.Join(h.dir("test-model"), "*.part*")); len(left) > 0 {
		t.Fatalf("left behind: %v", left)
	}
}

// TestResumeChangedFile must not glue the end of a new file to the beginning
// of an old one.
func TestResumeChangedFile(t *testing.T) {
	old, changed := random(1<<20), bytes.Repeat([]byte("new!"), 1<<18)
	fake := newFakeHub(t, map[string][]byte{"m.gguf": old})
	m := fake.model("m.gguf")
	m.Files[0].SHA256 = sum(changed)
	h := testHub(t, fake.URL, m)
	ctx, cancel := context.WithCancel(context.Background())
	h.Pull(ctx, "test-model", func(e Event) {
		if e.Done > 300_000 {
			cancel()
		}
	})
	fake.set(func() { fake.files = map[string][]byte{"m.gguf": changed}; fake.etag = `"v2"` })
	if _, err := h.Pull(context.Background(), "test-model", nil); err != nil {
		t.Fatal(err)
	}
}

// TestResumeBeyondTheEnd: a part that is as long as the file, of which only the
// sum is known, is asked for once more from the beginning.
func TestResumeBeyondTheEnd(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{"m.gguf": random(5000)})
	m := fake.model("m.gguf")
	m.Files[0].Size = 0
	h := testHub(t, fake.URL, m)
	dir := h.dir("test-model")
	os.MkdirAll(dir, 0o755)
	os.WriteFile(filepath.Join(dir, "m.gguf.part"), make([]byte, 5000), 0o644)
	if _, err := h.Pull(context.Background(), "test-model", nil); err != nil {
		t.Fatal(err)
	}
	if r := fake.asked(); len(r) != 2 || r[0].Header.Get("Range") != "bytes=5000-" || r[1].Header.Get("Range") != "" {
		t.Fatalf("%d requests", len(r))
	}
}

func TestWrongSum(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{"m.gguf": random(1 << 20)})
	m := fake.model("m.gguf")
	m.Files[0].SHA256 = strings.Repeat("ab", 32)
	h := testHub(t, fake.URL, m)
	_, err := h.Pull(context.Background(), "test-model", nil)
	var all *PullError
	if !errors.As(err, &all) || !strings.Contains(err.Error(), "sha256") {
		t.Fatalf("%v", err)
	}
	if _, err := h.Find("test-model"); !errors.Is(err, ErrNotInstalled) {
		t.Fatalf("a damaged model counts as installed: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(h.dir("test-model"), "*"))
	for _, path := range left {
		if !strings.HasSuffix(path, etagSuffix) {
			t.Fatalf("left behind: %v", left)
		}
	}
}

func TestWrongSize(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{"m.gguf": random(1 << 20)})
	m := fake.model("m.gguf")
	m.Files[0].Size++
	_, err := testHub(t, fake.URL, m).Pull(context.Background(), "test-model", nil)
	if err == nil || !strings.Contains(err.Error(), "1048576 bytes there, want 1048577") {
		t.Fatalf("%v", err)
	}
}

func TestRepositoryFolder(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{
		"config.json": []byte("{}"), "tokenizer.json": []byte("{}"), "README.md": []byte("x"), "original/params.json": []byte("{}"),
		"model-00001-of-00002.safetensors": random(5000), "model-00002-of-00002.safetensors": random(6000),
		"consolidated.safetensors": random(11000), "model.safetensors.index.json": []byte("{}"), "x.gguf": random(2000),
	})
	h := testHub(t, fake.URL)
	l, err := h.Pull(context.Background(), "o/m", nil)
	if err != nil {
		t.Fatal(err)
	}
	man, err := readManifest(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range man.Files {
		names = append(names, f.Name)
		if f.SHA256 != sum(fake.files[f.Name]) {
			t.Errorf("%s: recorded sha256 %s", f.Name, f.SHA256)
		}
	}
	if len(names) != 5 || man.Revision != "c0ffee" {
		t.Fatalf("files %v at %s", names, man.Revision)
	}
	if err := h.Verify("o/m"); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(l.Path, "config.json"), []byte("[]"), 0o644)
	if err := h.Verify("o/m"); err == nil || !strings.Contains(err.Error(), "config.json") {
		t.Fatalf("changed file: %v", err)
	}
}

func TestRepositoryGGUF(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{
		"a-Q4_0.gguf": random(3000), "a-Q8_0-00001-of-00002.gguf": random(4000), "a-Q8_0-00002-of-00002.gguf": random(5000),
	})
	h := testHub(t, fake.URL)
	_, err := h.Pull(context.Background(), "o/m", nil)
	if err == nil || !strings.Contains(err.Error(), "2 GGUF models; choose one: ") {
		t.Fatalf("%v", err)
	}
	l, err := h.Pull(context.Background(), "o/m:a-Q8_0-00001-of-00002.gguf", nil)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(l.Path) != "a-Q8_0-00001-of-00002.gguf" || l.Bytes != 9000 {
		t.Fatalf("%+v", l)
	}
}

func TestRefusals(t *testing.T) {
	for status, want := range map[int]string{
		http.StatusForbidden: "accept its licence at https://huggingface.co/o/m and set HF_TOKEN",
		http.StatusNotFound:  "404 Not Found",
	} {
		fake := newFakeHub(t, nil)
		fake.set(func() { fake.status = status })
		_, err := testHub(t, fake.URL).Pull(context.Background(), "o/m", nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

// TestTokenStaysHome follows a redirect to another host, as large files do.
func TestTokenStaysHome(t *testing.T) {
	content := newFakeHub(t, map[string][]byte{"m.gguf": random(2000)})
	var sent string
	front := newFakeHub(t, nil)
	front.set(func() {
		front.first = func(w http.ResponseWriter, r *http.Request) {
			sent = r.Header.Get("Authorization")
			http.Redirect(w, r, strings.Replace(content.URL, "127.0.0.1", "localhost", 1)+r.URL.Path, http.StatusFound)
		}
	})
	h := testHub(t, front.URL, content.model("m.gguf"))
	h.opts.Token = "secret"
	if _, err := h.Pull(context.Background(), "test-model", nil); err != nil {
		t.Fatal(err)
	}
	if sent != "Bearer secret" {
		t.Errorf("the endpoint got %q", sent)
	}
	if got := content.asked()[0].Header.Get("Authorization"); got != "" {
		t.Errorf("the other host got %q", got)
	}
}
