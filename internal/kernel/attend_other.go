//go:build !amd64 || purego

package kernel

// attendScores computes s [n, blockLen] as q [n, d] times k [d, blockLen].
func attendScores(s, q, k []float32, n, d, blockLen int) {
	attendScoresGeneric(s, q, k, n, d, blockLen)
}

// attendValues adds p v to a [n, d] for rows lo to hi of v.
func attendValues(a, p, v []float32, n, d, lo, hi int) {
	attendValuesGeneric(a, p, v, n, d, lo, hi, 0)
}
