//go:build unix

package native

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFileBytes: parts and what links lead to count.
func TestFileBytes(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, n int) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, make([]byte, n), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	link := func(to, name string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.Symlink(to, name); err != nil {
			t.Fatal(err)
		}
		return name
	}
	one := write("one.gguf", 1)
	first := write("two-00001-of-00002.gguf", 10)
	write("two-00002-of-00002.gguf", 20)
	write("folder/config.json", 300)
	link(first, "folder/model.safetensors")
	link(filepath.Join(dir, "nowhere"), "folder/broken")
	for path, want := range map[string]int64{
		one: 1, link(one, "link.gguf"): 1, first: 30,
		filepath.Join(dir, "folder"): 310, link(filepath.Join(dir, "folder"), "folder2"): 310,
	} {
		if n, err := fileBytes(path); n != want || err != nil {
			t.Errorf("%s: %d %v, want %d", path, n, err, want)
		}
	}
	if _, err := fileBytes(filepath.Join(dir, "nowhere")); !os.IsNotExist(err) {
		t.Errorf("of nothing: %v", err)
	}
}
