package kernel

import (
	"sync/atomic"
	"time"
)

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
	shares  []share   // of each worker

	_      [64]byte     // the words below are written by all cores; keep them apart
	done   atomic.Int64 // of the shrinks
	failed atomic.Bool  // a worker panicked
	_      [64]byte
}

// share is the pieces that one worker takes before it helps the others: a counter that
// all of them take from would go from core to core with every piece.
type share struct {
	shrinks, pieces queue
	_               [96]byte // the next one is another core's
}

type queue struct {
	next atomic.Int64
	end  int64
}

// take is the next piece, -1: there is none left.
func (q *queue) take() int {
	if q.next.Load() >= q.end {
		return -1
	}
	if k := q.next.Add(1) - 1; k < q.end {
		return int(k)
	}
	return -1
}

// deal gives each worker as many pieces.
func (j *productJob) deal(workers, pieces int) {
	for len(j.shares) < workers {
		j.shares = append(j.shares, share{})
	}
	j.shares = j.shares[:workers]
	for i := range j.shares {
		s := &j.shares[i]
		s.shrinks.next.Store(int64(i * j.shrinks / workers))
		s.shrinks.end = int64((i + 1) * j.shrinks / workers)
		s.pieces.next.Store(int64(i * pieces / workers))
		s.pieces.end = int64((i + 1) * pieces / workers)
	}
}

// Do is one worker; i picks its share and its scratch memory.
func (j *productJob) Do(i int) {
	s, ended := &j.a.scratch[i], false
	defer func() {
		if !ended {
			j.failed.Store(true)
		}
	}()
	j.work(s, i)
	ended = true
}

func (j *productJob) work(s *scratch, i int) {
	j.shrink(s, &j.shares[i])
	for n := range j.shares {
		of := &j.shares[(i+n)%len(j.shares)]
		for k := of.pieces.take(); k >= 0; k = of.pieces.take() {
			if !j.piece(s, k, i) {
				return
			}
		}
	}
}

// shrink computes what is left of a share's part of z.
func (j *productJob) shrink(s *scratch, of *share) {
	for k := of.shrinks.take(); k >= 0; k = of.shrinks.take() {
		j.low.shrinks[k].run(j.low, &s.low)
		j.done.Add(1)
	}
}

// chunkOf is how many groups a piece of y has: whole panels of updates.
func (j *productJob) chunkOf(y *Product) int {
	const panel = panelOut / groupRows
	if len(y.Groups) == 0 {
		return j.chunk
	}
	return max(1, j.chunk/panel) * panel
}

func (j *productJob) piecesOf(y *Product) int {
	n := j.chunkOf(y)
	return (y.W.groups() + n - 1) / n
}

// piece computes some groups of one product as worker i, and tells that no worker has
// failed.
func (j *productJob) piece(s *scratch, k, i int) bool {
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
	if len(expands) > 0 && !j.await(s, i) {
		return false
	}
	for i := range expands {
		expands[i].run(j.low, &s.low, lowest, highest)
	}
	return true
}

// await waits until all shrinks are done, once worker i has done what nobody has begun,
// and tells that none failed. Those who do the others wait for nothing.
func (j *productJob) await(s *scratch, i int) bool {
	if j.done.Load() == int64(j.shrinks) {
		return true
	}
	for n := range j.shares {
		j.shrink(s, &j.shares[(i+n)%len(j.shares)])
	}
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
