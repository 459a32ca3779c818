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

func (kv *KV) direct(n int) bool                                                     { return false }
func (kv *KV) scoresDirect(s, q []float32, k []byte, n int, next *readAhead)         {}
func (kv *KV) valuesDirect(a, p []float32, v []byte, n, lo, hi int, next *readAhead) {}

func softmaxFast(p []float32, lo, hi int, scale float32, next *readAhead) (m, l float32, ok bool) {
	return 0, 0, false
}
