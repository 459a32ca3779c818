package kernel

import (
	"sync"
	"unsafe"
	"weak"
)

// Weights are read from end to end for each token. In pages of 4 KiB a third of that
// time goes into finding pages, so they are kept where the operating system may
// use pages of 2 MiB: in pieces of Go's heap that are large enough and marked before
// they are first touched.

// hugeChunk is how much is marked at a time for matrices that are smaller.
const hugeChunk = 32 << 20

var huge struct {
	sync.Mutex
	chunk weak.Pointer[[hugeChunk]byte] // matrices alone keep it
	used  int
}

// hugeBytes is n zeroed bytes.
func hugeBytes(n int) []byte {
	if n > hugeChunk/4 {
		b := make([]byte, n)
		adviseHuge(b)
		return b
	}
	huge.Lock()
	defer huge.Unlock()
	c := huge.chunk.Value()
	if c == nil || huge.used+n > hugeChunk {
		c = new([hugeChunk]byte)
		adviseHuge(c[:])
		huge.chunk, huge.used = weak.Make(c), 0
	}
	b := c[huge.used:][:n:n]
	huge.used += (n + 63) / 64 * 64
	return b
}

// hugeFloats is n zeroed numbers in large pages, where there are enough of them.
func hugeFloats(n int) []float32 {
	x := make([]float32, n)
	if n > 0 {
		adviseHuge(unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 4*n))
	}
	return x
}
