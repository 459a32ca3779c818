package kernel

// wordTile is a block of 32 columns of sixteen rows of activations of 16 bits, for
// products on the tiles of AMX, which have eight bits: a code is 256 high + low, so its
// products are 256 times those of high, and those of low, exactly.
type wordTile struct {
	high [groupRows][32]int8
	low  [groupRows][32]uint8
	d, s [groupRows]float32 // as in wordBlock
}

// wordTileLeast is from how many rows on tiles are faster than vectors.
const wordTileLeast = 12

// wordsTile is one call of the kernel: sixteen rows of activations times sixteen rows of
// weights. out is as genericWords makes it, in the same order.
type wordsTile struct {
	x           *wordTile // blocks
	q           *uint8    // panel of signed weights, [columns/4][16][4]
	scale, mins *float32  // [blocks][16]; mins may be nil
	out         *float32  // [16], outRow bytes apart, [16]
	outRow      int
	blocks      int
	sums        *[2][2][groupRows][groupRows]int32 // two blocks, of high and low
}

// splitWords fills dst from blocks of the rows of activations, of which rows are left.
func splitWordsGeneric(dst []wordTile, words []wordBlock, blocks, rows int) {
	for b := range dst {
		t := &dst[b]
		*t = wordTile{}
		for i := range min(groupRows, rows) {
			w := &words[i*blocks+b]
			t.d[i], t.s[i] = w.d, w.s
			for k := range t.high[i] {
				q := w.q[k&^3+wordOrder[k&3]]
				t.high[i][k], t.low[i][k] = int8(q>>8), uint8(q)
			}
		}
	}
}

// tileWords fills tiles, once the words are there.
func (a *Acts) tileWords(p *Pool) {
	if a.tiled {
		return
	}
	a.tiled = true
	blocks := a.cols / 32
	n := (a.rows + groupRows - 1) / groupRows * blocks
	if cap(a.tiles) < n {
		a.tiles = make([]wordTile, n)
	}
	a.tiles = a.tiles[:n]
	p.Run(n/blocks, (*tiling)(a))
}

// tiling is the task of tileWords.
type tiling Acts

func (a *tiling) Do(i int) {
	blocks := a.cols / 32
	splitWords(a.tiles[i*blocks:(i+1)*blocks], a.words[i*groupRows*blocks:], blocks, a.rows-i*groupRows)
}

// takesTiles says that a product goes by wordTiles.
func (a *Acts) takesTiles(y *Product) bool {
	p := y.W.format.packing
	return tiles && y.Exact && p != nil && p.step == 32 && a.rows >= wordTileLeast
}

// tiledGroup computes the outputs of group g of a quantised matrix by tiles.
func (a *Acts) tiledGroup(s *scratch, y *Product, g int) {
	w, f := y.W, y.W.format
	blocks := w.Cols / 32
	s.unpack(f, w.group(g), w.Cols/f.BlockLen)
	q := s.tile.q[:w.Cols*groupRows]
	t := wordsTile{q: &q[0], scale: &s.tile.scale[0], blocks: blocks, sums: &s.sums}
	if f.packing.mins {
		t.mins = &s.tile.mins[0]
	} else {
		lower(q, 1<<f.packing.shift)
	}
	rows := min(groupRows, w.Rows-g*groupRows)
	for row := 0; row < a.rows; row += groupRows {
		t.x = &a.tiles[row/groupRows*blocks]
		tokens := min(groupRows, a.rows-row)
		if tokens == groupRows && rows == groupRows {
			t.out, t.outRow = &y.Y[row*w.Rows+g*groupRows], 4*w.Rows
			_ = y.Y[(row+groupRows-1)*w.Rows+g*groupRows+groupRows-1]
			t.run()
			continue
		}
		t.out, t.outRow = &s.square[0], 4*groupRows
		t.run()
		for i := range tokens {
			copy(y.Y[(row+i)*w.Rows+g*groupRows:][:rows], s.square[i*groupRows:])
		}
	}
	s.tile = tile{}
}
