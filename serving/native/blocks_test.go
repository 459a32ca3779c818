package native

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// noCopy is of tests that look at no contents.
func noCopy(dst, src int32) {}

func ids(s string) []int32 {
	var out []int32
	for _, r := range s {
		out = append(out, int32(r))
	}
	return out
}

// compute fills t with all of s, as a sequence that is computed at once.
func compute(t *testing.T, b *blocks, key, s string) *table {
	t.Helper()
	tb := &table{}
	b.match(tb, key, ids(s), len(s)-1)
	if !b.grow(tb, len(s)) {
		t.Fatalf("no room for %q", s)
	}
	b.commit(tb, key, "", ids(s), len(s))
	return tb
}

func mustCheck(t *testing.T, b *blocks, tables ...*table) {
	t.Helper()
	if err := b.check(tables); err != nil {
		t.Fatal(err)
	}
}

func TestBlocksPrefix(t *testing.T) {
	b := newBlocks(8, 4, noCopy)
	first := compute(t, b, "base", "abcdefghij")
	mustCheck(t, b, first)
	for _, c := range []struct {
		key, ids string
		want     int
	}{
		{"base", "abcdefghij", 8},
		{"base", "abcdefghXY", 8},
		{"base", "abcdefgX", 4},
		{"base", "abcdefgh", 4}, // never all tokens: the last one's logits are needed
		{"base", "abcd", 0},
		{"base", "efghabcdx", 0}, // the same block in another place
		{"adapter", "abcdefghij", 0},
	} {
		var tb table
		if got := b.match(&tb, c.key, ids(c.ids), len(c.ids)-1); got != c.want {
			t.Errorf("match(%s, %s) = %d tokens, want %d", c.key, c.ids, got, c.want)
		}
		if !slices.Equal(tb.blocks, first.blocks[:c.want/4]) {
			t.Errorf("match(%s, %s) = blocks %v, want the first of %v", c.key, c.ids, tb.blocks, first.blocks)
		}
		mustCheck(t, b, first, &tb)
		b.release(&tb)
	}
}

// Two sequences that computed the same tokens at the same time end up with one
// copy of every full block.
func TestBlocksMergeEqual(t *testing.T) {
	b := newBlocks(8, 4, noCopy)
	var x, y table
	b.grow(&x, 9)
	b.grow(&y, 9)
	b.commit(&x, "k", "", ids("abcdefghi"), 9)
	b.commit(&y, "k", "", ids("abcdefghi"), 9)
	mustCheck(t, b, &x, &y)
	if !slices.Equal(x.blocks[:2], y.blocks[:2]) || x.blocks[2] == y.blocks[2] || b.used() != 4 {
		t.Errorf("blocks %v and %v, %d used; want the full ones shared, 4 used", x.blocks, y.blocks, b.used())
	}
}

func TestBlocksEviction(t *testing.T) {
	b := newBlocks(4, 2, noCopy)
	old := compute(t, b, "k", "abcd")
	b.release(old)
	recent := compute(t, b, "k", "efgh")
	b.release(recent)
	mustCheck(t, b)

	var tb table
	if !b.grow(&tb, 2) { // evicts the end of the least recently used: "cd"
		t.Fatal("idle blocks must be available")
	}
	mustCheck(t, b, &tb)
	for _, c := range []struct {
		ids  string
		want int
	}{{"abcdX", 2}, {"efghX", 4}} {
		var hit table
		if got := b.match(&hit, "k", ids(c.ids), 4); got != c.want {
			t.Errorf("%s: %d tokens found, want %d", c.ids, got, c.want)
		}
		b.release(&hit)
	}
	if b.grow(&tb, 10) {
		t.Error("5 blocks out of 4")
	}
	if len(tb.blocks) != 1 {
		t.Errorf("a grow that fails took %d blocks", len(tb.blocks)-1)
	}
	b.release(&tb)
	b.forget()
	if mustCheck(t, b); len(b.free) != 4 || len(b.index) != 0 {
		t.Errorf("%d free, %d indexed after forget", len(b.free), len(b.index))
	}
}

// A hash that collides must be a miss: tokens decide.
func TestBlocksCollision(t *testing.T) {
	b := newBlocks(4, 2, noCopy)
	tb := compute(t, b, "k", "ab")
	at := b.meta[tb.blocks[0]].at
	delete(b.index, at)
	at.hash = hashIDs(ids("xy")) // now "ab" lies where "xy" is looked for
	b.meta[tb.blocks[0]].at = at
	b.index[at] = tb.blocks[0]

	var other table
	if got := b.match(&other, "k", ids("xyz"), 2); got != 0 {
		t.Errorf("%d tokens of another sequence", got)
	}
	b.grow(&other, 3)
	b.commit(&other, "k", "", ids("xyz"), 3)
	mustCheck(t, b, tb, &other)
	if other.done != 0 || other.blocks[0] == tb.blocks[0] {
		t.Errorf("the colliding block was shared")
	}
}

func TestBlocksNoCache(t *testing.T) {
	b := newBlocks(4, 2, noCopy)
	b.noCache = true
	b.release(compute(t, b, "k", "abcd"))
	if len(b.free) != 4 {
		t.Errorf("%d blocks free, want all", len(b.free))
	}
}

// A cache that is built anew keeps what is lent.
func TestBlocksRenewed(t *testing.T) {
	b := newBlocks(8, 4, noCopy)
	b.noCache = true
	ids, _ := b.lend(3)
	var tb table
	b.grow(&tb, 12)
	n := b.renewed()
	mustCheck(t, n)
	if len(n.free) != 5 || n.lent != 3 || !n.noCache || n.used() != 0 {
		t.Errorf("%d free, %d lent, %d used", len(n.free), n.lent, n.used())
	}
	n.takeBack(ids)
	if mustCheck(t, n); len(n.free) != 8 {
		t.Errorf("%d free at the end", len(n.free))
	}
}

// Keys under which nothing is cached any more are forgotten.
func TestBlocksRoots(t *testing.T) {
	b := newBlocks(4, 2, noCopy)
	for i := range 1000 {
		tb := compute(t, b, string(rune('a'+i)), "xyz")
		b.release(tb)
	}
	mustCheck(t, b)
	if len(b.roots) > 10 {
		t.Errorf("%d keys are kept for %d blocks", len(b.roots), len(b.index))
	}
	var tb table
	if n := b.match(&tb, string(rune('a'+999)), ids("xyz"), 2); n != 2 {
		t.Errorf("%d tokens of the latest key", n)
	}
}

// What a released sequence, or one that goes on otherwise, has in common with another of its owner within
// a block is copied; nobody else gets it.
func TestBlocksPart(t *testing.T) {
	var copied []int32
	b := newBlocks(8, 4, func(dst, src int32) { copied = append(copied, dst, src) })
	first := compute(t, b, "base", "abcdefghij")
	held := slices.Clone(first.blocks)
	ask := func(key, owner, s string, want int, from ...int32) {
		t.Helper()
		copied = nil
		var tb table
		b.match(&tb, key, ids(s), len(s)-1)
		if !b.grow(&tb, len(s)) {
			t.Fatalf("no room for %q", s)
		}
		if got := b.matchPart(&tb, key, owner, ids(s), len(s)-1); got != want {
			t.Errorf("%s of %q under %q: %d tokens, want %d", s, owner, key, got, want)
		}
		if len(from) > 0 {
			from = []int32{tb.blocks[tb.done], from[0]}
		}
		if !slices.Equal(copied, from) {
			t.Errorf("%s of %q under %q: copied %v, want %v", s, owner, key, copied, from)
		}
		if first.blocks != nil {
			mustCheck(t, b, first, &tb)
		} else {
			mustCheck(t, b, &tb)
		}
		b.release(&tb)
	}
	ask("base", "", "abcdefgX", 7, held[1])
	ask("base", "", "abX", 2, held[0])
	ask("base", "", "abcd", 3, held[0]) // never all tokens
	ask("base", "", "abcdefghij", 8)    // its last block is still written to
	ask("base", "else", "abcdefgX", 4)  // full blocks are anybody's
	ask("base", "else", "abX", 0)       // parts are not
	ask("adapter", "", "abX", 0)        // other numbers
	ask("base", "", "Xbcdefgh", 0)      // no beginning
	b.keep(first, "base", "", ids("abcdefghij"), 10)
	b.release(first)
	first.blocks = nil
	ask("base", "", "abcdefghijk", 10, held[2])
	ask("base", "", "abcdefghiX", 9, held[2])
	ask("base", "", "abcdefghij", 9, held[2])
	ask("base", "else", "abcdefghij", 8)
	again := compute(t, b, "base", "abcdefghij")
	held = slices.Clone(again.blocks)
	b.keep(again, "base", "else", ids("abcdefghij"), 10)
	b.release(again)
	ask("base", "else", "abcdefghij", 9, held[2]) // everybody has their own
	b.noCache = true
	ask("base", "", "abcdefgX", 0)
}

// Random sequences come, grow and go; the invariants hold after every change,
// and a match is always what the tokens say.
func TestBlocksRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	type live struct {
		ids        []int32
		key, owner string
		t          *table
	}
	var all []*live
	holds := map[int32][]int32{}                           // block -> all tokens up to its end, as last committed or kept
	owners, seen := map[int32]string{}, map[int32]uint64{} // of the node of a block
	var copied []int32
	b := newBlocks(24, 3, func(dst, src int32) { copied = append(copied, src) })
	var lent [][]int32
	hits, parts := 0, 0
	own := func(l *live, blk int32, n int) {
		if node := b.meta[blk].node; seen[blk] != node {
			seen[blk], owners[blk] = node, l.owner
			holds[blk] = append([]int32{int32(l.key[0])}, l.ids[:n]...)
		}
	}
	for range 20_000 {
		switch op := rnd.IntN(5); {
		case op == 3:
			before := b.available()
			n := 1 + rnd.IntN(5)
			ids, ok := b.lend(n)
			if ok != (n <= before) || ok && (len(ids) != n || b.available() != before-n) {
				t.Fatalf("%d of %d blocks: lent %v, %v", n, before, ids, ok)
			}
			for _, i := range ids {
				delete(holds, i)
			}
			if ok {
				lent = append(lent, ids)
			}
		case op == 4 && len(lent) > 0:
			b.takeBack(lent[0])
			lent = lent[1:]
		case op == 0 && len(all) < 6:
			l := &live{key: []string{"p", "q"}[rnd.IntN(2)], owner: []string{"x", "y"}[rnd.IntN(2)], t: &table{}}
			for range 1 + rnd.IntN(14) {
				l.ids = append(l.ids, int32(rnd.IntN(2)))
			}
			n := b.match(l.t, l.key, l.ids, len(l.ids)-1)
			hits += n
			for i, blk := range l.t.blocks {
				want := append([]int32{int32(l.key[0])}, l.ids[:(i+1)*3]...)
				if !slices.Equal(holds[blk], want) {
					t.Fatalf("block %d holds %v, matched for %v", blk, holds[blk], want)
				}
			}
			if !b.grow(l.t, len(l.ids)) {
				b.release(l.t)
				break
			}
			copied = nil
			got := b.matchPart(l.t, l.key, l.owner, l.ids, len(l.ids)-1)
			if got == n && copied != nil || got > n && len(copied) != 1 || got < n || got >= len(l.ids) {
				t.Fatalf("%d tokens, then %d of %v, of blocks %v", n, got, l.ids, copied)
			}
			if got > n {
				parts++
				want := append([]int32{int32(l.key[0])}, l.ids[:got]...)
				if blk := copied[0]; owners[blk] != l.owner || len(holds[blk]) < len(want) || !slices.Equal(holds[blk][:len(want)], want) {
					t.Fatalf("block %d of %q holds %v, copied for %v of %q", blk, owners[blk], holds[blk], want, l.owner)
				}
			}
			all = append(all, l)
		case op == 1 && len(all) > 0:
			l := all[rnd.IntN(len(all))]
			if b.grow(l.t, len(l.ids)+1) {
				l.ids = append(l.ids, int32(rnd.IntN(2)))
				b.commit(l.t, l.key, l.owner, l.ids, len(l.ids))
				for i, blk := range l.t.blocks[:l.t.done] {
					own(l, blk, (i+1)*3)
				}
			}
		case op == 2 && len(all) > 0:
			i := rnd.IntN(len(all))
			l := all[i]
			b.keep(l.t, l.key, l.owner, l.ids, len(l.ids))
			if done := l.t.done; done < len(l.t.blocks) && b.meta[l.t.blocks[done]].node > 0 {
				own(l, l.t.blocks[done], len(l.ids))
			}
			b.release(l.t)
			all = slices.Delete(all, i, i+1)
		}
		var tables []*table
		for _, l := range all {
			tables = append(tables, l.t)
		}
		mustCheck(t, b, tables...)
	}
	if hits == 0 || parts == 0 {
		t.Errorf("%d hits and %d copies in the whole test", hits, parts)
	}
}
