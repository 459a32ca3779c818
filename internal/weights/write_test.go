package weights

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"graft/internal/kernel"
)

// TestRewriteGivesTheSameBytes reads what the Python packages wrote and writes it again.
func TestRewriteGivesTheSameBytes(t *testing.T) {
	for _, name := range []string{"tiny.gguf", "aligned.gguf", "vocabulary.gguf", "split-00003-of-00003.gguf"} {
		raw, m := readFile(t, name)
		f, err := parseGGUF(m)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := WriteGGUF(&out, f.meta.Pairs(), f.tensors); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), raw) {
			t.Errorf("%s: %d bytes, rewritten %d, and they differ", name, len(raw), out.Len())
		}
	}
	for _, name := range []string{"tiny.safetensors", "sharded/model-00001-of-00002.safetensors"} {
		raw, m := readFile(t, name)
		tensors, meta, err := parseSafetensors(m)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := WriteSafetensors(&out, tensors, meta); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), raw) {
			t.Errorf("%s: rewritten as\n%q, want\n%q", name, out.Bytes(), raw)
		}
	}
}

func readFile(t *testing.T, name string) ([]byte, *mapping) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return raw, &mapping{b: raw}
}

func TestSaveAndOpen(t *testing.T) {
	dir := t.TempDir()
	tensors := []Tensor{NewF32("b", []float32{1, 2, 3, 4, 5, 6}, 2, 3), NewF32("a", []float32{-1}, 1)}
	gguf, st := filepath.Join(dir, "x.gguf"), filepath.Join(dir, "x.safetensors")
	for range 2 { // the second time over the first
		if err := SaveGGUF(gguf, []Pair{{"general.architecture", "test"}}, tensors); err != nil {
			t.Fatal(err)
		}
		if err := SaveSafetensors(st, tensors, map[string]string{"k": "v"}); err != nil {
			t.Fatal(err)
		}
	}
	g, err := OpenGGUF(gguf)
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenSafetensors(st)
	if err != nil {
		t.Fatal(err)
	}
	for _, store := range []*Store{&g.Store, &s.Store} {
		for _, w := range tensors {
			x, ok := store.Tensor(w.Name)
			if !ok || x.Check(w.Shape...) != nil || !bytes.Equal(x.Data, w.Data) {
				t.Errorf("tensor %s: have %v %v %v", w.Name, ok, x.Shape, x.Data)
			}
			store.Release(x)
			if !bytes.Equal(x.Data, w.Data) {
				t.Errorf("tensor %s reads differently after Release", w.Name)
			}
		}
		if store.Bytes() != 28 {
			t.Errorf("%d bytes, want 28", store.Bytes())
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("the folder holds %v (%v), want the two files alone", left, err)
	}
}

func TestSaveKeepsTheOldFileOnErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err := save(path, func(w io.Writer) error {
		w.Write(make([]byte, 2<<20))
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("have %v, want boom", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "old" {
		t.Errorf("the file now holds %d bytes", len(b))
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWritersRefuse(t *testing.T) {
	f := NewF32("x", []float32{1, 2}, 2)
	wrong := func(change func(*Tensor)) []Tensor {
		t := f
		change(&t)
		return []Tensor{t}
	}
	for _, c := range []struct {
		tensors []Tensor
		pairs   []Pair
		want    string
	}{
		{[]Tensor{f, f}, nil, `"x" is there twice`},
		{wrong(func(t *Tensor) { t.Shape = []int{3} }), nil, "F32 [3] takes 12 bytes, have 8"},
		{wrong(func(t *Tensor) { t.DType = "F99" }), nil, `"F99"`},
		{nil, []Pair{{"k", nil}}, "metadata k: no value"},
		{nil, []Pair{{"k", 1}}, "metadata k: a int cannot be stored"},
		{nil, []Pair{{"k", "a"}, {"k", "b"}}, "metadata k is there twice"},
		{nil, []Pair{{"general.alignment", uint32(24)}}, "power of two"},
		{wrong(func(t *Tensor) { t.Shape = []int{1, 1, 1, 1, 2} }), []Pair{}, "at most 4 dimensions"},
	} {
		err := WriteGGUF(io.Discard, c.pairs, c.tensors)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("GGUF: have %v, want %q", err, c.want)
		}
		if c.pairs != nil {
			continue
		}
		err = WriteSafetensors(io.Discard, c.tensors, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("safetensors: have %v, want %q", err, c.want)
		}
	}
	q := Tensor{Name: "q", Type: kernel.Q8_0, Shape: []int{1, 33}, Data: make([]byte, 34)}
	if err := WriteGGUF(io.Discard, nil, []Tensor{q}); err == nil || !strings.Contains(err.Error(), "rows of 33 numbers") {
		t.Errorf("a row that is no multiple of the block: %v", err)
	}
	if err := WriteSafetensors(io.Discard, []Tensor{q}, nil); err == nil || !strings.Contains(err.Error(), `no type "Q8_0"`) {
		t.Errorf("a quantised tensor in safetensors: %v", err)
	}
}
