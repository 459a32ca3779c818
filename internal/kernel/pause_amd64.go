//go:build !purego

package kernel

// pause tells the processor that this is a waiting loop: it then leaves memory
// and a sibling thread alone for some hundred cycles.
//
//go:noescape
func pause()
