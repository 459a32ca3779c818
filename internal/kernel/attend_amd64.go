//go:build !purego

package kernel

// direct reports whether n queries take keys and values from kv as they are
// stored, so that decoding a block first does not pay.
func (kv *KV) direct(n int) bool {
	switch {
	case kv.Type == Q8_0:
		return false
	case isa == pathAVX512:
		return n <= 8 && kv.BlockLen%32 == 0 && kv.HeadDim%64 == 0
	}
	return isa == pathAVX2 && n <= 8 && kv.HeadDim%16 == 0
}

// scoresDirect is attendScores with one head of one block of K. Meanwhile it asks for as
// much of what will be read next.
func (kv *KV) scoresDirect(s, q []float32, k []byte, n int, next *readAhead) {
	d := kv.HeadDim
	_, _, _ = s[(n-1)*chunkLen+kv.BlockLen-1], q[n*d-1], k[kv.headBytes()-1]
	size := kv.headBytes() / (kv.BlockLen * d)
	for i := 0; i < n; i += 4 {
		next.kept = next.at
		m := min(4, n-i)
		kernel, step := scoresAVX512[kv.Type][m-1], 32
		if isa == pathAVX2 {
			kernel, step = scoresAVX2[kv.Type][m-1], 16
			if m < 4 && kv.Type != F32 && kv.BlockLen%32 == 0 {
				kernel, step = wideScoresAVX2[kv.Type][m-1], 32
			}
		}
		for t := 0; t < kv.BlockLen; t += step {
			kernel(&s[i*chunkLen+t], &q[i*d], &k[t*size], d, kv.BlockLen, next)
		}
		if i > 0 {
			next.at = next.kept // once for all queries
		}
	}
}

// valuesDirect is attendValues with one head of one block of V. Meanwhile it asks for as
// much of what will be read next.
func (kv *KV) valuesDirect(a, p []float32, v []byte, n, lo, hi int, next *readAhead) {
	d := kv.HeadDim
	_, _, _ = a[n*d-1], p[(n-1)*chunkLen+hi-1], v[kv.headBytes()-1]
	size := kv.headBytes() / (kv.BlockLen * d)
	if isa == pathAVX2 {
		kernel, step := valuesAVX2[kv.Type][n-1], 16
		if n < 4 && kv.Type != F32 && d%32 == 0 {
			kernel, step = wideValuesAVX2[kv.Type][n-1], 32
		}
		for e := 0; e < d; e += step {
			kernel(&a[e], &p[0], &v[e*size], d, lo, hi, next)
		}
		return
	}
	for e := 0; e < d; e += 64 {
		valuesAVX512[kv.Type][n-1](&a[e], &p[0], &v[e*size], d, lo, hi, next)
	}
}

// attendScores computes s [n, blockLen] as q [n, d] times k [d, blockLen].
func attendScores(s, q, k []float32, n, d, blockLen int) {
	if isa == pathGeneric {
		attendScoresGeneric(s, q, k, n, d, blockLen)
		return
	}
	// The assembly checks no bounds.
	_, _, _ = s[(n-1)*chunkLen+blockLen-1], q[n*d-1], k[d*blockLen-1]
	raw := bytesOf(k)
	i := 0
	for ; isa == pathAVX512 && blockLen%32 == 0 && i+8 <= n; i += 8 {
		for t := 0; t < blockLen; t += 32 {
			scoresF32x8AVX512(&s[i*chunkLen+t], &q[i*d], &raw[4*t], d, blockLen)
		}
	}
	for ; i < n; i += 4 {
		m := min(4, n-i) - 1
		t := 0
		if isa == pathAVX512 {
			for ; t+32 <= blockLen; t += 32 {
				scoresAVX512[F32][m](&s[i*chunkLen+t], &q[i*d], &raw[4*t], d, blockLen, nil)
			}
		}
		for ; t < blockLen; t += 16 {
			scoresAVX2[F32][m](&s[i*chunkLen+t], &q[i*d], &raw[4*t], d, blockLen, nil)
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
	e, raw := 0, bytesOf(v)
	if isa == pathAVX512 {
		for ; e+64 <= d; e += 64 {
			valuesAVX512[F32][n-1](&a[e], &p[0], &raw[4*e], d, lo, hi, nil)
		}
	}
	for ; e+16 <= d; e += 16 {
		valuesAVX2[F32][n-1](&a[e], &p[0], &raw[4*e], d, lo, hi, nil)
	}
	if e < d {
		attendValuesGeneric(a, p, v, n, d, lo, hi, e)
	}
}

// softmaxFast reports whether it did the work of softmax.
func softmaxFast(p []float32, lo, hi int, scale float32, next *readAhead) (m, l float32, ok bool) {
	switch {
	case isa == pathGeneric || len(p) == 0:
		return 0, 0, false
	case isa == pathAVX2:
		hideEnds(p, lo, hi)
		if next == nil {
			m, l = softmaxAVX2(&p[0], len(p), scale)
		} else {
			m, l = softmaxAskingAVX2(&p[0], len(p), scale, next)
		}
		return m, l, true
	}
	const all = 1<<lanes - 1
	m, l = softmaxAVX512(&p[0], len(p), all<<lo&all, uint16(all>>(len(p)-hi)), scale)
	return m, l, true
}
