package kernel

import (
	"math/rand/v2"
	"testing"
)

// TestMatMulGLU: the bits of two products and a gated unit, with few rows and many, of
// matrices of one format and of two, for shapes whose groups, chunks of groups and parts of columns are not full.
func TestMatMulGLU(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	for seed, shape := range [][3]int{{64, 48, 1}, {64, 40, 50}, {672, 300, 131}, {256, 513, 64}, {1536, 17, 200}, {96, 128, 160}, {256, 1600, 64}} {
		in, out, rows := shape[0], shape[1], shape[2]
		rng := rand.New(rand.NewPCG(19, uint64(seed)))
		x := randomActs(rng, rows, in)
		for _, types := range [][2]Type{{Q4_1, Q4_1}, {Q8_0, Q4_0}, {Q6_K, Q4_K}, {Q4_1, Q6_K}, {Q4_K, Q8_0}, {F16, F16}, {Q4_1, BF16}} {
			var w [2]*Matrix
			ok := true
			for i, typ := range types {
				if ok = ok && in%formats[typ].BlockLen == 0; ok {
					w[i] = mustMatrix(t, Source{Type: typ, Rows: out, Cols: in, Data: randomStored(rng, formats[typ], out, in)})
				}
			}
			if !ok {
				continue
			}
			eachImpl(t, func(t *testing.T) {
				for i, exact := range [][2]bool{{true, true}, {false, false}, {true, false}} {
					act := []Activation{SiLU, GELUTanh, GELU}[i]
					var a Acts
					a.Set(nil, x, rows, in)
					both := func() (all [2]Product) {
						for i := range all {
							all[i] = Product{Y: make([]float32, rows*out), W: w[i], Exact: exact[i]}
						}
						return all
					}
					alone := both()
					MatMuls(nil, alone[:], &a, nil)
					want := make([]float32, rows*out)
					GLU(nil, want, alone[0].Y, alone[1].Y, act)
					for _, pool := range []*Pool{nil, p} {
						all, y := both(), make([]float32, rows*out)
						var a Acts // without the memory of others
						a.Set(nil, x, rows, in)
						MatMulGLU(pool, y, all[0], all[1], &a, act)
						if k := firstDifference(y, want); k >= 0 {
							t.Fatalf("%v %v %v: number %d is %g, alone %g", shape, types, exact, k, y[k], want[k])
						}
					}
				}
			})
		}
	}
}
