//go:build amd64 && !purego

package kernel

//go:noescape
func softmaxTriangleAVX512(t *softmaxTriangle)

//go:noescape
func softmaxBackAVX512(t *softmaxRowsBack)

// softmaxTriangleFast reports whether it turned the scores into weights.
func softmaxTriangleFast(p []float32, row, n, to, end int, scale float32) bool {
	if isa != pathAVX512 {
		return false
	}
	_ = p[(n-1)*row+end-1]
	softmaxTriangleAVX512(&softmaxTriangle{&p[0], 4 * row, n, to, end, scale})
	return true
}

// softmaxBackFast reports whether it turned the gradients by weights into those by scores.
func softmaxBackFast(p, g []float32, row, n, end int, scale float32) bool {
	if isa != pathAVX512 {
		return false
	}
	_, _ = p[(n-1)*row+end-1], g[(n-1)*row+end-1]
	softmaxBackAVX512(&softmaxRowsBack{&p[0], &g[0], 4 * row, n, end, scale})
	return true
}
