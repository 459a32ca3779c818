package kernel

// lay splits the numbers, which are some.
func (l *Left) lay(p *Pool, memory []float32) {
	blocks := blocksOf(l.rows)
	l.blocks = lined(memory)[:blocks*blocksOf(l.k)*l.block()]
	t := spareLefts.take()
	workers := min(p.Workers(), blocks)
	t.left, t.share = l, (blocks+workers-1)/workers
	p.Run(workers, t)
	t.left = nil
	spareLefts.put(t)
}

// leftTask lays a left-hand side out: each worker has so many blocks of 32 rows.
type leftTask struct {
	left  *Left
	share int
}

var spareLefts spare[leftTask]

// Do is one worker.
func (t *leftTask) Do(i int) {
	l := t.left
	for r := i * t.share; r < min((i+1)*t.share, blocksOf(l.rows)); r++ {
		l.band(r)
	}
}

// band splits 32 rows, or those that are left, into blocks filled up with zeros.
func (l *Left) band(r int) {
	var rest [splitSide * splitSide]float32
	size := l.block()
	to := l.blocks[r*blocksOf(l.k)*size:]
	rows := min(splitSide, l.rows-r*splitSide)
	for d := 0; d < l.k; d += splitSide {
		from, row := l.x.from(r*splitSide, d), l.x.Row
		deep := min(splitSide, l.k-d)
		if l.x.Col != 1 || rows < splitSide || deep < splitSide {
			clear(rest[:])
			from.copyTo(rest[:], rows, deep)
			from, row = RowMajor(rest[:], splitSide), splitSide
		}
		block := to[d/splitSide*size:]
		splitRows(block, from.Data, row, 16, l.half)
		splitRows(block[splitTile:], from.Data[16*row:], row, 16, l.half)
	}
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
