package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"unicode/utf8"

	"graft/internal/kernel"
)

// Safetensors is a model in safetensors format: one file, or several with an
// index. Layout of a file:
//
//	length of the header u64, header (JSON), data
//	{"__metadata__": {"format": "pt"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
//
// Offsets count from the start of the data, which tensors cover without gaps.
type Safetensors struct {
	Store
	Metadata map[string]string // __metadata__; of several files the first that has a key counts
}

// maxHeader is the limit of the reference implementation (safetensors/src/tensor.rs).
const maxHeader = 100_000_000

// dtypes are the types of the format in the order of the reference implementation,
// which sorts tensors by it, largest first, when it writes.
var dtypes = []struct {
	name string
	bits uint64
	typ  kernel.Type
}{
	{"BOOL", 8, Unsupported}, {"F4", 4, Unsupported}, {"F6_E2M3", 6, Unsupported}, {"F6_E3M2", 6, Unsupported},
	{"U8", 8, Unsupported}, {"I8", 8, Unsupported}, {"F8_E5M2", 8, Unsupported}, {"F8_E4M3", 8, Unsupported},
	{"F8_E8M0", 8, Unsupported}, {"F8_E4M3FNUZ", 8, Unsupported}, {"F8_E5M2FNUZ", 8, Unsupported},
	{"I16", 16, Unsupported}, {"U16", 16, Unsupported}, {"F16", 16, kernel.F16}, {"BF16", 16, kernel.BF16},
	{"I32", 32, Unsupported}, {"U32", 32, Unsupported}, {"F32", 32, kernel.F32}, {"C64", 64, Unsupported},
	{"F64", 64, Unsupported}, {"I64", 64, Unsupported}, {"U64", 64, Unsupported},
}

// dtypeRank is the position in dtypes, -1 for an unknown name.
func dtypeRank(name string) int {
	for i := range dtypes {
		if dtypes[i].name == name {
			return i
		}
	}
	return -1
}

// entry is one tensor in the header.
type entry struct {
	DType       string   `json:"dtype"`
	Shape       []uint64 `json:"shape"`
	DataOffsets []uint64 `json:"data_offsets"` // start, end
}

// parseSafetensors reads the header of a whole file in memory.
func parseSafetensors(m *mapping) ([]Tensor, map[string]string, error) {
	if len(m.b) < 8 {
		return nil, nil, fmt.Errorf("%d bytes: too short for a safetensors file", len(m.b))
	}
	n := binary.LittleEndian.Uint64(m.b)
	switch {
	case n > maxHeader:
		return nil, nil, fmt.Errorf("header length %d is above %d: not a safetensors file", n, maxHeader)
	case n > uint64(len(m.b)-8):
		return nil, nil, fmt.Errorf("header length %d, but the file has %d bytes", n, len(m.b))
	}
	head := m.b[8 : 8+n]
	if len(head) == 0 || head[0] != '{' || !utf8.Valid(head) {
		return nil, nil, errors.New("header is not a JSON object: not a safetensors file")
	}
	tensors, meta, err := parseHeader(head, m, 8+int(n))
	if err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	return tensors, meta, checkCover(tensors, 8+int(n), len(m.b))
}

func parseHeader(head []byte, m *mapping, data int) (tensors []Tensor, meta map[string]string, err error) {
	dec := json.NewDecoder(bytes.NewReader(head))
	if _, err := dec.Token(); err != nil {
		return nil, nil, err
	}
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, nil, err
		}
		name := tok.(string) // the decoder lets nothing else be a key
		if seen[name] {
			return nil, nil, fmt.Errorf("%q is there twice", name)
		}
		seen[name] = true
		if name == "__metadata__" {
			if err := dec.Decode(&meta); err != nil {
				return nil, nil, fmt.Errorf("__metadata__: %w", err)
			}
			continue
		}
		var e entry
		if err := dec.Decode(&e); err != nil {
			return nil, nil, fmt.Errorf("tensor %s: %w", name, err)
		}
		t, err := e.tensor(name, m, data)
		if err != nil {
			return nil, nil, fmt.Errorf("tensor %s: %w", name, err)
		}
		tensors = append(tensors, t)
	}
	if _, err := dec.Token(); err != nil {
		return nil, nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, nil, errors.New("something follows the JSON object")
	}
	return tensors, meta, nil
}

// tensor checks e and gives it its bytes of the data that begins at byte data of m.
func (e *entry) tensor(name string, m *mapping, data int) (Tensor, error) {
	rank := dtypeRank(e.DType)
	if rank < 0 {
		return Tensor{}, fmt.Errorf("dtype %q is not known", e.DType)
	}
	if e.Shape == nil || len(e.DataOffsets) != 2 {
		return Tensor{}, errors.New("shape or data_offsets [start, end] is missing")
	}
	t := Tensor{Name: name, DType: e.DType, Type: dtypes[rank].typ, Shape: make([]int, len(e.Shape)), file: m}
	n := dtypes[rank].bits
	for i, d := range e.Shape {
		hi, lo := bits.Mul64(n, d)
		if hi != 0 || d > 1<<48 || uint64(int(d)) != d {
			return Tensor{}, fmt.Errorf("shape %v is too large", e.Shape)
		}
		t.Shape[i], n = int(d), lo
	}
	start, end, room := e.DataOffsets[0], e.DataOffsets[1], uint64(len(m.b)-data)
	if start > end || end > room {
		return Tensor{}, fmt.Errorf("data_offsets %v, but there are %d bytes of data: the file is cut short or damaged", e.DataOffsets, room)
	}
	if n%8 != 0 || n/8 != end-start {
		return Tensor{}, fmt.Errorf("%s %v takes %d bits, but data_offsets %v hold %d bytes", e.DType, e.Shape, n, e.DataOffsets, end-start)
	}
	t.at = data + int(start)
	t.Data = m.b[t.at : data+int(end) : data+int(end)]
	return t, nil
}

// checkCover sorts tensors by their place in the file and returns an error if
// they leave gaps, or overlap, in [data, end). The format demands it, so that
// nothing can hide in a file.
func checkCover(tensors []Tensor, data, end int) error {
	slices.SortStableFunc(tensors, func(a, b Tensor) int {
		if a.at != b.at {
			return a.at - b.at
		}
		return len(a.Data) - len(b.Data) // empty ones first
	})
	at := data
	for _, t := range tensors {
		if t.at != at {
			return fmt.Errorf("tensor %s begins at byte %d of the data, want %d: tensors must neither overlap nor leave gaps", t.Name, t.at-data, at-data)
		}
		at += len(t.Data)
	}
	if at != end {
		return fmt.Errorf("%d bytes of data, but tensors cover %d", end-data, at-data)
	}
	return nil
}
