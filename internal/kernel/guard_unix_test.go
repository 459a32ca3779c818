//go:build unix

package kernel

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"unsafe"
)

// guarded is memory for n values that ends at a page which may not be touched,
// or begins after one.
func guarded[T any](t testing.TB, n int, begins bool) []T {
	t.Helper()
	page := syscall.Getpagesize()
	var v T
	size := n * int(unsafe.Sizeof(v))
	pages := max(1, (size+page-1)/page)
	mem, err := syscall.Mmap(-1, 0, (pages+2)*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(mem) })
	for _, edge := range [][]byte{mem[:page], mem[(pages+1)*page:]} {
		if err := syscall.Mprotect(edge, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	at := (pages+1)*page - size
	if begins {
		at = page
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&mem[at])), n)
}

func guardedCopy[T any](t testing.TB, src []T, begins bool) []T {
	dst := guarded[T](t, len(src), begins)
	copy(dst, src)
	return dst
}

// No kernel touches memory beside what it was given: weights, activations,
// outputs, the quantised activations, the panel.
func TestMatMulGuardPages(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	eachImpl(t, func(t *testing.T) {
		for _, f := range Formats() {
			for _, c := range []struct{ tokens, rows, cols int }{{1, 5, 1}, {1, 16, 32}, {2, 7, 33}, {3, 17, 96}, {7, 16, 256}, {8, 33, 512}, {15, 3, 768}, {1, 9, 1031}} {
				if c.cols%f.BlockLen != 0 {
					continue
				}
				for _, begins := range []bool{false, true} {
					data := guardedCopy(t, randomStored(rng, f, c.rows, c.cols), begins)
					m := mustMatrix(t, Source{Type: f.Type, Rows: c.rows, Cols: c.cols, Data: data})
					x := guardedCopy(t, randomActs(rng, c.tokens, c.cols), begins)
					want := multiply(nil, m, x, c.tokens)

					m.data = guardedCopy(t, m.data, begins)
					y := guarded[float32](t, c.tokens*c.rows, begins)
					var a Acts
					a.Set(nil, x, c.tokens, c.cols)
					if f.packing != nil {
						cols := a.panelCols(m)
						a.blocks = guarded[actBlock](t, c.tokens*c.cols/32, begins)
						a.scratch = make([]scratch, 1)
						a.scratch[0].q = guarded[uint8](t, groupRows*cols, begins)
						a.scratch[0].f = guarded[float32](t, 2*groupRows*cols/f.packing.step, begins)
					}
					MatMul(nil, y, m, &a)
					if i := firstDifference(y, want); i >= 0 {
						t.Fatalf("%s %v: output %d is %v, want %v", f.Name, c, i, y[i], want[i])
					}
				}
			}
		}
	})
}
