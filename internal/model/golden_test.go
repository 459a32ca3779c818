package model_test

import (
	"path/filepath"
	"slices"
	"testing"

	"graft/internal/model"
	"graft/internal/model/opstest"
	"graft/internal/reftest"
)

// models are the tiny ones that reference/model.py writes: a folder each and, for
// some, a GGUF file of the same weights.
var models = []string{"llama", "mistral", "qwen2", "qwen2-window", "qwen3", "phi3", "gemma2", "gemma3", "bert"}

// files lists every form that a tiny model is there in.
func files(t *testing.T, name string) []string {
	t.Helper()
	gguf, err := filepath.Glob(filepath.Join("testdata", name+".gguf"))
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{filepath.Join("testdata", name)}, gguf...)
}

func load(t testing.TB, path string) *model.Model {
	t.Helper()
	m, err := model.Load(path, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// recorder keeps what every layer returns.
type recorder struct {
	model.Ops
	hidden [][]float32
}

func (r *recorder) Layer(f model.LayerFunc, x model.Value) model.Value {
	if r.hidden == nil {
		r.hidden = append(r.hidden, slices.Clone(x.Data))
	}
	y := r.Ops.Layer(f, x)
	r.hidden = append(r.hidden, slices.Clone(y.Data))
	return y
}

// whole is one sequence from its start, all logits wanted.
func whole(ids []int32, limit int) *model.Batch {
	b := &model.Batch{IDs: ids, Segs: []model.Segment{{Len: len(ids), Limit: limit, Blocks: []int32{3, 1, 4, 0, 5, 2, 7, 6}}}}
	for i := range ids {
		b.Logits = append(b.Logits, int32(i))
	}
	return b
}

// TestGolden compares hidden states, logits and greedy tokens with transformers'.
func TestGolden(t *testing.T) {
	for _, name := range models {
		for _, file := range files(t, name) {
			t.Run(filepath.Base(file), func(t *testing.T) {
				golden := reftest.Load(t, filepath.Join("testdata", name, "golden.safetensors"))
				m := load(t, file)
				testGolden(t, m, opstest.NewReference(8), golden)
			})
		}
	}
}

func testGolden(t *testing.T, m *model.Model, ops model.Ops, golden *reftest.Golden) {
	const tol = 1e-4
	ids := golden.IDs(t, "ids")
	b := whole(ids, 64)
	if golden.Has("types") {
		b.Types = golden.IDs(t, "types")
	}
	rec := &recorder{Ops: ops}
	out := slices.Clone(m.Forward(rec, b).Data)
	for i, h := range rec.hidden {
		if i < m.Config.Layers || m.Config.Encoder {
			golden.Compare(t, hidden(i), h, tol)
		}
	}
	golden.Compare(t, hidden(m.Config.Layers), m.Hidden(ops, b).Data, tol)
	short := m.Forward(ops, whole(ids[:golden.Tensor(t, "short").Shape[0]], 20))
	golden.Compare(t, "short", short.Data, tol)
	if m.Config.Encoder {
		return
	}
	worst := golden.Compare(t, "logits", out, tol)
	t.Logf("logits within %.2g", worst)

	want := golden.IDs(t, "greedy")
	got := greedy(m, ops, ids, len(want))
	if !slices.Equal(got, want) {
		t.Errorf("greedy tokens %v, want %v", got, want)
	}
}

func hidden(layer int) string { return "hidden." + string(rune('0'+layer)) }

// greedy continues ids by n tokens, each the most probable one.
func greedy(m *model.Model, ops model.Ops, ids []int32, n int) []int32 {
	var got []int32
	b := whole(ids, len(ids)+n)
	b.Logits = []int32{int32(len(ids) - 1)}
	for range n {
		logits := m.Forward(ops, b).Data
		best := 0
		for i, v := range logits {
			if v > logits[best] {
				best = i
			}
		}
		got = append(got, int32(best))
		s := &b.Segs[0]
		s.Past, s.Len = s.Past+s.Len, 1
		b.IDs, b.Logits = []int32{int32(best)}, []int32{0}
	}
	return got
}
