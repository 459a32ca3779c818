package model_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"graft/internal/kernel"
	"graft/internal/kernel/kerneltest"
	"graft/internal/model"
	"graft/internal/model/opstest"
	"graft/internal/reftest"
)

// newOps serves over a cache of its own. Two workers, so that work is shared.
func newOps(t testing.TB, spec model.CacheSpec) model.Ops {
	t.Helper()
	cache, err := model.NewCache(spec)
	if err != nil {
		t.Fatal(err)
	}
	pool := kernel.NewPool(2)
	t.Cleanup(pool.Close)
	return model.NewServeOps(pool, cache)
}

func TestServeOps(t *testing.T) {
	kerneltest.EachImpl(t, func(t *testing.T) { opstest.Run(t, newOps) })
}

// TestServeIdentities: a sequence gets the same bits however its work is cut.
func TestServeIdentities(t *testing.T) {
	kerneltest.EachImpl(t, func(t *testing.T) {
		for _, name := range models {
			m := load(t, filepath.Join("testdata", name))
			t.Run(name, func(t *testing.T) { opstest.RunModel(t, m, newOps) })
		}
	})
}

// TestServeIdentitiesReal is the same for a model with quantised weights.
func TestServeIdentitiesReal(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	m := real(t, "smollm2-135m-instruct")
	opstest.RunModel(t, m, newOps, kernel.F16)
	t.Run("exact", func(t *testing.T) { opstest.RunModel(t, m, newExactOps, kernel.Q8_0) })
}

func newExactOps(t testing.TB, spec model.CacheSpec) model.Ops {
	ops := newOps(t, spec).(*model.ServeOps)
	ops.Exact = true
	return ops
}

// TestExact holds products with activations in 16 bits against the reference.
func TestExact(t *testing.T) {
	kerneltest.EachImpl(t, func(t *testing.T) { opstest.RunLinear(t, newExactOps, 2e-4) })
}

// TestServeGolden compares with transformers: keys and values as F32 in every
// path of the kernels.
func TestServeGolden(t *testing.T) {
	kerneltest.EachImpl(t, func(t *testing.T) {
		for _, name := range models {
			for _, file := range files(t, name) {
				t.Run(filepath.Base(file), func(t *testing.T) {
					golden := reftest.Load(t, filepath.Join("testdata", name, "golden.safetensors"))
					m := load(t, file)
					testGolden(t, m, newOps(t, m.CacheSpec(kernel.F32, 16, 8)), golden)
				})
			}
		}
	})
}

// TestServeAllocates nothing in a decode step, nor in a pass over several
// sequences, once there has been one as large.
func TestServeAllocates(t *testing.T) {
	for _, name := range models {
		t.Run(name, func(t *testing.T) {
			m := load(t, filepath.Join("testdata", name))
			ops := newOps(t, m.CacheSpec(kernel.F32, 16, 16))
			rng := rand.New(rand.NewPCG(9, 9))
			b := &model.Batch{}
			for i := range int32(3) {
				n := 1 + 20*int(i)
				b.Segs = append(b.Segs, model.Segment{Row: len(b.IDs), Len: n, Limit: 60, Blocks: []int32{4 * i, 4*i + 1, 4*i + 2, 4*i + 3}})
				for range n {
					b.IDs = append(b.IDs, int32(rng.IntN(m.Config.Vocab)))
				}
				b.Logits = append(b.Logits, int32(len(b.IDs)-1))
			}
			step := &model.Batch{IDs: []int32{5}, Segs: []model.Segment{{Len: 1, Past: 41, Limit: 60, Blocks: b.Segs[2].Blocks}}, Logits: []int32{0}}
			if m.Config.Encoder {
				step.Segs[0].Past = 0
			}
			for what, batch := range map[string]*model.Batch{"mixed pass": b, "decode step": step} {
				m.Forward(ops, b)
				m.Forward(ops, step)
				if n := testing.AllocsPerRun(5, func() { m.Forward(ops, batch) }); n != 0 {
					t.Errorf("%s: %v allocations", what, n)
				}
			}
		})
	}
}
