package kernel

import (
	"math"
	"unsafe"
)

// Products of many rows of activations with quantised weights go by the tiles of AMX:
// sixteen rows of each, 32 columns at a time. Integers of 8 bits are multiplied as they are, and
// their sums, below 2^22, become float32 by two additions.
//
// Activations of 16 bits are two bfloat16 numbers each, which hold integers of up to eight bits. Tiles
// add their products up in float32, which is exact below 2^24, as sums with weights of few bits are.
// Those of more bits are multiplied by tiles of bytes, high and low.

// tiling is how activations are laid out for tiles.
type tiling uint8

const (
	noTiles tiling = iota
	byBytes        // of 8 bits: byteTile
	byPairs        // of 16 bits, for weights of few bits: pairTile
	byWords        // of 16 bits: wordTile
)

// byteTile is a block of 32 columns of sixteen rows of activations of 8 bits.
type byteTile struct {
	q    [groupRows][32]int8
	d, s [groupRows]float32 // as in actBlock
}

// pairTile is the same of activations of 16 bits: numbers d*q of a wordBlock, whose d is a power of
// two, as high + low. Sums of their products with codes of weights are those of q, times d: exact.
// Of every four columns the numbers stand in the order of wordBlock.
type pairTile struct {
	high, low [groupRows][32]uint16 // bfloat16
	s         [groupRows]float32    // as in wordBlock
}

// pairs says that the sums of codes and numbers of a pairTile are exact: of numbers below 2^15
// and a step of codes they stay below 2^24.
func (p *packing) pairs() bool {
	largest := 1<<p.bits - 1
	if !p.mins {
		largest = 1 << p.shift
	}
	return largest*p.step <= 1<<(24-15)
}

// wordTile is a block of activations of 16 bits whose codes are 256 high + low. Columns are in
// their order.
type wordTile struct {
	high [groupRows][32]int8
	low  [groupRows][32]uint8
	d, s [groupRows]float32 // as in wordBlock
}

// tiledLeast is from how many rows on tiles are faster than vectors. Of bytes with a scale for sixteen
// columns they are from twice as many on.
const tiledLeast = 32

// tiledChunk is how many groups of a matrix a worker computes at a time, at most. They share
// what is read of the activations, and rows of results are written in longer pieces.
const tiledChunk = 8

// tiledCols is how many columns of a matrix are computed at a time, at most: sixteen rows of
// activations stay in the first cache, a chunk of weights in the second, and sums are seldom taken
// up again.
var tiledCols = [...]int{byBytes: 1536, byPairs: 320, byWords: 640}

// tiledCall is one call of the kernel: rows of activations, sixteen by sixteen, times
// some groups of weights. out is as tile.generic and genericWords make it, in the same
// order.
type tiledCall struct {
	by          tiling
	x           unsafe.Pointer // the first tile of activations, of blocks in a row
	xNext       int            // bytes to those of the next sixteen rows
	q           unsafe.Pointer // weights of bytes, [columns/4][16][4], or of bfloat16, see unpackWide
	scale, mins *float32       // [columns/step][16]; mins may be nil
	out         *float32       // [16], outRow bytes apart, [16]
	outRow      int
	rows        int // of sixteen
	groups      int // of weights, side by side in q, scale and mins, and in the rows of out
	blocks      int
	more        int // 1: add to out rather than begin
	sums        *tiledSums
}

// tiledSums is of two blocks up to two sums each.
type tiledSums [2][2][groupRows][groupRows]int32

// quantiseTilesGeneric fills dst from some rows of x, at most sixteen, of cols numbers each.
func quantiseTilesGeneric(dst []byteTile, x []float32, cols, rows int) {
	for b := range dst {
		t := &dst[b]
		*t = byteTile{}
		for i := range rows {
			var of actBlock
			quantiseBlock(&of, x[i*cols+32*b:][:32])
			t.d[i], t.s[i] = of.d, of.s
			t.q[i] = of.q
		}
	}
}

// quantisePairsGeneric fills dst from some rows of x, at most sixteen, of cols numbers each.
func quantisePairsGeneric(dst []pairTile, x []float32, cols, rows int) {
	for b := range dst {
		t := &dst[b]
		*t = pairTile{}
		for i := range rows {
			var of wordBlock
			wordsOf(&of, x[i*cols+32*b:][:32])
			t.s[i] = of.s
			for k, q := range of.q {
				v := of.d * float32(q) // NaN if the block is
				high := uint16(math.Float32bits(v) >> 16)
				t.high[i][k], t.low[i][k] = high, F32ToBF16(v-BF16ToF32(high))
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

// tile16 fills the tiles of a product that goes by them. Those of words are made of wordBlocks.
func (a *Acts) tile16(p *Pool, by tiling) {
	rows := (a.rows + groupRows - 1) / groupRows
	n := rows * a.cols / 32
	switch {
	case by == byBytes && !a.byteTiled:
		a.byteTiled = true
		a.byteTiles = tilesFor(a.byteTiles, n)
		p.Run(rows, (*byteTiling)(a))
	case by == byPairs && !a.pairTiled:
		a.pairTiled = true
		a.pairTiles = tilesFor(a.pairTiles, n)
		p.Run(rows, (*pairTiling)(a))
	case by == byWords && !a.wordTiled:
		a.wordTiled = true
		a.wordTiles = tilesFor(a.wordTiles, n)
		a.quantiseWords(p)
		p.Run(rows, (*wordTiling)(a))
	}
}

// tilesFor is n tiles, in the memory of old if that is enough.
func tilesFor[T any](old []T, n int) []T {
	if cap(old) < n {
		return make([]T, n)
	}
	return old[:n]
}

// byteTiling, pairTiling and wordTiling are the tasks of tile16.
type (
	byteTiling Acts
	pairTiling Acts
	wordTiling Acts
)

func (a *byteTiling) Do(i int) {
	blocks := a.cols / 32
	quantiseTiles(a.byteTiles[i*blocks:(i+1)*blocks], a.x[i*groupRows*a.cols:], a.cols, min(groupRows, a.rows-i*groupRows))
}

func (a *pairTiling) Do(i int) {
	blocks := a.cols / 32
	quantisePairs(a.pairTiles[i*blocks:(i+1)*blocks], a.x[i*groupRows*a.cols:], a.cols, min(groupRows, a.rows-i*groupRows))
}

func (a *wordTiling) Do(i int) {
	blocks := a.cols / 32
	splitWords(a.wordTiles[i*blocks:(i+1)*blocks], a.words[i*groupRows*blocks:], blocks, a.rows-i*groupRows)
}

// tilingOf says by which tiles a product goes.
func (a *Acts) tilingOf(y *Product) tiling {
	p := y.W.format.packing
	switch {
	case !tiles || p == nil:
		return noTiles
	case !y.Exact && a.rows >= tiledLeast*32/p.step:
		return byBytes
	case y.Exact && a.rows >= tiledLeast && p.pairs():
		return byPairs
	case y.Exact && a.rows >= tiledLeast && p.step == 32:
		return byWords
	}
	return noTiles
}

// takesTiles says that a product goes by tiles.
func (a *Acts) takesTiles(y *Product) bool { return a.tilingOf(y) != noTiles }

// tiledWidth is how many columns of a product are computed at a time, in whole blocks of the format.
func (a *Acts) tiledWidth(y *Product) int {
	w, most := y.W, tiledCols[a.tilingOf(y)]
	blocks, parts := w.Cols/w.format.BlockLen, (w.Cols+most-1)/most
	return (blocks + parts - 1) / parts * w.format.BlockLen
}

// tiledOut is where the outputs of a matrix go.
type tiledOut struct {
	y          []float32 // [rows, width]
	width      int
	row, first int // row and group that begin y
}

// at is y from what group g makes of a row on.
func (o *tiledOut) at(row, g int) []float32 {
	return o.y[(row-o.row)*o.width+(g-o.first)*groupRows:]
}

// tiledGroups computes a piece of a product by tiles.
func (a *Acts) tiledGroups(s *scratch, p *productPiece) {
	if p.of.up != nil {
		a.gatedGroups(s, p)
		return
	}
	to := tiledOut{y: p.of.Y, width: p.of.W.Rows}
	for part := *p; part.lo < p.hi; part.lo += tiledChunk {
		part.hi = min(p.hi, part.lo+tiledChunk)
		a.tiledParts(s, &part, &to)
	}
}

// tiledParts is tiledGroups for as many as a worker computes at a time: of each part of the
// columns all groups for sixteen rows of activations, then for the next sixteen.
func (a *Acts) tiledParts(s *scratch, p *productPiece, to *tiledOut) {
	w := p.of.W
	part := a.tiledWidth(p.of)
	for c := 0; c < w.Cols; c += part {
		a.tiledPart(s, p, to, c, min(part, w.Cols-c))
	}
}

// tiledPart adds to the outputs of a piece what n columns from c on make.
func (a *Acts) tiledPart(s *scratch, p *productPiece, to *tiledOut, c, n int) {
	y, lo, hi := p.of, p.lo, p.hi
	w, f, by := y.W, y.W.format, a.tilingOf(y)
	size, steps := n*groupRows, f.steps(n/f.BlockLen)
	scale, mins := s.f[:(hi-lo)*steps], s.f[len(s.f)/2:][:(hi-lo)*steps]
	for g := range hi - lo {
		q := s.q[g*size:][:size]
		from := w.group(lo + g)[c/f.BlockLen*f.BlockBytes*groupRows:]
		if by == byPairs {
			f.unpackWide(s.wide[g*size:], q, scale[g*steps:], mins[g*steps:], from, n/f.BlockLen)
			continue
		}
		f.unpack(q, scale[g*steps:], mins[g*steps:], from, n/f.BlockLen)
		if !f.packing.mins {
			lower(q, 1<<f.packing.shift)
		}
	}
	t := tiledCall{by: by, q: unsafe.Pointer(&s.q[0]), scale: &scale[0], blocks: n / 32, sums: s.sums}
	if by == byPairs {
		t.q = unsafe.Pointer(&s.wide[0])
	}
	if f.packing.mins {
		t.mins = &mins[0]
	}
	if c > 0 {
		t.more = 1
	}
	row := p.from
	if whole := (p.to - p.from) / groupRows; whole > 0 && hi*groupRows <= w.Rows {
		out := to.at(row, lo)
		t.out, t.outRow, t.rows, t.groups = &out[0], 4*to.width, whole, hi-lo
		_ = out[(whole*groupRows-1)*to.width+(hi-lo)*groupRows-1]
		a.runTiled(&t, y, row, c)
		row += whole * groupRows
	}
	for ; row < p.to; row += groupRows {
		a.tiledEdge(s, &t, p, to, row, c)
	}
}

// tiledEdge computes the outputs of sixteen rows of activations from row on, of which fewer may be
// left, and of groups of which the last may stick out.
func (a *Acts) tiledEdge(s *scratch, t *tiledCall, p *productPiece, to *tiledOut, row, c int) {
	const width = tiledChunk * groupRows
	out, rows := to.at(row, p.lo), min(groupRows, p.to-row)
	cols := min(p.hi*groupRows, p.of.W.Rows) - p.lo*groupRows
	if c > 0 {
		for i := range rows {
			copy(s.edge[i*width:][:cols], out[i*to.width:])
		}
	}
	t.out, t.outRow, t.rows, t.groups = &s.edge[0], 4*width, 1, p.hi-p.lo
	a.runTiled(t, p.of, row, c)
	for i := range rows {
		copy(out[i*to.width:][:cols], s.edge[i*width:])
	}
}

// runTiled is t for activations from row and column c on.
func (a *Acts) runTiled(t *tiledCall, y *Product, row, c int) {
	at := (row/groupRows*a.cols + c) / 32
	blocks := a.cols / 32
	switch t.by {
	case byBytes:
		t.x, t.xNext = unsafe.Pointer(&a.byteTiles[at]), blocks*int(unsafe.Sizeof(byteTile{}))
	case byPairs:
		t.x, t.xNext = unsafe.Pointer(&a.pairTiles[at]), blocks*int(unsafe.Sizeof(pairTile{}))
	case byWords:
		t.x, t.xNext = unsafe.Pointer(&a.wordTiles[at]), blocks*int(unsafe.Sizeof(wordTile{}))
	}
	t.run(y.W.format.packing.step)
}
