//go:build !amd64 || purego

package kernel

// Without assembly there are no tiles, and nothing of this is called.

func (t *tiledCall) run(step int) { panic("kernel: no tiles") }
func (f *Format) unpackWide(dst []uint16, q []uint8, scale, mins []float32, src []byte, n int) {
	panic("kernel: no tiles")
}
func lower(q []uint8, by uint8) { panic("kernel: no tiles") }
func quantiseTiles(dst []byteTile, x []float32, cols, rows int) {
	quantiseTilesGeneric(dst, x, cols, rows)
}
func quantisePairs(dst []pairTile, x []float32, cols, rows int) {
	quantisePairsGeneric(dst, x, cols, rows)
}
func splitWords(dst []wordTile, words []wordBlock, blocks, rows int) {
	splitWordsGeneric(dst, words, blocks, rows)
}
