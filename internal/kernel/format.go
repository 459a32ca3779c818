package kernel

import (
	"encoding/binary"
	"slices"
)

// Format is how blocks of BlockLen numbers are stored in BlockBytes bytes. Each
// is described in the file of its name and registers itself there.
//
// The layouts and the rounding are those of ggml (block_* in ggml-common.h,
// *_row_*_ref in ggml-quants.c).
type Format struct {
	Type       Type
	Name       string
	BlockLen   int // numbers
	BlockBytes int
	// Dequantize reads len(dst) numbers, a multiple of BlockLen.
	Dequantize func(dst []float32, src []byte)
	// Quantize stores len(src) numbers, a multiple of BlockLen; nil: read only.
	Quantize func(dst []byte, src []float32)

	packing *packing // how NewMatrix re-lays the blocks; nil for float formats
}

// String is the name.
func (f *Format) String() string { return f.Name }

var formats = map[Type]*Format{}

func register(f Format) {
	if _, dup := formats[f.Type]; dup {
		panic("kernel: format " + f.Name + " is registered twice")
	}
	formats[f.Type] = &f
}

// FormatOf finds the format of a type.
func FormatOf(t Type) (*Format, bool) {
	f, ok := formats[t]
	return f, ok
}

// Formats lists all formats in the order of their types.
func Formats() []*Format {
	all := make([]*Format, 0, len(formats))
	for _, f := range formats {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *Format) int { return int(a.Type) - int(b.Type) })
	return all
}

// blockwise calls f for each block of n numbers stored in size bytes.
func blockwise(x []float32, b []byte, n, size int, f func(x []float32, b []byte)) {
	for i := range len(x) / n {
		f(x[i*n:(i+1)*n], b[i*size:(i+1)*size])
	}
}

func half(b []byte) float32 { return F16ToF32(binary.LittleEndian.Uint16(b)) }

func putHalf(b []byte, f float32) { binary.LittleEndian.PutUint16(b, F32ToF16(f)) }

// reciprocal is 1/d, and 0 for the d of an all-zero block.
func reciprocal(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}

// farthest is the number of largest magnitude, with its sign; the first of equals.
func farthest(x []float32) (v float32) {
	for _, f := range x {
		if max(f, -f) > max(v, -v) {
			v = f
		}
	}
	return v
}

// code clips a rounded number to 0..top. It is false to the last for NaN, which becomes 0.
func code(f float32, top uint8) uint8 {
	switch {
	case f >= float32(top):
		return top
	case f >= 0:
		return uint8(f)
	}
	return 0
}
