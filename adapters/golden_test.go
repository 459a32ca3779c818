package adapters_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"graft/adapters"
	"graft/internal/kernel"
	"graft/internal/model"
	"graft/internal/model/opstest"
	"graft/internal/reftest"
)

// variants are the adapters that reference/adapters.py writes.
var variants = []string{"lora", "rslora", "patterns", "dora", "all-linear", "fused", "fused-dora", "ends", "embed", "saved", "bias-all", "bias-lora", "layers", "other"}

// tiny loads one of the tiny models; ext is "" for its folder, ".gguf" for its file.
func tiny(t testing.TB, name, ext string) *model.Model {
	t.Helper()
	m, err := model.Load(filepath.Join("..", "internal", "model", "testdata", name+ext), model.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func readPEFT(t testing.TB, name string) *adapters.Adapter {
	t.Helper()
	a, err := adapters.ReadPEFT(filepath.Join("testdata", name), adapters.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func readJSON[T any](t testing.TB, path string) (v T) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func check(t testing.TB, m *model.Model, a *adapters.Adapter) *adapters.Bound {
	t.Helper()
	b, err := adapters.NewBase(m).Check(a)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// baseOf is the tiny model that an adapter names.
func baseOf(a *adapters.Adapter) string { return strings.TrimPrefix(a.Config.Base, "tiny/") }

// merge puts the adapter into the weights of its model.
func merge(t testing.TB, b *adapters.Bound, m *model.Model) {
	t.Helper()
	for _, l := range m.Linears {
		w, bias := b.Merge(l)
		if bias != nil {
			l.B = bias
		}
		if w == nil {
			continue
		}
		data := make([]byte, 4*len(w))
		kernel.EncodeF32(data, w)
		merged, err := kernel.NewMatrix(kernel.Source{Type: kernel.F32, Rows: l.W.Rows, Cols: l.W.Cols, Data: data})
		if err != nil {
			t.Fatal(err)
		}
		l.W = merged
	}
}

// logits of the whole prompt.
func logits(m *model.Model, ids []int32) []float32 {
	b := &model.Batch{IDs: ids, Segs: []model.Segment{{Len: len(ids), Limit: 16, Blocks: []int32{0}}}}
	for i := range ids {
		b.Logits = append(b.Logits, int32(i))
	}
	return slices.Clone(m.Forward(opstest.NewReference(16), b).Data)
}

// TestMerged compares updates of weights and logits with PEFT's.
func TestMerged(t *testing.T) {
	for _, name := range variants {
		t.Run(name, func(t *testing.T) {
			golden := reftest.Load(t, filepath.Join("testdata", name+".golden.safetensors"))
			a := readPEFT(t, name)
			m := tiny(t, baseOf(a), "")
			b := check(t, m, a)
			compareDeltas(t, golden, b, m)
			if b.Report.Applied != len(a.Modules) || b.Report.Expected != len(a.Modules) {
				t.Errorf("%d modules applied, %d expected, want %d", b.Report.Applied, b.Report.Expected, len(a.Modules))
			}
			ids := golden.IDs(t, "ids")
			before := logits(m, ids)
			merge(t, b, m)
			t.Logf("logits within %.2g; base is apart by %.2g; norm %.3g", golden.Compare(t, "logits", logits(m, ids), 2e-5),
				distance(before, golden.Tensor(t, "logits").Data), b.Report.Norm)
			if distance(before, golden.Tensor(t, "logits").Data) < 0.05 {
				t.Error("the base alone is as good: the golden shows nothing")
			}
		})
	}
}

// compareDeltas compares W' − W of each module that the golden has, and the norm
// that the report gives.
func compareDeltas(t *testing.T, golden *reftest.Golden, b *adapters.Bound, m *model.Model) {
	for _, n := range b.Report.Modules {
		name := "delta." + n.Path
		if !golden.Has(name) {
			continue
		}
		var delta, weight []float32
		for _, l := range m.Linears {
			if l.Module != n.Path {
				continue
			}
			w, _ := b.Merge(l)
			row := make([]float32, l.W.Cols)
			for i := range l.W.Rows {
				l.W.Row(row, i)
				for j, v := range row {
					delta = append(delta, w[i*l.W.Cols+j]-v)
				}
				weight = append(weight, row...)
			}
		}
		golden.Compare(t, name, delta, 1e-6)
		want := length(golden.Tensor(t, name).Data) / length(weight)
		if math.Abs(n.Norm-want) > 1e-6*want {
			t.Errorf("module %s: the report gives the norm as %.9g, want %.9g", n.Path, n.Norm, want)
		}
	}
}

func length(v []float32) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

func distance(a, b []float32) float64 {
	worst := 0.0
	for i := range a {
		worst = max(worst, math.Abs(float64(a[i])-float64(b[i])))
	}
	return worst
}

// TestGGUF reads what llama.cpp's converter would write, against a model from
// either format, and finds the same numbers as in the PEFT folder.
func TestGGUF(t *testing.T) {
	for _, name := range []string{"lora", "rslora", "embed", "fused"} {
		t.Run(name, func(t *testing.T) {
			want := readPEFT(t, name)
			m := tiny(t, baseOf(want), ".gguf")
			a, err := adapters.Read(filepath.Join("testdata", name+".gguf"), &m.Config, adapters.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			sameModules(t, a, want)
			golden := reftest.Load(t, filepath.Join("testdata", name+".golden.safetensors"))
			merge(t, check(t, m, a), m)
			golden.Compare(t, "logits", logits(m, golden.IDs(t, "ids")), 2e-5)
		})
	}
}

// sameModules compares bit for bit, but for the alpha of rank-stabilised ones,
// which GGUF files round to float32.
func sameModules(t *testing.T, have, want *adapters.Adapter) {
	t.Helper()
	if len(have.Modules) != len(want.Modules) {
		t.Fatalf("%d modules, want %d", len(have.Modules), len(want.Modules))
	}
	for i, w := range want.Modules {
		h := have.Modules[i]
		if h.Path != w.Path || h.Embedding != w.Embedding || math.Abs(h.Scale()-w.Scale()) > 1e-7*w.Scale() {
			t.Errorf("module %s, scale %g, want %s, %g", h.Path, h.Scale(), w.Path, w.Scale())
		}
		if !slices.Equal(h.A.Data, w.A.Data) || !slices.Equal(h.A.Shape, w.A.Shape) {
			t.Errorf("module %s: A differs", w.Path)
		}
		if !slices.Equal(h.B.Data, w.B.Data) || !slices.Equal(h.B.Shape, w.B.Shape) {
			t.Errorf("module %s: B differs", w.Path)
		}
	}
}
