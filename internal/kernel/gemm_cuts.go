package kernel

import (
	"slices"
	"sync/atomic"
)

// sumCuts are some sums, cut into items that workers take until none is left.
type sumCuts struct {
	sums  []cutSum
	items int
	next  atomic.Int64
}

// cutSum is one of them.
type cutSum struct {
	Sum
	rows    int
	unit    int // panels of 32 columns that are packed together
	deep    int // k of all terms
	columns int // of an item
	blocks  int // of rows, in an item
	down    int // items one below the other
	first   int // number of its first item
}

// set takes sums over.
func (j *sumCuts) set(sums []Sum) {
	j.sums = j.sums[:0]
	for _, s := range sums {
		u := cutSum{Sum: s, rows: s.Terms[0].A.rows, unit: 1}
		for i := range s.Terms {
			u.unit = max(u.unit, s.Terms[i].B.f.step()/gemmCols)
			u.deep += s.Terms[i].A.k
		}
		j.sums = append(j.sums, u)
	}
}

// deepK is from how much k on a left-hand side does not stay in the second cache: items
// have up to three times as many panels then, as each of them reads all of it.
const deepK = 4096

// plan cuts the sums into items of at most so many panels and blocks of so many rows, so
// that all workers have as much to do.
func (j *sumCuts) plan(workers, most, tall, block int) {
	j.items = 0
	for i := range j.sums {
		s := &j.sums[i]
		panels, blocks := panelsOf(s.N), (s.rows+block-1)/block
		most := most
		if s.deep >= deepK {
			most *= 3
		}
		each := evenPanels(panels, s.unit, most, workers)
		across := (panels + each - 1) / each
		parts := (blocks + tall - 1) / tall
		if across < 4*workers { // rows make up for columns
			parts = max(parts, min(blocks, workers/common(across, workers)))
		}
		s.columns, s.blocks = each*gemmCols, (blocks+parts-1)/parts
		s.down, s.first = (blocks+s.blocks-1)/s.blocks, j.items
		j.items += s.down * across
	}
}

// evenPanels is how many panels an item has: as many as leave the worker with most to do
// the least, of equals the most. They are a multiple of unit, and at most `most` if that is more.
func evenPanels(panels, unit, most, workers int) int {
	best, least := unit, 0
	for each := unit; each <= max(unit, most); each += unit {
		items := (panels + each - 1) / each
		load := (items + workers - 1) / workers * each
		if each == unit || load <= least {
			best, least = each, load
		}
	}
	return best
}

// common is the greatest common divisor.
func common(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

// take is the next item: a sum, the first of some columns, and of some blocks of rows; nil:
// there is none left.
func (j *sumCuts) take() (s *cutSum, col, block int) {
	item := int(j.next.Add(1)) - 1
	if item >= j.items {
		return nil, 0, 0
	}
	at, found := slices.BinarySearchFunc(j.sums, item, func(s cutSum, item int) int { return s.first - item })
	if !found {
		at--
	}
	s = &j.sums[at]
	item -= s.first
	return s, item / s.down * s.columns, item % s.down * s.blocks
}

// panelsOf is how many panels of columns n have.
func panelsOf(n int) int { return (n + gemmCols - 1) / gemmCols }
