package adapters_test

import (
	"path/filepath"
	"slices"
	"testing"

	"graft/adapters"
	"graft/internal/kernel"
	"graft/internal/kernel/kerneltest"
	"graft/internal/model"
	"graft/internal/reftest"
)

// compile makes an adapter ready to compute with.
func compile(t testing.TB, m *model.Model, a *adapters.Adapter) *model.Adapter {
	t.Helper()
	b, err := adapters.NewBase(m).Fit(a)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// served is the logits [rows, V] of sequences with their adapters, computed in one
// pass as the server does.
func served(t testing.TB, m *model.Model, seqs [][]int32, sets ...[]model.Weighted) [][]float32 {
	t.Helper()
	return servedRows(t, m, seqs, func(*model.Segment) int { return 0 }, sets...)
}

// servedRows is served for the rows of each sequence from one on.
func servedRows(t testing.TB, m *model.Model, seqs [][]int32, first func(s *model.Segment) int, sets ...[]model.Weighted) [][]float32 {
	t.Helper()
	const blocks = 4
	cache, err := model.NewCache(m.CacheSpec(kernel.F32, 16, blocks*len(seqs)))
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	pool := kernel.NewPool(2)
	defer pool.Close()
	b := &model.Batch{}
	for i, ids := range seqs {
		s := model.Segment{Row: len(b.IDs), Len: len(ids), Limit: 16}
		for k := range blocks {
			s.Blocks = append(s.Blocks, int32(blocks*i+k))
		}
		if i < len(sets) {
			s.Adapters = sets[i]
		}
		b.Segs = append(b.Segs, s)
		b.IDs = append(b.IDs, ids...)
		for row := s.Row + first(&s); row < len(b.IDs); row++ {
			b.Logits = append(b.Logits, int32(row))
		}
	}
	v := m.Forward(model.NewServeOps(pool, cache), b)
	out, from := make([][]float32, len(seqs)), 0
	for i := range b.Segs {
		s := &b.Segs[i]
		to := from + (s.Len-first(s))*v.Width
		out[i], from = slices.Clone(v.Data[from:to]), to
	}
	return out
}

func with(adapters ...*model.Adapter) []model.Weighted {
	var set []model.Weighted
	for _, a := range adapters {
		set = append(set, model.Weighted{Adapter: a, Weight: 1})
	}
	return set
}

// TestServed compares logits of adapters that are not merged with PEFT's: as they
// are, and with f32 rounded to f16, which moves an update by up to 2⁻¹⁰ of itself
// and the logits, of tiny models with updates of a third of their weights, by a
// thousandth of what the adapter does to them.
func TestServed(t *testing.T) {
	kerneltest.EachImpl(t, func(t *testing.T) {
		for _, name := range variants {
			t.Run(name, func(t *testing.T) {
				golden := reftest.Load(t, filepath.Join("testdata", name+".golden.safetensors"))
				a := readPEFT(t, name)
				m := tiny(t, baseOf(a), "")
				bound, err := adapters.NewBase(m).Fit(a)
				if err != nil {
					t.Fatal(err)
				}
				ids := golden.IDs(t, "ids")
				base := served(t, m, [][]int32{ids})[0]
				whole, err := bound.CompileWhole()
				if err != nil {
					t.Fatal(err)
				}
				worst := golden.Compare(t, "logits", served(t, m, [][]int32{ids}, with(whole))[0], 2e-5)
				apart := distance(base, golden.Tensor(t, "logits").Data)
				rounded := distance(served(t, m, [][]int32{ids}, with(compile(t, m, a)))[0], golden.Tensor(t, "logits").Data)
				t.Logf("logits within %.2g, in 16 bits %.2g; the base is apart by %.2g", worst, rounded, apart)
				if rounded > apart/512 || apart < 0.05 {
					t.Errorf("in 16 bits: apart by %g, the base by %g", rounded, apart)
				}
			})
		}
	})
}

// TestServedTogether: sequences in one pass get, to the bit, what each gets alone,
// whatever adapters the others have.
func TestServedTogether(t *testing.T) {
	kerneltest.EachImpl(t, func(t *testing.T) {
		m := tiny(t, "llama", "")
		var all []*model.Adapter
		for _, name := range []string{"lora", "rslora", "embed", "saved", "bias-all", "other"} {
			all = append(all, compile(t, m, readPEFT(t, name)))
		}
		mix := []model.Weighted{{Adapter: all[0], Weight: 0.7}, {Adapter: all[2], Weight: -0.5}, {Adapter: all[4], Weight: 2}}
		sets := [][]model.Weighted{nil, with(all[0]), with(all[1]), with(all[2]), with(all[3]), with(all[4]), with(all[5]), mix, nil, with(all[0])}
		var seqs [][]int32
		for i := range sets {
			var ids []int32
			for k := range 1 + 3*i%7 {
				ids = append(ids, int32((11*i+5*k)%m.Config.Vocab))
			}
			seqs = append(seqs, ids)
		}
		together := served(t, m, seqs, sets...)
		last := servedRows(t, m, seqs, func(s *model.Segment) int { return s.Len - 1 }, sets...)
		different := map[float32]bool{}
		for i, ids := range seqs {
			if all := together[i]; !slices.Equal(last[i], all[len(all)-len(last[i]):]) {
				t.Errorf("sequence %d: where its last row alone is asked for it gets other numbers", i)
			}
			alone := served(t, m, [][]int32{ids}, sets[i])[0]
			if !slices.Equal(alone, together[i]) {
				t.Errorf("sequence %d: alone it gets other numbers", i)
			}
			base := served(t, m, [][]int32{ids})[0]
			if slices.Equal(alone, base) != (sets[i] == nil) {
				t.Errorf("sequence %d: has adapters: %t, equals the base: %t", i, sets[i] != nil, slices.Equal(alone, base))
			}
			different[alone[0]] = true
		}
		if len(different) < 7 {
			t.Errorf("only %d different results", len(different))
		}
	})
}
