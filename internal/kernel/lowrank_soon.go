package kernel

// Soon says that the MatMuls after the next one adds B A x. Both are brought near by and by,
// while the next one computes products.
func (l *LowRanks) Soon(a *Matrix, b *Up) {
	if asksAhead {
		l.soon = append(l.soon, a.data, b.data)
	}
}

// errand is memory that is asked for bit by bit, while something else is computed: all at
// once would be waited for.
type errand struct {
	left [][]byte
	step int // bytes at a time
}

// errand cuts what is needed soon into n steps.
func (l *LowRanks) errand(n int) errand {
	bytes := 0
	for _, b := range l.soon {
		bytes += len(b)
	}
	const line = 64
	return errand{l.soon, (bytes/max(1, n)/line + 1) * line}
}

// run asks for some of it.
func (e *errand) run() {
	for n := e.step; n > 0 && len(e.left) > 0; {
		b := e.left[0]
		k := min(n, len(b))
		prefetchFar(b[:k])
		n -= k
		if e.left[0] = b[k:]; k == len(b) {
			e.left = e.left[1:]
		}
	}
}
