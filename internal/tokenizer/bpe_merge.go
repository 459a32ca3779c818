package tokenizer

import (
	"slices"
	"sync"
)

// sym is a token in the making: bytes start to end of the piece.
type sym struct {
	id         int32
	start, end int32
	prev, next int32 // neighbours, in mergeLong; -1 at the ends
}

// option is a merge of two neighbours that may be done.
type option struct {
	rank uint64
	id   int32 // the token it makes; -1: the pair does not merge
}

// word is the memory that one piece is merged in.
type word struct {
	syms    []sym
	options [shortWord]option
	heap    mergeHeap
}

const (
	shortWord = 24      // symbols up to which scanning all pairs beats a heap
	keepWord  = 1 << 16 // symbols of memory that go back to the pool
)

var wordPool = sync.Pool{New: func() any { return new(word) }}

func (w *word) release() {
	if cap(w.syms) > keepWord {
		return
	}
	w.syms, w.heap = w.syms[:0], w.heap[:0]
	wordPool.Put(w)
}

func (w *word) add(id int32, start, end int) {
	w.syms = append(w.syms, sym{id: id, start: int32(start), end: int32(end)})
}

func (w *word) merge(r ranker, s string) {
	if len(w.syms) <= shortWord {
		w.mergeShort(r, s)
	} else {
		w.mergeLong(r, s)
	}
}

// optionFor looks the merge of two symbols of s up.
func optionFor(r ranker, a, b *sym, s string) option {
	rank, id, ok := r.merge(a.id, b.id, s[a.start:b.end])
	if !ok {
		return option{id: -1}
	}
	return option{rank, id}
}

// mergeShort merges by scanning all pairs each time.
func (w *word) mergeShort(r ranker, s string) {
	syms, options := w.syms, w.options[:]
	for i := 0; i+1 < len(syms); i++ {
		options[i] = optionFor(r, &syms[i], &syms[i+1], s)
	}
	for len(syms) > 1 {
		best := -1
		for i := range len(syms) - 1 {
			if options[i].id >= 0 && (best < 0 || options[i].rank < options[best].rank) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		syms[best].id, syms[best].end = options[best].id, syms[best+1].end
		copy(syms[best+1:], syms[best+2:])
		copy(options[best:len(syms)-1], options[best+1:len(syms)])
		syms = syms[:len(syms)-1]
		if best > 0 {
			options[best-1] = optionFor(r, &syms[best-1], &syms[best], s)
		}
		if best+1 < len(syms) {
			options[best] = optionFor(r, &syms[best], &syms[best+1], s)
		}
	}
	w.syms = syms
}

// mergeLong merges through a heap of options. Options go stale when one of
// their symbols is merged otherwise; they are told by looking again when they
// come up.
func (w *word) mergeLong(r ranker, s string) {
	syms := w.syms
	for i := range syms {
		syms[i].prev, syms[i].next = int32(i-1), int32(i+1)
	}
	syms[len(syms)-1].next = -1
	w.heap = slices.Grow(w.heap, len(syms))
	for i := range len(syms) - 1 {
		if o := optionFor(r, &syms[i], &syms[i+1], s); o.id >= 0 {
			w.heap.push(candidate{o.rank, int32(i)})
		}
	}
	for len(w.heap) > 0 {
		c := w.heap.pop()
		left := &syms[c.pos]
		if left.id < 0 || left.next < 0 {
			continue
		}
		right := &syms[left.next]
		o := optionFor(r, left, right, s)
		if o.id < 0 || o.rank != c.rank {
			continue
		}
		left.id, left.end, left.next = o.id, right.end, right.next
		right.id = -1
		if left.next >= 0 {
			syms[left.next].prev = c.pos
			if o := optionFor(r, left, &syms[left.next], s); o.id >= 0 {
				w.heap.push(candidate{o.rank, c.pos})
			}
		}
		if left.prev >= 0 {
			if o := optionFor(r, &syms[left.prev], left, s); o.id >= 0 {
				w.heap.push(candidate{o.rank, left.prev})
			}
		}
	}
	n := 0
	for i := int32(0); i >= 0; {
		next := syms[i].next
		syms[n] = syms[i]
		n++
		i = next
	}
	w.syms = syms[:n]
}

// candidate is an option in the heap, of the symbol at pos with the next.
type candidate struct {
	rank uint64
	pos  int32
}

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.pos < d.pos
}

// mergeHeap is a heap of four children a node: lowest rank, then leftmost, on top.
type mergeHeap []candidate

func (h *mergeHeap) push(c candidate) {
	*h = append(*h, c)
	q := *h
	i := len(q) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !c.before(q[parent]) {
			break
		}
		q[i] = q[parent]
		i = parent
	}
	q[i] = c
}

func (h *mergeHeap) pop() candidate {
	q := *h
	top, last := q[0], q[len(q)-1]
	q = q[:len(q)-1]
	*h = q
	if len(q) == 0 {
		return top
	}
	i := 0
	for {
		least := 4*i + 1
		if least >= len(q) {
			break
		}
		for child := least + 1; child < min(4*i+5, len(q)); child++ {
			if q[child].before(q[least]) {
				least = child
			}
		}
		if !q[least].before(last) {
			break
		}
		q[i] = q[least]
		i = least
	}
	q[i] = last
	return top
}
