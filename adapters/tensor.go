package adapters

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"graft/internal/kernel"
	"graft/internal/weights"
)

// Tensor is an array of floats in the type it was stored in.
type Tensor struct {
	Type  kernel.Type // F32, F16 or BF16
	Shape []int       // outermost first: [rows, cols]
	Data  []byte      // little-endian, row after row
}

// F32 makes a tensor of float32. It copies data.
func F32(data []float32, shape ...int) Tensor {
	t := weights.NewF32("", data, shape...)
	return Tensor{kernel.F32, shape, t.Data}
}

// take copies a tensor out of a file.
func take(t weights.Tensor) (Tensor, error) {
	if t.Len() == 0 || len(t.Shape) == 0 {
		return Tensor{}, fmt.Errorf("tensor %s: shape %v holds no matrix", t.Name, t.Shape)
	}
	switch t.Type {
	case kernel.F32, kernel.F16, kernel.BF16:
		return Tensor{t.Type, slices.Clone(t.Shape), bytes.Clone(t.Data)}, nil
	}
	return Tensor{}, fmt.Errorf("tensor %s: stored as %s; adapters are F32, F16 or BF16", t.Name, t.DType)
}

// file is t as writers want it.
func (t Tensor) file(name string) weights.Tensor {
	return weights.Tensor{Name: name, DType: t.Type.String(), Type: t.Type, Shape: t.Shape, Data: t.Data}
}

// Cols is the length of a row.
func (t Tensor) Cols() int { return t.Shape[len(t.Shape)-1] }

// Len is the number of elements.
func (t Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Float32 is all of t as float32.
func (t Tensor) Float32() []float32 {
	v := make([]float32, t.Len())
	decode(v, t)
	return v
}

func decode(dst []float32, t Tensor) {
	f, ok := kernel.FormatOf(t.Type)
	if !ok {
		panic(fmt.Sprintf("adapters: tensor %v of %v", t.Shape, t.Type))
	}
	if len(dst) > 0 {
		f.Dequantize(dst, t.Data)
	}
}

// Rows are rows start to start+n of a matrix, by reference.
func (t Tensor) Rows(start, n int) Tensor {
	size := len(t.Data) / t.Shape[0]
	shape := slices.Clone(t.Shape)
	shape[0] = n
	return Tensor{t.Type, shape, t.Data[start*size : (start+n)*size]}
}

// transposed is a [cols, rows] copy.
func (t Tensor) transposed() Tensor {
	rows, cols := t.Shape[0], t.Shape[1]
	out := Tensor{t.Type, []int{cols, rows}, make([]byte, len(t.Data))}
	if len(t.Data) == 0 {
		return out
	}
	if t.Type == kernel.F32 {
		for i := range rows {
			for j := range cols {
				binary.LittleEndian.PutUint32(out.Data[4*(j*rows+i):], binary.LittleEndian.Uint32(t.Data[4*(i*cols+j):]))
			}
		}
		return out
	}
	for i := range rows {
		for j := range cols {
			binary.LittleEndian.PutUint16(out.Data[2*(j*rows+i):], binary.LittleEndian.Uint16(t.Data[2*(i*cols+j):]))
		}
	}
	return out
}

// gather is a copy with row i taken from row order[i].
func (t Tensor) gather(order []int32) Tensor {
	out := Tensor{t.Type, t.Shape, make([]byte, len(t.Data))}
	size := len(t.Data) / t.Shape[0]
	for i, from := range order {
		copy(out.Data[i*size:(i+1)*size], t.Data[int(from)*size:])
	}
	return out
}

// finite tells the position of the first number that is NaN or infinite; -1: none.
func (t Tensor) finite() int {
	switch t.Type {
	case kernel.F32:
		for i := 0; i < len(t.Data); i += 4 {
			if binary.LittleEndian.Uint32(t.Data[i:])&0x7f800000 == 0x7f800000 {
				return i / 4
			}
		}
	default:
		exponent := uint16(0x7c00) // F16
		if t.Type == kernel.BF16 {
			exponent = 0x7f80
		}
		for i := 0; i < len(t.Data); i += 2 {
			if binary.LittleEndian.Uint16(t.Data[i:])&exponent == exponent {
				return i / 2
			}
		}
	}
	return -1
}

// norm2 is the sum of squares.
func norm2(v []float32) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return sum
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
