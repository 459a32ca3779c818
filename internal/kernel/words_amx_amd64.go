//go:build amd64 && !purego

package kernel

//go:noescape
func wordsAMX(t *wordsTile)

//go:noescape
func splitWordsAVX512(dst *wordTile, words *wordBlock, blocks, row int)

//go:noescape
func lowerAVX512(q *uint8, n int, by uint8)

// wordShapes is the palette of wordsAMX: sums of sixteen rows of sixteen numbers (tiles
// 0 and 1), activations of sixteen rows of 32 columns (4 and 5), and weights of eight
// rows of sixteen quads (6).
//
//lint:ignore U1000 assembly reads it
var wordShapes = func() (s [64]byte) {
	s[0] = 1
	for _, t := range []struct{ tile, rows, bytes byte }{{0, 16, 64}, {1, 16, 64}, {4, 16, 32}, {5, 16, 32}, {6, 8, 64}} {
		s[16+2*t.tile], s[48+t.tile] = t.bytes, t.rows
	}
	return s
}()

// wordTurns brings the columns of a wordBlock into their order.
//
//lint:ignore U1000 assembly reads it
var wordTurns = func() (w [32]uint16) {
	for k := range w {
		w[k] = uint16(k&^3 + wordOrder[k&3])
	}
	return w
}()

func (t *wordsTile) run() { wordsAMX(t) }

// lower subtracts by from all of q, whose length is a multiple of 64.
func lower(q []uint8, by uint8) { lowerAVX512(&q[0], len(q), by) }

func splitWords(dst []wordTile, words []wordBlock, blocks, rows int) {
	if rows < groupRows {
		splitWordsGeneric(dst, words, blocks, rows)
		return
	}
	_ = words[(groupRows-1)*blocks+len(dst)-1]
	splitWordsAVX512(&dst[0], &words[0], len(dst), blocks)
}
