package kernel

import "fmt"

// Products of float32 matrices for training. Of a result C [m, n] tiles of gemmRows
// by gemmCols numbers are computed at a time, each number as
//
//	c = Σ over blocks of gemmDepth k of (Σ_k a_k b_k by fma, in the order of k, from 0)
//
// the blocks added in their order. That depends on k alone: not on m or n, on the
// workers, or on the instruction set.
const (
	gemmRows  = 12
	gemmCols  = 32
	gemmDepth = 256
)

// View is a matrix in memory: number (i, j) is Data[i*Row+j*Col].
type View struct {
	Data     []float32
	Row, Col int
}

// RowMajor is a matrix whose rows of cols numbers follow each other.
func RowMajor(data []float32, cols int) View { return View{data, cols, 1} }

// T is the matrix transposed.
func (v View) T() View { return View{v.Data, v.Col, v.Row} }

// from is the part of the matrix that begins at (i, j).
func (v View) from(i, j int) View { return View{v.Data[i*v.Row+j*v.Col:], v.Row, v.Col} }

// holds panics unless there is memory for [rows, cols].
func (v View) holds(rows, cols int) {
	if rows == 0 || cols == 0 {
		return
	}
	if v.Row < 0 || v.Col < 0 || (rows-1)*v.Row+(cols-1)*v.Col >= len(v.Data) {
		panic(fmt.Sprintf("kernel: %d numbers as a matrix [%d, %d] with strides %d and %d", len(v.Data), rows, cols, v.Row, v.Col))
	}
}

// gemmTile is one call of a tile kernel: c [gemmRows, 16 or 32] = or += a b.
type gemmTile struct {
	a        *float32 // number (0, 0)
	aRow     int      // strides of a
	aCol     int
	b        *float32 // rows of 16 or 32 numbers, bRow apart
	bRow     int
	c        *float32
	cRow     int
	k        int
	addition bool
	pairs    pairKind // of a and b; k counts pairs

	aScale, bScale *float32 // [gemmRows] and [16 or 32], of pairs of integers
}

// gemmEdge is the memory for tiles that stick out of a matrix.
type gemmEdge struct {
	pairs pairKind // of all factors, none or those of bfloat16; k counts pairs
	a     [gemmDepth * gemmRows]float32
	c     [gemmRows * gemmCols]float32
}

// block computes c [m, n] = or += a [m, k] b [k, n], where k is at most gemmDepth, n
// at most gemmCols, and rows of b and c follow each other at b.Row and c.Row. Of b
// there must be memory for 16 numbers a row, or for gemmCols when n is above 16.
func (e *gemmEdge) block(c, a, b View, m, n, k int, addition bool) {
	width := 16
	if n > 16 {
		width = gemmCols
	}
	a.holds(m, k)
	b.holds(k, width)
	c.holds(m, n)
	t := gemmTile{b: &b.Data[0], bRow: b.Row, k: k, pairs: e.pairs}
	for i := 0; i < m; i += gemmRows {
		rows := min(gemmRows, m-i)
		t.a, t.aRow, t.aCol = &a.Data[i*a.Row], a.Row, a.Col
		if rows < gemmRows {
			e.pad(a.from(i, 0), rows, k)
			t.a, t.aRow, t.aCol = &e.a[0], 1, gemmRows
		}
		if rows == gemmRows && n == width {
			t.c, t.cRow, t.addition = &c.Data[i*c.Row], c.Row, addition
			t.run(width)
			continue
		}
		t.c, t.cRow, t.addition = &e.c[0], gemmCols, false
		t.run(width)
		e.paste(c.from(i, 0), rows, n, addition)
	}
}

// paste writes or adds the first rows and n columns of e.c to c.
func (e *gemmEdge) paste(c View, rows, n int, addition bool) {
	for r := range rows {
		from, to := e.c[r*gemmCols:r*gemmCols+n], c.Data[r*c.Row:r*c.Row+n]
		if addition {
			add(to, to, from)
		} else {
			copy(to, from)
		}
	}
}

// pad copies rows of a into e.a, [k, gemmRows], and fills up with zeros.
func (e *gemmEdge) pad(a View, rows, k int) {
	for j := range k {
		to := e.a[j*gemmRows : (j+1)*gemmRows]
		clear(to)
		for i := range rows {
			to[i] = a.Data[i*a.Row+j*a.Col]
		}
	}
}

// small computes c [m, n] = or += a [m, k] b [k, n] within one task. Rows of b and c
// lie as block wants them; of b there must be memory for n rounded up to 16.
func (e *gemmEdge) small(c, a, b View, m, n, k int, addition bool) {
	if k == 0 && !addition {
		for i := range m {
			clear(c.Data[i*c.Row : i*c.Row+n])
		}
	}
	for j := 0; j < n; j += gemmCols {
		for d := 0; d < k; d += gemmDepth {
			e.block(c.from(0, j), a.from(0, d), b.from(d, j), m, min(gemmCols, n-j), min(gemmDepth, k-d), addition || d > 0)
		}
	}
}
