package kernel

import (
	"fmt"
	"sync/atomic"
	"time"
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
func MatMul(p *Pool, y []float32, w *Matrix, a *Acts) { matMul(p, y, w, a, false, nil) }

// MatMulExact is MatMul with activations quantised to 16 bits: an output differs
// from that of the numbers themselves by less than 2^-15 of Σ |w| max |x|, where the
// largest is that of 32 neighbours. For many rows it takes half as long again, for one
// the same: there memory is what takes the time.
func MatMulExact(p *Pool, y []float32, w *Matrix, a *Acts) { matMul(p, y, w, a, true, nil) }

// matMul also adds the updates that low has planned, if any.
func matMul(p *Pool, y []float32, w *Matrix, a *Acts, exact bool, low *LowRanks) {
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
	j.y, j.w, j.a, j.exact, j.low = y, w, a, exact, low
	// Enough groups a time to outweigh taking them, few enough to share evenly.
	const work = 1 << 16 // multiplications
	j.chunk = max(1, min(work/(groupRows*w.Cols*a.rows), w.groups()/(8*p.Workers())))
	j.shrinks, j.expands = 0, 0
	if low != nil {
		j.shrinks, j.expands = len(low.shrinks), len(low.expands)
	}
	j.first = j.shrinks + (w.groups()+j.chunk-1)/j.chunk
	j.next.Store(0)
	j.done.Store(0)
	j.failed.Store(false)
	workers := min(p.Workers(), j.first)
	a.reserve(workers)
	p.Run(workers, j)
	j.y, j.w, j.low = nil, nil, nil
}

// product is the task of MatMul: each worker takes pieces of work until none is
// left, with scratch memory of its own. The pieces are what updates of low rank
// make of x, then groups of rows of the product, and when all that is done what the
// updates add to it. A meeting of the pool for each would take as long as they do.
type product struct {
	y     []float32
	w     *Matrix
	a     *Acts
	exact bool
	chunk int // groups

	low              *LowRanks // nil: none
	shrinks, expands int       // pieces of low
	first            int       // pieces before those that add

	next   atomic.Int64
	_      [64]byte     // the words below are for waiting; keep them apart
	done   atomic.Int64 // of the first pieces
	failed atomic.Bool  // a worker panicked
}

// Do is one worker; i picks its scratch memory.
func (j *product) Do(i int) {
	s, ended := &j.a.scratch[i], false
	defer func() {
		if !ended {
			j.failed.Store(true)
		}
	}()
	for {
		k := int(j.next.Add(1)) - 1
		switch {
		case k < j.shrinks:
			j.low.shrinks[k].run(j.low)
			j.done.Add(1)
		case k < j.first:
			at := (k - j.shrinks) * j.chunk
			for g := at; g < min(at+j.chunk, j.w.groups()); g++ {
				if j.w.format.packing != nil {
					j.packed(s, g)
				} else {
					j.float(s, g)
				}
			}
			j.done.Add(1)
		case k < j.first+j.expands && j.await():
			j.low.expands[k-j.first].run(j.low)
		default:
			ended = true
			return
		}
	}
}

// await waits until all first pieces are done and tells that none failed. All have
// been taken, by workers that run, and wait for nothing.
func (j *product) await() bool {
	for n := 0; j.done.Load() < int64(j.first); n++ {
		if j.failed.Load() {
			return false
		}
		if n < 1<<10 {
			pause()
		} else {
			time.Sleep(spinFor) // the worker has lost its core; it may have this one
		}
	}
	return true
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
