package kernel

import "fmt"

// Residual is what products with quantised weights do not see of activations:
// dst = x minus its rounding to eight bits, for x of any number of rows whose
// length is a multiple of 32. W x + W dst, each as such products compute it, is as
// near to the exact product as with activations of 16 bits.
func Residual(p *Pool, dst, x []float32) {
	if len(dst) != len(x) || len(x)%32 != 0 {
		panic(fmt.Sprintf("kernel: residual of %d numbers into %d", len(x), len(dst)))
	}
	t := spareRows.take()
	t.y, t.x = dst, x
	t.do = func(t *rowTask, lo, hi int) {
		var b [8]actBlock
		for ; lo < hi; lo += len(b) {
			n := min(len(b), hi-lo)
			x, y := t.x[lo*32:(lo+n)*32], t.y[lo*32:(lo+n)*32]
			quantiseBlocks(b[:n], x)
			for i := range y {
				a := &b[i/32]
				y[i] = x[i] - float32(a.d*float32(a.q[i%32]))
			}
		}
	}
	t.run(p, len(x)/32, 32)
}

// Quantised says whether products with m round activations to eight bits.
func (m *Matrix) Quantised() bool { return m.format.packing != nil }
