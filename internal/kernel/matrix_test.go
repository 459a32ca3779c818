package kernel

import (
	"math"
	"strings"
	"testing"
)

func TestNewMatrixRefuses(t *testing.T) {
	data := func(n int) []byte { return make([]byte, n) }
	for _, c := range []struct {
		name string
		src  Source
		want string // part of the error
	}{
		{"unknown type", Source{Type: 99, Rows: 1, Cols: 32, Data: data(32)}, "type 99"},
		{"no rows", Source{Type: F32, Rows: 0, Cols: 32}, "positive"},
		{"negative columns", Source{Type: F32, Rows: 1, Cols: -1}, "positive"},
		{"part of a block", Source{Type: Q4_K, Rows: 1, Cols: 128, Data: data(72)}, "multiples of 256"},
		{"short", Source{Type: Q4_1, Rows: 2, Cols: 32, Data: data(39)}, "want 40 bytes, have 39"},
		{"long", Source{Type: Q4_1, Rows: 2, Cols: 32, Data: data(41)}, "want 40 bytes, have 41"},
		{"overflow", Source{Type: F32, Rows: math.MaxInt, Cols: math.MaxInt}, "too large"},
		{"wraps to a small size", Source{Type: F32, Rows: math.MaxInt32, Cols: math.MaxInt32}, "too large"},
		{"short order", Source{Type: F32, Rows: 2, Cols: 1, Data: data(8), RowOrder: []int32{0}}, "1 entries"},
		{"order past the end", Source{Type: F32, Rows: 2, Cols: 1, Data: data(8), RowOrder: []int32{0, 2}}, "row 1 is stored in row 2"},
		{"negative order", Source{Type: F32, Rows: 2, Cols: 1, Data: data(8), RowOrder: []int32{-1, 0}}, "row 0 is stored in row -1"},
	} {
		m, err := NewMatrix(c.src)
		if err == nil {
			t.Errorf("%s: made %v", c.name, m)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want it to say %q", c.name, err, c.want)
		}
	}
}

// Whatever is claimed, NewMatrix returns a matrix that works or an error, and
// takes no memory beyond the data's and the padding's.
func FuzzNewMatrix(f *testing.F) {
	for _, format := range Formats() {
		f.Add(uint32(format.Type), 3, 256, make([]byte, 3*format.Type.RowBytes(256)), int32(1))
		f.Add(uint32(format.Type), 1, 32, make([]byte, 7), int32(-1))
	}
	f.Add(uint32(F32), math.MaxInt, math.MaxInt, []byte{1}, int32(0))
	f.Add(uint32(Q6_K), math.MaxInt32, 256, []byte{1}, int32(0))
	f.Fuzz(func(t *testing.T, ty uint32, rows, cols int, data []byte, last int32) {
		src := Source{Type: Type(ty), Rows: rows, Cols: cols, Data: data}
		if last != 0 && rows > 0 && rows < 1<<10 {
			src.RowOrder = make([]int32, rows)
			src.RowOrder[rows-1] = last
		}
		m, err := NewMatrix(src)
		if err != nil {
			return
		}
		if limit := int64(len(data) + groupRows*m.Type.RowBytes(cols)); m.Bytes() > limit {
			t.Fatalf("%v [%d, %d] takes %d bytes of %d", m.Type, rows, cols, m.Bytes(), len(data))
		}
		row := make([]float32, cols)
		m.Row(row, rows-1)
		x := make([]float32, cols)
		x[0] = 1
		multiply(false, nil, m, x, 1)
	})
}
