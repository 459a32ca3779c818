//go:build !purego

package kernel

// fast computes z with the dot kernels.
func (s *shrinking) fast(t *lowTile, z, x []float32) {
	a, d := s.w.A, &t.dot
	kernels := &dotKernels[isa][a.Type]
	if a.turns {
		kernels = &dotFours[isa][a.Type]
	}
	full := a.Cols / lanes * lanes
	*d = dotTile{stride: a.Cols, steps: a.Cols / lanes, tail: full < a.Cols, wTail: &t.tail, outStride: s.stride}
	// Four rows of A stay in the first cache while all rows of x pass by.
	for r := s.lo; r < s.hi; r += dotRows {
		for k := range dotRows {
			if a.turns {
				d.w[k] = &a.data[r*a.bytes+k*turnBytes]
				continue
			}
			row := a.stored(min(r+k, a.Rows-1)) // the last one fills up the four
			d.w[k] = &row[0]
			if d.tail {
				clear(t.tail[k][:])
				copy(t.tail[k][:], row[len(row)/a.Cols*full:])
			}
		}
		for i := 0; i < len(s.rows); {
			k, n := 2, consecutive(s.rows[i:], 4)
			for kernels[k] == nil || 1<<k > n {
				k--
			}
			first := int(s.rows[i])
			d.x = &x[first*a.Cols]
			if d.tail {
				for n := range 1 << k {
					clear(t.xTail[n][:])
					copy(t.xTail[n][:], x[(first+n)*a.Cols+full:(first+n+1)*a.Cols])
				}
				d.xTail = &t.xTail[0]
			}
			_ = x[(first+1<<k)*a.Cols-1]
			_ = z[(i+1<<k-1)*s.stride+r+dotRows-1]
			d.out = &z[i*s.stride+r]
			kernels[k](d)
			i += 1 << k
		}
	}
	*d = dotTile{} // holds no one's memory
}

// maxExpand is how many rows an expand kernel takes at most.
const maxExpand = 4

//go:noescape
func expandF32x1AVX512(y, z *float32, w *byte, yStride, zStride, r, panels int)

//go:noescape
func expandF32x4AVX512(y, z *float32, w *byte, yStride, zStride, r, panels int)

//go:noescape
func expandF16x1AVX512(y, z *float32, w *byte, yStride, zStride, r, panels int)

//go:noescape
func expandF16x4AVX512(y, z *float32, w *byte, yStride, zStride, r, panels int)

//go:noescape
func expandBF16x1AVX512(y, z *float32, w *byte, yStride, zStride, r, panels int)

//go:noescape
func expandBF16x4AVX512(y, z *float32, w *byte, yStride, zStride, r, panels int)

//go:noescape
func expandF32x1AVX2(y, z *float32, w *byte, yStride, zStride, r, panels int)

//go:noescape
func expandF16x1AVX2(y, z *float32, w *byte, yStride, zStride, r, panels int)

//go:noescape
func expandBF16x1AVX2(y, z *float32, w *byte, yStride, zStride, r, panels int)

// expandKernels are the assembly kernels by path and type, for one row and for four.
var expandKernels = [...][BF16 + 1][2]func(y, z *float32, w *byte, yStride, zStride, r, panels int){
	pathAVX2: {F32: {expandF32x1AVX2}, F16: {expandF16x1AVX2}, BF16: {expandBF16x1AVX2}},
	pathAVX512: {
		F32:  {expandF32x1AVX512, expandF32x4AVX512},
		F16:  {expandF16x1AVX512, expandF16x4AVX512},
		BF16: {expandBF16x1AVX512, expandBF16x4AVX512},
	},
}

// expandFast reports whether it did the work of generic.
func expandFast(y []float32, yStride int, z []float32, zStride int, w []byte, b *Up, n int) bool {
	kernels := &expandKernels[isa][b.Type]
	if kernels[0] == nil {
		return false
	}
	panels := len(w) / b.panelBytes()
	if n == 4 && kernels[1] != nil {
		kernels[1](&y[0], &z[0], &w[0], yStride, zStride, b.R, panels)
		return true
	}
	for t := range n {
		kernels[0](&y[t*yStride], &z[t*zStride], &w[0], 0, 0, b.R, panels)
	}
	return true
}
