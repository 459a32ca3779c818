package kernel

import (
	"fmt"
	"sync/atomic"
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
func MatMul(p *Pool, y []float32, w *Matrix, a *Acts) { matMul(p, y, w, a, false) }

// MatMulExact is MatMul with activations quantised to 16 bits: an output differs
// from that of the numbers themselves by less than 2^-15 of Σ |w| max |x|, where the
// largest is that of 32 neighbours. For many rows it takes half as long again, for one
// the same: there memory is what takes the time.
func MatMulExact(p *Pool, y []float32, w *Matrix, a *Acts) { matMul(p, y, w, a, true) }

func matMul(p *Pool, y []float32, w *Matrix, a *Acts, exact bool) {
	if a.cols != w.Cols || len(y) != a.rows*w.Rows {
		panic(fmt.Sprintf("kernel: product of [%d, %d] with a matrix [%d, %d] into %d numbers", a.rows, a.cols, w.Rows, w.Cols, len(y)))
	}
	if a.rows == 0 {
		return
	}
	switch {
	case w.format.packing == nil:
		a.cutTails()
	case exact:
		a.quantiseWords(p)
	default:
		a.quantise(p)
	}
	j := &a.job
	j.y, j.w, j.a, j.exact = y, w, a, exact
	j.next.Store(0)
	// Enough groups a time to outweigh taking them, few enough to share evenly.
	const work = 1 << 16 // multiplications
	j.chunk = max(1, min(work/(groupRows*w.Cols*a.rows), w.groups()/(8*p.Workers())))
	workers := min(p.Workers(), (w.groups()+j.chunk-1)/j.chunk)
	a.reserve(workers)
	p.Run(workers, j)
	j.y, j.w = nil, nil
}

// product is the task of MatMul: each worker takes groups of rows until none is
// left, with scratch memory of its own.
type product struct {
	y     []float32
	w     *Matrix
	a     *Acts
	exact bool
	chunk int // groups
	next  atomic.Int64
}

// Do is one worker; i picks its scratch memory.
func (j *product) Do(i int) {
	s := &j.a.scratch[i]
	n := int64(j.w.groups())
	for {
		end := j.next.Add(int64(j.chunk))
		for g := end - int64(j.chunk); g < min(end, n); g++ {
			if j.w.format.packing != nil {
				j.packed(s, int(g))
			} else {
				j.float(s, int(g))
			}
		}
		if end >= n {
			return
		}
	}
}

// packed computes the outputs of group g of a quantised matrix.
func (j *product) packed(s *scratch, g int) {
	w, a, t := j.w, j.a, &s.tile
	f := w.format
	t.stride, t.shift = w.Cols/32, f.packing.shift
	src := w.group(g)
	if takesPacked() {
		t.src, t.blocks = src, w.Cols/32
		for row := 0; row < a.rows; row += maxTokens {
			j.tile(s, g, row, 0)
		}
		*t = tile{}
		return
	}
	cols := a.panelCols(w)
	for c := 0; c < w.Cols; c += cols {
		n := min(cols, w.Cols-c) / f.BlockLen
		src = s.unpack(f, src, n)
		t.blocks, t.more = n*f.BlockLen/32, c > 0
		for row := 0; row < a.rows; row += maxTokens {
			j.tile(s, g, row, c)
		}
	}
	*t = tile{}
}

// tile computes the outputs of group g for up to maxTokens rows of activations
// from row on, beginning at column c.
func (j *product) tile(s *scratch, g, row, c int) {
	w, a, t := j.w, j.a, &s.tile
	rows, tokens := min(groupRows, w.Rows-g*groupRows), min(maxTokens, a.rows-row)
	t.tokens = tokens
	if j.exact {
		t.words = a.words[row*t.stride+c/32:]
	} else {
		t.x = a.blocks[row*t.stride+c/32:]
	}
	if rows == groupRows {
		t.out, t.outStride = j.y[row*w.Rows+g*groupRows:], w.Rows
		t.run(w.format)
		return
	}
	t.out, t.outStride = s.out[:], groupRows
	t.run(w.format)
	for i := range tokens {
		copy(j.y[(row+i)*w.Rows+g*groupRows:][:rows], s.out[i*groupRows:])
	}
}
