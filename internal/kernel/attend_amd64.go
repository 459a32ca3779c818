//go:build !purego

package kernel

//go:noescape
func scores1x16AVX2(s, q, k *float32, d, blockLen int)

//go:noescape
func scores2x16AVX2(s, q, k *float32, d, blockLen int)

//go:noescape
func scores3x16AVX2(s, q, k *float32, d, blockLen int)

//go:noescape
func scores4x16AVX2(s, q, k *float32, d, blockLen int)

//go:noescape
func scores1x32AVX512(s, q, k *float32, d, blockLen int)

//go:noescape
func scores2x32AVX512(s, q, k *float32, d, blockLen int)

//go:noescape
func scores3x32AVX512(s, q, k *float32, d, blockLen int)

//go:noescape
func scores4x32AVX512(s, q, k *float32, d, blockLen int)

//go:noescape
func values1x16AVX2(a, p, v *float32, d, lo, hi int)

//go:noescape
func values2x16AVX2(a, p, v *float32, d, lo, hi int)

//go:noescape
func values3x16AVX2(a, p, v *float32, d, lo, hi int)

//go:noescape
func values4x16AVX2(a, p, v *float32, d, lo, hi int)

//go:noescape
func values1x64AVX512(a, p, v *float32, d, lo, hi int)

//go:noescape
func values2x64AVX512(a, p, v *float32, d, lo, hi int)

//go:noescape
func values3x64AVX512(a, p, v *float32, d, lo, hi int)

//go:noescape
func values4x64AVX512(a, p, v *float32, d, lo, hi int)

// The kernels by number of queries, less one.
var (
	scoresAVX2   = [4]func(s, q, k *float32, d, blockLen int){scores1x16AVX2, scores2x16AVX2, scores3x16AVX2, scores4x16AVX2}
	scoresAVX512 = [4]func(s, q, k *float32, d, blockLen int){scores1x32AVX512, scores2x32AVX512, scores3x32AVX512, scores4x32AVX512}
	valuesAVX2   = [4]func(a, p, v *float32, d, lo, hi int){values1x16AVX2, values2x16AVX2, values3x16AVX2, values4x16AVX2}
	valuesAVX512 = [4]func(a, p, v *float32, d, lo, hi int){values1x64AVX512, values2x64AVX512, values3x64AVX512, values4x64AVX512}
)

// attendScores computes s [n, blockLen] as q [n, d] times k [d, blockLen].
func attendScores(s, q, k []float32, n, d, blockLen int) {
	if isa == pathGeneric {
		attendScoresGeneric(s, q, k, n, d, blockLen)
		return
	}
	// The assembly checks no bounds.
	_, _, _ = s[(n-1)*chunkLen+blockLen-1], q[n*d-1], k[d*blockLen-1]
	for i := 0; i < n; i += 4 {
		m := min(4, n-i) - 1
		t := 0
		if isa == pathAVX512 {
			for ; t+32 <= blockLen; t += 32 {
				scoresAVX512[m](&s[i*chunkLen+t], &q[i*d], &k[t], d, blockLen)
			}
		}
		for ; t < blockLen; t += 16 {
			scoresAVX2[m](&s[i*chunkLen+t], &q[i*d], &k[t], d, blockLen)
		}
	}
}

// attendValues adds p v to a [n, d] for rows lo to hi of v, n at most 4.
func attendValues(a, p, v []float32, n, d, lo, hi int) {
	if isa == pathGeneric {
		attendValuesGeneric(a, p, v, n, d, lo, hi, 0)
		return
	}
	_, _, _ = a[n*d-1], p[(n-1)*chunkLen+hi-1], v[hi*d-1]
	e := 0
	if isa == pathAVX512 {
		for ; e+64 <= d; e += 64 {
			valuesAVX512[n-1](&a[e], &p[0], &v[e], d, lo, hi)
		}
	}
	for ; e+16 <= d; e += 16 {
		valuesAVX2[n-1](&a[e], &p[0], &v[e], d, lo, hi)
	}
	if e < d {
		attendValuesGeneric(a, p, v, n, d, lo, hi, e)
	}
}
