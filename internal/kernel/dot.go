package kernel

// lanes is how many partial sums a dot product of floats has.
const lanes = 16

// dotRows is how many rows of weights a dot kernel takes.
const dotRows = 4

// dotTile is one call of a dot kernel: dotRows rows of a float matrix times some
// rows of activations.
type dotTile struct {
	w         [dotRows]*byte // rows of weights
	x         *float32       // first row of activations
	stride    int            // numbers between rows of activations
	out       *float32       // [tokens], outStride apart, [dotRows]
	outStride int
	steps     int  // of sixteen columns
	tail      bool // there is a rest, filled up with zeros in
	wTail     *[dotRows][64]byte
	xTail     *[lanes]float32 // of the first token, the others follow
}

// dot is Σ w*x in sixteen partial sums, number i going to sum i%16 with one
// rounding, which are then added in pairs: the halves, the halves of that, …
// What lacks to a multiple of sixteen counts as zeros.
func dot(w, x []float32) float32 {
	var sum [lanes]float32
	for len(w) >= lanes {
		for i := range sum {
			sum[i] = fma32(w[i], x[i], sum[i])
		}
		w, x = w[lanes:], x[lanes:]
	}
	if len(w) > 0 {
		var wt, xt [lanes]float32
		copy(wt[:], w)
		copy(xt[:], x)
		for i := range sum {
			sum[i] = fma32(wt[i], xt[i], sum[i])
		}
	}
	for n := lanes / 2; n > 0; n /= 2 {
		for i := range n {
			sum[i] += sum[i+n]
		}
	}
	return sum[0]
}

// floatGeneric computes the outputs of group g, sixteen rows of a float matrix.
func (a *Acts) floatGeneric(s *scratch, y *Product, g int) {
	w := y.W
	first := g * groupRows
	rows := min(groupRows, w.Rows-first)
	for r := range rows {
		w.format.Dequantize(s.f[r*w.Cols:(r+1)*w.Cols], w.stored(first+r))
	}
	for t := range a.rows {
		x := a.x[t*w.Cols : (t+1)*w.Cols]
		for r := range rows {
			y.Y[t*w.Rows+first+r] = dot(s.f[r*w.Cols:(r+1)*w.Cols], x)
		}
	}
}
