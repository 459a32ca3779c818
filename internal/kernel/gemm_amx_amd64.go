//go:build amd64 && !purego

package kernel

//go:noescape
func gemmAMX(t *amxTile)

//go:noescape
func splitRowsAMX(dst, src *float32, row, n int)

//go:noescape
func splitPairsAMX(dst, src *float32, n int)

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
func (t *amxTile) run() {
	if tiles {
		gemmAMX(t)
		return
	}
	t.generic()
}

// splitRows splits n rows of 32 numbers, row numbers apart, into rows of tiles.
func splitRows(dst, src []float32, row, n int) {
	_, _ = dst[splitLower+(n-1)*splitRow+splitRow-1], src[(n-1)*row+splitSide-1]
	if tiles {
		splitRowsAMX(&dst[0], &src[0], row, n)
		return
	}
	splitRowsGeneric(dst, src, row, n)
}

// splitPairs splits n blocks of 32 rows of 32 numbers into tiles of pairs.
func splitPairs(dst, src []float32, n int) {
	_, _ = dst[n*splitBlock-1], src[n*splitBlock-1]
	if tiles {
		splitPairsAMX(&dst[0], &src[0], n)
		return
	}
	splitPairsGeneric(dst, src, n)
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
	pastePanelsAVX512(&dst[0], &src[0], rows, whole, 4*row, 4*panel)
	if n%splitSide > 0 {
		pastePanelsGeneric(dst[whole*splitSide:], src[whole*panel:], rows, n%splitSide, row, panel)
	}
}
