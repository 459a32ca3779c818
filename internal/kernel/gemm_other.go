//go:build !amd64 || purego

package kernel

func (t *gemmTile) run(width int) { t.generic(width) }

func (e *expansion) run() { e.generic() }

func transpose16(dst []float32, dstRow int, src []float32, srcRow int) {
	transpose16Generic(dst, dstRow, src, srcRow)
}

func transposesRows() bool         { return false }
func hasPairs() bool               { return false }
func pairAlong(dst, src []float32) {}

func pairRows(dst, src []float32, row, cols, n int) {}
