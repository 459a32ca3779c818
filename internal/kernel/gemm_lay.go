package kernel

// Lay lays out left-hand sides whose numbers are there, all in one meeting of the workers.
func (g *Gemm) Lay(p *Pool, lefts ...*Left) {
	t := &g.laying
	t.lefts = append(t.lefts[:0], lefts...)
	pieces := 0
	for _, l := range lefts {
		l.first, l.each = pieces, max(1, layNumbers/max(1, l.high()*l.k))
		pieces += (l.height() + l.each - 1) / l.each
	}
	p.Run(pieces, t)
	clear(t.lefts)
}

// layNumbers is about how many numbers are laid out at a time.
const layNumbers = 1 << 14

// layTask lays out some left-hand sides.
type layTask struct{ lefts []*Left }

// Do is one piece: some blocks of rows of one of them.
func (t *layTask) Do(i int) {
	at := len(t.lefts) - 1
	for t.lefts[at].first > i {
		at--
	}
	l := t.lefts[at]
	for b := (i - l.first) * l.each; b < min((i-l.first+1)*l.each, l.height()); b++ {
		if l.blocks != nil {
			l.band(b)
		} else {
			l.layBand(b)
		}
	}
}

// high is how many rows a block has.
func (l *Left) high() int {
	if l.blocks != nil {
		return splitSide
	}
	return gemmRows
}

// height is how many blocks there are to lay out.
func (l *Left) height() int {
	if l.blocks == nil && l.bands == nil {
		return 0
	}
	return (l.rows + l.high() - 1) / l.high()
}
