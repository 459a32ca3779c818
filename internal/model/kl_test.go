package model_test

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"graft/internal/hub/hubtest"
	"graft/internal/kernel"
	"graft/internal/model"
	"graft/internal/reftest"
)

// real loads a model of the catalog.
func real(t testing.TB, id string) *model.Model {
	t.Helper()
	if kernel.Impl() == "generic" {
		t.Skip("portable kernels take minutes for a real model, and give the same bits")
	}
	return load(t, hubtest.Model(t, id))
}

// TestKL measures how far quantised arithmetic is from transformers on the
// dequantised weights: as far as llama.cpp's, or nearer. With exact activations
// nothing of the distance is left, and greedy answers are the same.
func TestKL(t *testing.T) {
	for id, name := range map[string]string{"smollm2-135m-instruct": "smollm2", "gemma-3-270m": "gemma3-270m"} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "smollm2" {
				t.Skip("-short: one real model is enough")
			}
			m := real(t, id)
			golden := reftest.Load(t, "testdata/"+name+".kl.safetensors")
			ops := newOps(t, m.CacheSpec(kernel.F16, 32, 16)).(*model.ServeOps)
			bound := float64(golden.Tensor(t, "llama.cpp").Data[0])
			kl := meanKL(t, m, ops, golden)
			if !(kl >= 0 && kl <= bound) {
				t.Errorf("mean KL %.6f, llama.cpp's is %.6f", kl, bound)
			}
			// What is left with exact activations is mostly how keys and values are rounded: next
			// to nothing.
			t.Logf("mean KL %.6f (llama.cpp %.6f)", kl, bound)
			for _, c := range []struct {
				typ   kernel.Type
				bound float64
			}{{kernel.F16, bound / 1000}, {kernel.Q16, bound / 1000}, {kernel.F32, 1e-6}} {
				if c.typ == kernel.Q16 && kernel.Impl() == "avx2" {
					continue // there are no kernels but portable ones, which take long
				}
				ops = newOps(t, m.CacheSpec(c.typ, 32, 16)).(*model.ServeOps)
				ops.Exact = true
				kl := meanKL(t, m, ops, golden)
				if !(math.Abs(kl) <= c.bound) {
					t.Errorf("mean KL %.2g with exact activations and keys and values in %v, want %.2g", kl, c.typ, c.bound)
				}
				t.Logf("with exact activations and keys and values in %v %.2g", c.typ, kl)
			}
			for i := 0; golden.Has("greedy." + strconv.Itoa(i)); i++ {
				n := strconv.Itoa(i)
				want := golden.IDs(t, "greedy."+n)
				if got := greedy(m, ops, golden.IDs(t, "prompt."+n), len(want)); !slices.Equal(got, want) {
					t.Errorf("prompt %d: greedy tokens %v, want %v", i, got, want)
				}
			}
		})
	}
}

// meanKL is the distance that reference/kl.py defines.
func meanKL(t *testing.T, m *model.Model, ops model.Ops, golden *reftest.Golden) float64 {
	ids, top, want := golden.IDs(t, "text"), golden.IDs(t, "ids"), golden.Tensor(t, "logprobs")
	const chunk = 128
	n, total := want.Shape[1], 0.0
	for first := 0; first < len(ids); first += chunk {
		b := whole(ids[first:min(first+chunk, len(ids))], len(ids))
		b.Segs[0].Past, b.Segs[0].Blocks = first, sixteen
		logits := m.Forward(ops, b)
		for i := range b.IDs {
			row := logits.Data[i*logits.Width : (i+1)*logits.Width]
			norm := kernel.LogSumExp(row)
			restWant, restHave := 1.0, 1.0
			for j := (first + i) * n; j < (first+i+1)*n; j++ {
				w, h := float64(want.Data[j]), float64(row[top[j]])-norm
				total += math.Exp(w) * (w - h)
				restWant -= math.Exp(w)
				restHave -= math.Exp(h)
			}
			if restWant > 1e-9 {
				total += restWant * math.Log(restWant/max(restHave, 1e-9))
			}
		}
	}
	return total / float64(len(ids))
}

var sixteen = []int32{15, 3, 8, 1, 0, 2, 14, 13, 12, 4, 5, 9, 7, 6, 11, 10}

// TestEmbeddings compares with sentence-transformers' recipe.
func TestEmbeddings(t *testing.T) {
	m := real(t, "all-minilm-l6-v2")
	golden := reftest.Load(t, "testdata/minilm.embed.safetensors")
	ops := newOps(t, m.CacheSpec(kernel.F32, 32, 1))
	b := &model.Batch{}
	var n int
	for ; golden.Has("ids." + strconv.Itoa(n)); n++ {
		ids := golden.IDs(t, "ids."+strconv.Itoa(n))
		b.Segs = append(b.Segs, model.Segment{Row: len(b.IDs), Len: len(ids)})
		b.IDs = append(b.IDs, ids...)
	}
	if n < 10 {
		t.Fatalf("%d sentences", n)
	}
	h := m.Hidden(ops, b)
	pooler, have := m.NewPooler(), make([]float32, m.Config.Width)
	for i := range b.Segs {
		pooler.Reset()
		pooler.Add(h, &b.Segs[i])
		pooler.Vector(have)
		golden.Compare(t, "vector."+strconv.Itoa(i), have, 1e-5)
	}
}

// Both benchmarks run with activations in 16 bits, as served, and in 8.
func BenchmarkDecode(b *testing.B) {
	batch := &model.Batch{IDs: []int32{42}, Logits: []int32{0}, Segs: []model.Segment{{Len: 1, Limit: 512, Blocks: sixteen}}}
	benchmarkPass(b, batch, func() { batch.Segs[0].Past = (batch.Segs[0].Past + 1) % 512 })
}

func BenchmarkPrefill(b *testing.B) {
	batch := whole(make([]int32, 512), 512)
	batch.Segs[0].Blocks, batch.Logits = sixteen, batch.Logits[511:]
	for i := range batch.IDs {
		batch.IDs[i] = int32(i * 7)
	}
	benchmarkPass(b, batch, func() {})
}

func benchmarkPass(b *testing.B, batch *model.Batch, next func()) {
	m := real(b, "smollm2-135m-instruct")
	for _, exact := range []bool{true, false} {
		b.Run("exact="+strconv.FormatBool(exact), func(b *testing.B) {
			ops := newOps(b, m.CacheSpec(kernel.F16, 32, 16)).(*model.ServeOps)
			ops.Exact = exact
			for b.Loop() {
				m.Forward(ops, batch)
				next()
			}
			b.ReportMetric(float64(len(batch.IDs)*b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
