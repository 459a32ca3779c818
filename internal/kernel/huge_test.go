package kernel

import (
	"runtime"
	"testing"
	"unsafe"
)

// Pieces are zero, apart from each other, and apart by cache lines; what nobody
// holds goes back to Go.
func TestHugeBytes(t *testing.T) {
	var all [][]byte
	for _, n := range []int{1, 64, 65, 1 << 20, hugeChunk / 4, hugeChunk / 4, hugeChunk / 4, hugeChunk / 4, hugeChunk/4 + 1, hugeChunk + 5} {
		b := hugeBytes(n)
		if len(b) != n || cap(b) != n && n <= hugeChunk/4 {
			t.Fatalf("%d bytes: length %d, capacity %d", n, len(b), cap(b))
		}
		if at := uintptr(unsafe.Pointer(&b[0])); at%64 != 0 {
			t.Errorf("%d bytes begin at %#x, within a cache line", n, at)
		}
		for _, i := range []int{0, n / 2, n - 1} {
			if b[i] != 0 {
				t.Fatalf("%d bytes: byte %d is %d", n, i, b[i])
			}
		}
		b[0], b[n-1] = byte(len(all)+1), byte(len(all)+1)
		all = append(all, b)
	}
	for i, b := range all {
		if want := byte(i + 1); b[0] != want || b[len(b)-1] != want {
			t.Errorf("piece %d was written over: %d and %d", i, b[0], b[len(b)-1])
		}
	}
	all = nil
	runtime.GC()
	if huge.chunk.Value() != nil {
		t.Error("a chunk without matrices is still held")
	}
}
