//go:build !linux

package kernel

// mapHuge is ordinary memory: where large pages are had by asking is not known.
func mapHuge(n int) *hugeArena { return &hugeArena{make([]byte, n)} }
