package kernel

import "slices"

// Self-attention on the tiles of AMX: its products are of split numbers, of which
// gemm_split.go says how they are summed; what is between them, the softmax above all, is
// float32 as ever. With Half there are upper parts alone, as where attention is computed
// in bfloat16.
//
// A product takes both factors laid out in blocks, its left side by rows and its right
// side by pairs of rows. A transposed matrix is the other layout of the matrix itself, with
// each tile transposed. Gradients by keys and values are summed transposed, so that both
// factors of
//
//	gVᵀ += gᵀ P    gKᵀ += Qᵀ gS
//
// can be had so, and weights and slopes, the largest, are right sides as they lie.

// selfTiles is the working memory of one worker for that; blocks of each matrix are
// [blocks of its rows (right sides: columns), blocks of k].
type selfTiles struct {
	half                   bool
	keys, values           []float32 // right: K, V
	keysT, valuesT         []float32 // right: Kᵀ, Vᵀ
	query, queryT          []float32 // left: some rows of Q, and of Qᵀ as many columns
	result, resultT        []float32 // left: the same of the gradient by the result
	left, right            []float32 // weights, or slopes
	rows                   []float32 // [tileRows, wide] of a result that are not written at once
	keysBackT, valuesBackT []float32 // [wide, long]: gKᵀ, gVᵀ
	turned                 []float32 // a matrix in its other layout
}

// tileRows is how many rows of scores are held at a time.
const tileRows = 2 * splitSide

// runTiles is run by tiles.
func (s *selfScratch) runTiles(j *selfJob, span Span, head int) {
	t, d, back := &s.tiles, j.HeadDim, j.gq != nil
	t.half = j.half
	s.wide, s.long = blocksOf(d)*splitSide, blocksOf(span.Len)*splitSide
	kv := j.KVHeads * d
	first := span.Row*kv + head*d
	k, v := View{j.K[first:], kv, 1}, View{j.V[first:], kv, 1}
	t.turn(&t.keysT, t.byRows(&t.turned, k, span.Len, d))
	if back {
		t.byPairs(&t.keys, k, span.Len, d)
		t.turn(&t.valuesT, t.byRows(&t.turned, v, span.Len, d))
		zeros(&t.keysBackT, s.wide*s.long)
		zeros(&t.valuesBackT, s.wide*s.long)
		room(&s.slopes, tileRows*s.long)
	} else {
		t.byPairs(&t.values, v, span.Len, d)
	}
	room(&s.weights, tileRows*s.long)
	room(&t.rows, tileRows*s.wide)
	s.eachBlock(j, span, head, tileRows, (*selfScratch).queryTiles)
	if back {
		pasteTransposed(j.gk[first:], kv, t.keysBackT, s.long, d, span.Len)
		pasteTransposed(j.gv[first:], kv, t.valuesBackT, s.long, d, span.Len)
	}
}

// queryTiles treats n rows of one query head, from row on.
func (s *selfScratch) queryTiles(j *selfJob, span Span, h, row, n int) {
	t, d := &s.tiles, j.HeadDim
	stride := j.Heads * d
	at := (span.Row+row)*stride + h*d
	lo, seen := j.keysSeen(row, n, splitSide)
	rows, deep, keys := blocksOf(n), blocksOf(d), blocksOf(seen)
	size, all := blockLen(t.half), s.long/splitSide
	weights := RowMajor(s.weights, s.long)
	query := t.byRows(&t.query, View{j.Q[at:], stride, 1}, n, d)
	t.product(weights, query, t.keysT[lo/splitSide*deep*size:], rows, keys, deep, deep, false)
	if j.gq != nil && j.SoftCap > 0 {
		s.capSlopes(j, n, seen)
	}
	s.softmaxRows(j, row, n, lo, seen)
	for i := n; i < rows*splitSide; i++ {
		clear(s.weights[i*s.long:][:keys*splitSide])
	}
	if j.gq == nil {
		left := t.byRows(&t.left, weights, rows*splitSide, keys*splitSide)
		s.paste(View{j.out[at:], stride, 1}, left, t.values[lo/splitSide*size:], n, d, keys, all)
		return
	}
	slopes := RowMajor(s.slopes, s.long)
	g := View{j.out[at:], stride, 1}
	t.product(slopes, t.byRows(&t.result, g, n, d), t.valuesT[lo/splitSide*deep*size:], rows, keys, deep, deep, false)
	gT := t.turn(&t.resultT, t.byPairs(&t.turned, g, n, d))
	t.product(RowMajor(t.valuesBackT, s.long).from(0, lo), gT, t.byPairs(&t.right, weights, rows*splitSide, keys*splitSide), deep, keys, rows, rows, true)
	s.slopesRows(j, n, seen)
	for i := n; i < rows*splitSide; i++ {
		clear(s.slopes[i*s.long:][:keys*splitSide])
	}
	queryT := t.turn(&t.queryT, t.byPairs(&t.turned, View{j.Q[at:], stride, 1}, n, d))
	t.product(RowMajor(t.keysBackT, s.long).from(0, lo), queryT, t.byPairs(&t.right, slopes, rows*splitSide, keys*splitSide), deep, keys, rows, rows, true)
	left := t.byRows(&t.left, slopes, rows*splitSide, keys*splitSide)
	s.paste(View{j.gq[at:], stride, 1}, left, t.keys[lo/splitSide*size:], n, d, keys, all)
}

// paste writes n rows of d numbers, the product of a left side and a right one that has
// all blocks of k below each other. Whole blocks go where they belong.
func (s *selfScratch) paste(c View, left, right []float32, n, d, keys, all int) {
	t := &s.tiles
	rows, deep := blocksOf(n), blocksOf(d)
	if n%splitSide == 0 && d%splitSide == 0 {
		t.product(c, left, right, rows, deep, keys, all, false)
		return
	}
	t.product(RowMajor(t.rows, s.wide), left, right, rows, deep, keys, all, false)
	for i := range n {
		copy(c.Data[i*c.Row:][:d], t.rows[i*s.wide:])
	}
}

// product is c [rows, columns] = or += left right, counted in blocks: k deep, of which
// columns of right have all below each other.
func (t *selfTiles) product(c View, left, right []float32, rows, columns, k, all int, addition bool) {
	size := blockLen(t.half)
	c.holds(rows*splitSide, columns*splitSide)
	_, _ = left[rows*k*size-1], right[((columns-1)*all+k)*size-1]
	u := splitProduct{
		a: &left[0], aRow: 4 * k * size, b: &right[0], bCol: 4 * all * size, c: &c.Data[0], cRow: 4 * c.Row,
		k: k, rows: rows, columns: columns, addition: addition, half: t.half,
	}
	u.run()
}

// byRows lays out a matrix [rows, cols] for the left side, filled up with zeros.
func (t *selfTiles) byRows(dst *[]float32, v View, rows, cols int) []float32 {
	to := room(dst, blocksOf(rows)*blocksOf(cols)*blockLen(t.half))
	layRows(to, v, rows, cols, t.half)
	return to
}

// byPairs lays out a matrix [rows, cols] for the right side, filled up with zeros.
func (t *selfTiles) byPairs(dst *[]float32, v View, rows, cols int) []float32 {
	down, along, size := blocksOf(rows), blocksOf(cols), blockLen(t.half)
	to := room(dst, down*along*size)
	var rest [splitSide * splitSide]float32
	for j := range along {
		for i := range down {
			src, row := v.block(&rest, rows, cols, i, j)
			splitPairs(to[(j*down+i)*size:], src, row, 1, t.half)
		}
	}
	return to
}

// turn transposes all tiles of a matrix, which makes it the other layout of the matrix
// transposed.
func (t *selfTiles) turn(dst *[]float32, src []float32) []float32 {
	to := room(dst, len(src))
	for i := 0; i < len(src); i += splitTile {
		transpose16(to[i:], splitRow, src[i:], splitRow)
	}
	return to
}

// room makes x n numbers, of any value, in its own memory when there is enough.
func room[T any](x *[]T, n int) []T {
	*x = slices.Grow((*x)[:0], n)[:n]
	return *x
}
