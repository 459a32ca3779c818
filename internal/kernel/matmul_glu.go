package kernel

import "fmt"

// MatMulGLU computes y = act(gate) ⊙ up, of two products of a whose matrices are of one
// shape. It has the bits of MatMuls and then GLU. gate.Y and up.Y are memory that it may use
// for them; there are no Groups.
//
// By tiles it does not use it: the same rows of both matrices are multiplied with all of a,
// into memory that stays in a worker's cache, and y is made of that. Twice as many numbers
// would else go from one core's cache to another's.
func MatMulGLU(p *Pool, y []float32, gate, up Product, a *Acts, act Activation) {
	if gate.W.Rows != up.W.Rows || gate.W.Cols != up.W.Cols || gate.Groups != nil || up.Groups != nil {
		panic(fmt.Sprintf("kernel: gated unit of matrices [%d, %d] and [%d, %d]", gate.W.Rows, gate.W.Cols, up.W.Rows, up.W.Cols))
	}
	if by := a.tilingOf(&gate); by != noTiles && by == a.tilingOf(&up) {
		gate.Y, gate.up, gate.act = y, up.W, act
		a.two[0] = gate
		MatMuls(p, a.two[:1], a, nil)
	} else {
		a.two[0], a.two[1] = gate, up
		MatMuls(p, a.two[:], a, nil)
		GLU(p, y, gate.Y, up.Y, act)
	}
	a.two = [2]Product{}
}

// gatedGroups computes a piece of a gated unit.
func (a *Acts) gatedGroups(s *scratch, p *productPiece) {
	const width = tiledChunk * groupRows
	y := p.of
	n, all := (p.to-p.from)*width, y.W.Rows
	gate, up := tiledOut{y: s.gated[:n], width: width, row: p.from}, tiledOut{y: s.gated[n:][:n], width: width, row: p.from}
	other := Product{W: y.up, Exact: y.Exact}
	for part := *p; part.lo < p.hi; part.lo += tiledChunk {
		part.hi = min(p.hi, part.lo+tiledChunk)
		gate.first, up.first = part.lo, part.lo
		a.tiledParts(s, &part, &gate)
		part.of = &other
		a.tiledParts(s, &part, &up)
		part.of = y
		from, to := part.lo*groupRows, min(part.hi*groupRows, all)
		for row := p.from; row < p.to; row++ {
			at := (row - p.from) * width
			activate(y.Y[row*all+from:row*all+to], gate.y[at:at+to-from], up.y[at:at+to-from], y.act)
		}
	}
}
