//go:build !purego

package kernel

import "unsafe"

// pause tells the processor that this is a waiting loop: it then leaves memory
// and a sibling thread alone for some hundred cycles.
//
//go:noescape
func pause()

// prefetch asks for b to be brought near, and does not wait for it. What is used once,
// a few lines at a time, is otherwise waited for line by line: the processor's own
// prefetching needs longer runs to begin.
//
//go:noescape
func prefetch(b []byte)

// prefetchFar asks for b to be brought as near as the second cache, for later.
//
//go:noescape
func prefetchFar(b []byte)

// Soon asks for the memory of v itself, not what it points to, as prefetch does.
func Soon[T any](v []T) {
	if len(v) > 0 {
		prefetch(unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*int(unsafe.Sizeof(v[0]))))
	}
}

// addressOf is where b[i] is, for readAhead.
func addressOf(b []byte, i int) uintptr {
	return uintptr(unsafe.Pointer(unsafe.SliceData(b))) + uintptr(i)
}
