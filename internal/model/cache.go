package model

import (
	"fmt"
	"math"

	"graft/internal/kernel"
)

// CacheSpec is the size of a Cache.
type CacheSpec struct {
	Layers   int
	KVHeads  int         // G
	HeadDim  int         // K
	Type     kernel.Type // F32, F16, BF16, Q16 or Q8_0
	BlockLen int         // tokens in a block: 16, 32, 64 or 128
	Blocks   int
}

// CacheSpec describes a cache for this model. With kernel.AutoKV the type is the best there is.
func (m *Model) CacheSpec(typ kernel.Type, blockLen, blocks int) CacheSpec {
	if typ == kernel.AutoKV {
		typ = kernel.BestKV(m.Config.HeadDim)
	}
	return CacheSpec{
		Layers: m.Config.Layers, KVHeads: m.Config.KVHeads, HeadDim: m.Config.HeadDim,
		Type: typ, BlockLen: blockLen, Blocks: blocks,
	}
}

func (s *CacheSpec) layer() kernel.KV {
	return kernel.KV{Type: s.Type, BlockLen: s.BlockLen, KVHeads: s.KVHeads, HeadDim: s.HeadDim}
}

// Check returns an error when there can be no such cache.
func (s *CacheSpec) Check() error {
	kv := s.layer()
	if err := kv.Check(); err != nil {
		return fmt.Errorf("cache of keys and values: %w", err)
	}
	if s.Layers < 1 || s.Blocks < 1 || s.Blocks > math.MaxInt32 || s.Blocks > math.MaxInt/4/s.Layers/kv.BlockBytes() {
		return fmt.Errorf("cache of keys and values: %d layers of %d blocks", s.Layers, s.Blocks)
	}
	return nil
}

// BlockBytes is the memory of one block in all layers, keys and values together.
func (s *CacheSpec) BlockBytes() int64 {
	kv := s.layer()
	return 2 * int64(s.Layers) * int64(kv.BlockBytes())
}

// Bytes is the memory of the whole cache.
func (s *CacheSpec) Bytes() int64 { return int64(s.Blocks) * s.BlockBytes() }

// Cache holds keys and values of all layers in blocks of tokens. Which block
// belongs to which sequence is the business of its user: a batch names the blocks
// of each segment. It serves one goroutine at a time.
//
// All of a block lies together, so that its memory can be lent to something else:
//
//	[Blocks][Layers][K, V] of kernel.KV's block
type Cache struct {
	CacheSpec
	slab   *kernel.Slab
	layers []kernel.KV
}

// NewCache reserves a cache, which lasts until Close. The operating system gives
// it memory page by page, as blocks are first written.
func NewCache(s CacheSpec) (*Cache, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	slab, err := kernel.NewSlab(int(s.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("cache of keys and values: %w", err)
	}
	c := &Cache{CacheSpec: s, slab: slab, layers: make([]kernel.KV, s.Layers)}
	for i := range c.layers {
		kv := s.layer()
		n := kv.BlockBytes()
		kv.Stride = int(s.BlockBytes())
		kv.K, kv.V = slab.Bytes[2*i*n:], slab.Bytes[(2*i+1)*n:]
		c.layers[i] = kv
	}
	return c, nil
}

// Close gives the memory back. Nobody may compute with the cache any more.
func (c *Cache) Close() error {
	c.layers = nil
	return c.slab.Close()
}

// Release gives the memory of blocks back to the operating system, as far as it
// does that. What was in them is lost; they can be written again. Unlike the rest
// it may be called while others compute, as long as nobody uses these blocks.
func (c *Cache) Release(blocks []int32) {
	n := int(c.BlockBytes())
	for _, b := range blocks {
		c.slab.Release(int(b)*n, n)
	}
}

// CopyBlock makes block dst a copy of block src, in all layers.
func (c *Cache) CopyBlock(dst, src int32) {
	n := int(c.BlockBytes())
	copy(c.slab.Bytes[int(dst)*n:][:n], c.slab.Bytes[int(src)*n:][:n])
}
