package kernel

// band splits 32 rows, or those that are left.
func (l *Left) band(r int) {
	rows := min(splitSide, l.rows-r*splitSide)
	if l.Fill != nil {
		l.Fill(r*splitSide, rows)
	}
	to := l.blocks[r*blocksOf(l.k)*l.block():]
	layRows(to, l.x.from(r*splitSide, 0), rows, l.k, l.half)
	if l.Next != nil {
		l.Next.band(r)
	}
}

// layRows lays out a matrix [rows, cols] for the left side, filled up with zeros.
func layRows(to []float32, v View, rows, cols int, half bool) {
	down, along, size := blocksOf(rows), blocksOf(cols), blockLen(half)
	var rest [splitSide * splitSide]float32
	for i := range down {
		for j := range along {
			src, row := v.block(&rest, rows, cols, i, j)
			splitRows(to[(i*along+j)*size:], src, row, splitSide, half)
		}
	}
}

// block is block (i, j) of a matrix: where it lies, or in rest when it sticks out or its
// rows do not lie in memory.
func (v View) block(rest *[splitSide * splitSide]float32, rows, cols, i, j int) (src []float32, row int) {
	at := v.from(i*splitSide, j*splitSide)
	m, n := min(splitSide, rows-i*splitSide), min(splitSide, cols-j*splitSide)
	if v.Col == 1 && m == splitSide && n == splitSide {
		return at.Data, v.Row
	}
	clear(rest[:])
	at.copyTo(rest[:], m, n)
	return rest[:], splitSide
}

// copyTo copies [rows, cols] to rows of 32 numbers.
func (v View) copyTo(dst []float32, rows, cols int) {
	switch {
	case v.Col == 1:
		for i := range rows {
			copy(dst[i*splitSide:][:cols], v.Data[i*v.Row:])
		}
	case v.Row == 1:
		pasteTransposed(dst, splitSide, v.Data, v.Col, cols, rows)
	default:
		for i := range rows {
			for k := range cols {
				dst[i*splitSide+k] = v.Data[i*v.Row+k*v.Col]
			}
		}
	}
}

func (l *Left) block() int { return blockLen(l.half) }

// blockLen is how many pairs a block has: the upper parts alone, or both.
func blockLen(half bool) int {
	if half {
		return splitLower
	}
	return splitBlock
}

// blocksOf is how many blocks n rows, columns or k have.
func blocksOf(n int) int { return (n + splitSide - 1) / splitSide }
