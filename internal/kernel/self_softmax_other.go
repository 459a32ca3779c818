//go:build !amd64 || purego

package kernel

func softmaxTriangleFast(p []float32, row, n, to, end int, scale float32) bool { return false }

func softmaxBackFast(p, g []float32, row, n, end int, scale float32) bool { return false }
