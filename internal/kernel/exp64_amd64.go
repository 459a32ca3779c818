//go:build amd64 && !purego

package kernel

//go:noescape
func expScaledAVX2(sums, y *float64, x *float32, n int, shift, scale float64, series *float64)

//go:noescape
func expScaledAVX512(sums, y *float64, x *float32, n int, shift, scale float64, series *float64)

// expScaledFast computes the first numbers of y with the path in use, adds them to sums and says how many.
func expScaledFast(sums *[4]float64, y []float64, x []float32, shift, scale float64) int {
	n := len(x) &^ 3
	if isa == pathGeneric || n == 0 {
		return 0
	}
	wide := 0
	if isa == pathAVX512 {
		if wide = n &^ 15; wide > 0 {
			expScaledAVX512(&sums[0], &y[0], &x[0], wide, shift, scale, &expSeries[0])
		}
	}
	if wide < n {
		expScaledAVX2(&sums[0], &y[wide], &x[wide], n-wide, shift, scale, &expSeries[0])
	}
	return n
}
