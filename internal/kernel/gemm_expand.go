package kernel

// expansion is one call of a kernel that turns a panel of sixteen quantised rows,
// [quads, 16, 4], into numbers as the format's Dequantize makes them.
type expansion struct {
	q        *uint8
	scale    *float32 // [steps, 16]
	mins     *float32 // [steps, 16]
	out      *float32 // columns of sixteen rows
	outCol   int      // numbers between columns
	steps    int      // of columns with one scale
	quads    int      // of columns in a step
	offset   int32
	withMins bool
}

// unpack writes columns d to d+k of group g of w to out: number (row, column) at
// out[column*outCol+row]. d and k are multiples of the format's block.
func (s *gemmScratch) unpack(w *Matrix, g, d, k int, out []float32, outCol int) {
	f := w.format
	n := k / f.BlockLen
	if len(s.q) < k*groupRows {
		s.q = make([]uint8, k*groupRows)
		s.f = make([]float32, 2*k*groupRows/16)
	}
	scale, mins := s.f[:len(s.f)/2], s.f[len(s.f)/2:]
	f.unpack(s.q, scale, mins, w.group(g)[d/f.BlockLen*groupRows*f.BlockBytes:], n)
	_ = out[(k-1)*outCol+groupRows-1]
	e := expansion{
		q: &s.q[0], scale: &scale[0], mins: &mins[0], out: &out[0], outCol: outCol,
		steps: k / f.packing.step, quads: f.packing.step / 4, withMins: f.packing.mins,
	}
	if !f.packing.mins {
		e.offset = 1 << f.packing.shift
	}
	e.run()
}

func (e *expansion) generic() {
	q, scale, mins := e.slices()
	for i := range e.steps * e.quads {
		step := i / e.quads * groupRows
		for r := range groupRows {
			for c := range 4 {
				v := float32(float32(int32(q[i*64+4*r+c])-e.offset) * scale[step+r])
				if e.withMins {
					v += mins[step+r]
				}
				*ahead(e.out, (4*i+c)*e.outCol+r) = v
			}
		}
	}
}
