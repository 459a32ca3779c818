//go:build !purego

package kernel

//go:noescape
func scoresF32x1AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresF32x2AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresF32x3AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresF32x4AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func valuesF32x1AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesF32x2AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesF32x3AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesF32x4AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func scoresF16x1AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresF16x2AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresF16x3AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresF16x4AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func valuesF16x1AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesF16x2AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesF16x3AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesF16x4AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func scoresBF16x1AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresBF16x2AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresBF16x3AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func scoresBF16x4AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func valuesBF16x1AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesBF16x2AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesBF16x3AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func valuesBF16x4AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func wideScoresF16x1AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func wideValuesF16x1AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func wideScoresF16x2AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func wideValuesF16x2AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func wideScoresF16x3AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func wideValuesF16x3AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func wideScoresBF16x1AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func wideValuesBF16x1AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func wideScoresBF16x2AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func wideValuesBF16x2AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

//go:noescape
func wideScoresBF16x3AVX2(s, q *float32, k *byte, d, blockLen int, next *readAhead)

//go:noescape
func wideValuesBF16x3AVX2(a, p *float32, v *byte, d, lo, hi int, next *readAhead)

// softmaxAVX2 turns scores p, a positive multiple of 16, into weights e^(scale p - m), of which l is the sum.
//
//go:noescape
func softmaxAVX2(p *float32, n int, scale float32) (m, l float32)

// softmaxAskingAVX2 is softmaxAVX2 and asks for a line of memory with each eight of most scores.
//
//go:noescape
func softmaxAskingAVX2(p *float32, n int, scale float32, next *readAhead) (m, l float32)

// The kernels by type and number of queries, less one.
var (
	scoresAVX2 = [BF16 + 1][4]func(s, q *float32, k *byte, d, blockLen int, next *readAhead){
		F32:  {scoresF32x1AVX2, scoresF32x2AVX2, scoresF32x3AVX2, scoresF32x4AVX2},
		F16:  {scoresF16x1AVX2, scoresF16x2AVX2, scoresF16x3AVX2, scoresF16x4AVX2},
		BF16: {scoresBF16x1AVX2, scoresBF16x2AVX2, scoresBF16x3AVX2, scoresBF16x4AVX2},
	}
	valuesAVX2 = [BF16 + 1][4]func(a, p *float32, v *byte, d, lo, hi int, next *readAhead){
		F32:  {valuesF32x1AVX2, valuesF32x2AVX2, valuesF32x3AVX2, valuesF32x4AVX2},
		F16:  {valuesF16x1AVX2, valuesF16x2AVX2, valuesF16x3AVX2, valuesF16x4AVX2},
		BF16: {valuesBF16x1AVX2, valuesBF16x2AVX2, valuesBF16x3AVX2, valuesBF16x4AVX2},
	}

	// Of 32 keys, or numbers of values, at a time.
	wideScoresAVX2 = [BF16 + 1][3]func(s, q *float32, k *byte, d, blockLen int, next *readAhead){
		F16:  {wideScoresF16x1AVX2, wideScoresF16x2AVX2, wideScoresF16x3AVX2},
		BF16: {wideScoresBF16x1AVX2, wideScoresBF16x2AVX2, wideScoresBF16x3AVX2},
	}
	wideValuesAVX2 = [BF16 + 1][3]func(a, p *float32, v *byte, d, lo, hi int, next *readAhead){
		F16:  {wideValuesF16x1AVX2, wideValuesF16x2AVX2, wideValuesF16x3AVX2},
		BF16: {wideValuesBF16x1AVX2, wideValuesBF16x2AVX2, wideValuesBF16x3AVX2},
	}
)
