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

// TestAdapter: the two files of a revision are brought, from its commit.
func TestAdapter(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{
		"adapter_config.json": []byte("{}"), "adapter_model.safetensors": random(5000), "adapter_model.bin": random(5000), "README.md": []byte("x"),
		"checkpoint-10/adapter_config.json": []byte("[]"), "tokenizer.json": random(9000),
	})
	h := testHub(t, fake.URL)
	for _, revision := range []string{"", "v1/x"} {
		dir := t.TempDir()
		commit, err := h.Adapter(context.Background(), "o/m", revision, dir, 6000)
		if err != nil || commit != "c0ffee" {
			t.Fatalf("%q %v", commit, err)
		}
		list, _ := os.ReadDir(dir)
		if len(list) != 2 {
			t.Fatalf("%v", list)
		}
		if got, _ := os.ReadFile(filepath.Join(dir, "adapter_model.safetensors")); !bytes.Equal(got, fake.files["adapter_model.safetensors"]) {
			t.Fatal("not the file")
		}
	}
	for _, r := range fake.asked() {
		if strings.HasPrefix(r.URL.Path, "/o/m/resolve/") && !strings.HasPrefix(r.URL.Path, "/o/m/resolve/c0ffee/adapter_") {
			t.Errorf("asked for %s", r.URL.Path)
		}
	}
}

func TestAdapterGGUF(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{"lora-f16.gguf": random(3000), "README.md": []byte("x")})
	dir := t.TempDir()
	if _, err := testHub(t, fake.URL).Adapter(context.Background(), "o/m", "", dir, 3000); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "lora-f16.gguf")); len(got) != 3000 {
		t.Fatalf("%d bytes", len(got))
	}
}

// TestAdapterRefusals: what cannot be had is said so, before anything is fetched.
func TestAdapterRefusals(t *testing.T) {
	files := func(names ...string) map[string][]byte {
		m := map[string][]byte{}
		for _, name := range names {
			m[name] = random(2000)
		}
		return m
	}
	peft := files("adapter_config.json", "adapter_model.safetensors")
	for _, c := range []struct {
		name, repo, revision string
		files                map[string][]byte
		status               int
		offline              bool
		is                   error
		want                 string
	}{
		{"no repository", "../x", "", peft, 0, false, ErrUnknown, "want OWNER/NAME"},
		{"a file", "o/m:x.gguf", "", peft, 0, false, ErrUnknown, "want OWNER/NAME"},
		{"dots", "o/..", "", peft, 0, false, ErrUnknown, "want OWNER/NAME"},
		{"revision", "o/m", "../../other", peft, 0, false, ErrUnknown, "no revision"},
		{"unknown revision", "o/m", "v9", peft, 0, false, ErrUnknown, "404"},
		{"offline", "o/m", "", peft, 0, true, ErrNotInstalled, "fetching is off"},
		{"gated", "o/m", "", peft, http.StatusForbidden, false, nil, "set HF_TOKEN"},
		{"large", "o/m", "", files("adapter_config.json", "adapter_model.safetensors", "x"), 0, false, ErrTooLarge, "4.0 kB, at most 3.0 kB are"},
		{"pickle", "o/m", "", files("adapter_config.json", "adapter_model.bin"), 0, false, ErrNoAdapter, `"adapter_model.bin"`},
		{"two", "o/m", "", files("a.gguf", "b.gguf"), 0, false, ErrNoAdapter, "2 GGUF files"},
		{"empty", "o/m", "", map[string][]byte{"adapter_config.json": nil, "adapter_model.safetensors": nil}, 0, false, ErrNoAdapter, "the size of adapter_"},
	} {
		fake := newFakeHub(t, c.files)
		fake.set(func() { fake.status = c.status })
		h := testHub(t, fake.URL)
		h.opts.Offline = c.offline
		dir := t.TempDir()
		most := int64(1 << 20)
		if c.name == "large" {
			most = 3000
		}
		_, err := h.Adapter(context.Background(), c.repo, c.revision, dir, most)
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if list, _ := os.ReadDir(dir); len(list) > 0 {
			t.Errorf("%s: left %v", c.name, list)
		}
	}
}

// TestAdapterLongerThanListed: a server that sends more than it listed is cut off.
func TestAdapterLongerThanListed(t *testing.T) {
	fake := newFakeHub(t, map[string][]byte{"adapter_config.json": []byte("{}"), "adapter_model.safetensors": random(2000)})
	fake.set(func() {
		fake.first = func(w http.ResponseWriter, r *http.Request) { // of the configuration
			for range 1000 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}
	})
	dir := t.TempDir()
	if _, err := testHub(t, fake.URL).Adapter(context.Background(), "o/m", "", dir, 1<<20); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Fatalf("%v", err)
	}
	filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if info.Size() > 1<<20 {
			t.Errorf("%s has %d bytes", path, info.Size())
		}
		return err
	})
}
