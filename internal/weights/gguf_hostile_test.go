package weights

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// forge builds files field by field, right or wrong.
type forge []byte

func (f forge) u32(n uint32) forge  { return binary.LittleEndian.AppendUint32(f, n) }
func (f forge) u64(n uint64) forge  { return binary.LittleEndian.AppendUint64(f, n) }
func (f forge) str(s string) forge  { return append(f.u64(uint64(len(s))), s...) }
func (f forge) data(n int) forge    { return append(f, make([]byte, n)...) }
func (f forge) padded(to int) forge { return f.data((to - len(f)%to) % to) }

func head(tensors, pairs uint64) forge { return forge("GGUF").u32(3).u64(tensors).u64(pairs) }

func (f forge) tensor(name string, typ uint32, offset uint64, dims ...uint64) forge {
	f = f.str(name).u32(uint32(len(dims)))
	for _, d := range dims {
		f = f.u64(d)
	}
	return f.u32(typ).u64(offset)
}

func TestGGUFRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		file forge
		want string // part of the error
	}{
		"empty":               {nil, "magic at byte 0"},
		"wrong magic":         {forge("gguf").u32(3).u64(0).u64(0), "not a GGUF file"},
		"version 1":           {forge("GGUF").u32(1).u64(0), "version 1"},
		"version 4":           {forge("GGUF").u32(4).u64(0).u64(0), "version 4"},
		"big-endian":          {forge("GGUF\x00\x00\x00\x03").u64(0).u64(0), "big-endian"},
		"no counts":           {forge("GGUF").u32(3).u32(0), "number of tensors"},
		"tensor count":        {head(1<<60, 0), "number of tensors"},
		"pair count":          {head(0, 1<<40), "number of metadata pairs"},
		"key length":          {head(0, 1).u64(1 << 62).data(64), "metadata key 0"},
		"value missing":       {head(0, 1).str("a.key").u32(4).data(3), "metadata a.key"},
		"string length":       {head(0, 1).str("a.key").u32(8).u64(99).data(20), "metadata a.key"},
		"unknown kind":        {head(0, 1).str("a.key").u32(13).data(20), "metadata a.key: kind 13"},
		"array count":         {head(0, 1).str("a.key").u32(9).u32(4).u64(1 << 61).data(20), "metadata a.key: number of items"},
		"string array count":  {head(0, 1).str("a.key").u32(9).u32(8).u64(4e9).data(20), "metadata a.key: number of items"},
		"string in array":     {head(0, 1).str("a.key").u32(9).u32(8).u64(2).u64(1).data(1).u64(4e9).data(20), "metadata a.key"},
		"array kind":          {head(0, 1).str("a.key").u32(9).u32(77).u64(1).data(20), "metadata a.key: kind 77"},
		"nested arrays":       {head(0, 1).str("a.key").u32(9).u32(9).u64(1).u32(9).u64(1).u32(9).u64(1).u32(9).u64(1).u32(9).u64(1).u32(0).u64(0), "nested"},
		"same key twice":      {head(0, 2).str("k").u32(7).data(1).str("k").u32(7).data(1), "metadata k is there twice"},
		"alignment 0":         {head(0, 1).str("general.alignment").u32(4).u32(0), "general.alignment"},
		"alignment 24":        {head(0, 1).str("general.alignment").u32(4).u32(24), "general.alignment"},
		"alignment text":      {head(0, 1).str("general.alignment").u32(8).str("32"), "general.alignment: string"},
		"tensor name length":  {head(1, 0).u64(1 << 50).data(64), "name of tensor 0"},
		"five dimensions":     {head(1, 0).tensor("x", 0, 0, 1, 1, 1, 1, 1).padded(32).data(32), "tensor x: 5 dimensions"},
		"dimension too large": {head(1, 0).tensor("x", 0, 0, 1<<63), "tensor x: dimension"},
		"product too large":   {head(1, 0).tensor("x", 0, 0, 1<<40, 1<<40), "tensor x: shape"},
		"bytes too large":     {head(1, 0).tensor("x", 0, 0, 1<<45, 1<<18), "tensor x: shape"},
		"unknown type":        {head(1, 0).tensor("x", 4, 0, 1).padded(32).data(32), "tensor x: type 4"},
		"type out of range":   {head(1, 0).tensor("x", 1<<31, 0, 1).padded(32).data(32), "tensor x: type"},
		"partial block":       {head(1, 0).tensor("x", 2, 0, 33).padded(32).data(64), "tensor x: rows of 33"},
		"offset not aligned":  {head(1, 0).tensor("x", 0, 4, 1).padded(32).data(64), "tensor x: offset 4"},
		"offset beyond":       {head(1, 0).tensor("x", 0, 1<<40, 1).padded(32).data(32), "tensor x: 4 bytes at offset"},
		"cut short":           {head(1, 0).tensor("x", 0, 0, 9).padded(32).data(32), "cut short"},
		"no data at all":      {head(1, 0).tensor("x", 0, 0, 1), "cut short"},
		"overlap":             {head(2, 0).tensor("x", 0, 0, 16).tensor("y", 0, 32, 8).padded(32).data(64), "tensors x and y overlap"},
		"same tensor twice":   {head(2, 0).tensor("x", 0, 0, 8).tensor("x", 0, 32, 8).padded(32).data(64), `tensor "x" is there twice`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.gguf")
			if err := os.WriteFile(path, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			g, err := OpenGGUF(path)
			if err == nil {
				g.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("have %q, want the path and %q", err, c.want)
			}
		})
	}
}

// TestGGUFAccepts has files at the edge of what the format allows.
func TestGGUFAccepts(t *testing.T) {
	for name, c := range map[string]struct {
		file  forge
		shape []int
	}{
		"version 2":        {append(forge("GGUF").u32(2).u64(1).u64(0), head(0, 0)[24:].tensor("x", 0, 0, 2)...).padded(32).data(8), []int{2}},
		"no padding":       {head(1, 0).tensor("x", 0, 0, 2, 1).padded(32).data(8), []int{1, 2}},
		"scalar":           {head(1, 0).tensor("x", 0, 0).padded(32).data(4), []int{}},
		"no rows":          {head(1, 0).tensor("x", 0, 0, 2, 0), []int{0, 2}},
		"array of arrays":  {head(1, 1).str("k").u32(9).u32(9).u64(2).u32(0).u64(1).data(1).u32(8).u64(0).tensor("x", 0, 0, 1).padded(32).data(4), []int{1}},
		"not in order":     {head(2, 0).tensor("x", 0, 32, 2).tensor("y", 0, 0, 8).padded(32).data(40), []int{2}},
		"unsupported type": {head(1, 0).tensor("x", 10, 0, 256).padded(32).data(96), []int{256}},
	} {
		f, err := parseGGUF(&mapping{b: c.file})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if x := f.tensors[0]; x.Name != "x" || len(x.Shape) != len(c.shape) || x.Check(c.shape...) != nil && x.DType != "Q2_K" {
			t.Errorf("%s: have %v, want shape %v", name, x, c.shape)
		}
	}
}

// TestGGUFClaims opens small files that claim much, and measures what is allocated.
func TestGGUFClaims(t *testing.T) {
	long := head(0, 1).str("k").u32(9).u32(9).u64(1000)
	for range 1000 {
		long = long.u32(0).u64(0)
	}
	for name, file := range map[string]forge{
		"strings": head(0, 1).str("k").u32(9).u32(8).u64(1 << 32).data(100),
		"bytes":   head(0, 1).str("k").u32(9).u32(0).u64(1 << 32).data(100),
		"string":  head(0, 1).str("k").u32(8).u64(1 << 32).data(100),
		"tensors": head(1<<32, 0).data(100),
		"pairs":   head(0, 1<<32).data(100),
		"arrays":  long,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f, err := parseGGUF(&mapping{b: file})
		if err == nil {
			f.meta.Pairs()
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: a file of %d bytes made the reader allocate %d", name, len(file), n)
		}
	}
}

func TestSplitGGUFRefuses(t *testing.T) {
	pair := func(no, count uint16) []Pair {
		return []Pair{{"split.no", no}, {"split.count", count}, {"split.tensors.count", int32(2)}}
	}
	x, y := NewF32("x", []float32{1}, 1), NewF32("y", []float32{1}, 1)
	for name, c := range map[string]struct {
		first, second string
		no, count     uint16 // of the second
		open          int
		tensors       []Tensor
		want          string
	}{
		"second part":     {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf", 1, 2, 1, []Tensor{y}, "open the first part"},
		"missing part":    {"m-00001-of-00002.gguf", "other.gguf", 1, 2, 0, []Tensor{y}, "m-00002-of-00002.gguf"},
		"renamed":         {"m.gguf", "m-00002-of-00002.gguf", 1, 2, 0, []Tensor{y}, "must be named"},
		"wrong part":      {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf", 0, 2, 0, []Tensor{y}, "part 1 of 2, want 2 of 2"},
		"other model":     {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf", 1, 3, 0, []Tensor{y}, "part 2 of 3, want 2 of 2"},
		"tensor missing":  {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf", 1, 2, 0, nil, "1 tensors in 2 parts, want 2"},
		"tensor in both":  {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf", 1, 2, 0, []Tensor{x}, `"x" is there twice`},
		"count too large": {"m-00001-of-65535.gguf", "b.gguf", 1, 65535, 0, nil, "m-00002-of-65535.gguf"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			paths := []string{filepath.Join(dir, c.first), filepath.Join(dir, c.second)}
			count := uint16(2)
			if name == "count too large" {
				count = 65535
			}
			if err := SaveGGUF(paths[0], pair(0, count), []Tensor{x}); err != nil {
				t.Fatal(err)
			}
			if err := SaveGGUF(paths[1], pair(c.no, c.count), c.tensors); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenGGUF(paths[c.open]); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("have %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzGGUF(f *testing.F) {
	for _, name := range []string{"tiny.gguf", "aligned.gguf", "vocabulary.gguf", "split-00001-of-00003.gguf"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(head(1, 1).str("k").u32(9).u32(9).u64(1).u32(8).u64(1).str("v").tensor("x", 0, 0, 1).padded(32).data(32)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		g, err := parseGGUF(&mapping{b: raw})
		if err != nil {
			return
		}
		for _, x := range g.tensors {
			_, typ, _ := ggmlTypeNamed(x.DType)
			if len(x.Data)*typ.blockLen != x.Len()*typ.blockBytes {
				t.Errorf("tensor %q: %s %v has %d bytes", x.Name, x.DType, x.Shape, len(x.Data))
			}
		}
		for _, key := range g.meta.Keys() {
			if v := g.meta.Value(key); v == nil && g.meta.Kind(key) != "array of array" {
				t.Errorf("metadata %q: no value of kind %q", key, g.meta.Kind(key))
			}
			g.meta.Ints(key)
			g.meta.Floats(key)
		}
	})
}
