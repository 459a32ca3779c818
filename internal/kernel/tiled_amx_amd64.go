//go:build amd64 && !purego

package kernel

//go:noescape
func bytesAMX(t *tiledCall)

//go:noescape
func wordsAMX(t *tiledCall)

//go:noescape
func bytes16AMX(t *tiledCall)

//go:noescape
func words16AMX(t *tiledCall)

//go:noescape
func quantiseTilesAVX512(dst *byteTile, x *float32, blocks, row, rows int)

//go:noescape
func splitWordsAVX512(dst *wordTile, words *wordBlock, blocks, row int)

//go:noescape
func lowerAVX512(q *uint8, n int, by uint8)

//go:noescape
func widenCodesAVX512(dst *uint16, q *uint8, n int, codes *[32]uint16)

//go:noescape
func widenAVX512(dst *uint16, q *uint8, n int, offset float32)

// Palettes of the kernels: sums of sixteen rows of sixteen numbers (tiles 0 to 3),
// activations of sixteen rows of 32 columns or 16 (4 and 5), and weights of as many rows
// as these take four bytes of, of sixteen such (6 and 7).
//
//lint:ignore U1000 assembly reads it
var bytesShapes = tiledPalette(64)

//lint:ignore U1000 assembly reads it
var bytes16Shapes = tiledPalette(32)

//lint:ignore U1000 assembly reads it
var wordsShapes = tiledPalette(32)

//lint:ignore U1000 assembly reads it
var words16Shapes = tiledPalette(16)

func tiledPalette(bytes byte) (s [64]byte) {
	s[0] = 1
	for tile := range 8 {
		rows, row := byte(groupRows), byte(4*groupRows)
		switch {
		case tile >= 6:
			rows = bytes / 4
		case tile >= 4:
			row = bytes
		}
		s[16+2*tile], s[48+tile] = row, rows
	}
	return s
}

// wordTurns exchanges columns 1 and 2 of every four: those of a wordBlock come into their
// order, and columns into that of a byteTile.
//
//lint:ignore U1000 assembly reads it
var wordTurns = func() (w [32]uint16) {
	for k := range w {
		w[k] = uint16(k&^3 + wordOrder[k&3])
	}
	return w
}()

// codesOf are the numbers 0 to 31, less 1<<shift unless that is noShift.
var codesOf = func() (all [noShift + 1][32]uint16) {
	for _, shift := range []int{3, 4, noShift} {
		for i := range 32 {
			all[shift][i] = F32ToBF16(float32(i - 1<<shift&31))
		}
	}
	return all
}()

func (t *tiledCall) run(exact bool, step int) {
	switch {
	case step == 16 && exact:
		words16AMX(t)
	case step == 16:
		bytes16AMX(t)
	case exact:
		wordsAMX(t)
	default:
		bytesAMX(t)
	}
}

// lower subtracts by from all of q, whose length is a multiple of 64.
func lower(q []uint8, by uint8) { lowerAVX512(&q[0], len(q), by) }

// widen makes the weights of a tiledCall of those of a panel, a multiple of 64.
func (f *Format) widen(dst []uint16, q []uint8) {
	_ = dst[len(q)-1]
	if shift := f.packing.shift; shift <= 4 || shift == noShift {
		widenCodesAVX512(&dst[0], &q[0], len(q), &codesOf[shift])
	} else {
		widenAVX512(&dst[0], &q[0], len(q), float32(int(1)<<shift))
	}
}

// quantiseTiles fills dst from some rows of x, at most sixteen, of cols numbers each.
func quantiseTiles(dst []byteTile, x []float32, cols, rows int) {
	_ = x[(rows-1)*cols+32*len(dst)-1]
	quantiseTilesAVX512(&dst[0], &x[0], len(dst), 4*cols, rows)
}

func splitWords(dst []wordTile, words []wordBlock, blocks, rows int) {
	if rows < groupRows {
		splitWordsGeneric(dst, words, blocks, rows)
		return
	}
	_ = words[(groupRows-1)*blocks+len(dst)-1]
	splitWordsAVX512(&dst[0], &words[0], len(dst), blocks)
}
