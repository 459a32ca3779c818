package kernel

// scratch is the working memory of one worker.
type scratch struct {
	tile tile
	q    []uint8   // weights of the panel
	f    []float32 // its scales and mins; or rows of a float matrix
	dot  dotTile
	tail [dotRows][64]byte // rests of rows
	low  lowTile
	soon errand

	waiting [16]productPiece               // for shrinks
	wide    []uint16                       // weights of a tiledCall by pairs
	sums    *tiledSums                     // of one: by itself, where it is not cut by lines of the cache
	edge    []float32                      // outputs of a tiledCall that sticks out, [groupRows, tiledChunk*groupRows]
	gated   []float32                      // outputs of a chunk of groups, of both products
	out     [maxTokens * groupRows]float32 // outputs of a group that is not full
}

// reserve makes scratch memory for n workers, for y.
func (a *Acts) reserve(n int, y *Product) {
	for len(a.scratch) < n {
		a.scratch = append(a.scratch, scratch{})
	}
	w, q, f, wide := y.W, 0, 0, 0
	switch {
	case w.format.packing == nil && !dotsFast(w.Type):
		f = groupRows * w.Cols
	case a.takesTiles(y):
		q = tiledChunk * groupRows * a.tiledWidth(y)
		f = 2 * q / w.format.packing.step
		if a.tilingOf(y) == byPairs {
			wide = q
		}
	case w.format.packing != nil && !takesPacked(w.format, a.rows):
		q = groupRows * a.panelCols(w)
		f = 2 * q / w.format.packing.step
	}
	gated := 0
	if y.up != nil { // of a format of its own
		a.reserve(n, &Product{W: y.up, Exact: y.Exact})
		gated = 2 * a.rows * tiledChunk * groupRows
	}
	for i := range a.scratch[:n] {
		s := &a.scratch[i]
		if len(s.q) < q {
			s.q = make([]uint8, q)
		}
		if len(s.f) < f {
			s.f = make([]float32, f)
		}
		if len(s.wide) < wide {
			s.wide = make([]uint16, wide)
		}
		if len(s.gated) < gated {
			s.gated = make([]float32, gated)
		}
		if s.sums == nil && a.takesTiles(y) {
			s.sums = new(tiledSums)
			s.edge = make([]float32, tiledChunk*groupRows*groupRows)
		}
	}
}

// panelCols is how many columns are unpacked at a time. With few tokens the panel
// is used once and should stay in the first cache; with many it must be whole,
// so that each tile is finished in one go.
func (a *Acts) panelCols(w *Matrix) int {
	if a.rows > maxTokens || w.Cols <= panelMost {
		return w.Cols
	}
	blocks := w.Cols / w.format.BlockLen
	parts := (w.Cols + panelMost - 1) / panelMost
	return (blocks + parts - 1) / parts * w.format.BlockLen
}

// panelMost is how many columns a panel that stays in the first cache may have.
const panelMost = 320

// unpack makes a panel of n group blocks and returns what follows them.
func (s *scratch) unpack(f *Format, src []byte, n int) []byte {
	steps, t := f.steps(n), &s.tile
	t.q, t.scale, t.mins = s.q, s.f[:steps], s.f[steps:2*steps]
	f.unpack(t.q, t.scale, t.mins, src, n)
	return src[n*f.BlockBytes*groupRows:]
}
