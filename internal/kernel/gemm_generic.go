package kernel

import "unsafe"

// ahead is the address of the number i places on.
func ahead(p *float32, i int) *float32 { return (*float32)(unsafe.Add(unsafe.Pointer(p), 4*i)) }

// generic is the portable tile kernel.
func (t *gemmTile) generic(width int) {
	for i := range gemmRows {
		var sum [gemmCols]float32
		for d := range t.k {
			a := *ahead(t.a, i*t.aRow+d*t.aCol)
			for j, v := range unsafe.Slice(ahead(t.b, d*t.bRow), width) {
				sum[j] = fma32(a, v, sum[j])
			}
		}
		c := unsafe.Slice(ahead(t.c, i*t.cRow), width)
		for j := range c {
			if t.addition {
				c[j] += sum[j]
			} else {
				c[j] = sum[j]
			}
		}
	}
}

// slices are what the pointers of e point to.
func (e *expansion) slices() (q []uint8, scale, mins []float32) {
	return unsafe.Slice(e.q, e.steps*e.quads*64), unsafe.Slice(e.scale, e.steps*groupRows), unsafe.Slice(e.mins, e.steps*groupRows)
}
