package native

import (
	"math/rand/v2"
	"slices"
	"testing"
)

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
	b.commit(tb, key, ids(s), len(s))
	return tb
}

func mustCheck(t *testing.T, b *blocks, tables ...*table) {
	t.Helper()
	if err := b.check(tables); err != nil {
		t.Fatal(err)
	}
}

func TestBlocksPrefix(t *testing.T) {
	b := newBlocks(8, 4)
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
	b := newBlocks(8, 4)
	var x, y table
	b.grow(&x, 9)
	b.grow(&y, 9)
	b.commit(&x, "k", ids("abcdefghi"), 9)
	b.commit(&y, "k", ids("abcdefghi"), 9)
	mustCheck(t, b, &x, &y)
	if !slices.Equal(x.blocks[:2], y.blocks[:2]) || x.blocks[2] == y.blocks[2] || b.used() != 4 {
		t.Errorf("blocks %v and %v, %d used; want the full ones shared, 4 used", x.blocks, y.blocks, b.used())
	}
}

func TestBlocksEviction(t *testing.T) {
	b := newBlocks(4, 2)
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
	b := newBlocks(4, 2)
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
	b.commit(&other, "k", ids("xyz"), 3)
	mustCheck(t, b, tb, &other)
	if other.done != 0 || other.blocks[0] == tb.blocks[0] {
		t.Errorf("the colliding block was shared")
	}
}

func TestBlocksNoCache(t *testing.T) {
	b := newBlocks(4, 2)
	b.noCache = true
	b.release(compute(t, b, "k", "abcd"))
	if len(b.free) != 4 {
		t.Errorf("%d blocks free, want all", len(b.free))
	}
}

// A cache that is built anew keeps what is lent.
func TestBlocksRenewed(t *testing.T) {
	b := newBlocks(8, 4)
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
	b := newBlocks(4, 2)
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

// Random sequences come, grow and go; the invariants hold after every change,
// and a match is always what the tokens say.
func TestBlocksRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	b := newBlocks(24, 3)
	type live struct {
		ids []int32
		key string
		t   *table
	}
	var all []*live
	owner := map[int32][]int32{} // block -> all tokens up to its end, as last committed
	var lent [][]int32
	hits := 0
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
				delete(owner, i)
			}
			if ok {
				lent = append(lent, ids)
			}
		case op == 4 && len(lent) > 0:
			b.takeBack(lent[0])
			lent = lent[1:]
		case op == 0 && len(all) < 6:
			l := &live{key: []string{"p", "q"}[rnd.IntN(2)], t: &table{}}
			for range 1 + rnd.IntN(14) {
				l.ids = append(l.ids, int32(rnd.IntN(2)))
			}
			n := b.match(l.t, l.key, l.ids, len(l.ids)-1)
			hits += n
			for i, blk := range l.t.blocks {
				want := append([]int32{int32(l.key[0])}, l.ids[:(i+1)*3]...)
				if !slices.Equal(owner[blk], want) {
					t.Fatalf("block %d holds %v, matched for %v", blk, owner[blk], want)
				}
			}
			if !b.grow(l.t, len(l.ids)) {
				b.release(l.t)
				break
			}
			all = append(all, l)
		case op == 1 && len(all) > 0:
			l := all[rnd.IntN(len(all))]
			if b.grow(l.t, len(l.ids)+1) {
				l.ids = append(l.ids, int32(rnd.IntN(2)))
				b.commit(l.t, l.key, l.ids, len(l.ids))
				for i, blk := range l.t.blocks[:l.t.done] {
					owner[blk] = append([]int32{int32(l.key[0])}, l.ids[:(i+1)*3]...)
				}
			}
		case op == 2 && len(all) > 0:
			i := rnd.IntN(len(all))
			b.release(all[i].t)
			all = slices.Delete(all, i, i+1)
		}
		var tables []*table
		for _, l := range all {
			tables = append(tables, l.t)
		}
		mustCheck(t, b, tables...)
	}
	if hits == 0 {
		t.Error("no hit in the whole test")
	}
}
