package kernel

// run computes z of the chunk.
func (s *shrinking) run(l *LowRanks) {
	a := s.w.A
	switch {
	case l.ids != nil:
		for i, row := range s.rows {
			a.Row(s.z[i*s.stride:i*s.stride+a.Cols], int(l.ids[row]))
		}
	case dotsFast(a.Type):
		s.fast(l.x)
	default:
		s.generic(l.x)
	}
	for i := range s.rows {
		z := s.z[i*s.stride : i*s.stride+s.w.B.R]
		for r := range z {
			z[r] *= s.w.Scale
		}
	}
	*s = shrinking{f: s.f} // holds no one's memory
}

func (s *shrinking) generic(x []float32) {
	a := s.w.A
	if len(s.f) < a.Cols {
		s.f = make([]float32, a.Cols)
	}
	w := s.f[:a.Cols]
	for r := range a.Rows {
		a.Row(w, r)
		for i, row := range s.rows {
			s.z[i*s.stride+r] = dot(w, x[int(row)*a.Cols:(int(row)+1)*a.Cols])
		}
	}
}
