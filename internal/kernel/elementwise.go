package kernel

import "fmt"

// Add is y = a + b. A shorter b is added to each of its lengths in a: a bias to
// every row. y may be a or b.
func Add(p *Pool, y, a, b []float32) {
	if len(y) != len(a) || len(b) == 0 && len(a) != 0 || len(b) != 0 && len(a)%len(b) != 0 {
		panic(fmt.Sprintf("kernel: sum of %d and %d numbers into %d", len(a), len(b), len(y)))
	}
	if len(a) == 0 {
		return
	}
	t := spareRows.take()
	t.y, t.x, t.w, t.width = y, a, b, len(b)
	if len(a) == len(b) { // one row: cut it
		t.width = 0
	}
	t.do = func(t *rowTask, lo, hi int) {
		if t.width == 0 {
			lo, hi = lo*cut, min(hi*cut, len(t.x))
			add(t.y[lo:hi], t.x[lo:hi], t.w[lo:hi])
			return
		}
		for i := lo; i < hi; i++ {
			add(t.y[i*t.width:(i+1)*t.width], t.x[i*t.width:(i+1)*t.width], t.w)
		}
	}
	if t.width == 0 {
		t.run(p, (len(a)+cut-1)/cut, cut/2)
		return
	}
	t.run(p, len(a)/len(b), len(b)/2)
}

// cut is the length of the pieces in which operations without rows are shared.
const cut = 4096

// Scale is y = s*x; with a limit above 0 it is limit*tanh(s*x/limit), a soft cap. y may be x.
func Scale(p *Pool, y, x []float32, s, limit float32) {
	if len(y) != len(x) {
		panic(fmt.Sprintf("kernel: %d numbers scaled into %d", len(x), len(y)))
	}
	t := spareRows.take()
	t.y, t.x, t.s, t.c = y, x, s, limit
	t.do = func(t *rowTask, lo, hi int) {
		lo, hi = lo*cut, min(hi*cut, len(t.x))
		scale(t.y[lo:hi], t.x[lo:hi], t.s)
		if t.c > 0 {
			softCap(t.y[lo:hi], t.y[lo:hi], t.c)
		}
	}
	cost := cut / 2
	if limit > 0 {
		cost = 4 * cut
	}
	t.run(p, (len(x)+cut-1)/cut, cost)
}
