package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// SaveSafetensors writes a safetensors file, replacing path only when all of it
// is on disk.
func SaveSafetensors(path string, tensors []Tensor, metadata map[string]string) error {
	return save(path, func(w io.Writer) error { return WriteSafetensors(w, tensors, metadata) })
}

// WriteSafetensors writes tensors as the reference implementation does: the
// widest types first, then by name, so that every tensor is aligned; the same
// input gives the same bytes. metadata may be nil.
func WriteSafetensors(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	order := slices.Clone(tensors)
	slices.SortFunc(order, func(a, b Tensor) int {
		return cmp.Or(dtypeRank(b.dtype())-dtypeRank(a.dtype()), cmp.Compare(a.Name, b.Name))
	})
	head, err := safetensorsHeader(order, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, t := range order {
		if _, err := w.Write(t.Data); err != nil {
			return err
		}
	}
	return nil
}

// safetensorsHeader is all that comes before the data, padded by blanks to a
// multiple of 8 bytes.
func safetensorsHeader(tensors []Tensor, metadata map[string]string) ([]byte, error) {
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	b.WriteByte('{')
	field := func(key string, value any) error {
		if b.Len() > 9 {
			b.WriteByte(',')
		}
		if err := compact(&b, key); err != nil {
			return err
		}
		b.WriteByte(':')
		return compact(&b, value)
	}
	if len(metadata) > 0 {
		if err := field("__metadata__", metadata); err != nil {
			return nil, err
		}
	}
	seen := map[string]bool{"__metadata__": true}
	offset := uint64(0)
	for _, t := range tensors {
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor %q is there twice, or must not be called so", t.Name)
		}
		seen[t.Name] = true
		rank := dtypeRank(t.dtype())
		if rank < 0 {
			return nil, fmt.Errorf("tensor %s: safetensors files have no type %q", t.Name, t.dtype())
		}
		if bits := uint64(t.Len()) * dtypes[rank].bits; bits != 8*uint64(len(t.Data)) {
			return nil, fmt.Errorf("tensor %s: %s %v takes %d bytes, have %d", t.Name, t.dtype(), t.Shape, bits/8, len(t.Data))
		}
		e := entry{DType: t.dtype(), Shape: []uint64{}, DataOffsets: []uint64{offset, offset + uint64(len(t.Data))}}
		for _, d := range t.Shape {
			e.Shape = append(e.Shape, uint64(d))
		}
		if err := field(t.Name, e); err != nil {
			return nil, err
		}
		offset = e.DataOffsets[1]
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len()-8 > maxHeader {
		return nil, fmt.Errorf("header of %d bytes, at most %d are allowed", b.Len()-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(b.Len()-8))
	return b.Bytes(), nil
}

// compact appends v as JSON, with <, > and & as they are.
func compact(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the encoder ends with a new line
	return nil
}
