package kernel

// gemmJob is the task of some sums of products in float32, or of pairs of bfloat16 numbers
// by vectors.
type gemmJob struct {
	sumCuts
	scratch []gemmScratch
}

// An item has gemmWide panels of columns at most. Of one block of k they stay in the second
// cache, together with gemmNear bands of rows of the left-hand side: each panel, in the
// first cache, meets all of those before the next does.
const (
	gemmWide = 3
	gemmTall = 64
	gemmNear = 8
)

// float computes sums without tiles.
func (g *Gemm) float(p *Pool, sums []Sum) {
	j := &g.plain
	j.set(sums)
	j.plan(p.Workers(), gemmWide, gemmTall, gemmRows)
	numbers, pairs := 0, 0
	for i := range j.sums {
		s := &j.sums[i]
		deep := 0
		for _, t := range s.Terms {
			kind := t.pairs()
			k := min(kind.depth(t.A.k), t.A.k)
			deep = max(deep, k)
			if _, words := kind.deep(0, k); kind != noPairs {
				pairs = max(pairs, words*panelsOf(s.columns)*gemmCols)
			}
		}
		numbers = max(numbers, deep*max(s.unit, panelsOf(s.columns))*gemmCols)
	}
	workers := min(p.Workers(), j.items)
	g.reserve(workers, numbers, pairs)
	j.scratch = g.scratch
	j.next.Store(0)
	p.Run(workers, j)
	clear(j.sums)
}

// Do is one worker; i picks its scratch memory.
func (j *gemmJob) Do(i int) {
	for {
		s, col, band := j.take()
		if s == nil {
			return
		}
		s.floats(&j.scratch[i], col, band)
	}
}

// floats computes some columns from col on of some bands of rows.
func (s *cutSum) floats(g *gemmScratch, col, band int) {
	n, row := min(s.columns, s.N-col), band*gemmRows
	rows := min(s.blocks*gemmRows, s.rows-row)
	c := RowMajor(s.Y, s.N).from(row, col)
	if s.empty() {
		for i := range rows {
			clear(c.Data[i*c.Row:][:n])
		}
		return
	}
	addition := s.Addition
	for i := range s.Terms {
		t := &s.Terms[i]
		depth := t.pairs().depth(t.A.k)
		for d := 0; d < t.A.k; d += depth {
			k := min(depth, t.A.k-d)
			t.floats(g, c, row, col, d, rows, n, k, addition)
			addition = true
		}
	}
}

// empty tells that the sum has no k and is zeros.
func (s *cutSum) empty() bool {
	for _, t := range s.Terms {
		if t.A.k > 0 {
			return false
		}
	}
	return !s.Addition
}

// pairs are those that the product is of: with weights, those of the left-hand side.
func (t *Term) pairs() pairKind {
	if t.B.f.w == nil {
		return noPairs
	}
	return t.A.pairs
}

// floats adds the product of k from d on to rows from row on and n columns from col on of
// the result, which are c.
func (t *Term) floats(g *gemmScratch, c View, row, col, d, rows, n, k int, addition bool) {
	f, pairs := &t.B.f, t.pairs()
	_, words := pairs.deep(0, k)
	panels, size := g.panel, words*gemmCols
	if pairs != noPairs {
		panels = g.pairs
	}
	direct := f.direct(c.Row)
	each := f.step()
	if f.across { // blocks of a row follow each other
		each = n
	}
	for j := 0; j < n && !direct; j += each {
		wide, to := min(each, n-j), g.panel
		if pairs == noPairs {
			to = to[j*k:]
		}
		g.pack(to, f, d, k, col+j, wide)
		for i := 0; i < wide && pairs != noPairs; i += gemmCols {
			pairs.panel(panels[(j+i)/gemmCols*size:][:size], to[i*k:], k)
		}
	}
	step := gemmNear * gemmRows
	if pairs == wholePairs { // a panel is half as large and stays in the first cache
		step = rows
	}
	for from := 0; from < rows; from += step {
		near := min(step, rows-from)
		left := t.A.near(g, row+from, d, near, k, pairs)
		for j := 0; j < n; j += gemmCols {
			b := f.view
			if direct {
				b = b.from(d, col+j)
			} else {
				b = RowMajor(panels[j/gemmCols*size:][:size], gemmCols)
			}
			g.column(c.from(from, j), left, b, near, min(gemmCols, n-j), k, addition, pairs)
		}
	}
}

// panel makes pairs of two rows each of a panel [k, gemmCols].
func (p pairKind) panel(dst, src []float32, k int) {
	if p == wholePairs {
		pairs, scales := dst[:k/2*gemmCols], dst[k/2*gemmCols:]
		wholesDown(pairs, scales, src, gemmCols, k/2)
		return
	}
	pairRows(dst, src, gemmCols, gemmCols, k/2)
}

// column adds the product of some rows of the left side, laid out as left, and one panel
// of b, n columns wide.
func (g *gemmScratch) column(c View, left []float32, b View, rows, n, k int, addition bool, pairs pairKind) {
	width := 16
	if n > 16 {
		width = gemmCols
	}
	_, band := pairs.deep(0, k)
	b.holds(band, width)
	c.holds(rows, n)
	u := gemmTile{aRow: 1, aCol: gemmRows, b: &b.Data[0], bRow: b.Row, k: k, pairs: pairs}
	if pairs != noPairs {
		u.k = k / 2
	}
	if pairs == wholePairs {
		u.bScale = &b.Data[k/2*gemmCols]
	}
	for i := 0; i < rows; i += gemmRows {
		high := min(gemmRows, rows-i)
		a := left[i*band:][:gemmRows*band]
		u.a = &a[0]
		if pairs == wholePairs {
			u.aScale = &a[(band-1)*gemmRows]
		}
		if high == gemmRows && n == width {
			u.c, u.cRow, u.addition = &c.Data[i*c.Row], c.Row, addition
			u.run(width)
			continue
		}
		u.c, u.cRow, u.addition = &g.edge.c[0], gemmCols, false
		u.run(width)
		g.edge.paste(c.from(i, 0), high, n, addition)
	}
}
