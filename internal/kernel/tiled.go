package kernel

import "unsafe"

// Products of many rows of activations with quantised weights go by the tiles of AMX:
// sixteen rows of each, 32 columns at a time. With activations of 8 bits, what tiles
// multiply are bfloat16 numbers, which hold integers of up to eight bits, and they add up
// in float32, whose sums of 32 products of such stay below 2^24. So they are the sums of
// the integers, and float32 already. Tiles of bytes take as long, and each sum would have
// to be converted.
//
// Activations of 16 bits are 256 high + low, and go to tiles of bytes: their two sums are
// put together as integers, and converted once.

// byteTile is a block of 32 columns of sixteen rows of activations of 8 bits. Of every
// four columns the codes stand in the order of wordBlock.
type byteTile struct {
	q    [groupRows][32]uint16 // bfloat16
	d, s [groupRows]float32    // as in actBlock
}

// wordTile is the same of activations of 16 bits: a code is 256 high + low. Columns are in
// their order.
type wordTile struct {
	high [groupRows][32]int8
	low  [groupRows][32]uint8
	d, s [groupRows]float32 // as in wordBlock
}

// From how many rows on tiles are faster than vectors, of 8 bits and of 16.
const (
	bytesLeast = 48
	wordsLeast = 12
)

// tiledChunk is how many groups of a matrix a worker computes at a time, at most. They share
// what is read of the activations, and rows of results are written in longer pieces.
const tiledChunk = 8

// tiledCols is how many columns of a matrix are computed at a time, at most: their weights stay in
// the second cache, and sums are seldom taken up again.
const tiledCols = 640

// tiledCall is one call of the kernel: rows of activations, sixteen by sixteen, times
// some groups of weights. out is as tile.generic and genericWords make it, in the same
// order.
type tiledCall struct {
	x           unsafe.Pointer // the first byteTile or wordTile, of blocks in a row
	xNext       int            // bytes to those of the next sixteen rows
	q           unsafe.Pointer // weights of bytes, [columns/4][16][4], or of bfloat16, see widen
	scale, mins *float32       // [columns/step][16]; mins may be nil
	out         *float32       // [16], outRow bytes apart, [16]
	outRow      int
	rows        int // of sixteen
	groups      int // of weights, side by side in q, scale and mins, and in the rows of out
	blocks      int
	more        int // 1: add to out rather than begin
	sums        *tiledSums
}

// tiledSums is of two blocks up to four sums each.
type tiledSums [2][5][groupRows][groupRows]int32

// quantiseTilesGeneric fills dst from some rows of x, at most sixteen, of cols numbers each.
func quantiseTilesGeneric(dst []byteTile, x []float32, cols, rows int) {
	for b := range dst {
		t := &dst[b]
		*t = byteTile{}
		for i := range rows {
			var of actBlock
			quantiseBlock(&of, x[i*cols+32*b:][:32])
			t.d[i], t.s[i] = of.d, of.s
			for k, q := range of.q {
				t.q[i][k&^3+wordOrder[k&3]] = F32ToBF16(float32(q))
			}
		}
	}
}

// splitWordsGeneric fills dst from blocks of the rows of activations, of which rows are
// left.
func splitWordsGeneric(dst []wordTile, words []wordBlock, blocks, rows int) {
	for b := range dst {
		t := &dst[b]
		*t = wordTile{}
		for i := range min(groupRows, rows) {
			x := &words[i*blocks+b]
			t.d[i], t.s[i] = x.d, x.s
			for k := range x.q {
				q := x.q[k&^3+wordOrder[k&3]]
				t.high[i][k], t.low[i][k] = int8(q>>8), uint8(q)
			}
		}
	}
}

// tile16 fills the tiles of a product that goes by them. Those of 16 bits are made of words.
func (a *Acts) tile16(p *Pool, exact bool) {
	rows := (a.rows + groupRows - 1) / groupRows
	n := rows * a.cols / 32
	if exact && !a.wordTiled {
		a.wordTiled = true
		if cap(a.wordTiles) < n {
			a.wordTiles = make([]wordTile, n)
		}
		a.wordTiles = a.wordTiles[:n]
		a.quantiseWords(p)
		p.Run(rows, (*wordTiling)(a))
	}
	if !exact && !a.byteTiled {
		a.byteTiled = true
		if cap(a.byteTiles) < n {
			a.byteTiles = make([]byteTile, n)
		}
		a.byteTiles = a.byteTiles[:n]
		p.Run(rows, (*byteTiling)(a))
	}
}

// byteTiling and wordTiling are the tasks of tile16.
type (
	byteTiling Acts
	wordTiling Acts
)

func (a *byteTiling) Do(i int) {
	blocks := a.cols / 32
	quantiseTiles(a.byteTiles[i*blocks:(i+1)*blocks], a.x[i*groupRows*a.cols:], a.cols, min(groupRows, a.rows-i*groupRows))
}

func (a *wordTiling) Do(i int) {
	blocks := a.cols / 32
	splitWords(a.wordTiles[i*blocks:(i+1)*blocks], a.words[i*groupRows*blocks:], blocks, a.rows-i*groupRows)
}

// takesTiles says that a product goes by tiles.
func (a *Acts) takesTiles(y *Product) bool {
	least := bytesLeast
	if y.Exact {
		least = wordsLeast
	}
	return tiles && y.W.format.packing != nil && a.rows >= least
}

// tiledWidth is how many columns of w are computed at a time, in whole blocks of the format.
func tiledWidth(w *Matrix) int {
	blocks, parts := w.Cols/w.format.BlockLen, (w.Cols+tiledCols-1)/tiledCols
	return (blocks + parts - 1) / parts * w.format.BlockLen
}

// tiledOut is where the outputs of a matrix go.
type tiledOut struct {
	y     []float32 // [rows, width]
	width int
	first int // group that begins a row
}

// at is y from what group g makes of a row on.
func (o *tiledOut) at(row, g int) []float32 { return o.y[row*o.width+(g-o.first)*groupRows:] }

// tiledGroups computes the outputs of groups lo to hi of a quantised matrix by tiles.
func (a *Acts) tiledGroups(s *scratch, y *Product, lo, hi int) {
	if y.up != nil {
		a.gatedGroups(s, y, lo, hi)
		return
	}
	to := tiledOut{y: y.Y, width: y.W.Rows}
	for ; lo < hi; lo += tiledChunk {
		a.tiledParts(s, y, &to, lo, min(hi, lo+tiledChunk))
	}
}

// tiledParts is tiledGroups for as many as a worker computes at a time: of each part of the
// columns all groups for sixteen rows of activations, then for the next sixteen.
func (a *Acts) tiledParts(s *scratch, y *Product, to *tiledOut, lo, hi int) {
	part := tiledWidth(y.W)
	for c := 0; c < y.W.Cols; c += part {
		a.tiledPart(s, y, to, lo, hi, c, min(part, y.W.Cols-c))
	}
}

// tiledPart adds to the outputs of groups lo to hi what n columns from c on make.
func (a *Acts) tiledPart(s *scratch, y *Product, to *tiledOut, lo, hi, c, n int) {
	w, f := y.W, y.W.format
	size, steps := n*groupRows, f.steps(n/f.BlockLen)
	scale, mins := s.f[:(hi-lo)*steps], s.f[len(s.f)/2:][:(hi-lo)*steps]
	for g := range hi - lo {
		q := s.q[g*size:][:size]
		f.unpack(q, scale[g*steps:], mins[g*steps:], w.group(lo + g)[c/f.BlockLen*f.BlockBytes*groupRows:], n/f.BlockLen)
		switch {
		case !y.Exact:
			f.widen(s.wide[g*size:], q)
		case !f.packing.mins:
			lower(q, 1<<f.packing.shift)
		}
	}
	t := tiledCall{q: unsafe.Pointer(&s.q[0]), scale: &scale[0], blocks: n / 32, sums: s.sums}
	if !y.Exact {
		t.q = unsafe.Pointer(&s.wide[0])
	}
	if f.packing.mins {
		t.mins = &mins[0]
	}
	if c > 0 {
		t.more = 1
	}
	row := 0
	if whole := a.rows / groupRows; whole > 0 && hi*groupRows <= w.Rows {
		out := to.at(0, lo)
		t.out, t.outRow, t.rows, t.groups = &out[0], 4*to.width, whole, hi-lo
		_ = out[(whole*groupRows-1)*to.width+(hi-lo)*groupRows-1]
		a.runTiled(&t, y, 0, c)
		row = whole * groupRows
	}
	for ; row < a.rows; row += groupRows {
		for g := lo; g < hi; g++ {
			one := t.from(g-lo, n, steps, y.Exact)
			a.tiledSquare(s, &one, y, to, row, g, c)
		}
	}
}

// tiledSquare computes outputs of up to sixteen rows of activations from row on and of
// group g.
func (a *Acts) tiledSquare(s *scratch, t *tiledCall, y *Product, to *tiledOut, row, g, c int) {
	n := to.width
	out, rows, tokens := to.at(row, g), min(groupRows, y.W.Rows-g*groupRows), min(groupRows, a.rows-row)
	for i := range tokens {
		copy(s.square[i*groupRows:][:rows], out[i*n:])
	}
	t.out, t.outRow, t.rows, t.groups = &s.square[0], 4*groupRows, 1, 1
	a.runTiled(t, y, row, c)
	for i := range tokens {
		copy(out[i*n:][:rows], s.square[i*groupRows:])
	}
}

// from is t from its group g on, of n columns and as many scales as steps.
func (t tiledCall) from(g, n, steps int, exact bool) tiledCall {
	size := n * groupRows
	if !exact {
		size *= 2
	}
	t.q, t.scale = unsafe.Add(t.q, g*size), ahead(t.scale, g*steps)
	if t.mins != nil {
		t.mins = ahead(t.mins, g*steps)
	}
	return t
}

// runTiled is t for activations from row and column c on.
func (a *Acts) runTiled(t *tiledCall, y *Product, row, c int) {
	at := (row/groupRows*a.cols + c) / 32
	if y.Exact {
		t.x, t.xNext = unsafe.Pointer(&a.wordTiles[at]), a.cols/32*int(unsafe.Sizeof(wordTile{}))
	} else {
		t.x, t.xNext = unsafe.Pointer(&a.byteTiles[at]), a.cols/32*int(unsafe.Sizeof(byteTile{}))
	}
	t.run(y.Exact, y.W.format.packing.step)
}
