package kernel

import (
	"sync/atomic"
	"time"
)

// productJob is the task of MatMuls: each worker takes pieces of work until none is
// left, with scratch memory of its own. If there are few rows of activations, each worker first
// quantises a part of them, mostly rows that it has computed itself. The pieces are what updates of low rank
// make of x, then groups of rows of the products, to which what the updates make of
// them is added at once. A meeting of the pool for each would take as long as they do.
type productJob struct {
	all []Product
	a   *Acts

	least, most int // units of work taken at a time
	bands       int // of rows, each with all units
	units       int // of a band

	blocks, words bool // of a are yet to be made

	low     *LowRanks // nil: none
	apart   bool      // the caller computes updates by itself, and they are added at the end
	few     bool      // rows and adapters
	shrinks int       // pieces of low
	shares  []share   // of each worker

	_      [64]byte     // the words below are written by all cores; keep them apart
	made   atomic.Int64 // parts of a
	done   atomic.Int64 // of the shrinks
	failed atomic.Bool  // a worker panicked
	_      [64]byte
}

// fewRows is how many rows of one adapter are few: updates are then added to all pieces of
// a worker in one go, since a call for each would take twice as long.
const fewRows = 8

// isFew tells whether the rows and adapters of products are few.
func (j *productJob) isFew() bool {
	for i := range j.all {
		if len(j.all[i].Groups) > 1 {
			return false
		}
	}
	return j.a.rows <= fewRows
}

// share is the work that one worker does before it helps the others: a counter that
// all of them take from would go from core to core with every piece.
type share struct {
	shrinks, units queue
	making         atomic.Bool // somebody makes the worker's part of a
	_              [92]byte    // the next one is another core's
}

type queue struct {
	next atomic.Int64
	end  int64
}

// take is what to do next, lo to hi, nothing if there is none left: a third of what is
// left, at least least and at most most. Pieces become smaller towards the end, so that
// workers who are not equally fast end together, and there are few of them all the same.
func (q *queue) take(least, most int) (lo, hi int) {
	for {
		at := q.next.Load()
		left := int(q.end - at)
		if left <= 0 {
			return 0, 0
		}
		n := min(left, max(least, min(left/3, most)))
		if q.next.CompareAndSwap(at, at+int64(n)) {
			return int(at), int(at) + n
		}
	}
}

// goesApart says that the caller of MatMuls computes by itself what all updates add, beside the product,
// and how many of the units the others compute in that time: for one row it has at hand what
// x and the updates are in, for which the others would wait longer than they compute, line by
// line from the caller's caches. There are not so many others that they would wait in the end.
func (j *productJob) goesApart(workers, units int) (lead int, apart bool) {
	if j.a.rows != 1 {
		return 0, false
	}
	updates, weights := 0, 0 // bytes
	for i := range j.all {
		y := &j.all[i]
		weights += len(y.W.data)
		for u := range y.updates {
			updates += len(u.A.data) + len(u.B.data)
		}
	}
	if updates*workers > updateRate*weights {
		return 0, false
	}
	return updates * units / (updateRate * weights), true
}

// updateRate is how much faster a core gets through bytes of A and B than through those of
// quantised weights, about.
const updateRate = 3

// deal gives each worker as much work; the caller lead units less.
func (j *productJob) deal(workers, units, lead int) {
	for len(j.shares) < workers {
		j.shares = append(j.shares, share{})
	}
	j.shares = j.shares[:workers]
	for i := range j.shares {
		s := &j.shares[i]
		s.making.Store(false)
		s.units.set(i*(units+lead)/workers-lead, (i+1)*(units+lead)/workers-lead)
		s.shrinks.set(i*j.shrinks/workers, (i+1)*j.shrinks/workers)
	}
}

// set fills the queue with lo to hi, from 0 on.
func (q *queue) set(lo, hi int) {
	q.next.Store(int64(max(lo, 0)))
	q.end = int64(hi)
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

// work takes pieces until there are none. What updates add to them is added later, once
// all shrinks are done.
func (j *productJob) work(s *scratch, i int) {
	if j.apart && i == 0 {
		j.low.apart(&s.low, j.all)
	}
	if j.blocks || j.words {
		j.make(i)
	}
	j.shrink(s, &j.shares[i])
	if (j.blocks || j.words) && !j.until(&j.made, len(j.shares)) {
		return
	}
	n := 0 // pieces that wait
	for k := range j.shares {
		of := &j.shares[(i+k)%len(j.shares)]
		for lo, hi := of.units.take(j.least, j.most); lo < hi; {
			p, units := j.place(lo, hi)
			if j.product(s, &p); len(p.expands) > 0 {
				if n = s.wait(p, n); n == len(s.waiting) || !j.few && j.shrunk() {
					if !j.await(s, i) {
						return
					}
					j.expand(s, n)
					n = 0
				}
			}
			if lo += units; lo == hi {
				lo, hi = of.units.take(j.least, j.most)
			}
		}
	}
	if n > 0 && j.await(s, i) {
		j.expand(s, n)
	}
}

// make quantises the part of a that is worker i's, and those that nobody has begun: then who would is late.
func (j *productJob) make(i int) {
	n, rows, deep := len(j.shares), j.a.rows, j.a.cols/32
	for k := range n {
		part := (i + k) % n
		if !j.shares[part].making.CompareAndSwap(false, true) {
			continue
		}
		lo, hi := part*rows/n*deep, (part+1)*rows/n*deep
		if j.blocks {
			j.a.quantisePart(lo, hi)
		}
		if j.words {
			j.a.wordPart(lo, hi)
		}
		j.made.Add(1)
	}
}

// shrink computes what is left of a share's part of z.
func (j *productJob) shrink(s *scratch, of *share) {
	for k, end := of.shrinks.take(1, 1); k < end; k, end = of.shrinks.take(1, 1) {
		j.low.shrinks[k].run(j.low, &s.low, true)
		j.done.Add(1)
	}
}

// wait notes one piece more that waits for shrinks, of n, and returns how many wait now.
func (s *scratch) wait(p productPiece, n int) int {
	if n > 0 && s.waiting[n-1].of == p.of && s.waiting[n-1].from == p.from && s.waiting[n-1].hi == p.lo {
		s.waiting[n-1].hi = p.hi
		return n
	}
	s.waiting[n] = p
	return n + 1
}

// unit is how many groups of y go together: a whole panel of updates.
func (y *Product) unit() int {
	if len(y.Groups) == 0 {
		return 1
	}
	return panelOut / groupRows
}

// units is how much work y is.
func (y *Product) units() int {
	n := y.unit()
	return (y.W.groups() + n - 1) / n
}

// productPiece is groups lo to hi of one product, for rows from to to of the activations.
type productPiece struct {
	of       *Product
	lo, hi   int
	from, to int
	expands  []expanding // of the product
}

// panels are those of updates that are added to the piece.
func (p *productPiece) panels() (lo, hi int) {
	return p.lo * groupRows / panelOut, (p.hi*groupRows + panelOut - 1) / panelOut
}

// place finds unit lo, of those of all bands, and those up to hi that are of the same band and product,
// units in all.
func (j *productJob) place(lo, hi int) (p productPiece, units int) {
	from, to := 0, j.a.rows
	if j.bands > 1 {
		band := lo / j.units
		from, to = j.a.band(band, j.bands)
		lo, hi = lo-band*j.units, hi-band*j.units
	}
	of, first := 0, 0 // unit of the product
	for n := j.all[0].units(); lo >= first+n; n = j.all[of].units() {
		of, first = of+1, first+n
	}
	y := &j.all[of]
	n := y.unit()
	hi = min(hi, first+y.units())
	p = productPiece{of: y, lo: (lo - first) * n, hi: min((hi-first)*n, y.W.groups()), from: from, to: to}
	if len(y.Groups) > 0 && !j.apart {
		p.expands = j.low.expandsOf(of)
	}
	return p, hi - lo
}

// product computes the piece without updates, whose weights arrive meanwhile.
func (j *productJob) product(s *scratch, p *productPiece) {
	const panel = panelOut / groupRows
	if j.a.takesTiles(p.of) {
		lo, hi := p.panels()
		for i := range p.expands {
			p.expands[i].prefetch(lo, hi)
		}
		j.a.tiledGroups(s, p)
		return
	}
	most := p.hi - p.lo // groups at once
	if len(p.expands) > 0 || len(s.soon.left) > 0 {
		most = panel
	}
	for g := p.lo; g < p.hi; {
		if g%panel == 0 {
			for i := range p.expands {
				p.expands[i].prefetch(g/panel, g/panel+1)
			}
		}
		s.soon.run()
		if p.of.W.format.packing != nil {
			g += j.a.packed(s, p, g, min(most, p.hi-g))
		} else {
			j.a.float(s, p.of, g)
			g++
		}
	}
}

// expand adds updates to the n pieces that wait.
func (j *productJob) expand(s *scratch, n int) {
	for i := range s.waiting[:n] {
		p := &s.waiting[i]
		lo, hi := p.panels()
		for k := range p.expands {
			if e := p.expands[k].within(p.from, p.to); len(e.rows) > 0 {
				e.run(j.low, &s.low, lo, hi)
			}
		}
		*p = productPiece{} // holds no one's memory
	}
}

// shrunk tells that all shrinks are done.
func (j *productJob) shrunk() bool { return j.done.Load() == int64(j.shrinks) }

// await waits until all shrinks are done, once worker i has done what nobody has begun,
// and tells that none failed. Those who do the others wait for nothing.
func (j *productJob) await(s *scratch, i int) bool {
	for n := 0; n < len(j.shares) && !j.shrunk(); n++ {
		j.shrink(s, &j.shares[(i+n)%len(j.shares)])
	}
	return j.until(&j.done, j.shrinks)
}

// until waits until all of something are done by the workers who have begun them, and tells that none failed.
func (j *productJob) until(done *atomic.Int64, all int) bool {
	for n := 0; done.Load() != int64(all); n++ {
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
