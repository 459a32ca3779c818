//go:build !purego

package kernel

//go:noescape
func scoresF32x1AVX512(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresF32x2AVX512(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresF32x3AVX512(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresF32x4AVX512(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresF32x8AVX512(s, q *float32, k *byte, d, blockLen int)

//go:noescape
func scoresF16x1AVX512(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresF16x2AVX512(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresF16x3AVX512(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresF16x4AVX512(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresBF16x1AVX512(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresBF16x2AVX512(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresBF16x3AVX512(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresBF16x4AVX512(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func valuesF32x1AVX512(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesF32x2AVX512(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesF32x3AVX512(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesF32x4AVX512(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesF16x1AVX512(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesF16x2AVX512(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesF16x3AVX512(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesF16x4AVX512(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesBF16x1AVX512(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesBF16x2AVX512(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesBF16x3AVX512(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesBF16x4AVX512(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func softmaxAVX512(p *float32, n int, first, last uint16, scale float32) (m, l float32)

// The kernels by type and number of queries, less one.
var (
	scoresAVX512 = [BF16 + 1][4]func(s, q *float32, k *byte, d, blockLen int, next *readAhead){
		F32:  {scoresF32x1AVX512, scoresF32x2AVX512, scoresF32x3AVX512, scoresF32x4AVX512},
		F16:  {scoresF16x1AVX512, scoresF16x2AVX512, scoresF16x3AVX512, scoresF16x4AVX512},
		BF16: {scoresBF16x1AVX512, scoresBF16x2AVX512, scoresBF16x3AVX512, scoresBF16x4AVX512},
	}
	valuesAVX512 = [BF16 + 1][4]func(a, p *float32, v *byte, d, lo, hi int, next *readAhead){
		F32:  {valuesF32x1AVX512, valuesF32x2AVX512, valuesF32x3AVX512, valuesF32x4AVX512},
		F16:  {valuesF16x1AVX512, valuesF16x2AVX512, valuesF16x3AVX512, valuesF16x4AVX512},
		BF16: {valuesBF16x1AVX512, valuesBF16x2AVX512, valuesBF16x3AVX512, valuesBF16x4AVX512},
	}
)
