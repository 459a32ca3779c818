package kernel

import (
	"fmt"
	"runtime"
)

// MatMul computes y [a.rows, w.Rows] = x Wᵀ, where x [a.rows, w.Cols] is what a
// was set to.
//
// Quantised weights are multiplied with activations quantised to eight bits, 32
// at a time: the products within a step of weights are summed exactly, as
// integers, then the steps in the order of columns with one rounding each,
//
//	y = fma(dot, scale*d, y), with mins also y = fma(min, s, y)
//
// Float weights are multiplied with x itself; see dot. Neither order depends on
// how many rows there are, on who computes them, or on the instruction set, so
// the results are the same bits.
func MatMul(p *Pool, y []float32, w *Matrix, a *Acts) { a.single(p, y, w, false) }

// MatMulExact is MatMul with activations quantised to 16 bits: an output differs
// from that of the numbers themselves by less than 2^-15 of Σ |w| max |x|, where the
// largest is that of 32 neighbours. For many rows it takes half as long again, for one
// the same: there memory is what takes the time.
func MatMulExact(p *Pool, y []float32, w *Matrix, a *Acts) { a.single(p, y, w, true) }

func (a *Acts) single(p *Pool, y []float32, w *Matrix, exact bool) {
	a.one[0] = Product{Y: y, W: w, Exact: exact}
	MatMuls(p, a.one[:], a, nil)
	a.one[0] = Product{}
}

// Product is one of several with the same activations.
type Product struct {
	Y      []float32 // [rows, W.Rows]
	W      *Matrix   // [·, cols]
	Exact  bool      // as MatMulExact, else as MatMul
	Groups []RowGroup

	up  *Matrix // of MatMulGLU by tiles: Y = act(W·) ⊙ (up·)
	act Activation
}

// MatMuls computes products of a, and adds what the updates of their groups make of it,
// in one meeting of the pool: for a single token a meeting takes about as long as a
// small matrix. Each is the bits of MatMul and then Add. low is not used if there are
// no groups.
func MatMuls(p *Pool, all []Product, a *Acts, low *LowRanks) {
	if a.rows == 0 {
		return
	}
	j, units, unit, groups := &a.job, 0, 1, 0
	together := a.rows > 1 && p.Workers() > 1 && a.rows*a.cols/32 <= quantiseChunk
	j.blocks, j.words = false, false
	for i := range all {
		w := all[i].W
		if a.cols != w.Cols || len(all[i].Y) != a.rows*w.Rows {
			panic(fmt.Sprintf("kernel: product of [%d, %d] with a matrix [%d, %d] into %d numbers", a.rows, a.cols, w.Rows, w.Cols, len(all[i].Y)))
		}
		switch by := a.tilingOf(&all[i]); {
		case w.format.packing == nil:
			a.cutTails()
		case by != noTiles:
			a.tile16(p, by)
		case all[i].Exact && together:
			j.words = a.lacksWords() || j.words
		case all[i].Exact:
			a.quantiseWords(p)
		case together:
			j.blocks = a.lacksBlocks() || j.blocks
		default:
			a.quantise(p)
		}
		units += all[i].units()
		groups += w.groups()
		unit = max(unit, all[i].unit())
	}
	j.all, j.a, j.low = all, a, low
	j.few, j.shrinks = j.isFew(), 0
	lead := 0
	j.apart = false
	if low != nil {
		lead, j.apart = j.goesApart(p.Workers(), units)
		low.begin(a.x, nil)
		for i := range all {
			out, in := 0, 0
			if j.apart {
				out, in = low.planApart(&all[i])
			} else {
				out, in = low.plan(p.Workers(), all[i].Y, all[i].Groups)
			}
			if out > 0 && (out != all[i].W.Rows || in != a.cols) {
				panic(fmt.Sprintf("kernel: updates [%d, %d] of a matrix [%d, %d]", out, in, all[i].W.Rows, a.cols))
			}
		}
		j.shrinks = len(low.shrinks)
	}
	const work = 1 << 19 // multiplications at a time
	j.units, j.bands = units, a.bandsOf(all, p.Workers())
	units *= j.bands
	j.least, j.most = 1, max(1, work*j.bands/(unit*groupRows*a.cols*a.rows))
	if a.takesTiles(&all[0]) { // groups of one piece share what is read of a
		j.most = max(1, min(tiledChunk, j.bands*groups/(6*p.Workers()))/unit)
		j.least = max(1, j.most/2)
	}
	workers := min(p.Workers(), j.shrinks+units)
	j.deal(workers, units, lead)
	j.done.Store(0)
	j.made.Store(0)
	j.failed.Store(false)
	for i := range all {
		a.reserve(workers, &all[i])
	}
	if low != nil {
		a.scratch[0].soon = low.errand(groups / workers)
	}
	p.Run(workers, j)
	if j.apart {
		low.addApart(all)
	}
	j.all, j.low = nil, nil
	runtime.KeepAlive(all) // and with it the memory of the updates
	if low != nil {
		a.scratch[0].soon = errand{}
		low.end()
	}
}

// packed computes the outputs of groups of a piece whose matrix is quantised, from group g on, at most
// most of them, and returns how many.
func (a *Acts) packed(s *scratch, p *productPiece, g, most int) int {
	y, w, t := p.of, p.of.W, &s.tile
	f := w.format
	t.stride, t.shift, t.groups = w.Cols/32, f.packing.shift, 1
	if takesPacked(f, a.rows) {
		t.groups = groupsAtOnce(a.rows, min(most, max(1, w.Rows/groupRows-g)))
		n := t.groups
		t.src, t.blocks = w.data[g*w.groupBytes():(g+n)*w.groupBytes()], w.Cols/32
		rows := rowsAtOnce()
		if (g+1)*groupRows > w.Rows {
			rows = maxTokens // as many as scratch has outputs for
		}
		for row := p.from; row < p.to; {
			n := min(rows, p.to-row)
			a.tile(s, y, g, row, n, 0)
			row += n
		}
		*t = tile{}
		return n
	}
	src := w.group(g)
	cols := a.panelCols(w)
	for c := 0; c < w.Cols; c += cols {
		n := min(cols, w.Cols-c) / f.BlockLen
		src = s.unpack(f, src, n)
		t.blocks, t.more = n*f.BlockLen/32, c > 0
		for row := p.from; row < p.to; row += maxTokens {
			a.tile(s, y, g, row, min(maxTokens, p.to-row), c)
		}
	}
	*t = tile{}
	return 1
}

// tile computes the outputs of the tile's groups, the first of them g, for some rows of activations from
// row on, beginning at column c.
func (a *Acts) tile(s *scratch, y *Product, g, row, tokens, c int) {
	w, t := y.W, &s.tile
	rows := min(groupRows, w.Rows-g*groupRows)
	t.tokens = tokens
	if y.Exact {
		t.words = a.words[row*t.stride+c/32:]
	} else {
		t.x = a.blocks[row*t.stride+c/32:]
	}
	if rows == groupRows {
		t.out, t.outStride = y.Y[row*w.Rows+g*groupRows:], w.Rows
		t.run(w.format)
		return
	}
	t.out, t.outStride = s.out[:], groupRows
	t.run(w.format)
	for i := range tokens {
		copy(y.Y[(row+i)*w.Rows+g*groupRows:][:rows], s.out[i*groupRows:])
	}
}
