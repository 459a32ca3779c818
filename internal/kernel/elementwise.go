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

// Copy is y = x, by all workers.
func Copy(p *Pool, y, x []float32) {
	if len(y) != len(x) {
		panic(fmt.Sprintf("kernel: %d numbers copied to %d", len(x), len(y)))
	}
	t := spareRows.take()
	t.y, t.x = y, x
	t.do = func(t *rowTask, lo, hi int) {
		lo, hi = lo*cut, min(hi*cut, len(t.x))
		copy(t.y[lo:hi], t.x[lo:hi])
	}
	t.run(p, (len(x)+cut-1)/cut, cut/4)
}

// MulRows is y = x with each row of len(w) numbers times w, elementwise. y may be x.
func MulRows(p *Pool, y, x, w []float32) {
	if len(y) != len(x) || len(w) == 0 && len(x) != 0 || len(w) != 0 && len(x)%len(w) != 0 {
		panic(fmt.Sprintf("kernel: %d numbers times rows of %d into %d", len(x), len(w), len(y)))
	}
	if len(x) == 0 {
		return
	}
	t := spareRows.take()
	t.y, t.x, t.w, t.width = y, x, w, len(w)
	t.do = func(t *rowTask, lo, hi int) {
		for i := lo; i < hi; i++ {
			mulScaled(t.y[i*t.width:(i+1)*t.width], t.x[i*t.width:(i+1)*t.width], t.w, 1)
		}
	}
	t.run(p, len(x)/len(w), len(w)/2)
}

// MulColumns adds to sum [width] what Σ over rows of a*(y-b) is, column by column,
// divided by d; a column whose d is 0 is left alone. b may be nil.
func MulColumns(p *Pool, sum, a, y, b, d []float32) {
	n := len(sum)
	if len(a) != len(y) || n == 0 || len(a)%n != 0 || len(d) != n || b != nil && len(b) != n {
		panic(fmt.Sprintf("kernel: sums of %d columns of %d and %d numbers", n, len(a), len(y)))
	}
	t := spareRows.take()
	t.y, t.x, t.w, t.b, t.width = sum, a, d, b, n
	values := y
	t.do = func(t *rowTask, lo, hi int) {
		for c := lo; c < hi; c++ {
			if t.w[c] == 0 {
				continue
			}
			total, less := 0.0, 0.0
			if t.b != nil {
				less = float64(t.b[c])
			}
			for i := c; i < len(t.x); i += t.width {
				total += float64(t.x[i]) * (float64(values[i]) - less)
			}
			t.y[c] += float32(total / float64(t.w[c]))
		}
	}
	t.run(p, n, len(a)/n)
}

// AddTransposed adds src [width, n] to dst [n, width].
func AddTransposed(p *Pool, dst, src []float32, width int) {
	if len(dst) != len(src) || width == 0 || len(dst)%width != 0 {
		panic(fmt.Sprintf("kernel: %d numbers transposed to rows of %d of %d", len(src), width, len(dst)))
	}
	t := spareRows.take()
	t.y, t.x, t.width = dst, src, width
	t.do = func(t *rowTask, lo, hi int) {
		n := len(t.y) / t.width
		var turned [16 * 16]float32
		for ; t.width%16 == 0 && lo+16 <= hi; lo += 16 {
			for j := 0; j < t.width; j += 16 {
				transpose16(turned[:], 16, t.x[j*n+lo:], n)
				for i := range 16 {
					to := t.y[(lo+i)*t.width+j:][:16]
					add(to, to, turned[16*i:][:16])
				}
			}
		}
		for i := lo; i < hi; i++ {
			for j, to := 0, t.y[i*t.width:(i+1)*t.width]; j < t.width; j++ {
				to[j] += t.x[j*n+i]
			}
		}
	}
	t.run(p, len(dst)/width, 2*width)
}
