//go:build !purego

package kernel

import (
	"math"
	"unsafe"
)

//go:noescape
func mulScaledAVX2(y, x, w *float32, s float32, n int)

//go:noescape
func scaleAVX2(y, x *float32, s float32, n int)

//go:noescape
func shiftAVX2(y, x *float32, s float32, n int)

//go:noescape
func addAVX2(y, a, b *float32, n int)

//go:noescape
func mulAddAVX2(y, a *float32, w float32, b *float32, n int)

//go:noescape
func rotateAVX2(y, x, cos, sin *float32, half, n int)

//go:noescape
func dotLanesAVX2(sum *[16]float32, x, y *float32, n int)

//go:noescape
func sumLanesAVX2(sum *[16]float32, x *float32, n int)

//go:noescape
func sumWideAVX2(sum *[16]float64, x *float32, n int)

//go:noescape
func maxLanesAVX2(top *[16]float32, x *float32, n int)

//go:noescape
func largestAVX2(x *float32, n int) float32

//go:noescape
func siluAVX2(y, x, w *float32, n int)

//go:noescape
func geluAVX2(y, x, w *float32, n int)

//go:noescape
func geluTanhAVX2(y, x, w *float32, n int)

//go:noescape
func tanhAVX2(y, x, w *float32, n int)

//go:noescape
func softCapAVX2(y, x *float32, c float32, n int)

//go:noescape
func expShiftedAVX2(y, x *float32, m float32, n int)

//go:noescape
func siluBackAVX2(t *gluBackStep)

//go:noescape
func siluAVX512(y, x, w *float32, n int)

//go:noescape
func siluBackAVX512(t *gluBackStep)

//go:noescape
func expShiftedAVX512(y, x *float32, m float32, n int)

//go:noescape
func decodeF16AVX2(dst *float32, src *byte, n int)

//go:noescape
func encodeF16AVX2(dst *byte, src *float32, n int)

//go:noescape
func decodeBF16AVX2(dst *float32, src *byte, n int)

//go:noescape
func decodeKeysQ8AVX2(dst *float32, q, scales *byte, blockLen, groups int)

//go:noescape
func decodeValuesQ8AVX2(dst *float32, q, scales *byte, groups int)

//go:noescape
func decodeKeysQ8AVX512(dst *float32, q, scales *byte, blockLen, groups int)

//go:noescape
func decodeValuesQ8AVX512(dst *float32, q, scales *byte, groups int)

// vectors is how many of n numbers assembly computes that takes step at a time;
// the rest is left to portable code.
func vectors(n, step int) int {
	if isa == pathGeneric {
		return 0
	}
	return n &^ (step - 1)
}

func mulScaledFast(y, x, w []float32, s float32) int {
	n := vectors(len(x), 8)
	if n > 0 {
		_, _ = y[n-1], w[n-1]
		mulScaledAVX2(&y[0], &x[0], &w[0], s, n)
	}
	return n
}

func scaleFast(y, x []float32, s float32) int {
	n := vectors(len(x), 8)
	if n > 0 {
		_ = y[n-1]
		scaleAVX2(&y[0], &x[0], s, n)
	}
	return n
}

func shiftFast(y, x []float32, s float32) int {
	n := vectors(len(x), 8)
	if n > 0 {
		_ = y[n-1]
		shiftAVX2(&y[0], &x[0], s, n)
	}
	return n
}

func addFast(y, a, b []float32) int {
	n := vectors(len(a), 8)
	if n > 0 {
		_, _ = y[n-1], b[n-1]
		addAVX2(&y[0], &a[0], &b[0], n)
	}
	return n
}

func mulAddFast(y, a []float32, w float32, b []float32) int {
	n := vectors(len(a), 8)
	if n > 0 {
		_, _ = y[n-1], b[n-1]
		mulAddAVX2(&y[0], &a[0], w, &b[0], n)
	}
	return n
}

func rotateFast(y, x, cos, sin []float32) int {
	n := vectors(len(cos), 8)
	if n > 0 {
		_, _, _ = y[2*len(cos)-1], x[2*len(cos)-1], sin[n-1]
		rotateAVX2(&y[0], &x[0], &cos[0], &sin[0], len(cos), n)
	}
	return n
}

func dotLanes(sum *[lanes]float32, x, y []float32) int {
	n := vectors(len(x), lanes)
	if n > 0 {
		_ = y[n-1]
		dotLanesAVX2(sum, &x[0], &y[0], n)
	}
	return n
}

func sumLanes(sum *[lanes]float32, x []float32) int {
	n := vectors(len(x), lanes)
	if n > 0 {
		sumLanesAVX2(sum, &x[0], n)
	}
	return n
}

func sumWide(sum *[lanes]float64, x []float32) int {
	n := vectors(len(x), lanes)
	if n > 0 {
		sumWideAVX2(sum, &x[0], n)
	}
	return n
}

func maxLanes(top *[lanes]float32, x []float32) int {
	n := vectors(len(x), lanes)
	if n > 0 {
		maxLanesAVX2(top, &x[0], n)
	}
	return n
}

// largestFast is the largest of the first n numbers, NaN if there is one, -Inf of none.
func largestFast(x []float32) (top float32, n int) {
	if n = vectors(len(x), 32); n == 0 {
		return float32(math.Inf(-1)), 0
	}
	return largestAVX2(&x[0], n), n
}

func softCapFast(y, x []float32, c float32) int {
	n := vectors(len(x), 8)
	if n > 0 {
		_ = y[n-1]
		softCapAVX2(&y[0], &x[0], c, n)
	}
	return n
}

func expShiftedFast(y, x []float32, m float32) int {
	n := vectors(len(x), 8)
	if n > 0 {
		_ = y[n-1]
	}
	from := 0
	if isa == pathAVX512 && n >= 16 {
		from = n &^ 15
		expShiftedAVX512(&y[0], &x[0], m, from)
	}
	if from < n {
		expShiftedAVX2(&y[from], &x[from], m, n-from)
	}
	return n
}

// siluBackFast is silu's part of gluBack; all slices are of the same length.
func siluBackFast(gg, gu, gy, gate, up []float32) int {
	n := vectors(len(gate), 16)
	if n > 0 {
		_, _, _, _ = gg[n-1], gu[n-1], gy[n-1], up[n-1]
		t := gluBackStep{&gg[0], &gu[0], &gy[0], &gate[0], &up[0], n}
		if isa == pathAVX512 {
			siluBackAVX512(&t)
		} else {
			siluBackAVX2(&t)
		}
	}
	return n
}

var activationsAVX2 = [...]func(y, x, w *float32, n int){SiLU: siluAVX2, GELU: geluAVX2, GELUTanh: geluTanhAVX2, Tanh: tanhAVX2}

func activateFast(y, x, w []float32, act Activation) int {
	n := vectors(len(x), 8)
	if n > 0 {
		_ = y[n-1]
		var first *float32
		if w != nil {
			_ = w[n-1]
			first = &w[0]
		}
		if isa == pathAVX512 && act == SiLU && n%16 == 0 {
			siluAVX512(&y[0], &x[0], first, n)
			return n
		}
		activationsAVX2[act](&y[0], &x[0], first, n)
	}
	return n
}

// bytesOf is the memory of x, which on this machine is little-endian.
func bytesOf(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

func decodeF32Fast(dst []float32, src []byte) int {
	return copy(bytesOf(dst), src[:4*len(dst)]) / 4
}

func encodeF32Fast(dst []byte, src []float32) int {
	return copy(dst[:4*len(src)], bytesOf(src)) / 4
}

func decodeF16Fast(dst []float32, src []byte) int {
	n := vectors(len(dst), 8)
	if n > 0 {
		_ = src[2*n-1]
		decodeF16AVX2(&dst[0], &src[0], n)
	}
	return n
}

func encodeF16Fast(dst []byte, src []float32) int {
	n := vectors(len(src), 8)
	if n > 0 {
		_ = dst[2*n-1]
		encodeF16AVX2(&dst[0], &src[0], n)
	}
	return n
}

func decodeBF16Fast(dst []float32, src []byte) int {
	n := vectors(len(dst), 8)
	if n > 0 {
		_ = src[2*n-1]
		decodeBF16AVX2(&dst[0], &src[0], n)
	}
	return n
}

// decodeKeysQ8Fast reports whether it did the work of decodeKeysQ8.
func decodeKeysQ8Fast(dst []float32, q, scales []byte, blockLen, groups int) bool {
	if isa == pathGeneric {
		return false
	}
	n := groups * 32 * blockLen
	_, _, _ = dst[n-1], q[n-1], scales[2*groups*blockLen-1]
	if isa == pathAVX512 {
		decodeKeysQ8AVX512(&dst[0], &q[0], &scales[0], blockLen, groups)
	} else {
		decodeKeysQ8AVX2(&dst[0], &q[0], &scales[0], blockLen, groups)
	}
	return true
}

// decodeValuesQ8Fast reports whether it did the work of decodeValuesQ8.
func decodeValuesQ8Fast(dst []float32, q, scales []byte, groups int) bool {
	if isa == pathGeneric {
		return false
	}
	_, _, _ = dst[32*groups-1], q[32*groups-1], scales[2*groups-1]
	if isa == pathAVX512 {
		decodeValuesQ8AVX512(&dst[0], &q[0], &scales[0], groups)
	} else {
		decodeValuesQ8AVX2(&dst[0], &q[0], &scales[0], groups)
	}
	return true
}
