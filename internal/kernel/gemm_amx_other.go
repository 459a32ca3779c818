//go:build !amd64 || purego

package kernel

func (t *splitProduct) run() { t.generic() }

func splitRows(dst, src []float32, row, n int, half bool) { splitRowsGeneric(dst, src, row, n, half) }

func splitPairs(dst, src []float32, row, n int, half bool) { splitPairsGeneric(dst, src, row, n, half) }

func pastePanels(dst, src []float32, rows, n, row, panel int) {
	pastePanelsGeneric(dst, src, rows, n, row, panel)
}
