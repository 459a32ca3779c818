package training

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"graft/internal/kernel"
	"graft/internal/kernel/kerneltest"
	"graft/internal/model"
	"graft/internal/reftest"
)

// tiny are the models that reference/training.py has trained adapters of.
var tiny = []string{"llama", "mistral", "qwen2", "qwen3", "phi3", "gemma2", "gemma3", "llama-q4_1", "qwen2-dora", "phi3-dora"}

func openTiny(t testing.TB, name string) *model.Model {
	t.Helper()
	path := filepath.Join("..", "internal", "model", "testdata", strings.TrimSuffix(name, "-dora"))
	if name == "llama-q4_1" {
		path = filepath.Join("testdata", name+".gguf")
	}
	m, err := model.Load(path, model.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// goldenExamples are the sequences of a golden.
func goldenExamples(t testing.TB, g *reftest.Golden) (all []Example) {
	for i := range 4 {
		all = append(all, Example{IDs: g.IDs(t, fmt.Sprint("ids.", i)), Weights: g.Tensor(t, fmt.Sprint("weights.", i)).Data})
	}
	return all
}

// goldenAdapter has the parameters of a golden; without b those of B are zero.
func goldenAdapter(t testing.TB, g *reftest.Golden, m *model.Model, b bool) *Adapter {
	t.Helper()
	var specs []ModuleSpec
	seen := map[string]bool{}
	for _, l := range m.Linears {
		if g.Has("A."+l.Module) && !seen[l.Module] {
			seen[l.Module] = true
			specs = append(specs, ModuleSpec{Path: l.Module, Rank: 3, Alpha: 6, DoRA: g.Has("M." + l.Module)})
		}
	}
	a, err := NewAdapter(m, specs, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, mod := range a.Modules {
		copy(mod.A.Data, g.Tensor(t, "A."+mod.Path).Data)
		if b {
			copy(mod.B.Data, g.Tensor(t, "B."+mod.Path).Data)
			if mod.M != nil {
				copy(mod.M.Data, g.Tensor(t, "M."+mod.Path).Data)
			}
		}
	}
	return a
}

// gradientsOf runs the examples in micro-batches of so many.
func gradientsOf(t testing.TB, tape *Tape, m *model.Model, a *Adapter, examples []Example, each int) (s Stats) {
	t.Helper()
	for _, p := range a.Params() {
		clear(p.Grad)
	}
	for i := 0; i < len(examples); i += each {
		var b micro
		for _, e := range examples[i:min(len(examples), i+each)] {
			b.add(e)
		}
		if err := tape.Forward(context.Background(), m, &b.Batch, Pass{Adapter: a, Train: true, Number: uint64(i)}); err != nil {
			t.Fatal(err)
		}
		got, err := tape.Backward(b.targets, b.weights)
		if err != nil {
			t.Fatal(err)
		}
		s.Add(got)
	}
	for _, p := range a.Params() {
		for i := range p.Grad {
			p.Grad[i] /= float32(s.Weight)
		}
	}
	return s
}

// apart is the distance of two tensors over the length of the second.
func apart(have, want []float32) float64 {
	d, n := 0.0, 0.0
	for i, v := range want {
		d += math.Pow(float64(have[i])-float64(v), 2)
		n += math.Pow(float64(v), 2)
	}
	return math.Sqrt(d / n)
}

// Loss and every gradient are PEFT's, in all architectures, whether results are kept
// or computed again.
func TestGradientsGolden(t *testing.T) {
	for _, name := range tiny {
		t.Run(name, func(t *testing.T) {
			m := openTiny(t, name)
			g := reftest.Load(t, filepath.Join("testdata", name+".safetensors"))
			kerneltest.EachImpl(t, func(t *testing.T) {
				for _, keep := range []int64{0, 1 << 30} {
					tape := NewTape(nil, nil)
					tape.Keep = keep
					a := goldenAdapter(t, g, m, true)
					s := gradientsOf(t, tape, m, a, goldenExamples(t, g), 4)
					want := float64(g.Tensor(t, "loss").Data[0])
					if d := math.Abs(s.Mean()-want) / want; d > 2e-6 {
						t.Errorf("loss is %v, want %v", s.Mean(), want)
					}
					worst := 0.0
					for _, mod := range a.Modules {
						for key, p := range map[string]*Param{"gA.": mod.A, "gB.": mod.B, "gM.": mod.M} {
							if p == nil {
								continue
							}
							d := apart(p.Grad, g.Tensor(t, key+mod.Path).Data)
							worst = max(worst, d)
							if !(d <= 1e-5) {
								t.Errorf("%s: apart by %.3g", p.Name, d)
							}
						}
					}
					t.Logf("keep %d: worst gradient apart by %.3g", keep, worst)
				}
			})
		})
	}
}

// How the examples are cut into micro-batches changes gradients by rounding only,
// and workers and kept results do not change a bit.
func TestGradientsInvariance(t *testing.T) {
	for _, name := range tiny {
		m := openTiny(t, name)
		g := reftest.Load(t, filepath.Join("testdata", name+".safetensors"))
		examples := goldenExamples(t, g)
		base := goldenAdapter(t, g, m, true)
		base.Dropout = 0.1
		one := gradientsOf(t, NewTape(nil, nil), m, base, examples, 4)
		pool := kernel.NewPool(3)
		tape := NewTape(pool, nil)
		tape.Keep = 100 << 10 // some layers
		again := goldenAdapter(t, g, m, true)
		again.Dropout = 0.1
		gradientsOf(t, tape, m, again, examples, 1) // what another pass leaves must not matter
		if two := gradientsOf(t, tape, m, again, examples, 4); two != one {
			t.Errorf("%s: with workers %+v, want %+v", name, two, one)
		}
		for i, p := range again.Params() {
			for j, v := range p.Grad {
				if want := base.Params()[i].Grad[j]; math.Float32bits(v) != math.Float32bits(want) {
					t.Fatalf("%s: %s: gradient %d with workers is %v, want %v", name, p.Name, j, v, want)
				}
			}
		}
		pool.Close()

		base.Dropout, again.Dropout = 0, 0
		one = gradientsOf(t, NewTape(nil, nil), m, base, examples, 4)
		for _, each := range []int{1, 2, 3} {
			s := gradientsOf(t, NewTape(nil, nil), m, again, examples, each)
			if s.Weight != one.Weight || s.Tokens != one.Tokens || math.Abs(s.Loss-one.Loss) > 1e-6*one.Loss {
				t.Errorf("%s: %d at a time: %+v, want %+v", name, each, s, one)
			}
			for i, p := range again.Params() {
				if d := apart(p.Grad, base.Params()[i].Grad); !(d <= 3e-6) {
					t.Errorf("%s: %s: gradients of %d at a time apart by %.3g", name, p.Name, each, d)
				}
			}
		}
	}
}

// Every instruction set gives the same bits.
func TestGradientsPaths(t *testing.T) {
	for _, name := range []string{"qwen3", "gemma2", "phi3-dora", "llama-q4_1"} {
		m := openTiny(t, name)
		g := reftest.Load(t, filepath.Join("testdata", name+".safetensors"))
		var first *Adapter
		kerneltest.EachImpl(t, func(t *testing.T) {
			a := goldenAdapter(t, g, m, true)
			a.Dropout = 0.1
			gradientsOf(t, NewTape(nil, nil), m, a, goldenExamples(t, g), 2)
			if first == nil {
				first = a
				return
			}
			for i, p := range a.Params() {
				for j, v := range p.Grad {
					if want := first.Params()[i].Grad[j]; math.Float32bits(v) != math.Float32bits(want) {
						t.Fatalf("%s: %s: gradient %d is %v, want %v", name, p.Name, j, v, want)
					}
				}
			}
		})
	}
}
