package hub

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// broken is a source that never has anything.
type broken string

func (b broken) String() string { return string(b) }

func (b broken) fetch(context.Context, *job) (fetched, error) {
	return fetched{}, errors.New("closed on Sundays")
}

func TestNextSource(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{"m.gguf": random(3000)})
	m := fake.model("m.gguf")
	m.sources = append([]source{broken("first")}, m.sources...)
	var kinds []string
	l, err := testHub(t, fake.URL, m).Pull(context.Background(), "test-model", func(e Event) {
		if e.Kind != EventProgress {
			kinds = append(kinds, string(e.Kind))
		}
	})
	if err != nil || l.Source != "Hugging Face o/m" {
		t.Fatalf("%+v %v", l, err)
	}
	if got := strings.Join(kinds, " "); got != "source failed source done" {
		t.Fatalf("events %s", got)
	}
}

func TestEverySourceFails(t *testing.T) {
	m := Model{ID: "test-model", Files: []File{{Name: "f.gguf"}}, sources: []source{broken("first"), broken("second")}}
	_, err := testHub(t, "", m).Pull(context.Background(), "test-model", nil)
	for _, want := range []string{"first: closed on Sundays", "second: closed on Sundays", "GGUF file"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// TestUnreachable proves that a source that swallows packets costs no more
// than the connect time-out.
func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // never accepts
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h := testHub(t, "https://"+l.Addr().String(), Model{ID: "test-model", Files: []File{{Name: "f.gguf"}}, sources: []source{huggingFace{repo: "o/m"}}})
	h.opts.ConnectTimeout = 300 * time.Millisecond
	h.client = h.opts.client()
	start := time.Now()
	if _, err := h.Pull(context.Background(), "test-model", nil); err == nil {
		t.Fatal("no error")
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Fatalf("took %v", took)
	}
}

func TestOffline(t *testing.T) {
	h := testHub(t, "")
	h.opts.Offline = true
	_, err := h.Pull(context.Background(), Default, nil)
	if !errors.Is(err, ErrNotInstalled) || !strings.Contains(err.Error(), "graft pull "+Default) {
		t.Fatalf("%v", err)
	}
}

func TestNoSpace(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{"m.gguf": random(3000)})
	h := testHub(t, fake.URL, fake.model("m.gguf"))
	h.free = func(string) (int64, bool) { return 1000, true }
	_, err := h.Pull(context.Background(), "test-model", nil)
	if !errors.Is(err, ErrNoSpace) || !strings.Contains(err.Error(), "--data-dir") || len(fake.asked()) > 0 {
		t.Fatalf("%v after %d requests", err, len(fake.asked()))
	}
}

// TestTwoPullsAtOnce stands for two processes: the locks of two open files
// exclude each other within one process as well.
func TestTwoPullsAtOnce(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{"m.gguf": random(1 << 20)})
	h := testHub(t, fake.URL, fake.model("m.gguf"))
	other := New(h.opts)
	var wg sync.WaitGroup
	for _, h := range []*Hub{h, other, h, other} {
		wg.Go(func() {
			if _, err := h.Pull(context.Background(), "test-model", nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(fake.asked()) != 1 {
		t.Fatalf("%d downloads, want 1", len(fake.asked()))
	}
}

func TestLicenseIsShown(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{"m.gguf": random(3000)})
	m := fake.model("m.gguf")
	m.License = gemma
	var shown string
	_, err := testHub(t, fake.URL, m).Pull(context.Background(), "test-model", func(e Event) {
		if e.Kind == EventLicense {
			shown = e.Source
		}
	})
	if err != nil || !strings.Contains(shown, "https://ai.google.dev/gemma/terms") {
		t.Fatalf("%q %v", shown, err)
	}
}

func TestFindPaths(t *testing.T) {
	dir := t.TempDir()
	gguf, folder, empty := filepath.Join(dir, "My.Model.GGUF"), filepath.Join(dir, "folder"), filepath.Join(dir, "empty")
	os.WriteFile(gguf, []byte("GGUF"), 0o644)
	os.Mkdir(folder, 0o755)
	os.Mkdir(empty, 0o755)
	os.WriteFile(filepath.Join(folder, "config.json"), []byte("{}"), 0o644)
	h := testHub(t, "")
	for _, c := range []struct{ id, want, wantErr string }{
		{gguf, "My.Model", ""},
		{folder, "folder", ""},
		{empty, "", "has no config.json"},
		{filepath.Join(dir, "none.gguf"), "", "no such file"},
		{"./none", "", "no such file"},
		{"smollm2-135m-instrct", "", "did you mean smollm2-135m-instruct?"},
		{"minilm", "", "did you mean all-minilm-l6-v2?"},
		{"zzz", "", "see `graft models`"},
	} {
		l, err := h.Find(c.id)
		if l.ID != c.want || (err == nil) != (c.wantErr == "") || err != nil && !strings.Contains(err.Error(), c.wantErr) {
			t.Errorf("%s: %q, %v", c.id, l.ID, err)
		}
		if err != nil && !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v is not ErrUnknown", c.id, err)
		}
	}
}

func TestTruncatedFileIsNotInstalled(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{"m.gguf": random(3000)})
	h := testHub(t, fake.URL, fake.model("m.gguf"))
	l, err := h.Pull(context.Background(), "test-model", nil)
	if err != nil {
		t.Fatal(err)
	}
	os.Truncate(l.Path, 2999)
	if _, err := h.Find("test-model"); !errors.Is(err, ErrNotInstalled) {
		t.Fatalf("%v", err)
	}
	if l, err = h.Pull(context.Background(), "test-model", nil); err != nil {
		t.Fatal(err)
	}
	if err := h.Remove("test-model"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(l.Path); err == nil {
		t.Fatal("still there")
	}
}

// TestManifestStaysInside: a manifest that was tampered with names no file
// outside its directory.
func TestManifestStaysInside(t *testing.T) {
	h := testHub(t, "", Model{ID: "test-model"})
	dir := h.dir("test-model")
	os.MkdirAll(dir, 0o755)
	os.WriteFile(filepath.Join(dir, manifestName), []byte(`{"id":"test-model","files":[{"name":"../../secret.gguf","size":0}]}`), 0o644)
	if _, err := h.Find("test-model"); !errors.Is(err, ErrNotInstalled) || !strings.Contains(err.Error(), "leaves the directory") {
		t.Fatalf("%v", err)
	}
}

func TestCatalog(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Catalog() {
		if seen[m.ID] || m.ID == "" || m.Title == "" || m.Kind == "" || m.License.Name == "" || m.License.URL == "" || len(m.Sources()) == 0 {
			t.Errorf("incomplete or double: %+v", m)
		}
		seen[m.ID] = true
		if m.Tried == (m.Files == nil) {
			t.Errorf("%s: models that were tried have checksums, the others cannot", m.ID)
		}
		for _, f := range m.Files {
			if len(f.SHA256) != 64 || f.Size <= 0 {
				t.Errorf("%s: file %+v", m.ID, f)
			}
		}
	}
	if m := Catalog()[0]; m.ID != Default {
		t.Errorf("first is %s", m.ID)
	}
}
