package kernel

// lanes is how many partial sums a dot product of floats has.
const lanes = 16

// float computes the outputs of group g, sixteen rows of a float matrix.
func (j *product) float(s *scratch, g int) {
	w, a := j.w, j.a
	first := g * groupRows
	rows := min(groupRows, w.Rows-first)
	for r := range rows {
		w.format.Dequantize(s.f[r*w.Cols:(r+1)*w.Cols], w.stored(first+r))
	}
	for t := range a.rows {
		x := a.x[t*w.Cols : (t+1)*w.Cols]
		for r := range rows {
			j.y[t*w.Rows+first+r] = dot(s.f[r*w.Cols:(r+1)*w.Cols], x)
		}
	}
}

// dot is Σ w*x in sixteen partial sums, number i going to sum i%16 with one
// rounding, which are then added in pairs: the halves, the halves of that, …
func dot(w, x []float32) float32 {
	var sum [lanes]float32
	for len(w) >= lanes {
		for i := range sum {
			sum[i] = fma32(w[i], x[i], sum[i])
		}
		w, x = w[lanes:], x[lanes:]
	}
	for i := range w {
		sum[i] = fma32(w[i], x[i], sum[i])
	}
	for n := lanes / 2; n > 0; n /= 2 {
		for i := range n {
			sum[i] += sum[i+n]
		}
	}
	return sum[0]
}
