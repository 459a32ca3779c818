package kernel

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestStoreRows: rows of spans that begin and end anywhere in a block become the bytes that
// Store makes of them token by token, and no others are touched.
func TestStoreRows(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	for _, typ := range []Type{F32, F16, BF16, Q8_0, Q16} {
		for _, headDim := range []int{32, 64, 160, 192} {
			if typ == Q16 && !digitable(headDim) {
				continue
			}
			const blockLen, kvHeads, rows = 32, 3, 200
			rng := rand.New(rand.NewPCG(23, uint64(headDim)))
			fresh := func() *KV {
				kv := &KV{Type: typ, BlockLen: blockLen, KVHeads: kvHeads, HeadDim: headDim}
				kv.K, kv.V = make([]byte, 16*kv.BlockBytes()), make([]byte, 16*kv.BlockBytes())
				for i := range kv.K {
					kv.K[i], kv.V[i] = byte(i), byte(i/7)
				}
				return kv
			}
			k, v := randomActs(rng, rows, kvHeads*headDim), randomActs(rng, rows, kvHeads*headDim)
			spans := []Span{
				{Row: 0, Len: 1, Past: 31, Blocks: []int32{4}},
				{Row: 1, Len: 3, Past: 30, Blocks: []int32{6, 0}},
				{Row: 4, Len: 130, Past: 5, Blocks: []int32{9, 2, 3, 5, 1}},
				{Row: 134, Len: 64, Past: 0, Blocks: []int32{7, 8}},
				{Row: 198, Len: 2, Past: 64, Blocks: []int32{0, 0, 10}},
			}
			want := fresh()
			before := Impl()
			if err := Use("generic"); err != nil {
				t.Fatal(err)
			}
			for _, s := range spans {
				for i := range s.Len {
					at, row, n := s.Past+i, s.Row+i, kvHeads*headDim
					want.Store(int(s.Blocks[at/blockLen]), at%blockLen, k[row*n:(row+1)*n], v[row*n:(row+1)*n])
				}
			}
			if err := Use(before); err != nil {
				t.Fatal(err)
			}
			few := spans[:2]
			eachImpl(t, func(t *testing.T) {
				have := fresh()
				have.StoreRows(p, k, v, few) // few rows are dealt in other pieces
				have.StoreRows(p, k, v, spans)
				if !bytes.Equal(have.K, want.K) || !bytes.Equal(have.V, want.V) {
					t.Errorf("%v, heads of %d: blocks differ from those of Store", typ, headDim)
				}
			})
		}
	}
}
