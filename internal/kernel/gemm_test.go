package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func randomF32(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// productByDefinition is c [m, n] in the order that gemm.go states.
func productByDefinition(c []float32, a, b View, m, n, k int, addition bool) {
	for i := range m {
		for j := range n {
			total, first := c[i*n+j], !addition
			if k == 0 && first {
				total = 0
			}
			for d := 0; d < k; d += gemmDepth {
				sum := float32(0)
				for e := d; e < min(k, d+gemmDepth); e++ {
					sum = fma32(a.Data[i*a.Row+e*a.Col], b.Data[e*b.Row+j*b.Col], sum)
				}
				if first {
					total, first = sum, false
				} else {
					total += sum
				}
			}
			c[i*n+j] = total
		}
	}
}

// sameBits fails at the first number that differs.
func sameBits(t *testing.T, what string, have, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(have[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: number %d is %v, want %v", what, i, have[i], want[i])
		}
	}
}

func TestGemmProduct(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		pool := NewPool(3)
		defer pool.Close()
		var g Gemm
		for _, size := range [][3]int{{1, 1, 1}, {12, 32, 5}, {13, 16, 300}, {7, 33, 16}, {25, 48, 513}, {600, 19, 17}, {40, 64, 256}, {2, 5, 0}} {
			m, n, k := size[0], size[1], size[2]
			for _, kind := range []string{"ab", "abT", "aTb", "aTbT"} {
				a, b := RowMajor(randomF32(rng, m*k), k), RowMajor(randomF32(rng, k*n), n)
				if kind[1] == 'T' {
					a = RowMajor(a.Data, m).T()
				}
				if kind[len(kind)-1] == 'T' {
					b = RowMajor(b.Data, k).T()
				}
				for _, addition := range []bool{false, true} {
					have := randomF32(rng, m*n)
					want := slices.Clone(have)
					g.Product(pool, have, a, b, m, n, k, addition)
					productByDefinition(want, a, b, m, n, k, addition)
					sameBits(t, fmt.Sprint(size, kind, addition), have, want)
				}
			}
		}
	})
}

// Products with weights in every format, along and across, equal those with the
// numbers that Row gives, bit for bit.
func TestGemmMatrix(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		pool := NewPool(2)
		defer pool.Close()
		var g Gemm
		for _, f := range Formats() {
			for _, size := range [][2]int{{1, 256}, {40, 512}, {300, 256}, {33, 37}} {
				rows, cols := size[0], size[1]
				if cols%f.BlockLen != 0 {
					continue
				}
				w, dense := randomMatrix(t, rng, f, rows, cols)
				for _, m := range []int{1, 30} {
					x, y := randomF32(rng, m*cols), randomF32(rng, m*rows)
					have, want := make([]float32, m*rows), make([]float32, m*rows)
					g.MulT(pool, have, x, m, w, false)
					productByDefinition(want, RowMajor(x, cols), RowMajor(dense, cols).T(), m, rows, cols, false)
					sameBits(t, fmt.Sprint(f.Name, size, m, " along"), have, want)

					have = randomF32(rng, m*cols)
					want = slices.Clone(have)
					g.Mul(pool, have, y, m, w, true)
					productByDefinition(want, RowMajor(y, rows), RowMajor(dense, cols), m, cols, rows, true)
					sameBits(t, fmt.Sprint(f.Name, size, m, " across"), have, want)
				}
			}
		}
	})
}

// A left side of much k is laid out as it is read, and is the same to the bit.
func TestGemmDeep(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(8, 4))
		pool := NewPool(2)
		defer pool.Close()
		var g Gemm
		const m, n, k = 110, 70, deepK + 20
		f, _ := FormatOf(F32)
		w, dense := randomMatrix(t, rng, f, k, n)
		x := randomF32(rng, m*k)
		have := randomF32(rng, m*n)
		want := slices.Clone(have)
		g.Mul(pool, have, x, m, w, true)
		productByDefinition(want, RowMajor(x, k), RowMajor(dense, n), m, n, k, true)
		sameBits(t, "deep", have, want)
	})
}

// randomMatrix is a matrix in a format, with its numbers.
func randomMatrix(t testing.TB, rng *rand.Rand, f *Format, rows, cols int) (*Matrix, []float32) {
	w := mustMatrix(t, Source{Type: f.Type, Rows: rows, Cols: cols, Data: randomStored(rng, f, rows, cols)})
	dense := make([]float32, rows*cols)
	for i := range rows {
		w.Row(dense[i*cols:(i+1)*cols], i)
	}
	return w, dense
}

// Workers and the rows beside a row change nothing.
func TestGemmAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	f, _ := FormatOf(Q4_1)
	w, _ := randomMatrix(t, rng, f, 96, 576)
	const m = 500
	x := randomF32(rng, m*576)
	var alone, shared Gemm
	pool := NewPool(4)
	defer pool.Close()
	y, z := make([]float32, m*96), make([]float32, m*96)
	shared.MulT(pool, y, x, m, w, false)
	for i := range m {
		alone.MulT(nil, z[i*96:(i+1)*96], x[i*576:(i+1)*576], 1, w, false)
	}
	sameBits(t, "rows one by one", z, y)
}

// With Half, products are those of numbers rounded to bfloat16, or with AVX2 to integers of 12
// bits, up to the rounding of the sums, and in float32 where the machine has neither.
// Workers and neighbours change nothing.
func TestGemmHalf(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	round := func(x []float32) []float32 {
		y := make([]float32, len(x))
		for i, v := range x {
			y[i] = BF16ToF32(F32ToBF16(v))
		}
		return y
	}
	pool := NewPool(3)
	defer pool.Close()
	for _, f := range Formats() {
		for _, size := range [][2]int{{40, 768}, {608, 256}, {32, 320}} {
			rows, cols := size[0], size[1]
			if cols%f.BlockLen != 0 {
				continue
			}
			w, dense := randomMatrix(t, rng, f, rows, cols)
			const m = 30
			x, gy := randomF32(rng, m*cols), randomF32(rng, m*rows)
			shared, alone := Gemm{Precision: Half}, Gemm{Precision: Half}
			check := func(what string, have, one []float32, x []float32, b View, n, k int) {
				sameBits(t, what+" rows one by one", one, have)
				want, size := make([]float32, m*n), make([]float32, m*n)
				switch {
				case hasWholes():
					x, b = wholesOf(RowMajor(x, k), m, k).Data, wholesOf(b.T(), n, k).T()
				case Half.Fast():
					x, b.Data = round(x), round(b.Data)
				}
				productByDefinition(want, RowMajor(x, k), b, m, n, k, false)
				abs := func(x []float32) []float32 {
					y := make([]float32, len(x))
					for i, v := range x {
						y[i] = abs32(v)
					}
					return y
				}
				b.Data = abs(b.Data)
				productByDefinition(size, RowMajor(abs(x), k), b, m, n, k, false)
				for i, v := range want {
					if d := abs32(have[i] - v); !(d <= 1e-6*size[i]) {
						t.Fatalf("%s: number %d is %v, want %v", what, i, have[i], v)
					}
				}
			}
			y, one := make([]float32, m*rows), make([]float32, m*rows)
			shared.MulT(pool, y, x, m, w, false)
			for i := range m {
				alone.MulT(nil, one[i*rows:(i+1)*rows], x[i*cols:(i+1)*cols], 1, w, false)
			}
			check(fmt.Sprint(f.Name, size, " along"), y, one, x, RowMajor(dense, cols).T(), rows, cols)
			if rows%32 != 0 {
				continue
			}
			gx, one := make([]float32, m*cols), make([]float32, m*cols)
			shared.Mul(pool, gx, gy, m, w, false)
			for i := range m {
				alone.Mul(nil, one[i*cols:(i+1)*cols], gy[i*rows:(i+1)*rows], 1, w, false)
			}
			check(fmt.Sprint(f.Name, size, " across"), gx, one, gy, RowMajor(dense, cols), cols, rows)
		}
	}
}

// wholesOf is a matrix [rows, k] whose numbers are the multiples of scales that they count as in
// products of integers.
func wholesOf(v View, rows, k int) View {
	out := RowMajor(make([]float32, rows*k), k)
	for i := range rows {
		for d := 0; d < k; d += gemmDepth {
			n := min(gemmDepth, k-d)
			most := float32(0)
			for j := range n {
				most = max(most, abs32(v.Data[i*v.Row+(d+j)*v.Col]))
			}
			for j := range n {
				x := float32(v.Data[i*v.Row+(d+j)*v.Col] * (wholeMost / most))
				out.Data[i*k+d+j] = float32(math.RoundToEven(float64(x)) * float64(most) / wholeMost)
			}
		}
	}
	return out
}

// What vectors make of numbers is what portable Go does, of the largest sums and of what is
// not finite too.
func TestWholes(t *testing.T) {
	used := Impl()
	defer func() { _ = Use(used) }()
	best := Impls()[len(Impls())-1]
	rng := rand.New(rand.NewPCG(5, 6))
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	const n = gemmDepth / 2
	fill := func(kind int) []float32 {
		x := randomF32(rng, 2*n*gemmCols)
		for i := range x {
			switch kind {
			case 1:
				x[i] = 0
			case 2:
				x[i] *= 1e-38
			case 3:
				x[i] = 3
			case 4:
				x[i] *= 1e37
			case 5:
				x[i] = float32(math.Copysign(1, float64(x[i]))) * 7
			}
		}
		switch kind {
		case 6:
			x[77], x[1000] = inf, -inf
		case 7:
			x[78], x[1001] = nan, inf
		}
		return x
	}
	for kind := range 8 {
		x := fill(kind)
		for _, pairs := range []int{16, 48, n} {
			_ = Use("generic")
			want := make([]float32, pairs)
			scale := wholesAlong(want, x[:2*pairs])
			_ = Use(best)
			have := make([]float32, pairs)
			s := wholesAlong(have, x[:2*pairs])
			if s == scale || scale != scale && s != s {
				if scale == scale {
					sameBits(t, fmt.Sprint("pairs of neighbours, kind ", kind), have, want)
				}
			} else {
				t.Fatalf("kind %d: scale %v, want %v", kind, s, scale)
			}
		}
		for _, pairs := range []int{1, 3, n} {
			_ = Use("generic")
			want, scales := make([]float32, pairs*gemmCols), make([]float32, gemmCols)
			wholesDown(want, scales, x, gemmCols, pairs)
			_ = Use(best)
			have, s := make([]float32, pairs*gemmCols), make([]float32, gemmCols)
			wholesDown(have, s, x, gemmCols, pairs)
			sameBits(t, fmt.Sprint("scales of columns, kind ", kind), s, scales)
			for i, v := range want {
				if c := i % gemmCols; scales[c] == scales[c] && math.Float32bits(have[i]) != math.Float32bits(v) {
					t.Fatalf("kind %d: pair %d of column %d is %x, want %x", kind, i/gemmCols, c, math.Float32bits(have[i]), math.Float32bits(v))
				}
			}
		}
	}
	for _, kind := range []int{0, 3, 5} {
		for _, k := range []int{1, 2, 7, n} {
			b, scales := make([]float32, n*gemmCols), make([]float32, gemmCols)
			wholesDown(b, scales, fill(kind), gemmCols, k)
			a := make([]float32, (k+1)*gemmRows)
			for i := range gemmRows {
				row := make([]float32, n)
				a[k*gemmRows+i] = wholesAlong(row, fill(kind)[:2*n])
				for d := range k {
					a[d*gemmRows+i] = row[d]
				}
			}
			for _, width := range []int{16, gemmCols} {
				for _, addition := range []bool{false, true} {
					want := randomF32(rng, gemmRows*gemmCols)
					have := slices.Clone(want)
					tile := gemmTile{
						a: &a[0], aRow: 1, aCol: gemmRows, b: &b[0], bRow: gemmCols, cRow: gemmCols, k: k, addition: addition,
						pairs: wholePairs, aScale: &a[k*gemmRows], bScale: &scales[0],
					}
					tile.c = &want[0]
					_ = Use("generic")
					tile.run(width)
					_ = Use(best)
					tile.c = &have[0]
					tile.run(width)
					sameBits(t, fmt.Sprintf("tile of kind %d, %d pairs, %d columns", kind, k, width), have, want)
				}
			}
		}
	}
}
