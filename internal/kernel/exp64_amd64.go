//go:build amd64 && !purego

package kernel

//go:noescape
func expScaledAVX2(y *float64, x *float32, n int, shift, scale float64, series *float64)

// expScaledFast computes the first numbers of y with the path in use and says how many.
func expScaledFast(y []float64, x []float32, shift, scale float64) int {
	n := len(x) &^ 3
	if isa == pathGeneric || n == 0 {
		return 0
	}
	expScaledAVX2(&y[0], &x[0], n, shift, scale, &expSeries[0])
	return n
}
