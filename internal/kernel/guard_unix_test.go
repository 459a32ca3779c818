//go:build unix

package kernel

import (
	"math"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// guarded is size bytes between two pages that must not be touched: they end at
// the second one, or with front begin right after the first.
func guarded(t testing.TB, size int, front bool) []byte {
	t.Helper()
	page := os.Getpagesize()
	inner := (size + page - 1) / page * page
	b, err := unix.Mmap(-1, 0, inner+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(b) })
	for _, g := range [][]byte{b[:page], b[page+inner:]} {
		if err := unix.Mprotect(g, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	if front {
		return b[page : page+size : page+size]
	}
	return b[page+inner-size : page+inner : page+inner]
}

// asFloats is b as numbers.
func asFloats(b []byte) []float32 {
	if len(b) == 0 {
		return []float32{}
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&b[0])), len(b)/4)
}

// TestGemmInBounds has matrices end, then begin, where memory that may not be touched
// does.
func TestGemmInBounds(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		var g Gemm
		split, half := Gemm{Precision: Split}, Gemm{Precision: Half}
		for _, front := range []bool{false, true} {
			for _, size := range [][3]int{{1, 16, 3}, {12, 32, 7}, {13, 48, 40}, {24, 33, 300}, {5, 5, 5}} {
				m, n, k := size[0], size[1], size[2]
				y := asFloats(guarded(t, 4*m*n, front))
				a, b := asFloats(guarded(t, 4*m*k, front)), asFloats(guarded(t, 4*k*n, front))
				g.Product(nil, y, RowMajor(a, k), RowMajor(b, n), m, n, k, true)
				g.Product(nil, y, RowMajor(a, m).T(), RowMajor(b, k).T(), m, n, k, false)
			}
			for _, f := range Formats() {
				const m, rows, cols = 13, 32, 512
				w := mustMatrix(t, Source{Type: f.Type, Rows: rows, Cols: cols, Data: guarded(t, rows*f.Type.RowBytes(cols), front)})
				x, y := asFloats(guarded(t, 4*m*cols, front)), asFloats(guarded(t, 4*m*rows, front))
				for _, g := range []*Gemm{&g, &split, &half} {
					g.MulT(nil, y, x, m, w, true)
					g.Mul(nil, x, y, m, w, true)
				}
			}
		}
	})
}

// TestTilesInBounds has activations and their tiles end, then begin, where memory that may not be
// touched does.
func TestTilesInBounds(t *testing.T) {
	if !tiles {
		t.Skip("no tiles")
	}
	const blocks = 3
	for _, front := range []bool{false, true} {
		for rows := 1; rows <= groupRows; rows++ {
			x := asFloats(guarded(t, 4*32*blocks*rows, front))
			x[0] = float32(math.Inf(1)) // what is rare is written last
			bytes := guarded(t, blocks*int(unsafe.Sizeof(byteTile{})), front)
			quantiseTiles(unsafe.Slice((*byteTile)(unsafe.Pointer(&bytes[0])), blocks), x, 32*blocks, rows)
			pairs := guarded(t, blocks*int(unsafe.Sizeof(pairTile{})), front)
			quantisePairs(unsafe.Slice((*pairTile)(unsafe.Pointer(&pairs[0])), blocks), x, 32*blocks, rows)
		}
	}
}

// TestDigitsInBounds has keys and values in Q16 end, then begin, where memory that may not be
// touched does; the same for queries and results.
func TestDigitsInBounds(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		for _, front := range []bool{false, true} {
			for _, c := range []struct{ rows, past, blockLen, headDim int }{{1, 30, 32, 64}, {1, 15, 16, 128}, {9, 55, 64, 64}, {40, 88, 128, 64}, {33, 0, 16, 256}} {
				kv := &KV{Type: Q16, BlockLen: c.blockLen, KVHeads: 1, HeadDim: c.headDim}
				n := c.past + c.rows
				blocks := (n + c.blockLen - 1) / c.blockLen
				kv.K, kv.V = guarded(t, blocks*kv.BlockBytes(), front), guarded(t, blocks*kv.BlockBytes(), front)
				k, v := asFloats(guarded(t, 4*n*c.headDim, front)), asFloats(guarded(t, 4*n*c.headDim, front))
				q, y := asFloats(guarded(t, 4*3*c.rows*c.headDim, front)), asFloats(guarded(t, 4*3*c.rows*c.headDim, front))
				span := Span{Len: n}
				for i := range blocks {
					span.Blocks = append(span.Blocks, int32(i))
				}
				kv.StoreRows(nil, k, v, []Span{span})
				span.Len, span.Past = c.rows, c.past
				new(Attender).Attend(nil, y, q, kv, []Span{span}, AttendOptions{Heads: 3, Scale: 1})
			}
		}
	})
}
