package kernel

// Left-hand sides of products without tiles are laid out in bands of gemmRows rows, filled
// up with zeros, as tile kernels read them: blocks of so many k, in each one band after
// the other, of [k, gemmRows]. So a tile reads what lies together, where rows of a matrix
// may be pages apart, at places of the caches that exclude each other.

// pairKind says what 32 bits of a factor are.
type pairKind uint8

const (
	noPairs    pairKind = iota // a float32 number
	halfPairs                  // two bfloat16 numbers
	wholePairs                 // two integers of 16 bits
)

// depth is how many of k numbers a block has: see gemmDepth, and twice as many where these are as many
// pairs. Blocks are even then, unless blocks of formats with 256 numbers would have to be cut.
func (p pairKind) depth(k int) int {
	if p != halfPairs || k == 0 {
		return gemmDepth
	}
	unit := 32
	if k%256 == 0 {
		unit = 256
	}
	blocks := (k + 2*gemmDepth - 1) / (2 * gemmDepth)
	return (k + blocks*unit - 1) / (blocks * unit) * unit
}

// deep is where k numbers from d on, the first of a block, begin in a band, and how many
// words they are: numbers or pairs, and a scale.
func (p pairKind) deep(d, k int) (at, n int) {
	switch p {
	case halfPairs:
		return d / 2, k / 2
	case wholePairs:
		return d/2 + d/gemmDepth, k/2 + 1
	}
	return d, k
}

// bands is how many words all bands of a left-hand side are.
func (p pairKind) bands(rows, k int) int {
	depth := p.depth(k)
	last := (k - 1) / depth * depth
	at, n := p.deep(last, k-last)
	return bandsOf(rows) * gemmRows * (at + n)
}

// bandsOf is how many bands so many rows have.
func bandsOf(rows int) int { return (rows + gemmRows - 1) / gemmRows }

// layBand lays out one.
func (l *Left) layBand(b int) {
	depth := l.pairs.depth(l.k)
	for d := 0; d < l.k; d += depth {
		k := min(depth, l.k-d)
		at, n := l.pairs.deep(d, k)
		if to := l.bandAt(b*gemmRows, at, n); l.pairs != noPairs {
			l.pairBand(to, b*gemmRows, d, k)
		} else {
			l.floatBand(to, b*gemmRows, d, k)
		}
	}
}

// bandAt is where k words from d on of the band that begins with a row lie.
func (l *Left) bandAt(row, d, k int) []float32 {
	return l.bands[d*bandsOf(l.rows)*gemmRows+row*k:][:k*gemmRows]
}

// floatBand lays out k numbers from d on of the rows of a band.
func (l *Left) floatBand(to []float32, row, d, k int) {
	layColumns(to, l.x.from(row, d), l.rows-row, k)
}

// layColumns lays out k columns of a band of a matrix, of which there are `all` rows from the band's first on.
func layColumns(to []float32, v View, all, k int) {
	rows, c := min(gemmRows, all), 0
	switch {
	case v.Row == 1 && rows == gemmRows:
		for j := range k {
			copy(to[j*gemmRows:][:gemmRows], v.Data[j*v.Col:])
		}
		return
	case v.Col == 1 && rows == gemmRows && bandFast(to, v, k):
		return
	case v.Col == 1 && all >= 16 && transposesRows():
		// Sixteen rows at a time: what they have too much is overwritten by those that follow.
		for ; c+16 < k; c += 16 {
			transpose16(to[c*gemmRows:], gemmRows, v.Data[c:], v.Row)
		}
		if c+16 == k {
			var last [16*gemmRows + 4]float32
			transpose16(last[:], gemmRows, v.Data[c:], v.Row)
			copy(to[c*gemmRows:k*gemmRows], last[:])
			return
		}
	}
	for ; c < k; c++ {
		to := to[c*gemmRows:][:gemmRows]
		for i := range rows {
			to[i] = v.Data[i*v.Row+c*v.Col]
		}
		clear(to[rows:])
	}
}

// pairBand lays out the pairs of k numbers from d on of the rows of a band.
func (l *Left) pairBand(to []float32, row, d, k int) {
	x, rows := l.x.from(row, d), min(gemmRows, l.rows-row)
	switch {
	case l.pairs == wholePairs:
		wholeBand(to, x, rows, k)
	case rows < gemmRows:
		var last [gemmRows * 2 * gemmDepth]float32
		for i := range rows {
			copy(last[i*k:][:k], x.Data[i*x.Row:])
		}
		pairBand(to, last[:], k, k/2)
	default:
		pairBand(to, x.Data, x.Row, k/2)
	}
}

// wholeBand lays out the pairs of integers, and their scales, of k numbers in a few rows.
func wholeBand(to []float32, x View, rows, k int) {
	var pairs [16 * gemmDepth / 2]float32 // sixteen rows, as they are transposed
	k /= 2
	scales := to[k*gemmRows:]
	for i := range rows {
		scales[i] = wholesAlong(pairs[i*k:], x.Data[i*x.Row:][:2*k])
	}
	clear(scales[rows:])
	layColumns(to, RowMajor(pairs[:], k), 16, k)
}

// near is k numbers, or pairs of them, from d on of rows from row on, as bands. Those that
// are not laid out are so now.
func (l *Left) near(g *gemmScratch, row, d, rows, k int, pairs pairKind) []float32 {
	if l.bands != nil && l.pairs == pairs {
		at, n := pairs.deep(d, k)
		return l.bands[at*bandsOf(l.rows)*gemmRows+row*n:]
	}
	if g.near == nil {
		g.near = make([]float32, gemmNear*gemmRows*gemmDepth)
	}
	for i := 0; i < rows; i += gemmRows {
		l.floatBand(g.near[i*k:][:gemmRows*k], row+i, d, k)
	}
	return g.near
}
