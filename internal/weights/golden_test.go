package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"graft/internal/kernel"
)

// golden is testdata/expected.json: what the Python packages read from the files
// beside it.
type golden struct {
	QuantSizes map[string][3]int `json:"quant_sizes"` // name -> number, numbers a block, bytes a block
	GGUF       map[string]struct {
		Metadata map[string]struct {
			Kinds []string
			Value any // text, or a list of text
		}
		Tensors map[string]goldenTensor
	}
	Safetensors map[string]struct {
		Metadata map[string]string
		Tensors  map[string]goldenTensor
	}
}

type goldenTensor struct {
	DType  string
	Shape  []int
	SHA256 string
}

func readGolden(t *testing.T) golden {
	t.Helper()
	raw, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func checkTensors(t *testing.T, s *Store, want map[string]goldenTensor) {
	t.Helper()
	for name, w := range want {
		have, ok := s.Tensor(name)
		if !ok {
			t.Errorf("tensor %s is missing", name)
			continue
		}
		sum := sha256.Sum256(have.Data)
		if h := (goldenTensor{have.DType, have.Shape, hex.EncodeToString(sum[:])}); !reflect.DeepEqual(h, w) {
			t.Errorf("tensor %s: have %v, want %v", name, h, w)
		}
	}
	if s.Len() != len(want) {
		t.Errorf("%d tensors, want %d", s.Len(), len(want))
	}
}

func TestGGUFAsPythonReadsIt(t *testing.T) {
	g := readGolden(t)
	parts := map[string]goldenTensor{}
	for file, want := range g.GGUF {
		t.Run(file, func(t *testing.T) {
			m, err := openMapping(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			defer m.close()
			f, err := parseGGUF(m)
			if err != nil {
				t.Fatal(err)
			}
			s := &Store{}
			for _, x := range f.tensors {
				if err := s.add(x); err != nil {
					t.Fatal(err)
				}
			}
			checkTensors(t, s, want.Tensors)
			for key, w := range want.Metadata {
				kind := w.Kinds[0]
				if kind == "array" {
					kind = "array of " + w.Kinds[1]
				}
				if f.meta.Kind(key) != kind {
					t.Errorf("metadata %s: kind %q, want %q", key, f.meta.Kind(key), kind)
				}
				if have := asText(f.meta.Value(key)); !reflect.DeepEqual(have, sameFloats(w.Value)) {
					t.Errorf("metadata %s: have %v, want %v", key, have, w.Value)
				}
			}
			if len(f.meta.Keys()) != len(want.Metadata) {
				t.Errorf("keys %v, want %d", f.meta.Keys(), len(want.Metadata))
			}
		})
		if len(file) > 5 && file[:5] == "split" {
			for name, x := range want.Tensors {
				parts[name] = x
			}
		}
	}
	t.Run("joined", func(t *testing.T) {
		m, err := OpenGGUF("testdata/split-00001-of-00003.gguf")
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		checkTensors(t, &m.Store, parts)
		if want := []string{"t0", "t1", "t2", "t3", "t4"}; !slices.Equal(m.Names(), want) {
			t.Errorf("names %v, want %v", m.Names(), want)
		}
	})
}

// asText writes a value as the golden does: numbers as text, lists as lists.
func asText(v any) any {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Slice:
		list := make([]any, r.Len())
		for i := range list {
			list[i] = asText(r.Index(i).Interface())
		}
		return list
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(r.Float(), 'x', -1, 64)
	}
	return fmt.Sprint(v)
}

// sameFloats brings Python's float.hex into the spelling of strconv.
func sameFloats(v any) any {
	if list, ok := v.([]any); ok {
		out := make([]any, len(list))
		for i := range list {
			out[i] = sameFloats(list[i])
		}
		return out
	}
	s := v.(string)
	if f, err := strconv.ParseFloat(s, 64); err == nil && len(s) > 4 && (s[:2] == "0x" || s[:3] == "-0x") {
		return strconv.FormatFloat(f, 'x', -1, 64)
	}
	return s
}

func TestTypedGetters(t *testing.T) {
	g, err := OpenGGUF("testdata/tiny.gguf")
	if err != nil {
		t.Fatal(err)
	}
	m := g.Meta
	if err := g.Close(); err != nil { // metadata outlives the mapping
		t.Fatal(err)
	}
	type result struct {
		v  any
		ok bool
	}
	two := func(v any, ok bool) result { return result{v, ok} }
	get := map[string]func(key string) result{
		"String":  func(k string) result { v, ok := m.String(k); return two(v, ok) },
		"Uint":    func(k string) result { v, ok := m.Uint(k); return two(v, ok) },
		"Int":     func(k string) result { v, ok := m.Int(k); return two(v, ok) },
		"Float":   func(k string) result { v, ok := m.Float(k); return two(v, ok) },
		"Bool":    func(k string) result { v, ok := m.Bool(k); return two(v, ok) },
		"Strings": func(k string) result { v, ok := m.Strings(k); return two(v, ok) },
		"Ints":    func(k string) result { v, ok := m.Ints(k); return two(v, ok) },
		"Floats":  func(k string) result { v, ok := m.Floats(k); return two(v, ok) },
		"Bools":   func(k string) result { v, ok := m.Bools(k); return two(v, ok) },
	}
	for key, want := range map[string]map[string]any{ // all others must say no
		"test.uint8":   {"Uint": uint64(200), "Int": int64(200), "Float": 200.0},
		"test.int8":    {"Int": int64(-100), "Float": -100.0},
		"test.uint16":  {"Uint": uint64(60000), "Int": int64(60000), "Float": 60000.0},
		"test.int16":   {"Int": int64(-30000), "Float": -30000.0},
		"test.uint32":  {"Uint": uint64(4000000000), "Int": int64(4000000000), "Float": 4e9},
		"test.int32":   {"Int": int64(-2000000000), "Float": -2e9},
		"test.uint64":  {"Uint": uint64(1<<64 - 1), "Float": 0x1p64},
		"test.int64":   {"Int": int64(-1 << 63), "Float": -0x1p63},
		"test.float32": {"Float": float64(float32(0.1))},
		"test.float64": {"Float": 0.1},
		"test.bool":    {"Bool": true},
		"test.string":  {"String": "grüß Gott, 世界 😀"},
		"test.strings": {"Strings": []string{"<s>", "", "Ġhello", "\n"}},
		"test.ints":    {"Ints": []int64{1, -2, 3}, "Floats": []float32{1, -2, 3}},
		"test.floats":  {"Floats": []float32{0.5, -1.25, 0.1}},
		"test.bools":   {"Bools": []bool{true, false, true}},
		"absent":       {},
	} {
		for name, f := range get {
			w, ok := want[name]
			if have := f(key); have.ok != ok || ok && !reflect.DeepEqual(have.v, w) {
				t.Errorf("%s(%q) = %v %v, want %v %v", name, key, have.v, have.ok, w, ok)
			}
		}
	}
}

func TestTypesAgreeWithGGML(t *testing.T) {
	sizes := readGolden(t).QuantSizes
	for name, w := range sizes {
		if n, typ, ok := ggmlTypeNamed(name); !ok || [3]int{int(n), typ.blockLen, typ.blockBytes} != w {
			t.Errorf("%s: have %d %+v, want %v", name, n, typ, w)
		}
	}
	for n, typ := range ggmlTypes {
		if _, ok := sizes[typ.name]; !ok && typ.name != "" {
			t.Errorf("type %d: %q is not one of ggml's", n, typ.name)
		}
	}
}

// TestTypesAgreeWithKernels keeps the two tables of sizes together.
func TestTypesAgreeWithKernels(t *testing.T) {
	for n, typ := range ggmlTypes {
		f, ok := kernel.FormatOf(kernel.Type(n))
		if have := kernelType(uint32(n)); ok != (have != Unsupported) {
			t.Errorf("%s is type %d here, and kernels know it: %v", typ.name, have, ok)
		}
		if ok && (f.Name != typ.name || f.BlockLen != typ.blockLen || f.BlockBytes != typ.blockBytes) {
			t.Errorf("type %d: %+v here, %s %d %d in kernels", n, typ, f.Name, f.BlockLen, f.BlockBytes)
		}
	}
}

func TestSafetensorsAsPythonReadsIt(t *testing.T) {
	g := readGolden(t)
	all := map[string]goldenTensor{}
	for file, want := range g.Safetensors {
		t.Run(file, func(t *testing.T) {
			s, err := OpenSafetensors(filepath.Join("testdata", filepath.FromSlash(file)))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			checkTensors(t, &s.Store, want.Tensors)
			if !reflect.DeepEqual(s.Metadata, want.Metadata) {
				t.Errorf("metadata %v, want %v", s.Metadata, want.Metadata)
			}
		})
		if filepath.Dir(file) == "sharded" {
			for name, x := range want.Tensors {
				all[name] = x
			}
		}
	}
	for _, path := range []string{"testdata/sharded", "testdata/sharded/model.safetensors.index.json"} {
		s, err := OpenSafetensors(path)
		if err != nil {
			t.Fatal(err)
		}
		checkTensors(t, &s.Store, all)
		s.Close()
	}
}

func TestTensorCheck(t *testing.T) {
	s, err := OpenSafetensors("testdata/tiny.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, c := range map[string]struct {
		shape []int
		typ   kernel.Type
		want  string
	}{
		"b.f32":  {[]int{2, 3}, kernel.F32, ""},
		"a.f32":  {[]int{5}, kernel.F32, "tensor a.f32: want shape [5], have [4]"},
		"scalar": {nil, kernel.F32, ""},
		"half":   {[]int{3, 2}, kernel.F16, ""},
		"brain":  {[]int{3}, kernel.BF16, ""},
		"ids":    {[]int{3}, Unsupported, "tensor ids: weights stored as I64 are not supported; take another file of this model, as F16, BF16, Q8_0 or Q4_K"},
	} {
		x, ok := s.Tensor(name)
		if !ok || x.Type != c.typ {
			t.Errorf("tensor %s: %v, type %d, want %d", name, ok, x.Type, c.typ)
		}
		if err := x.Check(c.shape...); err == nil && c.want != "" || err != nil && err.Error() != c.want {
			t.Errorf("tensor %s: %v, want %q", name, err, c.want)
		}
	}
}
