//go:build amd64 && !purego

package kernel

//go:noescape
func packedQ4_0x1AVX2(t *tile)

//go:noescape
func packedQ4_0x2AVX2(t *tile)

//go:noescape
func packedQ4_0x4AVX2(t *tile)

//go:noescape
func packedQ4_1x1AVX2(t *tile)

//go:noescape
func packedQ4_1x2AVX2(t *tile)

//go:noescape
func packedQ4_1x4AVX2(t *tile)

//go:noescape
func packedQ5_0x1AVX2(t *tile)

//go:noescape
func packedQ5_0x2AVX2(t *tile)

//go:noescape
func packedQ5_0x4AVX2(t *tile)

//go:noescape
func packedQ5_1x1AVX2(t *tile)

//go:noescape
func packedQ5_1x2AVX2(t *tile)

//go:noescape
func packedQ5_1x4AVX2(t *tile)

//go:noescape
func packedQ8_0x1AVX2(t *tile)

//go:noescape
func packedQ8_0x2AVX2(t *tile)

//go:noescape
func packedQ8_0x4AVX2(t *tile)

//go:noescape
func packedQ4_Kx1AVX2(t *tile)

//go:noescape
func packedQ4_Kx2AVX2(t *tile)

//go:noescape
func packedQ4_Kx4AVX2(t *tile)

//go:noescape
func packedQ5_Kx1AVX2(t *tile)

//go:noescape
func packedQ5_Kx2AVX2(t *tile)

//go:noescape
func packedQ5_Kx4AVX2(t *tile)

//go:noescape
func packedQ6_Kx1AVX2(t *tile)

//go:noescape
func packedQ6_Kx2AVX2(t *tile)

//go:noescape
func packedQ6_Kx4AVX2(t *tile)

//go:noescape
func packedWordsQ4_0x1AVX2(t *tile)

//go:noescape
func packedWordsQ4_0x2AVX2(t *tile)

//go:noescape
func packedWordsQ4_0x4AVX2(t *tile)

//go:noescape
func packedWordsQ4_1x1AVX2(t *tile)

//go:noescape
func packedWordsQ4_1x2AVX2(t *tile)

//go:noescape
func packedWordsQ4_1x4AVX2(t *tile)

//go:noescape
func packedWordsQ5_0x1AVX2(t *tile)

//go:noescape
func packedWordsQ5_0x2AVX2(t *tile)

//go:noescape
func packedWordsQ5_0x4AVX2(t *tile)

//go:noescape
func packedWordsQ5_1x1AVX2(t *tile)

//go:noescape
func packedWordsQ5_1x2AVX2(t *tile)

//go:noescape
func packedWordsQ5_1x4AVX2(t *tile)

//go:noescape
func packedWordsQ8_0x1AVX2(t *tile)

//go:noescape
func packedWordsQ8_0x2AVX2(t *tile)

//go:noescape
func packedWordsQ8_0x4AVX2(t *tile)

//go:noescape
func packedWordsQ4_Kx1AVX2(t *tile)

//go:noescape
func packedWordsQ4_Kx2AVX2(t *tile)

//go:noescape
func packedWordsQ4_Kx4AVX2(t *tile)

//go:noescape
func packedWordsQ5_Kx1AVX2(t *tile)

//go:noescape
func packedWordsQ5_Kx2AVX2(t *tile)

//go:noescape
func packedWordsQ5_Kx4AVX2(t *tile)

//go:noescape
func packedWordsQ6_Kx1AVX2(t *tile)

//go:noescape
func packedWordsQ6_Kx2AVX2(t *tile)

//go:noescape
func packedWordsQ6_Kx4AVX2(t *tile)

// packedAVX2 are the tile kernels by type and the logarithm of how many tokens they take, that read
// packed groups.
var packedAVX2 = [BF16 + 1][4]func(*tile){
	Q4_0: {packedQ4_0x1AVX2, packedQ4_0x2AVX2, packedQ4_0x4AVX2},
	Q4_1: {packedQ4_1x1AVX2, packedQ4_1x2AVX2, packedQ4_1x4AVX2},
	Q5_0: {packedQ5_0x1AVX2, packedQ5_0x2AVX2, packedQ5_0x4AVX2},
	Q5_1: {packedQ5_1x1AVX2, packedQ5_1x2AVX2, packedQ5_1x4AVX2},
	Q8_0: {packedQ8_0x1AVX2, packedQ8_0x2AVX2, packedQ8_0x4AVX2},
	Q4_K: {packedQ4_Kx1AVX2, packedQ4_Kx2AVX2, packedQ4_Kx4AVX2},
	Q5_K: {packedQ5_Kx1AVX2, packedQ5_Kx2AVX2, packedQ5_Kx4AVX2},
	Q6_K: {packedQ6_Kx1AVX2, packedQ6_Kx2AVX2, packedQ6_Kx4AVX2},
}

// packedWordsAVX2 are the same for activations of 16 bits.
var packedWordsAVX2 = [BF16 + 1][4]func(*tile){
	Q4_0: {packedWordsQ4_0x1AVX2, packedWordsQ4_0x2AVX2, packedWordsQ4_0x4AVX2},
	Q4_1: {packedWordsQ4_1x1AVX2, packedWordsQ4_1x2AVX2, packedWordsQ4_1x4AVX2},
	Q5_0: {packedWordsQ5_0x1AVX2, packedWordsQ5_0x2AVX2, packedWordsQ5_0x4AVX2},
	Q5_1: {packedWordsQ5_1x1AVX2, packedWordsQ5_1x2AVX2, packedWordsQ5_1x4AVX2},
	Q8_0: {packedWordsQ8_0x1AVX2, packedWordsQ8_0x2AVX2, packedWordsQ8_0x4AVX2},
	Q4_K: {packedWordsQ4_Kx1AVX2, packedWordsQ4_Kx2AVX2, packedWordsQ4_Kx4AVX2},
	Q5_K: {packedWordsQ5_Kx1AVX2, packedWordsQ5_Kx2AVX2, packedWordsQ5_Kx4AVX2},
	Q6_K: {packedWordsQ6_Kx1AVX2, packedWordsQ6_Kx2AVX2, packedWordsQ6_Kx4AVX2},
}
