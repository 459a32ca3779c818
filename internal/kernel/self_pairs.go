package kernel

// Self-attention by pairs of bfloat16 numbers, where a processor multiplies these and has no
// tiles: with Half all factors of its products are rounded, as where attention is computed in
// bfloat16; sums, and what is between products, the softmax above all, are float32 as ever.
//
// A left side has pairs of neighbours in a row, a right side pairs of rows, and a left side
// that is transposed, pairs of rows too. Numbers of pairs are zeros where there is no number.

// selfPairs is the working memory of one worker for that.
type selfPairs struct {
	keysT, valuesT           []float32 // right: [wide/2, long] Kᵀ, Vᵀ
	keys, values             []float32 // right: [long/2, wide] K, V
	query, result            []float32 // left: [queryBlock, wide/2] rows of Q and of the gradient by the result
	queryDown, resultDown    []float32 // right: [queryBlock/2, wide]
	along                    []float32 // left: [queryBlock, long/2] weights, or slopes
	down                     []float32 // left, transposed: [queryBlock/2, long]
	k, v, q, g, turned, last []float32 // what is of too few columns, filled up; a matrix before it is turned; a row and zeros
}

// pairCols is how many columns pairAlong takes at a time.
const pairCols = 32

// runPairs is run by pairs.
func (s *selfScratch) runPairs(j *selfJob, span Span, head int) {
	t, d, back := &s.pairs, j.HeadDim, j.gq != nil
	s.wide, s.long = roundUp(d, pairCols), roundUp(span.Len, pairCols)
	kv := j.KVHeads * d
	first := span.Row*kv + head*d
	k := s.filled(&t.k, View{j.K[first:], kv, 1}, span.Len, d)
	v := s.filled(&t.v, View{j.V[first:], kv, 1}, span.Len, d)
	s.pairsT(&t.keysT, k, span.Len)
	if back {
		s.pairsT(&t.valuesT, v, span.Len)
		t.pairsDown(&t.keys, k, span.Len, s.long, s.wide)
		zeros(&s.gk, span.Len*s.wide)
		zeros(&s.gv, span.Len*s.wide)
		zeros(&s.slopes, queryBlock*s.long)
	} else {
		t.pairsDown(&t.values, v, span.Len, s.long, s.wide)
	}
	room(&s.weights, queryBlock*s.long)
	s.edge.pairs = halfPairs
	s.eachBlock(j, span, head, queryBlock, (*selfScratch).queryPairs)
	if back {
		s.pasteKeysBack(j, first, span.Len)
	}
}

// queryPairs treats n rows of one query head, from row on; see queries, and back for what is computed.
func (s *selfScratch) queryPairs(j *selfJob, span Span, h, row, n int) {
	t, d := &s.pairs, j.HeadDim
	stride := j.Heads * d
	at := (span.Row+row)*stride + h*d
	lo, seen := j.keysSeen(row, n, pairCols)
	some := roundUp(seen, pairCols) // of those beyond, weights and slopes are zeros
	weights, slopes := RowMajor(s.weights, s.long), RowMajor(s.slopes, s.long)
	q := s.filled(&t.q, View{j.Q[at:], stride, 1}, n, d)
	s.edge.small(weights, t.pairsAlong(&t.query, q, n, s.wide), RowMajor(t.keysT, s.long).from(0, lo), n, seen, s.wide/2, false)
	if j.gq != nil && j.SoftCap > 0 {
		s.capSlopes(j, n, seen)
	}
	s.softmaxRows(j, row, n, lo, seen)
	if j.gq == nil {
		values := RowMajor(t.values, s.wide).from(lo/2, 0)
		s.edge.small(View{j.out[at:], stride, 1}, t.pairsAlong(&t.along, weights, n, some), values, n, d, some/2, false)
		return
	}
	g := s.filled(&t.g, View{j.out[at:], stride, 1}, n, d)
	two := (n + 1) / 2
	s.edge.small(RowMajor(s.gv, s.wide).from(lo, 0), t.pairsDown(&t.down, weights, n, n, some).T(), t.pairsDown(&t.resultDown, g, n, n, s.wide), seen, d, two, true)
	s.edge.small(slopes, t.pairsAlong(&t.result, g, n, s.wide), RowMajor(t.valuesT, s.long).from(0, lo), n, seen, s.wide/2, false)
	s.slopesRows(j, n, seen)
	for i := range n {
		clear(s.slopes[i*s.long+seen : i*s.long+some])
	}
	s.edge.small(View{j.gq[at:], stride, 1}, t.pairsAlong(&t.along, slopes, n, some), RowMajor(t.keys, s.wide).from(lo/2, 0), n, d, some/2, false)
	s.edge.small(RowMajor(s.gk, s.wide).from(lo, 0), t.pairsDown(&t.down, slopes, n, n, some).T(), t.pairsDown(&t.queryDown, q, n, n, s.wide), seen, d, two, true)
}

// filled is a matrix of d columns with as many as are taken at a time, of zeros.
func (s *selfScratch) filled(dst *[]float32, v View, rows, d int) View {
	if d == s.wide {
		return v
	}
	s.padded(dst, v, rows, d)
	return RowMajor(*dst, s.wide)
}

// pairsT sets dst to a head transposed, [wide/2, long].
func (s *selfScratch) pairsT(dst *[]float32, v View, rows int) {
	pairs := s.pairs.pairsAlong(&s.pairs.turned, v, rows, s.wide)
	pasteTransposed(room(dst, s.wide/2*s.long), s.long, pairs.Data, pairs.Row, rows, s.wide/2)
}

// pairsAlong makes pairs of neighbours in the rows of a matrix.
func (t *selfPairs) pairsAlong(dst *[]float32, v View, rows, cols int) View {
	to := room(dst, rows*cols/2)
	for i := range rows {
		pairAlong(to[i*cols/2:], v.Data[i*v.Row:][:cols])
	}
	return RowMajor(to, cols/2)
}

// pairsDown makes pairs of rows of a matrix, and of zeros up to `all` rows.
func (t *selfPairs) pairsDown(dst *[]float32, v View, rows, all, cols int) View {
	to := room(dst, (all+1)/2*cols)
	pairRows(to, v.Data, v.Row, cols, rows/2)
	rest := to[rows/2*cols:]
	if rows%2 > 0 {
		zeros(&t.last, 2*cols)
		copy(t.last[:cols], v.from(rows-1, 0).Data)
		pairRows(rest, t.last, cols, cols, 1)
		rest = rest[cols:]
	}
	clear(rest)
	return RowMajor(to, cols)
}

// roundUp is the least multiple of unit that is not below n.
func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }
