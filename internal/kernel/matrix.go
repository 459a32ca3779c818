package kernel

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// Source is a matrix as a file stores it.
type Source struct {
	Type       Type
	Rows, Cols int
	Data       []byte // Rows stored rows, one after the other
	// RowOrder, when not nil, says that row i of the matrix is stored row
	// RowOrder[i]. It undoes permutations made by converters.
	RowOrder []int32
}

// Matrix is a weight [Rows, Cols] in some storage format, laid out for products.
type Matrix struct {
	Type       Type
	Rows, Cols int

	format *Format
	bytes  int        // of a row
	data   []byte     // packed groups; for float formats the source's bytes
	order  []int32    // for float formats the source's order
	arena  *hugeArena // that data is in, if any
	turns  bool       // rows take turns in data, see takeTurns
}

// NewMatrix lays a stored matrix out. Quantised formats are copied, and Data is
// no longer needed; float formats keep Data and RowOrder by reference.
func NewMatrix(src Source) (*Matrix, error) {
	f, ok := FormatOf(src.Type)
	if !ok {
		return nil, fmt.Errorf("matrix of %v: the storage format is not known", src.Type)
	}
	if src.Rows <= 0 || src.Cols <= 0 || src.Cols%f.BlockLen != 0 {
		return nil, fmt.Errorf("matrix [%d, %d] of %s: want positive sizes, columns in multiples of %d", src.Rows, src.Cols, f.Name, f.BlockLen)
	}
	if src.Rows > math.MaxInt32 || src.Cols > math.MaxInt32 || src.Type.RowBytes(src.Cols) > math.MaxInt/2/(src.Rows+groupRows) {
		return nil, fmt.Errorf("matrix [%d, %d] of %s: too large", src.Rows, src.Cols, f.Name)
	}
	if want := src.Rows * src.Type.RowBytes(src.Cols); len(src.Data) != want {
		return nil, fmt.Errorf("matrix [%d, %d] of %s: want %d bytes, have %d", src.Rows, src.Cols, f.Name, want, len(src.Data))
	}
	if src.RowOrder != nil {
		if len(src.RowOrder) != src.Rows {
			return nil, fmt.Errorf("matrix [%d, %d]: the order of rows has %d entries", src.Rows, src.Cols, len(src.RowOrder))
		}
		for i, r := range src.RowOrder {
			if r < 0 || int(r) >= src.Rows {
				return nil, fmt.Errorf("matrix [%d, %d]: row %d is stored in row %d, which is not there", src.Rows, src.Cols, i, r)
			}
		}
	}
	m := &Matrix{Type: src.Type, Rows: src.Rows, Cols: src.Cols, format: f, bytes: src.Type.RowBytes(src.Cols), data: src.Data, order: src.RowOrder}
	if f.packing != nil {
		m.order = nil
		m.pack(src)
	}
	return m, nil
}

// pack copies the rows into groups, on all cores: it is what loading a model
// takes. Places without a row stay zero.
func (m *Matrix) pack(src Source) {
	m.data = hugeBytes(m.groups() * m.groupBytes())
	share := max(1, 1<<20/m.groupBytes()) // groups
	var done sync.WaitGroup
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), (m.groups()+share-1)/share) {
		done.Go(func() {
			for {
				end := int(next.Add(int64(share)))
				for g := end - share; g < min(end, m.groups()); g++ {
					m.packGroup(src, g)
				}
				if end >= m.groups() {
					return
				}
			}
		})
	}
	done.Wait()
}

func (m *Matrix) packGroup(src Source, g int) {
	stored := func(i int) []byte {
		if src.RowOrder != nil {
			i = int(src.RowOrder[i])
		}
		return src.Data[i*m.bytes : (i+1)*m.bytes]
	}
	group, start := m.group(g), g*groupRows
	n := min(m.Rows-start, groupRows)
	for r := 0; r+1 < n; r += 2 {
		m.format.packPair(group, stored(start+r), stored(start+r+1), r)
	}
	if n%2 != 0 {
		m.format.packRow(group, stored(start+n-1), n-1)
	}
}

func (m *Matrix) groups() int { return (m.Rows + groupRows - 1) / groupRows }

func (m *Matrix) groupBytes() int { return groupRows * m.bytes }

// group is the packed group g.
func (m *Matrix) group(g int) []byte {
	n := m.groupBytes()
	return m.data[g*n : (g+1)*n]
}

// stored is row i of a float matrix as the file has it.
func (m *Matrix) stored(i int) []byte {
	if m.order != nil {
		i = int(m.order[i])
	}
	n := m.bytes
	return m.data[i*n : (i+1)*n]
}

// Row dequantises one row into dst [Cols], exactly as the format says.
func (m *Matrix) Row(dst []float32, row int) {
	dst = dst[:m.Cols]
	switch {
	case m.turns:
		m.turnsRow(dst, row)
		return
	case m.format.packing == nil:
		m.format.Dequantize(dst, m.stored(row))
		runtime.KeepAlive(m)
		return
	}
	var block [256]byte
	f := m.format
	group := m.group(row / groupRows)
	for len(dst) > 0 {
		f.unpackBlock(block[:f.BlockBytes], group, row%groupRows)
		f.Dequantize(dst[:f.BlockLen], block[:f.BlockBytes])
		dst, group = dst[f.BlockLen:], group[groupRows*f.BlockBytes:]
	}
}

// Bytes is the memory the matrix takes; for float formats that of the file,
// which is not copied.
func (m *Matrix) Bytes() int64 { return int64(len(m.data)) }
