//go:build !amd64 || purego

package kernel

// maxExpand is how many rows an expand kernel takes at most.
const maxExpand = 4

// There is no assembly for this machine.

func (s *shrinking) fast(t *lowTile, z, x []float32) { s.generic(t, z, x) }

func expandFast(y []float32, yStride int, z []float32, zStride int, w []byte, b *Up, n int) bool {
	return false
}
