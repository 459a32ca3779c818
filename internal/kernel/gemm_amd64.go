//go:build amd64 && !purego

package kernel

//go:noescape
func gemm12x32AVX512(t *gemmTile)

//go:noescape
func gemm12x16AVX512(t *gemmTile)

//go:noescape
func gemm6x16AVX2(t *gemmTile)

//go:noescape
func expandAVX512(e *expansion)

//go:noescape
func expandAVX2(e *expansion)

//go:noescape
func transpose16AVX512(dst *float32, dstRow int, src *float32, srcRow int)

// run computes the tile with the path in use.
func (t *gemmTile) run(width int) {
	switch {
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
			gemm6x16AVX2(&q)
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
	if isa != pathAVX512 {
		transpose16Generic(dst, dstRow, src, srcRow)
		return
	}
	_, _ = dst[15*dstRow+15], src[15*srcRow+15]
	transpose16AVX512(&dst[0], dstRow, &src[0], srcRow)
}
