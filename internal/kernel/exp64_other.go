//go:build !amd64 || purego

package kernel

// expScaledFast computes none.
func expScaledFast(y []float64, x []float32, shift, scale float64) int { return 0 }
