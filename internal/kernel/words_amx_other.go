//go:build !amd64 || purego

package kernel

// Without assembly there are no tiles, and nothing of this is called.

func (t *wordsTile) run()       { panic("kernel: no tiles") }
func lower(q []uint8, by uint8) { panic("kernel: no tiles") }
func splitWords(dst []wordTile, words []wordBlock, blocks, rows int) {
	splitWordsGeneric(dst, words, blocks, rows)
}
