package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestQuantiseBlock(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		x := randomActs(rng, 1, 32)
		scale := float32(math.Exp2(rng.Float64()*200 - 110))
		var top float64
		for i := range x {
			x[i] *= scale
			top = max(top, math.Abs(float64(x[i])))
		}
		var b actBlock
		quantiseBlock(&b, x)
		var n, n16 int32
		for i, v := range x {
			q := int32(b.q[i])
			if e := math.Abs(float64(v) - float64(b.d)*float64(q)); e > top/127*0.50001 {
				t.Fatalf("%v is stored as %d times %v", v, q, b.d)
			}
			n -= q
			if i < 16 {
				n16 -= q
			}
		}
		if b.n != n || b.n16 != n16 || b.s != b.d*float32(-n) {
			t.Fatalf("sums of %v: n %d, n16 %d, s %v; want %d, %d, %v", b.q, b.n, b.n16, b.s, n, n16, b.d*float32(-n))
		}
	}
}

// Values half way between two codes go to the even one.
func TestQuantiseTies(t *testing.T) {
	x := make([]float32, 32)
	copy(x, []float32{127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5})
	eachImpl(t, func(t *testing.T) {
		b := make([]actBlock, 1)
		quantiseBlocks(b, x)
		if have := [8]int8(b[0].q[:8]); have != [8]int8{127, 0, 2, 2, 0, -2, -2, 126} || b[0].d != 1 {
			t.Errorf("codes %v times %v", have, b[0].d)
		}
	})
}

// oddBlocks is blocks of 32 numbers, some with one that is hard to store, or one of odd.
func oddBlocks(rng *rand.Rand, odd ...float32) (x []float32) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	odd = append(odd, 0, nan, -nan, inf, -inf, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 0x1p-126, 1)
	for _, odd := range odd {
		block := make([]float32, 32) // alone
		block[rng.IntN(32)] = odd
		x = append(x, block...)
		block = randomActs(rng, 1, 32) // among others
		block[rng.IntN(32)] = odd
		x = append(x, block...)
	}
	for range 200 {
		scale := float32(math.Exp2(rng.Float64()*240 - 120))
		for _, v := range randomActs(rng, 1, 32) {
			x = append(x, v*scale)
		}
	}
	return x
}

func TestQuantisePathsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	x := oddBlocks(rng, 0x1p-120, 0x0.ffffffp-120)
	want := make([]actBlock, len(x)/32)
	quantiseGeneric(want, x)
	same := func(a, b float32) bool { return a == b || a != a && b != b }
	eachImpl(t, func(t *testing.T) {
		have := make([]actBlock, len(want))
		quantiseBlocks(have, x)
		for i, h := range have {
			w := want[i]
			if h.q != w.q || !same(h.d, w.d) || !same(h.s, w.s) || h.n != w.n || h.n16 != w.n16 {
				t.Errorf("%v\nbecomes %v\nin portable Go %v", x[32*i:32*i+32], h, w)
			}
		}
	})
}

// An activation that is not a number shows in every product, on every path.
func TestMatMulShowsNaN(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	eachImpl(t, func(t *testing.T) {
		for _, f := range Formats() {
			m := mustMatrix(t, Source{Type: f.Type, Rows: 5, Cols: 256, Data: randomStored(rng, f, 5, 256)})
			x := randomActs(rng, 2, 256)
			x[256+100] = float32(math.NaN())
			for _, pr := range products {
				y := multiply(pr.exact, nil, m, x, 2)
				for i, v := range y {
					if isNaN := v != v; isNaN != (i >= 5) {
						t.Fatalf("%s in %s: y[%d,%d] = %v", f.Name, pr.name, i/5, i%5, v)
					}
				}
			}
		}
	})
}
