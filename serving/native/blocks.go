package native

import (
	"fmt"
	"maps"
	"slices"
)

// blocks manages the blocks of a paged cache, each of which holds the keys and
// values of size consecutive tokens of one sequence.
//
// A block is free, in use (refs > 0), lent to adapters, or idle: not in use, but
// its contents may serve again. Full blocks form a tree: a node stands for one exact sequence of
// tokens from the beginning under one key (weights, adapter, cache format), and
// hangs below the node that stands for the tokens before. A block is found by
// its parent node and a hash of its own tokens, which are then compared, so that
// two different beginnings never share anything, whatever their hashes.
//
// Only full blocks are shared, so nobody ever writes to a shared block. A block
// in use has its parent in use too, and idle blocks are evicted least recently
// used first, children before parents; so every indexed block can be reached.
//
// What a block has in common with a sequence that ends, or differs, within it is copied to a
// block of the sequence's own. For that the last block of a sequence stays in the tree when
// it is released, though not full. Copies serve the owner of the tokens alone:
// from how many tokens were found, or how soon the first one comes, somebody else could guess
// what follows a beginning, a token at a time; of a full block all must be guessed at once.
type blocks struct {
	size  int // tokens per block
	meta  []block
	free  []int32
	roots map[string]uint64 // key -> node without tokens
	index map[nodeKey]int32
	below map[uint64][]int32 // node -> the indexed blocks that follow it
	nodes uint64             // last node handed out; numbers are not used twice
	copy  func(dst, src int32)
	// Idle blocks from least to most recently used, through block.prev and next.
	oldest, newest int32
	idle           int
	lent           int // blocks whose memory something else has
	noCache        bool
}

type block struct {
	refs       int
	lent       bool
	node       uint64  // 0: not in the tree
	at         nodeKey // where it is indexed
	ids        []int32 // its tokens, when in the tree: size of them, fewer in the last block of a sequence
	owner      string  // of the tokens
	prev, next int32   // among idle blocks; -1 at the ends
}

type nodeKey struct {
	parent, hash uint64
	owner        string // of a block that is not full
}

// table is the blocks of one sequence, in order. The first done of them are full
// and in the tree; node stands for their tokens.
type table struct {
	blocks []int32
	done   int
	node   uint64
}

// newBlocks has n blocks; copy makes block dst of the cache a copy of block src.
func newBlocks(n, size int, copy func(dst, src int32)) *blocks {
	b := &blocks{
		size: size, meta: make([]block, n), free: make([]int32, n),
		roots: map[string]uint64{}, index: map[nodeKey]int32{}, below: map[uint64][]int32{},
		oldest: -1, newest: -1, copy: copy,
	}
	for i := range b.free {
		b.free[i] = int32(n - 1 - i) // block 0 first
	}
	return b
}

// available is the number of blocks that grow can still hand out.
func (b *blocks) available() int { return len(b.free) + b.idle }

// used is the number of blocks that sequences hold.
func (b *blocks) used() int { return len(b.meta) - b.available() - b.lent }

// need is the number of blocks that n tokens take.
func (b *blocks) need(n int) int { return (n + b.size - 1) / b.size }

// match extends t, of which done·size tokens are known, by the longest run of
// indexed blocks that agree with ids, and returns the number of tokens that t
// now covers. It stops before limit tokens. Blocks that t held at those places
// are given back.
func (b *blocks) match(t *table, key string, ids []int32, limit int) int {
	for !b.noCache && (t.done+1)*b.size <= min(limit, len(ids)) {
		part := ids[t.done*b.size : (t.done+1)*b.size]
		hit, ok := b.index[nodeKey{b.nodeOf(t, key), hashIDs(part), ""}]
		if !ok || !slices.Equal(b.meta[hit].ids, part) {
			break
		}
		b.hold(hit)
		if t.done < len(t.blocks) {
			b.drop(t.blocks[t.done])
			t.blocks[t.done] = hit
		} else {
			t.blocks = append(t.blocks, hit)
		}
		t.done, t.node = t.done+1, b.meta[hit].node
	}
	return t.done * b.size
}

// matchPart copies to the block of t after those that match found what a block of the same owner has in
// common with ids there, and returns the number of tokens that are known then. It stops before
// limit tokens too.
func (b *blocks) matchPart(t *table, key, owner string, ids []int32, limit int) int {
	from := t.done * b.size
	rest := ids[from:max(from, min(limit, len(ids)))]
	if b.noCache || len(rest) == 0 {
		return from
	}
	most, best := 0, int32(-1)
	for _, i := range b.below[b.nodeOf(t, key)] {
		m := &b.meta[i]
		if m.owner != owner {
			continue
		}
		if n := common(m.ids, rest); n > most {
			most, best = n, i
		}
	}
	if most > 0 {
		b.hold(best) // it is the most recently used of those that are idle
		b.copy(t.blocks[t.done], best)
		b.drop(best)
	}
	return from + most
}

// common is how many numbers a and b begin with alike.
func common(a, b []int32) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// grow makes t hold n tokens, evicting idle blocks as needed. It takes all that
// is needed or, returning false, nothing.
func (b *blocks) grow(t *table, n int) bool {
	want := b.need(n) - len(t.blocks)
	if want > b.available() {
		return false
	}
	for range want {
		t.blocks = append(t.blocks, b.take())
	}
	return true
}

// commit enters the blocks of t that are full, now that the first n of ids are
// computed, into the tree. When an equal block is there already, t takes that one
// and gives back its own.
func (b *blocks) commit(t *table, key, owner string, ids []int32, n int) {
	for !b.noCache && (t.done+1)*b.size <= n {
		own := t.blocks[t.done]
		part := ids[t.done*b.size : (t.done+1)*b.size]
		at := nodeKey{b.nodeOf(t, key), hashIDs(part), ""}
		switch hit, ok := b.index[at]; {
		case !ok:
			b.enter(own, at, owner, part)
		case slices.Equal(b.meta[hit].ids, part):
			b.hold(hit)
			b.drop(own)
			t.blocks[t.done] = hit
		default: // equal hashes of different tokens: the first stays, ours is not shared
			return
		}
		t.node = b.meta[t.blocks[t.done]].node
		t.done++
	}
}

// keep enters the block of t that is not full into the tree, now that t is to be released and the first n
// of ids are computed, unless an equal one is there.
func (b *blocks) keep(t *table, key, owner string, ids []int32, n int) {
	from := t.done * b.size
	if b.noCache || n <= from || n >= from+b.size {
		return
	}
	at := nodeKey{b.nodeOf(t, key), hashIDs(ids[from:n]), owner}
	if _, ok := b.index[at]; !ok {
		b.enter(t.blocks[t.done], at, owner, ids[from:n])
	}
}

// enter puts block i, whose tokens are ids, into the tree.
func (b *blocks) enter(i int32, at nodeKey, owner string, ids []int32) {
	b.nodes++
	m := &b.meta[i]
	m.node, m.at, m.owner, m.ids = b.nodes, at, owner, append(m.ids[:0], ids...)
	b.index[at] = i
	b.below[at.parent] = append(b.below[at.parent], i)
}

// release gives back all blocks of t. Those in the tree stay idle until their
// place is needed.
func (b *blocks) release(t *table) {
	for _, i := range slices.Backward(t.blocks) { // children before parents
		b.drop(i)
	}
	*t = table{blocks: t.blocks[:0]}
}

// lend takes n blocks out, free ones before idle ones: nobody gets them until
// they are taken back. It takes all n or, returning false, none.
func (b *blocks) lend(n int) ([]int32, bool) {
	if n > b.available() {
		return nil, false
	}
	for len(b.free) < n {
		b.evict(b.oldest)
	}
	ids := slices.Clone(b.free[:n]) // those that would be used last: some were never written
	b.free = slices.Delete(b.free, 0, n)
	for _, i := range ids {
		b.meta[i].lent = true
	}
	b.lent += n
	return ids, true
}

// takeBack makes blocks that were lent free again.
func (b *blocks) takeBack(ids []int32) {
	for _, i := range ids {
		if !b.meta[i].lent {
			panic(fmt.Sprintf("block %d is given back, but it was not lent", i))
		}
		b.meta[i].lent = false
		b.free = append(b.free, i)
	}
	b.lent -= len(ids)
}

// renewed is an empty cache of the same size, in which the same blocks are lent.
func (b *blocks) renewed() *blocks {
	n := newBlocks(len(b.meta), b.size, b.copy)
	n.noCache, n.lent = b.noCache, b.lent
	for i := range b.meta {
		n.meta[i].lent = b.meta[i].lent
	}
	n.free = slices.DeleteFunc(n.free, func(i int32) bool { return n.meta[i].lent })
	return n
}

// forget evicts all idle blocks.
func (b *blocks) forget() {
	for b.oldest >= 0 {
		b.evict(b.oldest)
	}
}

func (b *blocks) nodeOf(t *table, key string) uint64 {
	if t.done > 0 {
		return t.node
	}
	root, ok := b.roots[key]
	if !ok {
		if len(b.roots) > 2*len(b.meta) {
			b.pruneRoots()
		}
		b.nodes++
		root = b.nodes
		b.roots[key] = root
	}
	return root
}

// pruneRoots forgets the keys under which nothing is cached: there are as many as
// there were sets of adapters.
func (b *blocks) pruneRoots() {
	maps.DeleteFunc(b.roots, func(_ string, root uint64) bool { return len(b.below[root]) == 0 })
}

func (b *blocks) take() int32 {
	if len(b.free) == 0 {
		b.evict(b.oldest)
	}
	i := b.free[len(b.free)-1]
	b.free = b.free[:len(b.free)-1]
	b.meta[i].refs = 1
	return i
}

func (b *blocks) hold(i int32) {
	m := &b.meta[i]
	if m.refs == 0 {
		b.unlink(i)
	}
	m.refs++
}

func (b *blocks) drop(i int32) {
	m := &b.meta[i]
	if m.refs <= 0 {
		panic(fmt.Sprintf("block %d is given back, but nobody holds it", i))
	}
	m.refs--
	switch {
	case m.refs > 0:
	case m.node == 0:
		b.free = append(b.free, i)
	default:
		m.prev, m.next = b.newest, -1
		if b.newest >= 0 {
			b.meta[b.newest].next = i
		} else {
			b.oldest = i
		}
		b.newest = i
		b.idle++
	}
}

func (b *blocks) unlink(i int32) {
	m := &b.meta[i]
	if m.prev >= 0 {
		b.meta[m.prev].next = m.next
	} else {
		b.oldest = m.next
	}
	if m.next >= 0 {
		b.meta[m.next].prev = m.prev
	} else {
		b.newest = m.prev
	}
	b.idle--
}

func (b *blocks) evict(i int32) {
	b.unlink(i)
	m := &b.meta[i]
	delete(b.index, m.at)
	others := b.below[m.at.parent]
	at := slices.Index(others, i)
	if b.below[m.at.parent] = slices.Delete(others, at, at+1); len(others) == 1 {
		delete(b.below, m.at.parent)
	}
	m.node, m.owner, m.ids = 0, "", m.ids[:0]
	b.free = append(b.free, i)
}

// hashIDs is FNV-1a over whole ids. Collisions cost a miss, never a wrong hit.
func hashIDs(ids []int32) uint64 {
	h := uint64(14695981039346656037)
	for _, id := range ids {
		h = (h ^ uint64(uint32(id))) * 1099511628211
	}
	return h
}
