//go:build !amd64 || purego

package kernel

func (t *gemmTile) run(width int) {
	if t.pairs == wholePairs {
		t.wholes(width)
		return
	}
	t.generic(width)
}

func (e *expansion) run() { e.generic() }

func transpose16(dst []float32, dstRow int, src []float32, srcRow int) {
	transpose16Generic(dst, dstRow, src, srcRow)
}

func transposesRows() bool         { return false }
func hasPairs() bool               { return false }
func hasWholes() bool              { return false }
func pairAlong(dst, src []float32) {}

func bandFast(dst []float32, v View, k int) bool { return false }
func pairBand(dst, src []float32, row, k int)    {}

func wholesAlong(dst, src []float32) (scale float32) { return wholesAlongGeneric(dst, src) }

func wholesDown(dst, scales, src []float32, row, n int) {
	wholesDownGeneric(dst, scales, src, row, n)
}

func pairRows(dst, src []float32, row, cols, n int) {}
