//go:build amd64 && !purego

package kernel

//go:noescape
func tileQ4_0x1AVX512(t *tile)

//go:noescape
func tileQ4_0x2AVX512(t *tile)

//go:noescape
func tileQ4_0x4AVX512(t *tile)

//go:noescape
func tileQ4_0x8AVX512(t *tile)

//go:noescape
func tileQ4_1x1AVX512(t *tile)

//go:noescape
func tileQ4_1x2AVX512(t *tile)

//go:noescape
func tileQ4_1x4AVX512(t *tile)

//go:noescape
func tileQ4_1x8AVX512(t *tile)

//go:noescape
func tileQ5_0x1AVX512(t *tile)

//go:noescape
func tileQ5_0x2AVX512(t *tile)

//go:noescape
func tileQ5_0x4AVX512(t *tile)

//go:noescape
func tileQ5_0x8AVX512(t *tile)

//go:noescape
func tileQ5_1x1AVX512(t *tile)

//go:noescape
func tileQ5_1x2AVX512(t *tile)

//go:noescape
func tileQ5_1x4AVX512(t *tile)

//go:noescape
func tileQ5_1x8AVX512(t *tile)

//go:noescape
func tileQ8_0x1AVX512(t *tile)

//go:noescape
func tileQ8_0x2AVX512(t *tile)

//go:noescape
func tileQ8_0x4AVX512(t *tile)

//go:noescape
func tileQ8_0x8AVX512(t *tile)

//go:noescape
func tileQ4_Kx1AVX512(t *tile)

//go:noescape
func tileQ4_Kx2AVX512(t *tile)

//go:noescape
func tileQ4_Kx4AVX512(t *tile)

//go:noescape
func tileQ4_Kx8AVX512(t *tile)

//go:noescape
func tileQ5_Kx1AVX512(t *tile)

//go:noescape
func tileQ5_Kx2AVX512(t *tile)

//go:noescape
func tileQ5_Kx4AVX512(t *tile)

//go:noescape
func tileQ5_Kx8AVX512(t *tile)

//go:noescape
func tileQ6_Kx1AVX512(t *tile)

//go:noescape
func tileQ6_Kx2AVX512(t *tile)

//go:noescape
func tileQ6_Kx4AVX512(t *tile)

//go:noescape
func tileQ6_Kx8AVX512(t *tile)

// tilesAVX512 are the tile kernels by type and the logarithm of how many tokens
// they take. They read packed groups.
var tilesAVX512 = [BF16 + 1][4]func(*tile){
	Q4_0: {tileQ4_0x1AVX512, tileQ4_0x2AVX512, tileQ4_0x4AVX512, tileQ4_0x8AVX512},
	Q4_1: {tileQ4_1x1AVX512, tileQ4_1x2AVX512, tileQ4_1x4AVX512, tileQ4_1x8AVX512},
	Q5_0: {tileQ5_0x1AVX512, tileQ5_0x2AVX512, tileQ5_0x4AVX512, tileQ5_0x8AVX512},
	Q5_1: {tileQ5_1x1AVX512, tileQ5_1x2AVX512, tileQ5_1x4AVX512, tileQ5_1x8AVX512},
	Q8_0: {tileQ8_0x1AVX512, tileQ8_0x2AVX512, tileQ8_0x4AVX512, tileQ8_0x8AVX512},
	Q4_K: {tileQ4_Kx1AVX512, tileQ4_Kx2AVX512, tileQ4_Kx4AVX512, tileQ4_Kx8AVX512},
	Q5_K: {tileQ5_Kx1AVX512, tileQ5_Kx2AVX512, tileQ5_Kx4AVX512, tileQ5_Kx8AVX512},
	Q6_K: {tileQ6_Kx1AVX512, tileQ6_Kx2AVX512, tileQ6_Kx4AVX512, tileQ6_Kx8AVX512},
}
