package kernel

import (
	"encoding/binary"
	"fmt"
)

// panelOut is how many outputs a panel of Up has.
const panelOut = 32

// Up is B [Out, R] of an adapter, laid out for products with few rows: Bᵀ in panels
// of 32 outputs, the last one filled up with zeros.
type Up struct {
	Type   Type // F32, F16 or BF16
	Out, R int
	size   int        // of a number
	data   []byte     // [panels][R][32]
	arena  *hugeArena // that data is in, if any
}

// NewUp lays a matrix [Out, R] of floats out. It copies.
func NewUp(src Source) (*Up, error) {
	if src.Type != F32 && src.Type != F16 && src.Type != BF16 {
		return nil, fmt.Errorf("update [%d, %d] of %v: want F32, F16 or BF16", src.Rows, src.Cols, src.Type)
	}
	if _, err := NewMatrix(src); err != nil { // which checks sizes
		return nil, err
	}
	if src.RowOrder != nil {
		return nil, fmt.Errorf("update [%d, %d]: rows in another order", src.Rows, src.Cols)
	}
	u := &Up{Type: src.Type, Out: src.Rows, R: src.Cols, size: src.Type.RowBytes(1)}
	u.data = make([]byte, u.panels()*u.panelBytes())
	for o := range u.Out {
		row, to := src.Data[o*u.R*u.size:(o+1)*u.R*u.size], u.data[o/panelOut*u.panelBytes()+o%panelOut*u.size:]
		if u.size == 4 {
			for r := range u.R {
				binary.LittleEndian.PutUint32(to[4*r*panelOut:], binary.LittleEndian.Uint32(row[4*r:]))
			}
			continue
		}
		for r := range u.R {
			binary.LittleEndian.PutUint16(to[2*r*panelOut:], binary.LittleEndian.Uint16(row[2*r:]))
		}
	}
	return u, nil
}

func (u *Up) panels() int { return (u.Out + panelOut - 1) / panelOut }

func (u *Up) panelBytes() int { return u.R * panelOut * u.size }

// Bytes is the memory of u.
func (u *Up) Bytes() int64 { return int64(len(u.data)) }

// Gather moves the numbers of matrices, one after the other, into one piece of memory:
// who reads them in this order reads on, in large pages. A and B take turns; a matrix that comes twice
// is moved once. Rows of A that a kernel computes together take turns. Nobody may be computing with them. It returns the bytes of that memory
// that nothing is in.
func Gather(a []*Matrix, b []*Up) (spare int64) {
	n, seen := 0, map[*Matrix]bool{}
	for i := range a {
		if !seen[a[i]] {
			n += len(a[i].data)
		}
		seen[a[i]] = true
		n += len(b[i].data)
	}
	arena := newHugeArena(n)
	slab := arena.Bytes[:0]
	move := func(data *[]byte) {
		from := len(slab)
		slab = append(slab, *data...)
		*data = slab[from:len(slab):len(slab)]
	}
	for i := range a {
		if m := a[i]; seen[m] {
			if m.Rows == b[i].R && m.mayTakeTurns() { // tables have another shape
				from := len(slab)
				slab = m.takeTurns(slab)
				m.data = slab[from:len(slab):len(slab)]
			} else {
				move(&m.data)
			}
			m.arena, seen[m] = arena, false
		}
		move(&b[i].data)
		b[i].arena = arena
	}
	return int64(len(arena.Bytes) - n)
}
