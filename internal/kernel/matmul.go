package kernel

import (
	"fmt"
	"runtime"
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
}

// MatMuls computes products of a, and adds what the updates of their groups make of it,
// in one meeting of the pool: for a single token a meeting takes about as long as a
// small matrix. Each is the bits of MatMul and then Add. low is not used if there are
// no groups.
func MatMuls(p *Pool, all []Product, a *Acts, low *LowRanks) {
	if a.rows == 0 {
		return
	}
	j, total := &a.job, 0
	for i := range all {
		w := all[i].W
		if a.cols != w.Cols || len(all[i].Y) != a.rows*w.Rows {
			panic(fmt.Sprintf("kernel: product of [%d, %d] with a matrix [%d, %d] into %d numbers", a.rows, a.cols, w.Rows, w.Cols, len(all[i].Y)))
		}
		switch {
		case w.format.packing == nil:
			a.cutTails()
		case all[i].Exact:
			a.quantiseWords(p)
		default:
			a.quantise(p)
		}
		total += w.groups()
	}
	j.all, j.a, j.low = all, a, low
	j.shrinks = 0
	if low != nil {
		low.begin(a.x, nil)
		for i := range all {
			if out, in := low.plan(p.Workers(), all[i].Y, all[i].Groups); out > 0 && (out != all[i].W.Rows || in != a.cols) {
				panic(fmt.Sprintf("kernel: updates [%d, %d] of a matrix [%d, %d]", out, in, all[i].W.Rows, a.cols))
			}
		}
		j.shrinks = len(low.shrinks)
	}
	// Enough groups a time to outweigh taking them, few enough to share evenly.
	const work = 1 << 19 // multiplications
	j.chunk = max(1, min(work/(groupRows*a.cols*a.rows), total/(8*p.Workers())))
	j.pieces = j.shrinks
	for i := range all {
		j.pieces += j.piecesOf(&all[i])
	}
	j.next.Store(0)
	j.done.Store(0)
	j.failed.Store(false)
	workers := min(p.Workers(), j.pieces)
	for i := range all {
		a.reserve(workers, all[i].W)
	}
	p.Run(workers, j)
	j.all, j.low = nil, nil
	runtime.KeepAlive(all) // and with it the memory of the updates
	if low != nil {
		low.end()
	}
}

// productJob is the task of MatMuls: each worker takes pieces of work until none is
// left, with scratch memory of its own. The pieces are what updates of low rank
// make of x, then groups of rows of the products, to which what the updates make of
// them is added at once. A meeting of the pool for each would take as long as they do.
type productJob struct {
	all   []Product
	a     *Acts
	chunk int // groups

	low     *LowRanks // nil: none
	shrinks int       // pieces of low
	pieces  int       // in all

	next   atomic.Int64
	_      [64]byte     // the words below are for waiting; keep them apart
	done   atomic.Int64 // of the shrinks
	failed atomic.Bool  // a worker panicked
}

// Do is one worker; i picks its scratch memory.
func (j *productJob) Do(i int) {
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
			j.low.shrinks[k].run(j.low, &s.low)
			j.done.Add(1)
		case k < j.pieces && j.piece(s, k-j.shrinks):
		default:
			ended = true
			return
		}
	}
}

// chunkOf is how many groups a piece of y has: whole panels of updates.
func (j *productJob) chunkOf(y *Product) int {
	const panel = panelOut / groupRows
	if len(y.Groups) == 0 {
		return j.chunk
	}
	return (j.chunk + panel - 1) / panel * panel
}

func (j *productJob) piecesOf(y *Product) int {
	n := j.chunkOf(y)
	return (y.W.groups() + n - 1) / n
}

// piece computes some groups of one product, and tells that no worker has failed.
func (j *productJob) piece(s *scratch, k int) bool {
	of := 0
	for ; k >= j.piecesOf(&j.all[of]); of++ {
		k -= j.piecesOf(&j.all[of])
	}
	y := &j.all[of]
	n := j.chunkOf(y)
	lo, hi := k*n, min((k+1)*n, y.W.groups())
	var expands []expanding
	if len(y.Groups) > 0 {
		expands = j.low.expandsOf(of)
	}
	lowest, highest := lo*groupRows/panelOut, (hi*groupRows+panelOut-1)/panelOut
	for i := range expands { // they arrive while the product is computed
		expands[i].prefetch(lowest, highest)
	}
	for g := lo; g < hi; g++ {
		if y.W.format.packing != nil {
			j.a.packed(s, y, g)
		} else {
			j.a.float(s, y, g)
		}
	}
	if len(expands) > 0 && !j.await() {
		return false
	}
	for i := range expands {
		expands[i].run(j.low, &s.low, lowest, highest)
	}
	return true
}

// await waits until all shrinks are done and tells that none failed. All have
// been taken, by workers that run, and wait for nothing.
func (j *productJob) await() bool {
	for n := 0; j.done.Load() < int64(j.shrinks); n++ {
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
func (a *Acts) packed(s *scratch, y *Product, g int) {
	w, t := y.W, &s.tile
	f := w.format
	t.stride, t.shift = w.Cols/32, f.packing.shift
	src := w.group(g)
	if takesPacked() {
		t.src, t.blocks = src, w.Cols/32
		for row := 0; row < a.rows; row += maxTokens {
			a.tile(s, y, g, row, 0)
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
			a.tile(s, y, g, row, c)
		}
	}
	*t = tile{}
}

// tile computes the outputs of group g for up to maxTokens rows of activations
// from row on, beginning at column c.
func (a *Acts) tile(s *scratch, y *Product, g, row, c int) {
	w, t := y.W, &s.tile
	rows, tokens := min(groupRows, w.Rows-g*groupRows), min(maxTokens, a.rows-row)
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
