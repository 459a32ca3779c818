//go:build purego || !amd64

package kernel

func pause() {}

func prefetch([]byte) {}

func prefetchFar([]byte) {}

// Soon does nothing.
func Soon[T any]([]T) {}

func addressOf([]byte, int) uintptr { return 0 }
