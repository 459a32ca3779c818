//go:build amd64 && !purego

package kernel

//go:noescape
func dotF32x1AVX512(t *dotTile)

//go:noescape
func dotF32x2AVX512(t *dotTile)

//go:noescape
func dotF32x4AVX512(t *dotTile)

//go:noescape
func dotF16x1AVX512(t *dotTile)

//go:noescape
func dotF16x2AVX512(t *dotTile)

//go:noescape
func dotF16x4AVX512(t *dotTile)

//go:noescape
func dotBF16x1AVX512(t *dotTile)

//go:noescape
func dotBF16x2AVX512(t *dotTile)

//go:noescape
func dotBF16x4AVX512(t *dotTile)

//go:noescape
func dotF32x1AVX2(t *dotTile)

//go:noescape
func dotF32x2AVX2(t *dotTile)

//go:noescape
func dotF16x1AVX2(t *dotTile)

//go:noescape
func dotF16x2AVX2(t *dotTile)

//go:noescape
func dotBF16x1AVX2(t *dotTile)

//go:noescape
func dotBF16x2AVX2(t *dotTile)

//go:noescape
func dotFourF16x1AVX512(t *dotTile)

//go:noescape
func dotFourF16x2AVX512(t *dotTile)

//go:noescape
func dotFourF16x4AVX512(t *dotTile)

//go:noescape
func dotFourBF16x1AVX512(t *dotTile)

//go:noescape
func dotFourBF16x2AVX512(t *dotTile)

//go:noescape
func dotFourBF16x4AVX512(t *dotTile)

//go:noescape
func dotFourF16x1AVX2(t *dotTile)

//go:noescape
func dotFourF16x2AVX2(t *dotTile)

//go:noescape
func dotFourBF16x1AVX2(t *dotTile)

//go:noescape
func dotFourBF16x2AVX2(t *dotTile)

// dotKernels are the assembly kernels by path, type and the logarithm of how many
// tokens they take.
var dotKernels = [...][BF16 + 1][3]func(*dotTile){
	pathAVX2: {
		F32:  {dotF32x1AVX2, dotF32x2AVX2},
		F16:  {dotF16x1AVX2, dotF16x2AVX2},
		BF16: {dotBF16x1AVX2, dotBF16x2AVX2},
	},
	pathAVX512: {
		F32:  {dotF32x1AVX512, dotF32x2AVX512, dotF32x4AVX512},
		F16:  {dotF16x1AVX512, dotF16x2AVX512, dotF16x4AVX512},
		BF16: {dotBF16x1AVX512, dotBF16x2AVX512, dotBF16x4AVX512},
	},
}

// dotFours are those for rows that take turns, see Matrix.takeTurns.
var dotFours = [...][BF16 + 1][3]func(*dotTile){
	pathAVX2: {
		F16:  {dotFourF16x1AVX2, dotFourF16x2AVX2},
		BF16: {dotFourBF16x1AVX2, dotFourBF16x2AVX2},
	},
	pathAVX512: {
		F16:  {dotFourF16x1AVX512, dotFourF16x2AVX512, dotFourF16x4AVX512},
		BF16: {dotFourBF16x1AVX512, dotFourBF16x2AVX512, dotFourBF16x4AVX512},
	},
}

// dotsFast says that the path in use has dot kernels for a type.
func dotsFast(t Type) bool { return dotKernels[isa][t][0] != nil }

// float computes the outputs of group g, sixteen rows of a float matrix.
func (a *Acts) float(s *scratch, y *Product, g int) {
	w := y.W
	if !dotsFast(w.Type) {
		a.floatGeneric(s, y, g)
		return
	}
	kernels := &dotKernels[isa][w.Type]
	first := g * groupRows
	rows := min(groupRows, w.Rows-first)
	full := w.Cols / lanes * lanes
	s.dot = dotTile{stride: w.Cols, steps: w.Cols / lanes, tail: full < w.Cols, wTail: &s.tail}
	// Four tokens stay in the first cache while all rows pass by.
	for t := 0; t < a.rows; {
		k := 2
		for kernels[k] == nil || t+1<<k > a.rows {
			k--
		}
		s.dot.x = &a.x[t*w.Cols]
		if s.dot.tail {
			s.dot.xTail = &a.tails[t]
		}
		for r := 0; r < rows; r += dotRows {
			n := min(dotRows, rows-r)
			a.dotRows(s, y, kernels[k], t, 1<<k, first+r, n)
		}
		t += 1 << k
	}
	s.dot = dotTile{}
}

// dotRows computes rows first to first+n of the matrix for some tokens from t on.
func (a *Acts) dotRows(s *scratch, y *Product, kernel func(*dotTile), t, tokens, first, n int) {
	w, d := y.W, &s.dot
	for r := range dotRows {
		row := w.stored(first + min(r, n-1)) // the last one fills up the four
		d.w[r] = &row[0]
		if d.tail {
			clear(s.tail[r][:])
			copy(s.tail[r][:], row[len(row)/w.Cols*(w.Cols/lanes*lanes):])
		}
	}
	if n == dotRows {
		d.out, d.outStride = &y.Y[t*w.Rows+first], w.Rows
		kernel(d)
		return
	}
	d.out, d.outStride = &s.out[0], dotRows
	kernel(d)
	for i := range tokens {
		copy(y.Y[(t+i)*w.Rows+first:][:n], s.out[i*dotRows:])
	}
}
