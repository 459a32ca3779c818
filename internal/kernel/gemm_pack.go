package kernel

// factor is the right-hand side of a product, [k, n]. Tile kernels want it in
// panels of gemmCols columns; pack makes them piece by piece, so that weights are
// never dequantised as a whole.
type factor struct {
	view   View
	w      *Matrix // instead of view
	across bool    // the factor is w itself, k its rows; else it is w transposed
}

// direct tells that rows of the factor lie in memory as tile kernels read them.
func (f *factor) direct(n int) bool { return f.w == nil && f.view.Col == 1 && n%16 == 0 }

// step is how many columns are packed at a time: at least one block of the format.
func (f *factor) step() int {
	if f.w != nil && f.across {
		return max(gemmCols, f.w.format.BlockLen)
	}
	return gemmCols
}

// gemmScratch is the working memory of one worker.
type gemmScratch struct {
	edge  gemmEdge
	near  []float32 // bands of the left side that are not laid out before; see Left.near
	panel []float32 // [columns/gemmCols, k, gemmCols]
	pairs []float32 // panels of pairs, [columns/gemmCols, k/2, gemmCols], with scales; or of split numbers
	sums  []float32 // of split numbers; see cutSum.split
	tall  []float32 // sixteen rows of weights as [columns, 16]
	q     []uint8   // a panel of weights; see packing
	f     []float32 // its scales, then its mins
}

// pack puts rows d to d+k and columns j to j+n of the factor into panels, filled up
// with zeros. n is at most step(), with across what there is room for.
func (s *gemmScratch) pack(panel []float32, f *factor, d, k, j, n int) {
	switch {
	case f.w == nil:
		packView(panel, f.view.from(d, j), k, n)
	case f.across:
		s.packAcross(panel, f.w, d, k, j, n)
	default:
		s.packAlong(panel, f.w, d, k, j, n)
	}
}

// packView packs a [k, n] of at most gemmCols columns.
func packView(panel []float32, v View, k, n int) {
	if v.Row == 1 && n > 0 { // columns lie in memory
		for j := range gemmCols {
			if j >= n {
				for i := range k {
					panel[i*gemmCols+j] = 0
				}
			}
		}
		pasteTransposed(panel, gemmCols, v.Data, v.Col, n, k)
		return
	}
	for i := range k {
		to := panel[i*gemmCols : (i+1)*gemmCols]
		for j := range n {
			to[j] = v.Data[i*v.Row+j*v.Col]
		}
		clear(to[n:])
	}
}

// packAlong packs columns d to d+k of rows j to j+n of w as [k, n].
func (s *gemmScratch) packAlong(panel []float32, w *Matrix, d, k, j, n int) {
	for r := 0; r < gemmCols; r += groupRows {
		to := panel[r:]
		if r >= n {
			for i := range k {
				clear(to[i*gemmCols : i*gemmCols+groupRows])
			}
			continue
		}
		if w.format.packing != nil {
			s.unpack(w, (j+r)/groupRows, d, k, to, gemmCols)
			continue
		}
		rows := min(groupRows, n-r)
		wide := s.wide(w, j+r, rows, d, k)
		pasteTransposed(to, gemmCols, wide, k, groupRows, k)
	}
}

// wide decodes columns d to d+k of up to sixteen rows of a float matrix as [16, k].
func (s *gemmScratch) wide(w *Matrix, row, rows, d, k int) []float32 {
	if len(s.tall) < groupRows*k {
		s.tall = make([]float32, groupRows*k)
	}
	size := w.format.BlockBytes
	for i := range rows {
		w.format.Dequantize(s.tall[i*k:(i+1)*k], w.stored(row + i)[d*size:(d+k)*size])
	}
	clear(s.tall[rows*k : groupRows*k])
	return s.tall[:groupRows*k]
}

// packAcross packs rows d to d+k and columns j to j+n of w, one panel after another.
// d is a multiple of sixteen, j of the block length.
func (s *gemmScratch) packAcross(panel []float32, w *Matrix, d, k, j, n int) {
	panels := (n + gemmCols - 1) / gemmCols
	if w.format.packing == nil {
		size := w.format.BlockBytes
		for i := range k {
			row := w.stored(d + i)
			for p := range panels {
				from := j + p*gemmCols
				m := min(gemmCols, w.Cols-from)
				to := panel[(p*k+i)*gemmCols:][:gemmCols]
				w.format.Dequantize(to[:m], row[from*size:(from+m)*size])
				clear(to[m:])
			}
		}
		return
	}
	if len(s.tall) < groupRows*n {
		s.tall = make([]float32, groupRows*n)
	}
	for i := 0; i < k; i += groupRows {
		s.unpack(w, (d+i)/groupRows, j, n, s.tall, groupRows)
		rows := min(groupRows, k-i)
		for p := range panels {
			to := panel[(p*k+i)*gemmCols:]
			for c := 0; c < gemmCols; c += 16 {
				pasteTransposed(to[c:], gemmCols, s.tall[(p*gemmCols+c)*groupRows:], groupRows, 16, rows)
			}
		}
	}
}

// pasteTransposed is dst [cols, rows] = src [rows, cols] transposed, with rows of
// dst and src so far apart. When rows are sixteen and cols not a multiple of it,
// nothing outside is written.
func pasteTransposed(dst []float32, dstRow int, src []float32, srcRow, rows, cols int) {
	for r := 0; r < rows; r += 16 {
		c := 0
		if r+16 <= rows {
			for ; c+16 <= cols; c += 16 {
				transpose16(dst[c*dstRow+r:], dstRow, src[r*srcRow+c:], srcRow)
			}
		}
		for ; c < cols; c++ {
			for i := r; i < min(rows, r+16); i++ {
				dst[c*dstRow+i] = src[i*srcRow+c]
			}
		}
	}
}

func transpose16Generic(dst []float32, dstRow int, src []float32, srcRow int) {
	for i := range 16 {
		for j, v := range src[i*srcRow : i*srcRow+16] {
			dst[j*dstRow+i] = v
		}
	}
}
