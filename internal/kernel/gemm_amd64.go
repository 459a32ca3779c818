//go:build amd64 && !purego

package kernel

import "golang.org/x/sys/cpu"

//go:noescape
func gemm12x32AVX512(t *gemmTile)

//go:noescape
func gemm12x16AVX512(t *gemmTile)

//go:noescape
func gemmPairs12x32AVX512(t *gemmTile)

//go:noescape
func gemmPairs12x16AVX512(t *gemmTile)

//go:noescape
func pairAlongAVX512(dst, src *float32, n int)

//go:noescape
func pairRowsAVX512(dst, src *float32, row, cols, n int)

//go:noescape
func floatBandAVX512(dst, src *float32, row, n int)

//go:noescape
func pairBandAVX512(dst, src *float32, row, n int)

//go:noescape
func gemm6x16AVX2(t *gemmTile)

//go:noescape
func gemmWholes6x16AVX2(t *gemmTile)

//go:noescape
func wholesAlongAVX2(dst, src *float32, n int) (scale float32)

//go:noescape
func wholesDownAVX2(dst, scales, src *float32, row, n int)

//go:noescape
func expandAVX512(e *expansion)

//go:noescape
func expandAVX2(e *expansion)

//go:noescape
func transpose16AVX2(dst *float32, dstRow int, src *float32, srcRow int)

//go:noescape
func transpose16AVX512(dst *float32, dstRow int, src *float32, srcRow int)

// run computes the tile with the path in use.
func (t *gemmTile) run(width int) {
	switch {
	case t.pairs == wholePairs && isa == pathGeneric:
		t.wholes(width)
	case t.pairs == wholePairs:
		t.quarters(width)
	case t.pairs == halfPairs && width == 16:
		gemmPairs12x16AVX512(t)
	case t.pairs == halfPairs:
		gemmPairs12x32AVX512(t)
	case isa == pathGeneric:
		t.generic(width)
	case isa == pathAVX2:
		t.quarters(width)
	case width == 16:
		gemm12x16AVX512(t)
	default:
		gemm12x32AVX512(t)
	}
}

// quarters computes the tile in parts of six rows and sixteen columns.
func (t *gemmTile) quarters(width int) {
	for i := 0; i < gemmRows; i += 6 {
		for j := 0; j < width; j += 16 {
			q := *t
			q.a, q.b, q.c = ahead(t.a, i*t.aRow), ahead(t.b, j), ahead(t.c, i*t.cRow+j)
			if t.pairs == wholePairs {
				q.aScale, q.bScale = ahead(t.aScale, i), ahead(t.bScale, j)
				gemmWholes6x16AVX2(&q)
			} else {
				gemm6x16AVX2(&q)
			}
		}
	}
}

// run expands with the path in use.
func (e *expansion) run() {
	switch isa {
	case pathAVX512:
		expandAVX512(e)
	case pathAVX2:
		expandAVX2(e)
	default:
		e.generic()
	}
}

// transpose16 is dst [16, 16] = srcᵀ, rows dstRow and srcRow apart.
func transpose16(dst []float32, dstRow int, src []float32, srcRow int) {
	if isa == pathGeneric {
		transpose16Generic(dst, dstRow, src, srcRow)
		return
	}
	_, _ = dst[15*dstRow+15], src[15*srcRow+15]
	if isa == pathAVX2 {
		transpose16AVX2(&dst[0], dstRow, &src[0], srcRow)
		return
	}
	transpose16AVX512(&dst[0], dstRow, &src[0], srcRow)
}

// transposesRows tells that rows of dst may overlap in transpose16, twelve numbers apart: of each
// the numbers count that the next does not overwrite.
func transposesRows() bool { return isa != pathGeneric }

// bandFast reports whether it laid out k columns of gemmRows rows of a matrix, whose rows lie in memory.
func bandFast(dst []float32, v View, k int) bool {
	if isa != pathAVX512 || k == 0 || k%16 != 0 {
		return false
	}
	_, _ = dst[k*gemmRows-1], v.Data[(gemmRows-1)*v.Row+k-1]
	floatBandAVX512(&dst[0], &v.Data[0], v.Row, k/16)
	return true
}

// pairBand lays out pairs of neighbours in gemmRows rows, k pairs in each, a multiple of 16.
func pairBand(dst, src []float32, row, k int) {
	if k > 0 {
		_, _ = dst[k*gemmRows-1], src[(gemmRows-1)*row+2*k-1]
		pairBandAVX512(&dst[0], &src[0], row, k/16)
	}
}

// hasPairs tells whether the path in use multiplies pairs of bfloat16 numbers.
func hasPairs() bool { return isa == pathAVX512 && cpu.X86.HasAVX512BF16 }

// hasWholes tells whether products of Half are those of integers.
func hasWholes() bool { return isa == pathAVX2 }

// wholesAlong makes pairs of neighbours, and their scale; len(src) is a multiple of 32.
func wholesAlong(dst, src []float32) (scale float32) {
	n := len(src) / 2
	if isa == pathGeneric || n == 0 {
		return wholesAlongGeneric(dst, src)
	}
	_ = dst[n-1]
	return wholesAlongAVX2(&dst[0], &src[0], n)
}

// wholesDown makes pairs of what each two of 2n rows of gemmCols numbers, row apart, have one below the other,
// and the scales of the columns.
func wholesDown(dst, scales, src []float32, row, n int) {
	if isa == pathGeneric || n == 0 {
		wholesDownGeneric(dst, scales, src, row, n)
		return
	}
	_, _, _ = dst[n*gemmCols-1], scales[gemmCols-1], src[(2*n-1)*row+gemmCols-1]
	wholesDownAVX2(&dst[0], &scales[0], &src[0], row, n)
}

// pairAlong makes pairs of neighbours; len(src) is a multiple of 32.
func pairAlong(dst, src []float32) {
	if n := len(src) / 2; n > 0 {
		_ = dst[n-1]
		pairAlongAVX512(&dst[0], &src[0], n)
	}
}

// pairRows makes pairs of what each two of 2n rows of cols numbers, row apart, have one below the other; cols is a
// multiple of 16.
func pairRows(dst, src []float32, row, cols, n int) {
	if n > 0 {
		_, _ = dst[n*cols-1], src[(2*n-1)*row+cols-1]
		pairRowsAVX512(&dst[0], &src[0], row, cols, n)
	}
}
