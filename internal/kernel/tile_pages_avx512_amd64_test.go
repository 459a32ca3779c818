//go:build amd64 && !purego

package kernel

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// TestPages: kernels that ask for four pages at a time are those of long stretches alone, and compute the bits of
// portable Go.
func TestPages(t *testing.T) {
	if !slices.Contains(Impls(), "avx512") {
		t.Skip("no AVX-512")
	}
	before, asked := Impl(), asksPages
	defer func() { Use(before); asksPages = asked }()
	rng := rand.New(rand.NewPCG(8, 9))
	const rows, cols = 24 * groupRows, 8192
	x := randomActs(rng, 1, cols)
	for typ, kernels := range pagesAVX512 {
		if kernels[0] == nil {
			continue
		}
		f, _ := FormatOf(Type(typ))
		m := mustMatrix(t, Source{Type: f.Type, Rows: rows, Cols: cols, Data: randomStored(rng, f, rows, cols)})
		for i, pr := range products {
			var want []float32
			for _, impl := range []string{"generic", "avx512"} {
				Use(impl)
				for _, on := range []bool{false, true} {
					asksPages = on
					y := make([]float32, rows)
					var a Acts
					a.Set(nil, x, 1, cols)
					pr.f(nil, y, m, &a)
					if want == nil {
						want = y
					}
					sameBits(t, f.Name+" "+impl, y, want)
				}
			}
			tl := &tile{src: make([]byte, pagesLeast), passes: passes{bytes: pagesGroup}}
			if pr.exact {
				tl.words = make([]wordBlock, 1)
			}
			none := &[4]func(*tile){}
			if got := tl.onePass(f, none); reflect.ValueOf(got).Pointer() != reflect.ValueOf(kernels[i]).Pointer() {
				t.Errorf("%s, exact %v: a long stretch has another kernel", f.Name, pr.exact)
			}
			for _, short := range []tile{{src: tl.src[1:], passes: tl.passes}, {src: tl.src, passes: passes{bytes: pagesGroup - 1}}} {
				if short.onePass(f, none) != nil {
					t.Errorf("%s: a short stretch, or one of a small matrix, is asked for by pages", f.Name)
				}
			}
		}
	}
}
