package kernel

// run adds to the chunk.
func (e *expanding) run(l *LowRanks) {
	g := &l.groups[e.group]
	z := e.z
	for k := range g.Sum {
		w := &g.Sum[k]
		stride := w.stride()
		e.add(l.y, w.B, l.z[z+e.first*stride:z+(e.first+len(e.rows))*stride], stride)
		z += len(g.Rows) * stride
	}
	e.rows = nil
}

// add adds b z, where z is [len(rows), stride].
func (e *expanding) add(y []float32, b *Up, z []float32, stride int) {
	whole := min(e.hi, b.Out/panelOut)
	for i := 0; i < len(e.rows); {
		n := consecutive(e.rows[i:], maxExpand)
		row := y[int(e.rows[i])*b.Out : (int(e.rows[i])+n)*b.Out]
		if whole > e.lo {
			e.panels(row[e.lo*panelOut:], b.Out, z[i*stride:], stride, b, e.lo, whole, n)
		}
		if whole < e.hi {
			rest := whole * panelOut
			for t := range n {
				clear(e.edge[:])
				e.panels(e.edge[:], panelOut, z[(i+t)*stride:], stride, b, whole, e.hi, 1)
				to := row[t*b.Out+rest : (t+1)*b.Out]
				add(to, to, e.edge[:len(to)])
			}
		}
		i += n
	}
}

// panels adds panels lo to hi of b z to n rows of y, yStride apart, which begin at
// panel lo. z has rows of R numbers, zStride apart.
func (e *expanding) panels(y []float32, yStride int, z []float32, zStride int, b *Up, lo, hi, n int) {
	// The assembly checks no bounds.
	_, _ = y[(n-1)*yStride+(hi-lo)*panelOut-1], z[(n-1)*zStride+b.R-1]
	w := b.data[lo*b.panelBytes() : hi*b.panelBytes()]
	if !expandFast(y, yStride, z, zStride, w, b, n) {
		e.generic(y, yStride, z, zStride, w, b, n)
	}
}

func (e *expanding) generic(y []float32, yStride int, z []float32, zStride int, w []byte, b *Up, n int) {
	var sum [panelOut]float32
	f := formats[b.Type]
	for p := 0; len(w) > 0; p++ {
		for t := range n {
			clear(sum[:])
			for r := range b.R {
				f.Dequantize(e.row[:], w[r*panelOut*b.size:(r+1)*panelOut*b.size])
				for o := range sum {
					sum[o] = fma32(e.row[o], z[t*zStride+r], sum[o])
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
