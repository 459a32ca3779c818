//go:build amd64 && !purego

package kernel

//go:noescape
func packedQ4_0AVX2(t *tile)

//go:noescape
func packedQ4_1AVX2(t *tile)

//go:noescape
func packedQ5_0AVX2(t *tile)

//go:noescape
func packedQ5_1AVX2(t *tile)

//go:noescape
func packedQ8_0AVX2(t *tile)

//go:noescape
func packedQ4_KAVX2(t *tile)

//go:noescape
func packedQ5_KAVX2(t *tile)

//go:noescape
func packedQ6_KAVX2(t *tile)

//go:noescape
func packedWordsQ4_0AVX2(t *tile)

//go:noescape
func packedWordsQ4_1AVX2(t *tile)

//go:noescape
func packedWordsQ5_0AVX2(t *tile)

//go:noescape
func packedWordsQ5_1AVX2(t *tile)

//go:noescape
func packedWordsQ8_0AVX2(t *tile)

//go:noescape
func packedWordsQ4_KAVX2(t *tile)

//go:noescape
func packedWordsQ5_KAVX2(t *tile)

//go:noescape
func packedWordsQ6_KAVX2(t *tile)

// packedAVX2 are the kernels by type that read packed groups, for activations of 8 bits and
// of 16, and take one token.
var packedAVX2 = [BF16 + 1]struct{ bytes, words func(*tile) }{
	Q4_0: {packedQ4_0AVX2, packedWordsQ4_0AVX2},
	Q4_1: {packedQ4_1AVX2, packedWordsQ4_1AVX2},
	Q5_0: {packedQ5_0AVX2, packedWordsQ5_0AVX2},
	Q5_1: {packedQ5_1AVX2, packedWordsQ5_1AVX2},
	Q8_0: {packedQ8_0AVX2, packedWordsQ8_0AVX2},
	Q4_K: {packedQ4_KAVX2, packedWordsQ4_KAVX2},
	Q5_K: {packedQ5_KAVX2, packedWordsQ5_KAVX2},
	Q6_K: {packedQ6_KAVX2, packedWordsQ6_KAVX2},
}
