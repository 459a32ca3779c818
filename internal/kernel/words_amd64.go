//go:build amd64 && !purego

package kernel

//go:noescape
func wordBlocksAVX2(dst *wordBlock, x *float32, n int)

//go:noescape
func offsetWords1AVX2(t *tile)

//go:noescape
func offsetWords2AVX2(t *tile)

//go:noescape
func offsetWords4AVX2(t *tile)

//go:noescape
func minsWords1AVX2(t *tile)

//go:noescape
func minsWords2AVX2(t *tile)

//go:noescape
func minsWords4AVX2(t *tile)

//go:noescape
func step16Words1AVX2(t *tile)

//go:noescape
func step16Words2AVX2(t *tile)

//go:noescape
func step16Words4AVX2(t *tile)

// wordsTilesAVX2 are as tilesAVX2, for activations of 16 bits. Weights of eight
// bits need no kernel of their own.
var wordsTilesAVX2 = [...][4]func(*tile){
	offsetTile: {offsetWords1AVX2, offsetWords2AVX2, offsetWords4AVX2},
	wideTile:   {offsetWords1AVX2, offsetWords2AVX2, offsetWords4AVX2},
	minsTile:   {minsWords1AVX2, minsWords2AVX2, minsWords4AVX2},
	step16Tile: {step16Words1AVX2, step16Words2AVX2, step16Words4AVX2},

	nibbleTile:     {offsetWords1AVX2, offsetWords2AVX2, offsetWords4AVX2},
	nibbleMinsTile: {minsWords1AVX2, minsWords2AVX2, minsWords4AVX2},
}

// wordBlocks fills dst from 32 numbers each, with the path in use.
func wordBlocks(dst []wordBlock, x []float32) {
	if isa == pathGeneric || len(dst) == 0 {
		wordBlocksGeneric(dst, x)
		return
	}
	x = x[:32*len(dst)]
	wordBlocksAVX2(&dst[0], &x[0], len(dst))
}

// runWords computes the tile, with activations of 16 bits, with the path in use.
func (t *tile) runWords(f *Format) {
	switch isa {
	case pathAVX512:
		t.runPacked(&wordsAVX512[f.Type], 3, f)
	case pathAVX2:
		if t.src != nil {
			t.runPacked(&packedWordsAVX2[f.Type], 2, f)
			return
		}
		t.runAsm(&wordsTilesAVX2[f.packing.kindAVX2()], 2)
	default:
		t.genericWords(f.packing)
	}
}
