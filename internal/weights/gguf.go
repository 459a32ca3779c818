package weights

import (
	"fmt"
	"math"
	"math/bits"
	"path/filepath"
	"slices"
)

// GGUF is a model in GGUF format (versions 2 and 3, little-endian), one file or
// a split one. Layout, from docs/gguf.md of ggml:
//
//	"GGUF", version u32, tensors u64, pairs u64
//	pairs × (key string, kind u32, value)
//	tensors × (name string, dims u32, dims × u64 innermost first, type u32, offset u64)
//	padding to general.alignment, then the data that offsets count from
//
// A string is its length in a u64, then its bytes.
type GGUF struct {
	Store
	Meta *Metadata // of the first file
}

// OpenGGUF maps the model at path. Of a split model, path is the first file,
// "name-00001-of-00003.gguf"; the others must lie beside it.
func OpenGGUF(path string) (*GGUF, error) {
	g, err := openSplit(path)
	if err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// ggufFile is one parsed file.
type ggufFile struct {
	meta    *Metadata
	tensors []Tensor
}

const ggufMagic = "GGUF"

// maxDims is GGML_MAX_DIMS.
const maxDims = 4

// parseGGUF reads the headers of a whole file in memory. The result refers to m
// by Tensor.Data only.
func parseGGUF(m *mapping) (*ggufFile, error) {
	c := &cursor{b: m.b}
	magic := string(c.take(4, "magic"))
	version := c.u32("version")
	switch {
	case c.err != nil:
		return nil, c.err
	case magic != ggufMagic:
		return nil, fmt.Errorf("magic is %q, want %q: not a GGUF file", magic, ggufMagic)
	case version != 0 && version&0xffff == 0:
		return nil, fmt.Errorf("version %d in reverse: big-endian GGUF files are not supported", bits.ReverseBytes32(version))
	case version != 2 && version != 3:
		return nil, fmt.Errorf("version %d: only GGUF versions 2 and 3 are supported", version)
	}
	tensors := c.count(8+4+4+8, "number of tensors")
	pairs := c.count(8+4+1, "number of metadata pairs")
	if c.err != nil {
		return nil, c.err
	}
	meta, err := parseMetadata(c, pairs)
	if err != nil {
		return nil, err
	}
	f := &ggufFile{meta: meta}
	offsets := make([]uint64, 0, min(tensors, 4096))
	for i := range tensors {
		t, offset := parseTensorInfo(c, i)
		if c.err != nil {
			return nil, c.err
		}
		f.tensors, offsets = append(f.tensors, t), append(offsets, offset)
	}
	meta.head = string(c.b[:c.at]) // a copy: metadata outlives the mapping
	align, err := meta.alignment()
	if err != nil {
		return nil, err
	}
	data := min((c.at+align-1)/align*align, len(m.b)) // a file without tensors may end before
	for i := range f.tensors {
		if err := place(&f.tensors[i], m, data, align, offsets[i]); err != nil {
			return nil, err
		}
	}
	return f, checkOverlap(f.tensors)
}

// parseTensorInfo reads one entry of the tensor list; errors stay in c.
func parseTensorInfo(c *cursor, i int) (t Tensor, offset uint64) {
	t.Name = string(c.text(fmt.Sprintf("name of tensor %d", i)))
	what := "tensor " + t.Name
	dims := c.u32(what + ": number of dimensions")
	if c.err == nil && dims > maxDims {
		c.err = fmt.Errorf("%s: %d dimensions, at most %d are possible", what, dims, maxDims)
		return
	}
	t.Shape = make([]int, dims)
	for i := range dims {
		n := c.u64(what + ": shape")
		if n > min(1<<48, math.MaxInt) {
			c.err = fmt.Errorf("%s: dimension of %d", what, n)
			return
		}
		t.Shape[dims-1-i] = int(n)
	}
	n := c.u32(what + ": type")
	offset = c.u64(what + ": offset")
	if typ, ok := ggmlTypeOf(n); ok {
		t.DType, t.Type = typ.name, kernelType(n)
	} else if c.err == nil {
		c.err = fmt.Errorf("%s: type %d is not a known storage format", what, n)
	}
	return
}

// place sets t.Data to the bytes at offset in the data section of m.
func place(t *Tensor, m *mapping, data, align int, offset uint64) error {
	_, typ, _ := ggmlTypeNamed(t.DType)
	size, err := sizeOf(t.Shape, typ)
	if err != nil {
		return fmt.Errorf("tensor %s: %w", t.Name, err)
	}
	if offset%uint64(align) != 0 {
		return fmt.Errorf("tensor %s: offset %d is not a multiple of the alignment %d", t.Name, offset, align)
	}
	room := uint64(len(m.b) - data)
	if offset > room || size > room-offset {
		return fmt.Errorf("tensor %s: %d bytes at offset %d, but the data section has %d: the file is cut short or damaged", t.Name, size, offset, room)
	}
	t.file, t.at = m, data+int(offset)
	t.Data = m.b[t.at : t.at+int(size) : t.at+int(size)]
	return nil
}

// sizeOf is the bytes that a tensor takes.
func sizeOf(shape []int, typ ggmlType) (uint64, error) {
	n := uint64(1)
	for _, d := range shape {
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 {
			return 0, fmt.Errorf("shape %v is too large", shape)
		}
		n = lo
	}
	row := 1
	if len(shape) > 0 {
		row = shape[len(shape)-1]
	}
	if row%typ.blockLen != 0 {
		return 0, fmt.Errorf("rows of %d numbers cannot be cut into %s blocks of %d", row, typ.name, typ.blockLen)
	}
	hi, lo := bits.Mul64(n/uint64(typ.blockLen), uint64(typ.blockBytes))
	if hi != 0 {
		return 0, fmt.Errorf("shape %v is too large", shape)
	}
	return lo, nil
}

// checkOverlap returns an error if two tensors of a file share bytes.
func checkOverlap(tensors []Tensor) error {
	order := make([]*Tensor, 0, len(tensors))
	for i := range tensors {
		if len(tensors[i].Data) > 0 {
			order = append(order, &tensors[i])
		}
	}
	slices.SortFunc(order, func(a, b *Tensor) int { return a.at - b.at })
	for i := 1; i < len(order); i++ {
		if a, b := order[i-1], order[i]; b.at < a.at+len(a.Data) {
			return fmt.Errorf("tensors %s and %s overlap in the file", a.Name, b.Name)
		}
	}
	return nil
}

// openSplit opens path and, when its metadata says so, the files that continue
// it. On an error the result holds what is to be closed.
func openSplit(path string) (*GGUF, error) {
	g := &GGUF{}
	first, err := g.join(path)
	if err != nil {
		return g, err
	}
	g.Meta = first.meta
	count, split := first.meta.Uint("split.count")
	if !split || count <= 1 {
		return g, nil
	}
	if no, _ := first.meta.Uint("split.no"); no != 0 {
		return g, fmt.Errorf("%s: part %d of %d; open the first part", path, no+1, count)
	}
	name, ok := splitName(path, count)
	if !ok {
		return g, fmt.Errorf("%s: the first of %d parts must be named like model-00001-of-%05d.gguf", path, count, count)
	}
	for i := uint64(1); i < count; i++ {
		part := name(i)
		f, err := g.join(part)
		if err != nil {
			return g, fmt.Errorf("part %d of %d: %w", i+1, count, err)
		}
		no, _ := f.meta.Uint("split.no")
		if n, _ := f.meta.Uint("split.count"); no != i || n != count {
			return g, fmt.Errorf("%s: says it is part %d of %d, want %d of %d", part, no+1, n, i+1, count)
		}
	}
	if want, ok := first.meta.Uint("split.tensors.count"); ok && want != uint64(g.Len()) {
		return g, fmt.Errorf("%s: %d tensors in %d parts, want %d", path, g.Len(), count, want)
	}
	return g, nil
}

// splitName returns the path of part i, counted from 0, of a model whose first
// part is at path.
func splitName(path string, count uint64) (func(i uint64) string, bool) {
	tail := func(i uint64) string { return fmt.Sprintf("-%05d-of-%05d.gguf", i+1, count) }
	dir, base := filepath.Split(path)
	n := len(base) - len(tail(0))
	if n < 0 || base[n:] != tail(0) {
		return nil, false
	}
	return func(i uint64) string { return dir + base[:n] + tail(i) }, true
}

// join maps one more file and adds its tensors.
func (g *GGUF) join(path string) (*ggufFile, error) {
	m, err := openMapping(path)
	if err != nil {
		return nil, err
	}
	g.files = append(g.files, m)
	f, err := parseGGUF(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, t := range f.tensors {
		if err := g.add(t); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return f, nil
}
