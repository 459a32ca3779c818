package weights

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// st is a safetensors file with this header and n bytes of data.
func st(header string, n int) forge {
	return append(forge(nil).u64(uint64(len(header))), header...).data(n)
}

func TestSafetensorsRefuses(t *testing.T) {
	one := `{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	for name, c := range map[string]struct {
		file forge
		want string
	}{
		"empty":            {nil, "too short"},
		"huge header":      {forge(nil).u64(1 << 40).data(100), "header length"},
		"header cut short": {forge(nil).u64(200).data(100), "header length 200"},
		"header not JSON":  {st("hello", 0), "not a JSON object"},
		"header a list":    {st("[]", 0), "not a JSON object"},
		"leading blank":    {st(" {}", 0), "not a JSON object"},
		"not UTF-8":        {st("{\"\xff\":1}", 0), "not a JSON object"},
		"header unclosed":  {st(one[:len(one)-1], 8), "header"},
		"two objects":      {st("{}{}", 0), "follows"},
		"not an object":    {st(`{"x":[1]}`, 0), "tensor x"},
		"no shape":         {st(`{"x":{"dtype":"F32","data_offsets":[0,4]}}`, 4), "tensor x: shape"},
		"no offsets":       {st(`{"x":{"dtype":"F32","shape":[1]}}`, 4), "tensor x: shape or data_offsets"},
		"three offsets":    {st(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, 8), "tensor x: shape or data_offsets"},
		"unknown dtype":    {st(`{"x":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}`, 4), `dtype "F31"`},
		"negative shape":   {st(`{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4), "tensor x"},
		"fraction":         {st(`{"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}`, 4), "tensor x"},
		"shape overflow":   {st(`{"x":{"dtype":"F32","shape":[281474976710656,281474976710656],"data_offsets":[0,4]}}`, 4), "too large"},
		"shape wraps to 0": {st(`{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0), "too large"},
		"offsets reversed": {st(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, 4), "data_offsets [4 0]"},
		"data cut short":   {st(one, 7), "cut short"},
		"wrong size":       {st(`{"x":{"dtype":"F16","shape":[2],"data_offsets":[0,8]}}`, 8), "takes 32 bits"},
		"half a byte":      {st(`{"x":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}`, 1), "takes 12 bits"},
		"trailing data":    {st(one, 9), "tensors cover 8"},
		"gap at start":     {st(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), "gaps"},
		"gap inside":       {st(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"y":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3), "tensor y begins at byte 2"},
		"overlap":          {st(`{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3), "tensor y begins at byte 1"},
		"same name twice":  {st(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), `"x" is there twice`},
		"metadata numbers": {st(`{"__metadata__":{"a":1}}`, 0), "__metadata__"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.safetensors")
			if err := os.WriteFile(path, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := OpenSafetensors(path)
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("have %q, want the path and %q", err, c.want)
			}
		})
	}
}

func TestSafetensorsAccepts(t *testing.T) {
	for name, file := range map[string]forge{
		"nothing":         st("{}", 0),
		"trailing blanks": st("{}      ", 0),
		"scalar":          st(`{"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, 4),
		"empty tensor":    st(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"e":{"dtype":"F32","shape":[0,9],"data_offsets":[0,0]}}`, 4),
		"extra field":     st(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":{}}}`, 4),
		"four bits":       st(`{"x":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}`, 1),
	} {
		if _, _, err := parseSafetensors(&mapping{b: file}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSafetensorsIndexRefuses(t *testing.T) {
	for name, c := range map[string]struct{ index, want string }{
		"not JSON":     {"{", "unexpected end"},
		"empty":        {"{}", "weight_map is missing"},
		"no such file": {`{"weight_map":{"x":"nowhere.safetensors"}}`, "nowhere.safetensors"},
		"parent":       {`{"weight_map":{"x":"../a.safetensors"}}`, "beside the index"},
		"absolute":     {`{"weight_map":{"x":"/etc/passwd"}}`, "beside the index"},
		"dots":         {`{"weight_map":{"x":".."}}`, "beside the index"},
		"no name":      {`{"weight_map":{"x":""}}`, "beside the index"},
		"all missing":  {`{"weight_map":{"x":"a.safetensors","y":"a.safetensors","z":"a.safetensors"}}`, "tensor y is not in a.safetensors, where the index puts it\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := SaveSafetensors(filepath.Join(dir, "a.safetensors"), []Tensor{NewF32("x", []float32{1}, 1)}, nil); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, indexFile), []byte(c.index), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenSafetensors(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("have %v, want %q", err, c.want)
			}
		})
	}
	if _, err := OpenSafetensors(t.TempDir()); err == nil || !strings.Contains(err.Error(), "neither model.safetensors nor") {
		t.Errorf("an empty folder: %v", err)
	}
}

func FuzzSafetensors(f *testing.F) {
	for _, name := range []string{"tiny.safetensors", "sharded/model-00001-of-00002.safetensors"} {
		raw, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(st(`{"x":{"dtype":"F4","shape":[2,0],"data_offsets":[0,0]},"__metadata__":{"a":"b"}}  `, 0)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		tensors, _, err := parseSafetensors(&mapping{b: raw})
		if err != nil {
			return
		}
		sum := 0
		for _, x := range tensors {
			if uint64(x.Len())*dtypes[dtypeRank(x.DType)].bits != 8*uint64(len(x.Data)) {
				t.Errorf("tensor %q: %s %v has %d bytes", x.Name, x.DType, x.Shape, len(x.Data))
			}
			sum += len(x.Data)
		}
		if sum > len(raw) {
			t.Errorf("tensors of %d bytes in a file of %d", sum, len(raw))
		}
	})
}
