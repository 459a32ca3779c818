//go:build amd64 && !purego

package kernel

import "unsafe"

//go:noescape
func gemmAMX(t *splitProduct)

//go:noescape
func splitRowsAMX(dst, src *float32, row, n int)

//go:noescape
func halfRowsAMX(dst, src *float32, row, n int)

//go:noescape
func splitPairsAMX(dst, src *float32, row, n int)

//go:noescape
func halfPairsAMX(dst, src *float32, row, n int)

//go:noescape
func streamPanelsAVX512(dst, src *float32, rows, panels, row, panel int)

//go:noescape
func pastePanelsAVX512(dst, src *float32, rows, panels, row, panel int)

// amxShapes is the palette of the products: all tiles of sixteen rows of 64 bytes.
//
//lint:ignore U1000 assembly reads it
var amxShapes = func() (s [64]byte) {
	s[0] = 1
	for t := range 8 {
		s[16+2*t], s[48+t] = 64, 16
	}
	return s
}()

// pairTurns has the words of two registers take turns.
//
//lint:ignore U1000 assembly reads it
var pairTurns = func() (w [32]uint16) {
	for i := range w {
		w[i] = uint16(i/2 + i%2*16)
	}
	return w
}()

// run computes the tiles with the path in use.
func (t *splitProduct) run() {
	if tiles {
		gemmAMX(t)
		return
	}
	t.generic()
}

// splitRows splits n rows of 32 numbers, row numbers apart, into rows of tiles; with half
// there are upper parts alone.
func splitRows(dst, src []float32, row, n int, half bool) {
	if !tiles {
		splitRowsGeneric(dst, src, row, n, half)
		return
	}
	_ = src[(n-1)*row+splitSide-1]
	if half {
		_ = dst[n*splitRow-1]
		halfRowsAMX(&dst[0], &src[0], row, n)
		return
	}
	_ = dst[splitLower+n*splitRow-1]
	splitRowsAMX(&dst[0], &src[0], row, n)
}

// splitPairs splits n blocks of 32 rows of 32 numbers, row numbers apart, into tiles of
// pairs.
func splitPairs(dst, src []float32, row, n int, half bool) {
	if !tiles {
		splitPairsGeneric(dst, src, row, n, half)
		return
	}
	_, _ = dst[n*blockLen(half)-1], src[(n*splitSide-1)*row+splitSide-1]
	if half {
		halfPairsAMX(&dst[0], &src[0], row, n)
		return
	}
	splitPairsAMX(&dst[0], &src[0], row, n)
}

// pastePanels writes panels of so many rows of 32 numbers next to each other: n numbers
// a row, and row numbers between rows.
func pastePanels(dst, src []float32, rows, n, row, panel int) {
	whole := n / splitSide
	if !tiles || whole == 0 {
		pastePanelsGeneric(dst, src, rows, n, row, panel)
		return
	}
	_, _ = dst[(rows-1)*row+n-1], src[(whole-1)*panel+rows*splitSide-1]
	if uintptr(unsafe.Pointer(&dst[0]))%64 == 0 && row%16 == 0 {
		streamPanelsAVX512(&dst[0], &src[0], rows, whole, 4*row, 4*panel)
	} else {
		pastePanelsAVX512(&dst[0], &src[0], rows, whole, 4*row, 4*panel)
	}
	if n%splitSide > 0 {
		pastePanelsGeneric(dst[whole*splitSide:], src[whole*panel:], rows, n%splitSide, row, panel)
	}
}
