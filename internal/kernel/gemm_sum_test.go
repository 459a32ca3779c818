package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Sums of products with weights and with matrices, several at once, are the products one
// after the other, whatever the path, the precision and the number of workers.
func TestSums(t *testing.T) {
	eachImpl(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		f, _ := FormatOf(Q4_1)
		for _, precision := range []Precision{Full, Split, Half} {
			for _, workers := range []int{1, 2, 5} {
				pool := NewPool(workers)
				defer pool.Close()
				for _, m := range []int{1, 33, 300} {
					const k, n, rank, other = 96, 160, 5, 70
					g := Gemm{Precision: precision}
					w, dense := randomMatrix(t, rng, f, n, k)
					back, backDense := randomMatrix(t, rng, f, k, n)
					x, u, b := randomF32(rng, m*k), randomF32(rng, m*rank), randomF32(rng, n*rank)
					z := randomF32(rng, m*other)
					lay := func(v View, rows, k int) *Left {
						return g.Left(make([]float32, g.LeftLen(rows, k)), v, rows, k)
					}
					left, low := lay(RowMajor(x, k), m, k), lay(RowMajor(u, rank), m, rank)
					lowT := lay(RowMajor(u, rank).T(), rank, m)
					g.Lay(pool, left, low, lowT)
					first, second, third := randomF32(rng, m*n), randomF32(rng, m*n), randomF32(rng, rank*other)
					wants := [][]float32{slices.Clone(first), slices.Clone(second), slices.Clone(third)}
					g.Sums(pool,
						Sum{Y: first, N: n, Terms: []Term{{left, Transposed(w)}, {low, Of(RowMajor(b, rank).T())}}},
						Sum{Y: second, N: n, Addition: true, Terms: []Term{{low, Of(RowMajor(b, rank).T())}, {left, Across(back)}}},
						Sum{Y: third, N: other, Addition: true, Terms: []Term{{lowT, Of(RowMajor(z, other))}}},
					)
					product := func(c []float32, a, b View, m, n, k int, weights, addition bool) {
						switch {
						case precision != Full && tiles:
							splitByDefinition(c, a, b, m, n, k, addition, precision == Half)
						case weights && g.pairs() != noPairs:
							g.MulT(nil, c, a.Data, m, w, addition) // TestGemmHalf has the definition
						default:
							productByDefinition(c, a, b, m, n, k, addition)
						}
					}
					product(wants[0], RowMajor(x, k), RowMajor(dense, k).T(), m, n, k, true, false)
					product(wants[0], RowMajor(u, rank), RowMajor(b, rank).T(), m, n, rank, false, true)
					product(wants[1], RowMajor(u, rank), RowMajor(b, rank).T(), m, n, rank, false, true)
					if g.pairs() != noPairs {
						g.Mul(nil, wants[1], x, m, back, true)
					} else {
						product(wants[1], RowMajor(x, k), RowMajor(backDense, n), m, n, k, false, true)
					}
					product(wants[2], RowMajor(u, rank).T(), RowMajor(z, other), rank, other, m, false, true)
					for i, have := range [][]float32{first, second, third} {
						sameBits(t, fmt.Sprint(precision, workers, " workers ", m, " rows: sum ", i), have, wants[i])
					}
				}
			}
		}
	})
}

// Without terms a sum is zeros, or what it is added to; shapes that do not fit panic.
func TestSumsOfNothing(t *testing.T) {
	var g Gemm
	y, z := []float32{1, 2}, []float32{1, 2}
	g.Sums(nil, Sum{Y: y, N: 2}, Sum{Y: z, N: 2, Addition: true})
	if y[0] != 0 || y[1] != 0 || z[0] != 1 || z[1] != 2 {
		t.Errorf("have %v and %v, want zeros and what was there", y, z)
	}
	for _, precision := range []Precision{Full, Split, Half} { // of no k, too
		g := Gemm{Precision: precision}
		left := g.Left(make([]float32, g.LeftLen(1, 0)), RowMajor(nil, 0), 1, 0)
		y := []float32{1, 2}
		g.Sums(nil, Sum{Y: y, N: 2, Terms: []Term{{left, Of(RowMajor(nil, 2))}}})
		if y[0] != 0 || y[1] != 0 {
			t.Errorf("%v: of no k the sum is %v, want zeros", precision, y)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a result of another shape is not refused")
		}
	}()
	l := g.Left(make([]float32, g.LeftLen(2, 3)), RowMajor(make([]float32, 6), 3), 2, 3)
	g.Sums(nil, Sum{Y: y, N: 2, Terms: []Term{{l, Of(RowMajor(make([]float32, 6), 2))}}})
}

// Transposed sums are those of each number, whatever the workers.
func TestAddTransposed(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	pool := NewPool(3)
	defer pool.Close()
	for _, width := range []int{7, 16, 32} {
		const n = 1003
		have, src := randomF32(rng, n*width), randomF32(rng, n*width)
		want := slices.Clone(have)
		for i := range n {
			for j := range width {
				want[i*width+j] += src[j*n+i]
			}
		}
		AddTransposed(pool, have, src, width)
		sameBits(t, fmt.Sprint("transposed in rows of ", width), have, want)
	}
}
