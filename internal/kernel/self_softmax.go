package kernel

// softmaxRows is softmaxRow for n rows. Where all of them see all keys up to their own it
// is done in one go: rows are short, and the next can begin while one comes to its end.
func (s *selfScratch) softmaxRows(j *selfJob, row, n, lo, seen int) {
	if j.SoftCap <= 0 && (j.Window <= 0 || row+n <= j.Window) {
		end := (seen + gemmCols - 1) / gemmCols * gemmCols
		if softmaxTriangleFast(s.weights[:(n-1)*s.long+end], s.long, n, row+1, end, j.Scale) {
			return
		}
	}
	for i := range n {
		s.softmaxRow(j, i, row, lo, seen)
	}
}

// softmaxTriangle is one call of softmaxTriangleFast's assembly: of n rows the first has
// `to` scores, each other one more than that before; the rest up to end becomes 0.
type softmaxTriangle struct {
	p          *float32
	row        int // bytes between rows
	n, to, end int
	scale      float32
}

// slopesRows is slopesRow for n rows.
func (s *selfScratch) slopesRows(j *selfJob, n, seen int) {
	if j.SoftCap <= 0 {
		end := (seen + lanes - 1) / lanes * lanes
		if softmaxBackFast(s.weights[:(n-1)*s.long+end], s.slopes[:(n-1)*s.long+end], s.long, n, end, j.Scale) {
			return
		}
	}
	for i := range n {
		s.slopesRow(j, i, seen)
	}
}

// softmaxRowsBack is one call of softmaxBackFast's assembly: n rows of end numbers.
type softmaxRowsBack struct {
	p, g   *float32
	row    int // bytes between rows
	n, end int
	scale  float32
}
