package weights

import (
	"encoding/binary"
	"fmt"
	"io"
)

// SaveGGUF writes a GGUF file, replacing path only when all of it is on disk.
func SaveGGUF(path string, meta []Pair, tensors []Tensor) error {
	return save(path, func(w io.Writer) error { return WriteGGUF(w, meta, tensors) })
}

// WriteGGUF writes a GGUF file, version 3, with pairs and tensors in the given
// order. A pair general.alignment is honoured.
func WriteGGUF(w io.Writer, meta []Pair, tensors []Tensor) error {
	align := 32
	head := append([]byte(ggufMagic), 3, 0, 0, 0)
	head = binary.LittleEndian.AppendUint64(head, uint64(len(tensors)))
	head = binary.LittleEndian.AppendUint64(head, uint64(len(meta)))
	seen := map[string]bool{}
	for _, p := range meta {
		var err error
		if head, err = appendPair(head, p); err != nil {
			return err
		}
		if seen[p.Key] {
			return fmt.Errorf("metadata %s is there twice", p.Key)
		}
		seen[p.Key] = true
		if p.Key == "general.alignment" {
			n, ok := p.Value.(uint32)
			if !ok || n == 0 || n&(n-1) != 0 {
				return fmt.Errorf("metadata %s: %T %v, want a power of two as uint32", p.Key, p.Value, p.Value)
			}
			align = int(n)
		}
	}
	clear(seen)
	offset := 0
	for _, t := range tensors {
		var err error
		if head, err = appendTensorInfo(head, t, offset); err != nil {
			return fmt.Errorf("tensor %s: %w", t.Name, err)
		}
		if seen[t.Name] {
			return fmt.Errorf("tensor %q is there twice", t.Name)
		}
		seen[t.Name] = true
		offset += (len(t.Data) + align - 1) / align * align
	}
	if err := writePadded(w, head, align); err != nil {
		return err
	}
	for _, t := range tensors {
		if err := writePadded(w, t.Data, align); err != nil {
			return err
		}
	}
	return nil
}

func writePadded(w io.Writer, b []byte, align int) error {
	if _, err := w.Write(b); err != nil {
		return err
	}
	_, err := w.Write(make([]byte, (align-len(b)%align)%align))
	return err
}

func appendText(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}

func appendTensorInfo(b []byte, t Tensor, offset int) ([]byte, error) {
	n, typ, ok := ggmlTypeNamed(t.dtype())
	if !ok {
		return nil, fmt.Errorf("GGUF files have no type %q", t.dtype())
	}
	if len(t.Shape) > maxDims {
		return nil, fmt.Errorf("shape %v: GGUF files hold at most %d dimensions", t.Shape, maxDims)
	}
	size, err := sizeOf(t.Shape, typ)
	if err != nil {
		return nil, err
	}
	if size != uint64(len(t.Data)) {
		return nil, fmt.Errorf("%s %v takes %d bytes, have %d", typ.name, t.Shape, size, len(t.Data))
	}
	b = appendText(b, t.Name)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(t.Shape)))
	for i := range t.Shape {
		b = binary.LittleEndian.AppendUint64(b, uint64(t.Shape[len(t.Shape)-1-i]))
	}
	b = binary.LittleEndian.AppendUint32(b, n)
	return binary.LittleEndian.AppendUint64(b, uint64(offset)), nil
}
