package kernel

import "slices"

// expanding adds to some rows of y what the updates of their group make of z.
type expanding struct {
	y     []float32
	rows  []int32
	first int // of the group's rows
	group *RowGroup
	z     int // where the group's begin
}

// run adds to panels lo to hi, or as many as there are.
func (e *expanding) run(l *LowRanks, t *lowTile, lo, hi int) {
	z := e.z
	for k := range e.group.Sum {
		w := &e.group.Sum[k]
		stride := w.stride()
		e.add(t, w.B, l.z[z+e.first*stride:z+(e.first+len(e.rows))*stride], stride, lo, min(hi, w.B.panels()))
		z += len(e.group.Rows) * stride
	}
}

// within is what is for rows from to to of y.
func (e expanding) within(from, to int) expanding {
	lo, _ := slices.BinarySearch(e.rows, int32(from))
	hi, _ := slices.BinarySearch(e.rows, int32(to))
	e.rows, e.first = e.rows[lo:hi], e.first+lo
	return e
}

// prefetch asks for the weights of panels lo to hi.
func (e *expanding) prefetch(lo, hi int) {
	for k := range e.group.Sum {
		b := e.group.Sum[k].B
		prefetch(b.data[lo*b.panelBytes() : min(hi, b.panels())*b.panelBytes()])
	}
}

// add adds panels lo to hi of b z, where z is [len(rows), stride].
func (e *expanding) add(t *lowTile, b *Up, z []float32, stride, lo, hi int) {
	whole := min(hi, b.Out/panelOut)
	for i := 0; i < len(e.rows); {
		n := consecutive(e.rows[i:], maxExpand)
		row := e.y[int(e.rows[i])*b.Out : (int(e.rows[i])+n)*b.Out]
		if whole > lo {
			t.panels(row[lo*panelOut:], b.Out, z[i*stride:], stride, b, lo, whole, n)
		}
		if whole < hi {
			rest := whole * panelOut
			for k := range n {
				clear(t.edge[:])
				t.panels(t.edge[:], panelOut, z[(i+k)*stride:], stride, b, whole, hi, 1)
				to := row[k*b.Out+rest : (k+1)*b.Out]
				add(to, to, t.edge[:len(to)])
			}
		}
		i += n
	}
}

// panels adds panels lo to hi of b z to n rows of y, yStride apart, which begin at
// panel lo. z has rows of R numbers, zStride apart.
func (s *lowTile) panels(y []float32, yStride int, z []float32, zStride int, b *Up, lo, hi, n int) {
	// The assembly checks no bounds.
	_, _ = y[(n-1)*yStride+(hi-lo)*panelOut-1], z[(n-1)*zStride+b.R-1]
	w := b.data[lo*b.panelBytes() : hi*b.panelBytes()]
	if !expandFast(y, yStride, z, zStride, w, b, n) {
		s.generic(y, yStride, z, zStride, w, b, n)
	}
}

func (s *lowTile) generic(y []float32, yStride int, z []float32, zStride int, w []byte, b *Up, n int) {
	var sum [panelOut]float32
	f := formats[b.Type]
	for p := 0; len(w) > 0; p++ {
		for t := range n {
			clear(sum[:])
			for r := range b.R {
				f.Dequantize(s.row[:], w[r*panelOut*b.size:(r+1)*panelOut*b.size])
				for o := range sum {
					sum[o] = fma32(s.row[o], z[t*zStride+r], sum[o])
				}
			}
			to := y[t*yStride+p*panelOut:]
			for o, v := range sum {
				to[o] += v
			}
		}
		w = w[b.panelBytes():]
	}
}
