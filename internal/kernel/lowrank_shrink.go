package kernel

// shrinking computes numbers lo to hi of z [len(rows), stride] of some rows. One core
// plans it and another may compute it, so it is small.
type shrinking struct {
	rows   []int32
	w      *LowRank
	lo, hi int // rows of A
	z      int // where the rows begin
	stride int // R rounded up to what a kernel takes
}

// lowTile is the working memory of pieces, one at a time.
type lowTile struct {
	dot   dotTile
	tail  [dotRows][64]byte
	xTail [dotRows][lanes]float32
	f     []float32         // a row of A
	edge  [panelOut]float32 // of outputs that do not fill a panel
	row   [panelOut]float32 // of weights of B
}

// run computes z of the piece; ask says that nobody asked for A before.
func (s *shrinking) run(l *LowRanks, t *lowTile, ask bool) {
	a, all := s.w.A, l.z[s.z:]
	switch {
	case l.ids != nil:
		for i, row := range s.rows {
			a.Row(all[i*s.stride:i*s.stride+a.Cols], int(l.ids[row]))
		}
	case dotsFast(a.Type):
		if ask && len(s.rows) == 1 { // else they are used again and again
			prefetch(a.data[s.lo*a.bytes : s.hi*a.bytes])
		}
		s.fast(t, all, l.x)
	default:
		s.generic(t, all, l.x)
	}
	for i := range s.rows {
		z := all[i*s.stride+s.lo : i*s.stride+s.hi]
		for r := range z {
			z[r] *= s.w.Scale
		}
	}
}

func (s *shrinking) generic(t *lowTile, z, x []float32) {
	a := s.w.A
	if len(t.f) < a.Cols {
		t.f = make([]float32, a.Cols)
	}
	w := t.f[:a.Cols]
	for r := s.lo; r < s.hi; r++ {
		a.Row(w, r)
		for i, row := range s.rows {
			z[i*s.stride+r] = dot(w, x[int(row)*a.Cols:(int(row)+1)*a.Cols])
		}
	}
}
