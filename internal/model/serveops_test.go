package model_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
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
	t.Cleanup(func() { cache.Close() })
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

// TestCopyBlock continues a sequence in a copy of its last block.
func TestCopyBlock(t *testing.T) {
	for _, typ := range []kernel.Type{kernel.F32, kernel.F16, kernel.Q8_0} {
		m := load(t, filepath.Join("testdata", "qwen3"))
		cache, err := model.NewCache(m.CacheSpec(typ, 16, 6))
		if err != nil {
			t.Fatal(err)
		}
		defer cache.Close()
		ops := model.NewServeOps(nil, cache)
		ids := make([]int32, 25)
		for i := range ids {
			ids[i] = int32(3 * i)
		}
		b := whole(ids, 40)
		b.Segs[0].Blocks = []int32{1, 2}
		m.Forward(ops, b)
		next := func(blocks ...int32) []float32 {
			return slices.Clone(m.Forward(ops, &model.Batch{IDs: []int32{7}, Logits: []int32{0},
				Segs: []model.Segment{{Len: 1, Past: 25, Limit: 40, Blocks: blocks}}}).Data)
		}
		want := next(1, 2)
		if slices.Equal(next(1, 4), want) {
			t.Fatalf("%v: an empty block gives the same logits", typ)
		}
		cache.CopyBlock(4, 2)
		if !slices.Equal(next(1, 4), want) {
			t.Errorf("%v: the copy of a block gives other logits", typ)
		}
		cache.Release([]int32{4, 5}) // neighbours keep what they hold
		if !slices.Equal(next(1, 2), want) {
			t.Errorf("%v: other logits after other blocks were released", typ)
		}
		cache.CopyBlock(4, 2) // and a block can be used again
		if !slices.Equal(next(1, 4), want) {
			t.Errorf("%v: the copy in a block that was released gives other logits", typ)
		}
	}
}

// TestCacheSpec has sizes worked out by hand, and specs that cannot be.
func TestCacheSpec(t *testing.T) {
	for typ, want := range map[kernel.Type]int64{ // 2 (k, v) x 3 layers x 16 tokens x 2 heads x 64 numbers
		kernel.F32: 12288 * 4, kernel.F16: 12288 * 2, kernel.BF16: 12288 * 2, kernel.Q8_0: 12288 / 32 * 34,
		kernel.Q16: 12288*2 + 2*3*16*2*4,
	} {
		s := model.CacheSpec{Layers: 3, KVHeads: 2, HeadDim: 64, Type: typ, BlockLen: 16, Blocks: 10}
		if s.BlockBytes() != want || s.Bytes() != 10*want {
			t.Errorf("%v: %d bytes a block, %d in all; want %d and %d", typ, s.BlockBytes(), s.Bytes(), want, 10*want)
		}
	}
	m := load(t, filepath.Join("testdata", "qwen3"))
	if have, want := m.CacheSpec(kernel.AutoKV, 16, 6).Type, kernel.BestKV(m.Config.HeadDim); have != want {
		t.Errorf("the best type is %v, want %v", have, want)
	}
	good := model.CacheSpec{Layers: 3, KVHeads: 2, HeadDim: 64, Type: kernel.F16, BlockLen: 16, Blocks: 10}
	for what, change := range map[string]func(s *model.CacheSpec){
		"Q4_1": func(s *model.CacheSpec) { s.Type = kernel.Q4_1 }, "blocks of 7": func(s *model.CacheSpec) { s.BlockLen = 7 },
		"0 blocks": func(s *model.CacheSpec) { s.Blocks = 0 }, "0 layers": func(s *model.CacheSpec) { s.Layers = 0 },
		"multiples of 32": func(s *model.CacheSpec) { s.Type, s.HeadDim = kernel.Q8_0, 80 },
		"multiples of 64": func(s *model.CacheSpec) { s.Type, s.HeadDim = kernel.Q16, 96 },
		"3 layers of":     func(s *model.CacheSpec) { s.Blocks = 1 << 50 },
	} {
		s := good
		change(&s)
		if _, err := model.NewCache(s); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%+v: %v; want an error with %q", s, err, what)
		}
	}
}

// TestValueIDs: each pass counts its values anew, so that the count stays small.
func TestValueIDs(t *testing.T) {
	m := load(t, filepath.Join("testdata", "llama"))
	ops := newOps(t, m.CacheSpec(kernel.F32, 16, 8))
	want := m.Forward(ops, whole([]int32{1, 2, 3}, 16)).ID
	for range 3 {
		if id := m.Forward(ops, whole([]int32{4, 5}, 16)).ID; id != want {
			t.Errorf("the logits are value %d, in the pass before %d", id, want)
		}
	}
}

// rowsOf notes how many rows each projection had.
type rowsOf struct {
	model.Ops
	rows map[string]int
}

func (r *rowsOf) Linear(x model.Value, w *model.Linear) model.Value {
	r.rows[w.Name] += x.Rows
	return r.Ops.Linear(x, w)
}

func (r *rowsOf) Layer(f model.LayerFunc, x model.Value) model.Value {
	return r.Ops.Layer(func(_ model.Ops, b *model.Batch, x model.Value) model.Value { return f(r, b, x) }, x)
}

// TestLastLayer: after its attention the last layer has the rows that the head is asked for alone, none of them
// if it is asked for none.
func TestLastLayer(t *testing.T) {
	for _, name := range models {
		m := load(t, filepath.Join("testdata", name))
		if m.Config.Encoder {
			continue
		}
		for _, logits := range [][]int32{nil, {6}, {1, 2, 5}} {
			b := whole(make([]int32, 7), 16)
			b.Logits = logits
			r := &rowsOf{newOps(t, m.CacheSpec(kernel.F32, 16, 8)), map[string]int{}}
			m.Hidden(r.Ops, b) // which wants all rows, of the same batch
			if v := m.Forward(r, b); v.Rows != len(logits) {
				t.Errorf("%s, logits of %v: %d rows", name, logits, v.Rows)
			}
			for i := range m.Config.Layers {
				want := 7
				if i == m.Config.Layers-1 {
					want = len(logits)
				}
				for _, part := range []string{"self_attn.o_proj", "mlp.down_proj"} {
					if have := r.rows[fmt.Sprintf("model.layers.%d.%s", i, part)]; have != want {
						t.Errorf("%s, logits of %v: %s of layer %d has %d rows, want %d", name, logits, part, i, have, want)
					}
				}
			}
		}
	}
}
