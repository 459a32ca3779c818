package kernel

import (
	"slices"
	"sync/atomic"
)

// splitJob is the task of one product of split numbers: workers take some columns, and
// some rows where columns are few, until none is left.
type splitJob struct {
	y              []float32
	a              []float32 // split, [blocks of rows, blocks of k]
	b              factor
	m, n, k        int
	addition, half bool
	deep           int // blocks of k
	columns        int // of an item
	blocks         int // of rows, in an item
	down, items    int // items one below the other, and all of them
	scratch        []gemmScratch
	next           atomic.Int64
}

// split is y [m, n] = x [m, k] b, or added to y, of split numbers.
func (g *Gemm) split(p *Pool, y, x []float32, b factor, m, n, k int, addition bool) {
	j := &g.splits
	j.y, j.b, j.m, j.n, j.k, j.addition, j.half = y, b, m, n, k, addition, g.Precision == Half
	j.deep = (k + splitSide - 1) / splitSide
	j.plan(p.Workers())
	j.a = g.splitLeft(p, x, m, k)
	workers := min(p.Workers(), j.items)
	g.reserve(workers, j.b.step(), j.columns/splitSide*min(j.deep, splitDepth/splitSide)*splitBlock)
	for i := range g.scratch[:workers] {
		s := &g.scratch[i]
		if size := j.columns * splitBlocks * splitSide; len(s.sums) < size {
			s.sums = hugeFloats(size)
		}
	}
	j.scratch = g.scratch
	j.next.Store(0)
	p.Run(workers, j)
	j.y, j.a, j.b = nil, nil, factor{}
}

// splitLeft splits the rows of x, in memory that g keeps.
func (g *Gemm) splitLeft(p *Pool, x []float32, m, k int) []float32 {
	blocks, deep := (m+splitSide-1)/splitSide, (k+splitSide-1)/splitSide
	size := blocks * deep * splitBlock
	g.pairs = slices.Grow(g.pairs[:0], size)[:size]
	t := spareRows.take()
	t.y, t.x, t.width, t.heads = g.pairs, x, k, m
	t.do = func(t *rowTask, lo, hi int) {
		deep := (t.width + splitSide - 1) / splitSide
		for r := lo; r < hi; r++ {
			splitBand(t.y[r*deep*splitBlock:(r+1)*deep*splitBlock], t.x[r*splitSide*t.width:], min(splitSide, t.heads-r*splitSide), t.width)
		}
	}
	t.run(p, blocks, k*splitSide)
	return g.pairs
}

// splitBand splits up to 32 rows of k numbers into blocks filled up with zeros.
func splitBand(dst, src []float32, rows, k int) {
	var rest [splitSide * splitSide]float32
	for d := 0; d < k; d += splitSide {
		from, row := src[d:], k
		if rows < splitSide || k-d < splitSide {
			clear(rest[:])
			for i := range rows {
				copy(rest[i*splitSide:(i+1)*splitSide], src[i*k+d:(i+1)*k])
			}
			from, row = rest[:], splitSide
		}
		to := dst[d/splitSide*splitBlock:]
		splitRows(to, from, row, 16)
		splitRows(to[splitTile:], from[16*row:], row, 16)
	}
}

// plan has items of up to eight panels of columns, as many for each worker as for the
// others.
func (j *splitJob) plan(workers int) {
	const most = 8
	unit := j.b.step() / splitSide
	panels := (j.n + splitSide - 1) / splitSide
	turns := (panels + most*workers - 1) / (most * workers)
	each := (panels + turns*workers - 1) / (turns * workers)
	each = (each + unit - 1) / unit * unit
	across := (panels + each - 1) / each
	blocks := (j.m + splitSide - 1) / splitSide
	parts := min(blocks, (workers+across-1)/across)
	j.columns = each * splitSide
	j.blocks = (blocks + parts - 1) / parts
	j.down = (blocks + j.blocks - 1) / j.blocks
	j.items = j.down * across
}

// Do is one worker; i picks its scratch memory.
func (j *splitJob) Do(i int) {
	for {
		item := int(j.next.Add(1)) - 1
		if item >= j.items {
			return
		}
		j.item(&j.scratch[i], item/j.down*j.columns, item%j.down*j.blocks)
	}
}

// With splitBlocks blocks of rows and gemmDepth k at a time a worker's part of both factors and of
// the result stays in the second cache; of b it splits splitDepth k at a time.
const (
	splitBlocks = 8
	splitDepth  = 768
)

// item computes some columns from col on of some blocks of rows.
func (j *splitJob) item(s *gemmScratch, col, block int) {
	n := min(j.columns, j.n-col)
	last := min(block+j.blocks, (j.m+splitSide-1)/splitSide)
	for d := 0; d < j.k; d += splitDepth {
		k := min(splitDepth, j.k-d)
		j.right(s, d, k, col, n)
		for r := block; r < last; r += splitBlocks {
			j.chunk(s, r, min(splitBlocks, last-r), d, k, col, n)
		}
	}
}

// right splits rows d to d+k and columns col to col+n of the factor, into panels one
// after the other.
func (j *splitJob) right(s *gemmScratch, d, k, col, n int) {
	panel := (k + splitSide - 1) / splitSide * splitBlock
	for e := 0; e < k; e += gemmDepth {
		deep := min(gemmDepth, k-e)
		for c := 0; c < n; c += j.b.step() {
			wide := min(j.b.step(), n-c)
			s.pack(&j.b, d+e, deep, col+c, wide)
			for p := 0; p < wide; p += splitSide {
				splitPanel(s.pairs[(c+p)/splitSide*panel+e/splitSide*splitBlock:], s.panel[p*deep:], deep)
			}
		}
	}
}

// splitPanel splits a panel of k rows of 32 columns into blocks filled up with zeros.
func splitPanel(dst, src []float32, k int) {
	whole := k / splitSide
	if whole > 0 {
		splitPairs(dst, src, whole)
	}
	if k%splitSide > 0 {
		var rest [splitSide * splitSide]float32
		copy(rest[:], src[whole*splitSide*splitSide:k*splitSide])
		splitPairs(dst[whole*splitBlock:], rest[:], 1)
	}
}

// chunk adds the products of blocks of rows from r on with the panels of right. The
// result is summed in s.sums, [panels, rows, 32], as its own rows are far apart.
func (j *splitJob) chunk(s *gemmScratch, r, blocks, d, k, col, n int) {
	deep := (k + splitSide - 1) / splitSide
	addition := j.addition || d > 0
	y, rows := j.y[r*splitSide*j.n+col:], min(blocks*splitSide, j.m-r*splitSide)
	panel := blocks * splitSide * splitSide
	if addition {
		for i := range rows {
			for c := 0; c < n; c += splitSide {
				copy(s.sums[c/splitSide*panel+i*splitSide:][:splitSide], y[i*j.n+c:i*j.n+n])
			}
		}
	}
	t := amxTile{aRow: 4 * j.deep * splitBlock, cRow: 4 * splitSide, rows: blocks, half: j.half}
	for e := 0; e < deep; e += gemmDepth / splitSide {
		t.k, t.addition = min(gemmDepth/splitSide, deep-e), addition || e > 0
		t.a = &j.a[(r*j.deep+d/splitSide+e)*splitBlock]
		for c := 0; c < n; c += splitSide {
			t.b, t.c = &s.pairs[(c/splitSide*deep+e)*splitBlock], &s.sums[c/splitSide*panel]
			t.run()
		}
	}
	pastePanels(y, s.sums, rows, n, j.n, panel)
}
