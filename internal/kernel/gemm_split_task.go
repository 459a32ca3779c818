package kernel

// splitJob is the task of some sums of products of split numbers.
type splitJob struct {
	sumCuts
	half    bool
	scratch []gemmScratch
}

// split computes sums whose left-hand sides are laid out.
func (g *Gemm) split(p *Pool, sums []Sum) {
	j := &g.tiled
	j.half = g.Precision == Half
	j.set(sums)
	j.plan(p.Workers(), splitPanels, splitTall, splitSide)
	step, pairs, numbers := 0, 0, 0
	for i := range j.sums {
		s := &j.sums[i]
		step = max(step, s.unit*splitSide)
		deep := 0
		for _, t := range s.Terms {
			deep = max(deep, min(splitDepth/splitSide, blocksOf(t.A.k)))
		}
		pairs = max(pairs, s.columns/splitSide*deep*blockLen(j.half))
		numbers = max(numbers, s.columns*s.blocks*splitSide)
	}
	workers := min(p.Workers(), j.items)
	g.reserve(workers, gemmDepth*step, pairs)
	for i := range g.scratch[:workers] {
		s := &g.scratch[i]
		if len(s.sums) < numbers {
			s.sums = hugeFloats(numbers)
		}
	}
	j.scratch = g.scratch
	j.next.Store(0)
	p.Run(workers, j)
	clear(j.sums)
}

// An item has splitPanels panels of columns and splitTall blocks of rows at most, so that
// its sums stay in the second cache, as do splitDepth k of its columns and splitBlocks
// blocks of rows of the left-hand side. Columns are packed once for all rows of an item.
const (
	splitPanels = 3
	splitTall   = 32
	splitBlocks = 8
	splitDepth  = 768
)

// Do is one worker; i picks its scratch memory.
func (j *splitJob) Do(i int) {
	for {
		s, col, block := j.take()
		if s == nil {
			return
		}
		s.split(&j.scratch[i], col, block, j.half)
	}
}

// split computes some columns from col on of some blocks of rows. They are summed in
// g.sums, [panels, rows, 32], as rows of the result are far apart.
func (s *cutSum) split(g *gemmScratch, col, block int, half bool) {
	n := min(s.columns, s.N-col)
	high := min(s.blocks, blocksOf(s.rows)-block)
	y, rows := s.Y[block*splitSide*s.N+col:], min(high*splitSide, s.rows-block*splitSide)
	panel := high * splitSide * splitSide
	if s.Addition {
		for i := range rows {
			for c := 0; c < n; c += splitSide {
				copy(g.sums[c/splitSide*panel+i*splitSide:][:splitSide], y[i*s.N+c:i*s.N+n])
			}
		}
	}
	c := splitChunk{col: col, n: n, panel: panel, half: half, addition: s.Addition}
	for i := range s.Terms {
		t := &s.Terms[i]
		for d := 0; d < t.A.k; d += splitDepth {
			c.d, c.k = d, min(splitDepth, t.A.k-d)
			c.right(g, &t.B.f)
			for r := 0; r < high; r += splitBlocks {
				c.products(g, t.A, block, r, min(splitBlocks, high-r))
			}
			c.addition = true
		}
	}
	pastePanels(y, g.sums, rows, n, s.N, panel)
}

// splitChunk is what k from d on add to columns from col on.
type splitChunk struct {
	col, n, d, k   int
	panel          int // numbers of a panel of sums
	half, addition bool
}

// right splits the columns of the factor, into panels one after the other.
func (c *splitChunk) right(g *gemmScratch, f *factor) {
	size := blockLen(c.half)
	panel := blocksOf(c.k) * size
	step, most := f.step(), gemmDepth
	if f.across { // as many blocks of a row at a time as there is room for: they follow each other
		step = max(step, min(splitPanels*splitSide, c.n/step*step))
		most = max(splitSide, gemmDepth*f.step()/step/splitSide*splitSide)
	}
	for e := 0; e < c.k; e += most {
		deep := min(most, c.k-e)
		for j := 0; j < c.n; j += step {
			wide := min(step, c.n-j)
			to := g.pairs[j/splitSide*panel+e/splitSide*size:]
			if f.w == nil && f.view.Col == 1 && wide == splitSide { // as it lies
				splitPanel(to, f.view.from(c.d+e, c.col+j).Data, f.view.Row, deep, c.half)
				continue
			}
			g.pack(g.panel, f, c.d+e, deep, c.col+j, wide)
			for p := 0; p < wide; p += splitSide {
				splitPanel(to[p/splitSide*panel:], g.panel[p*deep:], splitSide, deep, c.half)
			}
		}
	}
}

// splitPanel splits k rows of 32 columns, row numbers apart, into blocks filled up with
// zeros.
func splitPanel(dst, src []float32, row, k int, half bool) {
	whole := k / splitSide
	if whole > 0 {
		splitPairs(dst, src, row, whole, half)
	}
	if rest := k % splitSide; rest > 0 {
		var last [splitSide * splitSide]float32
		for i := range rest {
			copy(last[i*splitSide:(i+1)*splitSide], src[(whole*splitSide+i)*row:])
		}
		splitPairs(dst[whole*blockLen(half):], last[:], splitSide, 1, half)
	}
}

// products adds those of some blocks of rows, from r on of the item's that begin at block,
// with the panels of right.
func (c *splitChunk) products(g *gemmScratch, a *Left, block, r, blocks int) {
	size, all, deep := blockLen(c.half), blocksOf(a.k), blocksOf(c.k)
	t := splitProduct{
		a: &a.blocks[((block+r)*all+c.d/splitSide)*size], aRow: 4 * all * size, cRow: 4 * splitSide,
		k: deep, rows: blocks, columns: 1, addition: c.addition, half: c.half,
	}
	for j := range blocksOf(c.n) {
		t.b, t.c = &g.pairs[j*deep*size], &g.sums[j*c.panel+r*splitSide*splitSide]
		t.run()
	}
}
