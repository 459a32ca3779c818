package kernel

import "fmt"

// Exchange takes the part w of some rows of y from other products than those they
// were made of: y = y - w*old + w*(stretch*new), in rows of width numbers. Without
// stretch, that is 1. new is overwritten. A y equal to old becomes stretch*new
// exactly when w is 1, and stays when it is 0.
func Exchange(p *Pool, y, old, new, stretch []float32, width int, rows []int32, w float32) {
	if len(y) != len(old) || len(y) != len(new) || stretch != nil && len(stretch) != width || len(y)%width != 0 {
		panic(fmt.Sprintf("kernel: exchange of %d and %d numbers in %d, in rows of %d stretched by %d", len(old), len(new), len(y), width, len(stretch)))
	}
	t := spareRows.take()
	t.y, t.x, t.b, t.w, t.width, t.pos, t.s = y, old, new, stretch, width, rows, w
	t.do = func(t *rowTask, lo, hi int) {
		for _, row := range t.pos[lo:hi] {
			from, to := int(row)*t.width, (int(row)+1)*t.width
			y, old, new := t.y[from:to], t.x[from:to], t.b[from:to]
			if t.w != nil {
				mulScaled(new, new, t.w, t.s)
			} else {
				scale(new, new, t.s)
			}
			mulAdd(y, old, -t.s, y)
			add(y, y, new)
		}
	}
	t.run(p, len(rows), width)
}

// Shift adds w*v, where v is a row of numbers, to some rows of y.
func Shift(p *Pool, y, v []float32, rows []int32, w float32) {
	if len(v) == 0 || len(y)%len(v) != 0 {
		panic(fmt.Sprintf("kernel: %d numbers shifted by a row of %d", len(y), len(v)))
	}
	t := spareRows.take()
	t.y, t.x, t.width, t.pos, t.s = y, v, len(v), rows, w
	t.do = func(t *rowTask, lo, hi int) {
		for _, row := range t.pos[lo:hi] {
			y := t.y[int(row)*t.width : (int(row)+1)*t.width]
			mulAdd(y, t.x, t.s, y)
		}
	}
	t.run(p, len(rows), len(v)/2)
}
