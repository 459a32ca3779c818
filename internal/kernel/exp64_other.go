//go:build !amd64 || purego

package kernel

// expScaledFast computes none.
func expScaledFast(sums *[4]float64, y []float64, x []float32, shift, scale float64) int { return 0 }
