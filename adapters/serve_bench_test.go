package adapters_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"graft/adapters"
	"graft/internal/hub/hubtest"
	"graft/internal/kernel"
	"graft/internal/model"
)

// smol loads the model that servers begin with.
func smol(t testing.TB) *model.Model {
	t.Helper()
	m, err := model.Load(hubtest.Model(t, "smollm2-135m-instruct"), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// attention is an adapter of rank 16 on q, k, v and o of every layer, as f32 in PEFT
// files; with magnitudes, DoRA.
func attention(m *model.Model, seed uint64, magnitudes bool) *adapters.Adapter {
	const r = 16
	rng := rand.New(rand.NewPCG(21, seed))
	random := func(shape ...int) adapters.Tensor {
		v := make([]float32, shape[0]*shape[1])
		for i := range v {
			v[i] = float32(0.02 * rng.NormFloat64())
		}
		return adapters.F32(v, shape...)
	}
	a := &adapters.Adapter{Config: adapters.Config{R: r, Alpha: 2 * r, Bias: "none"}}
	for _, l := range m.Linears {
		for _, end := range []string{"q_proj", "k_proj", "v_proj", "o_proj"} {
			if len(l.Module) < len(end) || l.Module[len(l.Module)-len(end):] != end {
				continue
			}
			x := &adapters.Module{Path: l.Module, Alpha: 2 * r, A: random(r, l.W.Cols), B: random(l.W.Rows, r)}
			if magnitudes {
				x.Magnitude = adapters.F32(slices.Repeat([]float32{1}, l.W.Rows), l.W.Rows)
			}
			a.Modules = append(a.Modules, x)
		}
	}
	a.Seal()
	return a
}

// BenchmarkServed takes turns at decode steps and prompts with and without adapters,
// so that all meet the same neighbours: some steps of each in a row, as a stream's tokens
// follow each other, since weights that another case has just displaced from the caches
// hide what an adapter costs. It reports the median time of each, and the
// ratio to the same without: of medians, and of the fastest, which the neighbours
// disturb least. decode1/read is a step without an adapter after which as many bytes as one
// holds are read in one go: what they cost where nothing is computed with them.
func BenchmarkServed(b *testing.B) {
	m := smol(b)
	var all []*model.Adapter
	for i := range uint64(8) {
		all = append(all, compile(b, m, attention(m, i, false)))
	}
	dora := compile(b, m, attention(m, 9, true))
	cases := []struct {
		name      string
		base      int // the case to compare with
		rows, len int
		set       func(row int) []model.Weighted
	}{
		{"decode1/0", 0, 1, 1, func(int) []model.Weighted { return nil }},
		{readCase, 0, 1, 1, func(int) []model.Weighted { return nil }},
		{"decode1/1", 0, 1, 1, func(int) []model.Weighted { return with(all[0]) }},
		{"decode1/dora", 0, 1, 1, func(int) []model.Weighted { return with(dora) }},
		{"decode8/0", 4, 8, 1, func(int) []model.Weighted { return nil }},
		{"decode8/1", 4, 8, 1, func(int) []model.Weighted { return with(all[0]) }},
		{"decode8/8", 4, 8, 1, func(row int) []model.Weighted { return with(all[row]) }},
		{"prompt/0", 7, 1, 128, func(int) []model.Weighted { return nil }},
		{"prompt/1", 7, 1, 128, func(int) []model.Weighted { return with(all[0]) }},
	}
	pool := kernel.NewPool(0)
	defer pool.Close()
	cache, err := model.NewCache(m.CacheSpec(kernel.F16, 32, 32))
	if err != nil {
		b.Fatal(err)
	}
	defer cache.Close()
	ops := model.NewServeOps(pool, cache)
	ops.Exact = true
	var batches []*model.Batch
	for _, c := range cases {
		batch := &model.Batch{}
		for row := range c.rows {
			s := model.Segment{Row: len(batch.IDs), Len: c.len, Limit: 128, Adapters: c.set(row)}
			if c.len == 1 {
				s.Past = 20 + row
			}
			for k := range int32(4) {
				s.Blocks = append(s.Blocks, 4*int32(row)+k)
			}
			batch.Segs = append(batch.Segs, s)
			for i := range c.len {
				batch.IDs = append(batch.IDs, int32(7*i+row))
			}
			batch.Logits = append(batch.Logits, int32(len(batch.IDs)-1))
		}
		batches = append(batches, batch)
		m.Forward(ops, batch)
	}
	times := make([][]time.Duration, len(cases))
	bytes := newReading(attention(m, 0, false), pool.Workers())
	const steps = 64
	for b.Loop() {
		for i, batch := range batches {
			m.Forward(ops, batch) // brings the weights and the adapters back
			for range max(1, steps/len(batch.IDs)) {
				start := time.Now()
				m.Forward(ops, batch)
				if cases[i].name == readCase {
					pool.Run(pool.Workers(), bytes)
				}
				times[i] = append(times[i], time.Since(start))
			}
		}
	}
	median := func(i int) time.Duration {
		slices.Sort(times[i])
		return times[i][len(times[i])/2]
	}
	for i, c := range cases {
		b.ReportMetric(float64(median(i).Microseconds())/1000, c.name+"-ms")
		if i != c.base {
			b.ReportMetric(float64(median(i))/float64(median(c.base)), c.name+"-ratio")
			b.ReportMetric(float64(times[i][0])/float64(times[c.base][0]), c.name+"-fastest")
		}
	}
	b.Logf("%d rounds, an adapter holds %s", len(times[0]), fmt.Sprint(all[0].Bytes))
}

const readCase = "decode1/read"

// reading is the task of reading memory, each worker a part.
type reading struct {
	parts [][]uint64
	sums  []struct {
		sum uint64
		_   [56]byte // the next is another core's
	}
}

// newReading reads as much as A and B of an adapter are in 16 bits.
func newReading(a *adapters.Adapter, workers int) *reading {
	r, n := &reading{}, 0
	for _, x := range a.Modules {
		n += 2 * (x.A.Len() + x.B.Len())
	}
	words := make([]uint64, n/8)
	for i := range words {
		words[i] = uint64(i) // pages that were never written are all the same one
	}
	for i := range workers {
		r.parts = append(r.parts, words[i*len(words)/workers:(i+1)*len(words)/workers])
	}
	r.sums = slices.Grow(r.sums, workers)[:workers]
	return r
}

func (r *reading) Do(i int) {
	sum := uint64(0)
	for _, v := range r.parts[i] {
		sum += v
	}
	r.sums[i].sum = sum
}

// BenchmarkFit takes an adapter from memory to where it can be served.
func BenchmarkFit(b *testing.B) {
	m := smol(b)
	for _, magnitudes := range []bool{false, true} {
		a := attention(m, 1, magnitudes)
		b.Run(fmt.Sprintf("dora=%t", magnitudes), func(b *testing.B) {
			for b.Loop() {
				compile(b, m, a)
			}
		})
	}
}
