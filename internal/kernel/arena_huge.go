package kernel

// hugePage is what most systems call a large page.
const hugePage = 2 << 20

// hugeArena is zeroed memory that begins on a large page. Whoever has a part of Bytes
// keeps the arena too: when nobody does, the system has the memory back.
type hugeArena struct{ Bytes []byte }

// newHugeArena is for n bytes; there are more if the last large page is nearly full.
// Small pieces of memory would gain nothing and are ordinary.
func newHugeArena(n int) *hugeArena {
	if n < hugePage/2 {
		return &hugeArena{make([]byte, n)}
	}
	if whole := (n + hugePage - 1) / hugePage * hugePage; whole-n <= n/6 {
		n = whole
	}
	return mapHuge(n)
}
