//go:build amd64 && !purego

package kernel

//go:noescape
func bytesAMX(t *tiledCall)

//go:noescape
func wordsAMX(t *tiledCall)

//go:noescape
func bytes16AMX(t *tiledCall)

//go:noescape
func pairsAMX(t *tiledCall)

//go:noescape
func pairs16AMX(t *tiledCall)

//go:noescape
func quantisePairsAVX512(dst *pairTile, x *float32, blocks, row, rows int)

//go:noescape
func quantiseTilesAVX512(dst *byteTile, x *float32, blocks, row, rows int)

//go:noescape
func splitWordsAVX512(dst *wordTile, words *wordBlock, blocks, row int)

//go:noescape
func lowerAVX512(q *uint8, n int, by uint8)

//go:noescape
func widenAVX512(dst *uint16, q *uint8, n int, offset float32)

//go:noescape
func widenQ4_0AVX512(q *uint16, scale, mins *float32, src *byte, n int, codes *[32]uint16)

//go:noescape
func widenQ4_1AVX512(q *uint16, scale, mins *float32, src *byte, n int, codes *[32]uint16)

//go:noescape
func widenQ4_KAVX512(q *uint16, scale, mins *float32, src *byte, n int, codes *[32]uint16)

// Palettes of the kernels: sums of sixteen rows of sixteen numbers (tiles 0 to 3),
// activations of sixteen rows of 32 columns or 16 (4 and 5), and weights of as many rows
// as these take four bytes of, of sixteen such (6 and 7).
//
//lint:ignore U1000 assembly reads it
var shapes64, shapes32, shapes16 = tiledPalette(64), tiledPalette(32), tiledPalette(16)

// tiledPalette is the one whose rows of activations take so many bytes.
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
// order, and columns into that of a pairTile.
//
//lint:ignore U1000 assembly reads it
var wordTurns = func() (w [32]uint16) {
	for k := range w {
		w[k] = uint16(k&^3 + wordOrder[k&3])
	}
	return w
}()

// wideners unpack to weights of bfloat16 at once, by type.
var wideners = [BF16 + 1]func(q *uint16, scale, mins *float32, src *byte, n int, codes *[32]uint16){
	Q4_0: widenQ4_0AVX512, Q4_1: widenQ4_1AVX512, Q4_K: widenQ4_KAVX512,
}

// nibbles are the codes of four bits of formats with mins, and of those without, twice.
var nibbles = func() (all [2][32]uint16) {
	for i := range 32 {
		all[0][i], all[1][i] = F32ToBF16(float32(i&15)), F32ToBF16(float32(i&15-8))
	}
	return all
}()

func (t *tiledCall) run(step int) {
	switch {
	case t.by == byBytes && step == 16:
		bytes16AMX(t)
	case t.by == byBytes:
		bytesAMX(t)
	case t.by == byPairs && step == 16:
		pairs16AMX(t)
	case t.by == byPairs:
		pairsAMX(t)
	default:
		wordsAMX(t)
	}
}

// lower subtracts by from all of q, whose length is a multiple of 64.
func lower(q []uint8, by uint8) { lowerAVX512(&q[0], len(q), by) }

// unpackWide makes the weights of a tiledCall by pairs and their scales and mins of n group blocks.
// q is memory for a panel of as many. Formats with mins have codes of four bits there, and a widener.
func (f *Format) unpackWide(dst []uint16, q []uint8, scale, mins []float32, src []byte, n int) {
	size, steps := n*f.BlockLen*groupRows, f.steps(n)
	_, _, _, _, _ = dst[size-1], q[size-1], scale[steps-1], mins[steps-1], src[n*f.BlockBytes*groupRows-1]
	if widen := wideners[f.Type]; widen != nil {
		codes := &nibbles[0]
		if !f.packing.mins {
			codes = &nibbles[1]
		}
		widen(&dst[0], &scale[0], &mins[0], &src[0], n, codes)
		return
	}
	f.unpack(q, scale, mins, src, n)
	widenAVX512(&dst[0], &q[0], size, float32(int(1)<<f.packing.shift))
}

// quantiseTiles fills dst from some rows of x, at most sixteen, of cols numbers each.
func quantiseTiles(dst []byteTile, x []float32, cols, rows int) {
	_ = x[(rows-1)*cols+32*len(dst)-1]
	quantiseTilesAVX512(&dst[0], &x[0], len(dst), 4*cols, rows)
}

// quantisePairs fills dst from some rows of x, at most sixteen, of cols numbers each.
func quantisePairs(dst []pairTile, x []float32, cols, rows int) {
	_ = x[(rows-1)*cols+32*len(dst)-1]
	quantisePairsAVX512(&dst[0], &x[0], len(dst), 4*cols, rows)
}

func splitWords(dst []wordTile, words []wordBlock, blocks, rows int) {
	if rows < groupRows {
		splitWordsGeneric(dst, words, blocks, rows)
		return
	}
	_ = words[(groupRows-1)*blocks+len(dst)-1]
	splitWordsAVX512(&dst[0], &words[0], len(dst), blocks)
}
