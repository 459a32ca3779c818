//go:build !amd64 || purego

package kernel

func (t *amxTile) run() { t.generic() }

func splitRows(dst, src []float32, row, n int) { splitRowsGeneric(dst, src, row, n) }

func splitPairs(dst, src []float32, n int) { splitPairsGeneric(dst, src, n) }

func pastePanels(dst, src []float32, rows, n, row, panel int) {
	pastePanelsGeneric(dst, src, rows, n, row, panel)
}
