package kernel

// attendScoresGeneric computes s [n, blockLen], whose rows are chunkLen apart, as
// q [n, d] times k [d, blockLen].
func attendScoresGeneric(s, q, k []float32, n, d, blockLen int) {
	for i := range n {
		for t := range blockLen {
			sum := float32(0)
			for e := range d {
				sum = fma32(q[i*d+e], k[e*blockLen+t], sum)
			}
			s[i*chunkLen+t] = sum
		}
	}
}

// softmaxPart turns the scores p[lo:hi] into weights e^(s-m), in place, where s is
// the scaled score and m the largest of them. l is the sum of the weights. Other
// numbers of p are overwritten with anything. Meanwhile some of what next says is asked for, unless it is nil.
func softmaxPart(p []float32, lo, hi int, scaleBy, limit float32, next *readAhead) (m, l float32) {
	from, to := lo/lanes*lanes, (hi+lanes-1)/lanes*lanes
	all := p[from:to]
	if limit > 0 {
		scale(all, all, scaleBy)
		softCap(all, all, limit)
		scaleBy = 1
	}
	return softmax(all, lo-from, hi-from, scaleBy, next)
}

// softmax is softmaxPart of a whole multiple of sixteen, whose numbers lo to hi count: all
// of the first sixteen and of the last but for those at the ends.
func softmax(p []float32, lo, hi int, scaleBy float32, next *readAhead) (m, l float32) {
	if m, l, ok := softmaxFast(p, lo, hi, scaleBy, next); ok {
		return m, l
	}
	hideEnds(p, lo, hi)
	scale(p, p, scaleBy)
	m = Maximum(p)
	expShifted(p, p, m)
	return m, sum(p)
}

// hideEnds has numbers before lo and from hi on weigh nothing.
func hideEnds(p []float32, lo, hi int) {
	for i := range lo {
		p[i] = negInf // stays that: scales are positive
	}
	for i := hi; i < len(p); i++ {
		p[i] = negInf
	}
}

// attendValuesGeneric adds p v to a [n, d]: p is [n, …] with rows chunkLen apart,
// v [blockLen, d], of which rows lo to hi are taken, in order, and numbers from on.
func attendValuesGeneric(a, p, v []float32, n, d, lo, hi, from int) {
	for i := range n {
		for t := lo; t < hi; t++ {
			w := p[i*chunkLen+t]
			for e := from; e < d; e++ {
				a[i*d+e] = fma32(w, v[t*d+e], a[i*d+e])
			}
		}
	}
}
