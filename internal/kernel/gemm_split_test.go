package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// splitByDefinition is c [m, n] in the order that gemm_split.go states.
func splitByDefinition(c []float32, a, b View, m, n, k int, addition, half bool) {
	padded := (k + splitSide - 1) / splitSide * splitSide
	parts := func(v View, i int) (u, l []float32) {
		u, l = make([]float32, padded), make([]float32, padded)
		for d := range k {
			x, y := split(v.Data[i*v.Row+d*v.Col])
			u[d], l[d] = BF16ToF32(uint16(x)), BF16ToF32(uint16(y))
		}
		return u, l
	}
	for j := range n {
		bu, bl := parts(b.T(), j)
		for i := range m {
			au, al := parts(a, i)
			sum := float32(0)
			if addition {
				sum = c[i*n+j]
			}
			add := func(x, y []float32) {
				var by [2]float32
				for d := range splitSide {
					by[d%2] = float32(math.FMA(float64(x[d]), float64(y[d]), float64(by[d%2])))
				}
				sum += by[0] + by[1]
			}
			for d := 0; d < padded; d += splitSide {
				add(au[d:], bu[d:])
				if !half {
					add(au[d:], bl[d:])
					add(al[d:], bu[d:])
				}
			}
			c[i*n+j] = sum
		}
	}
}

// oneSplit is a product of split numbers, whether or not this path would take it.
func oneSplit(g *Gemm, p *Pool, y, x []float32, b Factor, m, n, k int, addition bool) {
	l := &Left{x: RowMajor(x, k), rows: m, k: k, half: g.Precision == Half}
	l.blocks = lined(make([]float32, blocksOf(m)*blocksOf(k)*splitBlock+15))
	g.Lay(p, l)
	g.split(p, []Sum{{Y: y, N: n, Addition: addition, Terms: []Term{{l, b}}}})
}

// Products with weights in every format are those of split numbers, bit for bit, by
// the tiles of this machine and in Go, and as near to those in float64 as is said.
func TestSplit(t *testing.T) {
	for _, mode := range []string{"tiles", "generic"} {
		t.Run(mode, func(t *testing.T) {
			if mode == "tiles" && !slices.Contains(Impls(), "amx") {
				t.Skip("this machine has no AMX")
			}
			before := Impl()
			defer Use(before)
			if Use("generic"); mode == "tiles" {
				Use("amx")
			}
			rng := rand.New(rand.NewPCG(3, 4))
			pool := NewPool(2)
			defer pool.Close()
			for _, f := range Formats() {
				for _, size := range [][3]int{{1, 256, 1}, {40, 512, 30}, {300, 256, 33}, {33, 37, 65}, {64, 96, 64}} {
					rows, cols, m := size[0], size[1], size[2]
					if cols%f.BlockLen != 0 {
						continue
					}
					w, dense := randomMatrix(t, rng, f, rows, cols)
					for _, precision := range []Precision{Split, Half} {
						g, half := Gemm{Precision: precision}, precision == Half
						x, y := randomF32(rng, m*cols), randomF32(rng, m*rows)
						have := randomF32(rng, m*rows)
						want := slices.Clone(have)
						oneSplit(&g, pool, have, x, Transposed(w), m, rows, cols, half)
						splitByDefinition(want, RowMajor(x, cols), RowMajor(dense, cols).T(), m, rows, cols, half, half)
						sameBits(t, fmt.Sprint(f.Name, size, half, " along"), have, want)
						if !half {
							near(t, have, RowMajor(x, cols), RowMajor(dense, cols).T(), m, rows, cols)
						}

						have = randomF32(rng, m*cols)
						want = slices.Clone(have)
						oneSplit(&g, pool, have, y, Across(w), m, cols, rows, true)
						splitByDefinition(want, RowMajor(y, rows), RowMajor(dense, cols), m, cols, rows, true, half)
						sameBits(t, fmt.Sprint(f.Name, size, half, " across"), have, want)
					}
				}
			}
		})
	}
}

// near compares with the product in float64, relative to the sum of its terms' sizes.
func near(t *testing.T, have []float32, a, b View, m, n, k int) {
	t.Helper()
	for i := range m {
		for j := range n {
			sum, size := 0.0, 0.0
			for d := range k {
				p := float64(a.Data[i*a.Row+d*a.Col]) * float64(b.Data[d*b.Row+j*b.Col])
				sum, size = sum+p, size+math.Abs(p)
			}
			if d := math.Abs(float64(have[i*n+j]) - sum); !(d <= size/(1<<16)) {
				t.Fatalf("number (%d, %d) of [%d, %d] is %v, want %v", i, j, m, n, have[i*n+j], sum)
			}
		}
	}
}

// Numbers at the ends of the range: denormals count as zeros in products, and what is
// not finite stays so.
func TestSplitExtremes(t *testing.T) {
	f, _ := FormatOf(F32)
	const m, n, k = 3, 5, 40
	numbers := []float32{0, 1e-45, -1e-40, 1.17e-38, -2e-38, 3e-30, 1, -1.0039, 65504, 1e19, -3e38}
	before := Impl()
	defer Use(before)
	for _, impl := range Impls() {
		Use(impl)
		rng := rand.New(rand.NewPCG(1, 1))
		draw := func(n int) []float32 {
			x := make([]float32, n)
			for i := range x {
				x[i] = numbers[rng.IntN(len(numbers)-2)]
			}
			return x
		}
		dense, x := draw(n*k), draw(m*k)
		x[k], x[2*k+1] = float32(math.Inf(1)), numbers[len(numbers)-1]
		data := make([]byte, 0, 4*n*k)
		for _, v := range dense {
			b := math.Float32bits(v)
			data = append(data, byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
		}
		w := mustMatrix(t, Source{Type: f.Type, Rows: n, Cols: k, Data: data})
		y := make([]float32, m*n)
		g := Gemm{Precision: Split}
		oneSplit(&g, nil, y, x, Transposed(w), m, n, k, false)
		want := make([]float32, m*n)
		splitByDefinition(want, RowMajor(x, k), RowMajor(dense, k).T(), m, n, k, false, false)
		for i := range want {
			if have, want := float64(y[i]), float64(want[i]); have != want && (!math.IsNaN(want) && !math.IsInf(want, 0) || !math.IsNaN(have) && !math.IsInf(have, 0)) {
				t.Errorf("%s: number %d is %v, want %v", impl, i, have, want)
			}
		}
	}
}
