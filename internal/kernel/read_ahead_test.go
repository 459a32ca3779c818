package kernel

import (
	"fmt"
	"testing"
	"unsafe"
)

// TestReadAhead: places are in all of what comes next, and while as much is computed,
// kernels go through them evenly, once however many queries there are.
func TestReadAhead(t *testing.T) {
	if a := new(readAhead); unsafe.Sizeof(*a) != 64 || uintptr(unsafe.Pointer(a))%64 != 0 {
		t.Fatalf("%d bytes at %p: kernels want a multiple of 32", unsafe.Sizeof(*a), a)
	}
	ran := false
	for _, blockLen := range []int{32, 64, 128} {
		for n := 1; n <= 8; n++ {
			const d, heads = 64, 3
			kv := &KV{Type: F16, BlockLen: blockLen, KVHeads: heads, HeadDim: d}
			if !kv.direct(n) {
				continue
			}
			ran = true
			blocks := []int32{2, 0, 1, 3}[:chunkLen/blockLen]
			kv.K = make([]byte, 4*kv.BlockBytes())
			a := new(readAhead)
			a.places(kv, kv.K, blocks, 1)
			was := a.at
			start := addressOf(kv.K, 0)
			quarter := uintptr(chunkLen * d * 2 / 4)
			seen, want := map[uintptr]bool{}, map[uintptr]bool{}
			for _, at := range was {
				seen[(at-start)/quarter] = true
			}
			for _, b := range blocks {
				first := uintptr(kv.at(int(b), 1))
				for at := first; at < first+uintptr(kv.headBytes()); at += quarter {
					want[at/quarter] = true
				}
			}
			if fmt.Sprint(seen) != fmt.Sprint(want) {
				t.Errorf("blocks of %d: quarters %v, want %v", blockLen, seen, want)
			}
			x := make([]float32, 8*chunkLen)
			for range blocks {
				kv.scoresDirect(x, x, kv.head(kv.K, 0, 0), n, a)
			}
			for i, at := range a.at {
				if at-was[i] != quarter {
					t.Errorf("blocks of %d, %d queries: keys went through %d bytes of place %d, want %d", blockLen, n, at-was[i], i, quarter)
				}
			}
			for range blocks {
				kv.valuesDirect(x, x, kv.head(kv.K, 0, 0), min(n, 4), 0, blockLen, a)
			}
			for i, at := range a.at {
				if at-was[i] != 2*quarter {
					t.Errorf("blocks of %d, %d queries: values went through %d bytes of place %d, want %d", blockLen, n, at-was[i]-quarter, i, quarter)
				}
			}
		}
	}
	if !ran {
		t.Skip("this path decodes keys and values first")
	}
}
