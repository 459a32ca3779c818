package tokenizer

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
)

const (
	maxCachedPiece = 48      // bytes
	cacheSlots     = 1 << 14 // with pieces of the longest kind about 5 MiB
)

// pieceCache remembers the tokens of pieces. Each piece has one slot by its
// hash, and the latest in a slot stays, so that the cache is bounded and needs
// no locks.
type pieceCache struct {
	seed  maphash.Seed
	slots [cacheSlots]atomic.Pointer[cachedPiece]
}

type cachedPiece struct {
	piece string
	ids   []int32
}

func newPieceCache() *pieceCache { return &pieceCache{seed: maphash.MakeSeed()} }

func (c *pieceCache) hash(piece string) uint64 { return maphash.String(c.seed, piece) }

func (c *pieceCache) get(hash uint64, piece string) ([]int32, bool) {
	if p := c.slots[hash%cacheSlots].Load(); p != nil && p.piece == piece {
		return p.ids, true
	}
	return nil, false
}

func (c *pieceCache) put(hash uint64, piece string, ids []int32) {
	c.slots[hash%cacheSlots].Store(&cachedPiece{strings.Clone(piece), slices.Clone(ids)})
}
