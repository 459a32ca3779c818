//go:build amd64 && !purego

package kernel

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestPages: kernels for AVX-512 that ask for four pages at a time are those of long stretches alone, and compute the
// bits of portable Go.
func TestPages(t *testing.T) {
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
			for _, impl := range Impls() {
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
				long := tile{src: make([]byte, pagesLeast), passes: passes{bytes: pagesGroup}}
				if pr.exact {
					long.words = make([]wordBlock, 1)
				}
				short, narrow := long, long
				short.src, narrow.passes.bytes = long.src[1:], pagesGroup-1
				lines := &[4]func(*tile){func(*tile) {}}
				for k, tl := range []*tile{&long, &short, &narrow} {
					asked := kernels[i]
					if isa != pathAVX512 || k > 0 {
						asked = lines[0]
					}
					if got := tl.onePass(f, lines); reflect.ValueOf(got).Pointer() != reflect.ValueOf(asked).Pointer() {
						t.Errorf("%s, exact %v, %s: stretch %d has another kernel", f.Name, pr.exact, impl, k)
					}
				}
			}
		}
	}
}
