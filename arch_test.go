package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers lists the packages from the bottom up. A package imports packages of
// layers below its own, and of its own tree. Training and serving are on one
// layer: neither knows the other.
var layers = [][]string{
	{"internal/kernel", "internal/flock", "internal/neutral"},
	{"internal/weights", "internal/hub", "internal/store", "internal/reftest"},
	{"internal/tokenizer", "internal/chat", "internal/grammar", "internal/config"},
	{"internal/model"},
	{"serving", "adapters", "training"},
	{"evalharness"},
	{"api"},
	{"internal/app"},
	{"internal/cli", "bench"},
	{"."},
}

// only says which trees may import a module.
var only = map[string][]string{
	"github.com/gin-gonic/":       {"api"},
	"github.com/gin-contrib/":     {"api"},
	"github.com/spf13/viper":      {"internal/config"},
	"github.com/spf13/cobra":      {"internal/cli"},
	"github.com/vbauerster/mpb":   {"internal/cli"},
	"modernc.org/sqlite":          {"internal/store"},
	"github.com/pressly/goose":    {"internal/store"},
	"unsafe":                      {"internal/kernel", "internal/weights"},
	"C":                           {},
	"github.com/ollama/ollama/":   {"api", "serving/ollama", "test"},
	"github.com/sashabaranov/":    {"serving/openai", "test", "api"},
	"go.opentelemetry.io/otel/ex": {"internal/app"},
}

// maxLines is where a file has to be cut in two.
const maxLines = 500

// walk calls f for each file of the project, with slashes in its path.
func walk(t *testing.T, f func(path string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != "." && (name == "node_modules" || name == "shared" || strings.HasPrefix(name, ".") && name != ".ci") {
			return fs.SkipDir
		}
		if d.Type().IsRegular() {
			f(filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// in tells whether a package is one of the trees.
func in(pkg string, trees ...string) bool {
	return slices.ContainsFunc(trees, func(tree string) bool {
		return pkg == tree || strings.HasPrefix(pkg, tree+"/")
	})
}

// layer is the number of a package's layer, -1 for none, and its tree.
func layer(pkg string) (int, string) {
	for i, trees := range layers {
		for _, tree := range trees {
			if in(pkg, tree) {
				return i, tree
			}
		}
	}
	return -1, ""
}

// TestImports holds the packages to their layers and third parties to theirs.
func TestImports(t *testing.T) {
	files := 0
	walk(t, func(path string) {
		pkg := filepath.ToSlash(filepath.Dir(path))
		if strings.HasSuffix(path, ".s") && !in(pkg, only["unsafe"]...) {
			t.Errorf("%s: assembly belongs into internal/kernel or internal/weights", path)
		}
		if !strings.HasSuffix(path, ".go") || in(pkg, "internal/kernel/gen", "test") {
			return
		}
		files++
		isTest := strings.HasSuffix(path, "_test.go") || strings.HasSuffix(pkg, "test")
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			for prefix, trees := range only {
				if strings.HasPrefix(imported, prefix) && (prefix != "C" || imported == "C") && !in(pkg, trees...) {
					t.Errorf("%s imports %s, which only %v may", path, imported, trees)
				}
			}
			if own, ok := strings.CutPrefix(imported, "graft/"); ok && !isTest {
				checkLayer(t, path, pkg, own)
			}
		}
	})
	if files < 50 {
		t.Errorf("only %d Go files were looked at", files)
	}
}

func checkLayer(t *testing.T, path, from, to string) {
	t.Helper()
	above, tree := layer(from)
	below, other := layer(to)
	switch {
	case above < 0:
		t.Errorf("%s: package %s has no layer: give it one in arch_test.go", path, from)
	case tree == other && tree != ".":
	case below < 0 || below >= above:
		t.Errorf("%s: %s imports %s, which is not below it", path, from, to)
	}
}

// TestFileLength: files that nobody can read at one go are cut in two.
func TestFileLength(t *testing.T) {
	walk(t, func(path string) {
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")); n > maxLines && !bytes.Contains(text, []byte("\n// Code generated ")) && !bytes.HasPrefix(text, []byte("// Code generated ")) {
			t.Errorf("%s has %d lines, more than %d", path, n, maxLines)
		}
	})
}

// TestNoRegistry: packages come from wherever a machine is set up to take
// them from, so no file names a registry's host.
func TestNoRegistry(t *testing.T) {
	hosts := []string{"py" + "pi.org", "python" + "hosted.org", "registry." + "npmjs.org", "proxy." + "golang.org"}
	walk(t, func(path string) {
		if info, err := os.Stat(path); err != nil || info.Size() > 1<<20 || strings.Contains(path, "testdata/") {
			return
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range hosts {
			if bytes.Contains(text, []byte(host)) {
				t.Errorf("%s names %s", path, host)
			}
		}
	})
}
