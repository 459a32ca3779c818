//go:build amd64 && !purego

package kernel

//go:noescape
func wordsQ4_0x1AVX512(t *tile)

//go:noescape
func wordsQ4_0x2AVX512(t *tile)

//go:noescape
func wordsQ4_0x4AVX512(t *tile)

//go:noescape
func wordsQ4_0x8AVX512(t *tile)

//go:noescape
func wordsQ4_1x1AVX512(t *tile)

//go:noescape
func wordsQ4_1x2AVX512(t *tile)

//go:noescape
func wordsQ4_1x4AVX512(t *tile)

//go:noescape
func wordsQ4_1x8AVX512(t *tile)

//go:noescape
func wordsQ5_0x1AVX512(t *tile)

//go:noescape
func wordsQ5_0x2AVX512(t *tile)

//go:noescape
func wordsQ5_0x4AVX512(t *tile)

//go:noescape
func wordsQ5_0x8AVX512(t *tile)

//go:noescape
func wordsQ5_1x1AVX512(t *tile)

//go:noescape
func wordsQ5_1x2AVX512(t *tile)

//go:noescape
func wordsQ5_1x4AVX512(t *tile)

//go:noescape
func wordsQ5_1x8AVX512(t *tile)

//go:noescape
func wordsQ8_0x1AVX512(t *tile)

//go:noescape
func wordsQ8_0x2AVX512(t *tile)

//go:noescape
func wordsQ8_0x4AVX512(t *tile)

//go:noescape
func wordsQ8_0x8AVX512(t *tile)

//go:noescape
func wordsQ4_Kx1AVX512(t *tile)

//go:noescape
func wordsQ4_Kx2AVX512(t *tile)

//go:noescape
func wordsQ4_Kx4AVX512(t *tile)

//go:noescape
func wordsQ4_Kx8AVX512(t *tile)

//go:noescape
func wordsQ5_Kx1AVX512(t *tile)

//go:noescape
func wordsQ5_Kx2AVX512(t *tile)

//go:noescape
func wordsQ5_Kx4AVX512(t *tile)

//go:noescape
func wordsQ5_Kx8AVX512(t *tile)

//go:noescape
func wordsQ6_Kx1AVX512(t *tile)

//go:noescape
func wordsQ6_Kx2AVX512(t *tile)

//go:noescape
func wordsQ6_Kx4AVX512(t *tile)

//go:noescape
func wordsQ6_Kx8AVX512(t *tile)

// wordsAVX512 are the same for activations of 16 bits.
var wordsAVX512 = [BF16 + 1][4]func(*tile){
	Q4_0: {wordsQ4_0x1AVX512, wordsQ4_0x2AVX512, wordsQ4_0x4AVX512, wordsQ4_0x8AVX512},
	Q4_1: {wordsQ4_1x1AVX512, wordsQ4_1x2AVX512, wordsQ4_1x4AVX512, wordsQ4_1x8AVX512},
	Q5_0: {wordsQ5_0x1AVX512, wordsQ5_0x2AVX512, wordsQ5_0x4AVX512, wordsQ5_0x8AVX512},
	Q5_1: {wordsQ5_1x1AVX512, wordsQ5_1x2AVX512, wordsQ5_1x4AVX512, wordsQ5_1x8AVX512},
	Q8_0: {wordsQ8_0x1AVX512, wordsQ8_0x2AVX512, wordsQ8_0x4AVX512, wordsQ8_0x8AVX512},
	Q4_K: {wordsQ4_Kx1AVX512, wordsQ4_Kx2AVX512, wordsQ4_Kx4AVX512, wordsQ4_Kx8AVX512},
	Q5_K: {wordsQ5_Kx1AVX512, wordsQ5_Kx2AVX512, wordsQ5_Kx4AVX512, wordsQ5_Kx8AVX512},
	Q6_K: {wordsQ6_Kx1AVX512, wordsQ6_Kx2AVX512, wordsQ6_Kx4AVX512, wordsQ6_Kx8AVX512},
}
