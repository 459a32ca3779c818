package training

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"

	"graft/internal/kernel"
	"graft/internal/model"
	"graft/internal/model/opstest"
	"graft/internal/reftest"
)

// With dropout the gradient is that of the loss under the masks of the pass: moving
// all parameters a little along a direction changes the loss by what the gradient
// says. The step is large enough that float32 leaves three digits of the difference.
func TestDropoutGradient(t *testing.T) {
	for _, name := range []string{"llama", "phi3"} {
		m := openTiny(t, name)
		g := reftest.Load(t, filepath.Join("testdata", name+".safetensors"))
		examples := goldenExamples(t, g)
		a := goldenAdapter(t, g, m, true)
		a.Dropout = 0.3
		tape := NewTape(nil, nil)
		for _, which := range []string{"A", "B"} {
			gradientsOf(t, tape, m, a, examples, 4)
			direction := map[*Param][]float32{}
			slope := 0.0
			for _, mod := range a.Modules {
				p := mod.A
				if which == "B" {
					p = mod.B
				}
				d := make([]float32, len(p.Data))
				fillNormal(d, keyOf(5, p.Name), 1)
				direction[p] = d
				for i, v := range p.Grad {
					slope += float64(v) * float64(d[i])
				}
			}
			const h = 2.5e-4
			loss := func(step float32) float64 {
				for p, d := range direction {
					for i, v := range d {
						p.Data[i] += step * v
					}
				}
				return gradientsOf(t, tape, m, a, examples, 4).Mean()
			}
			up := loss(h)
			down := loss(-2 * h)
			loss(h)
			if have := (up - down) / (2 * h); math.Abs(have-slope) > 5e-3*math.Abs(slope)+2e-4 {
				t.Errorf("%s, %s: the loss changes by %v, the gradient says %v", name, which, have, slope)
			}
		}
	}
}

// Masks differ between passes and modules, and a pass without training has none.
func TestDropoutMasks(t *testing.T) {
	m := openTiny(t, "llama")
	g := reftest.Load(t, filepath.Join("testdata", "llama.safetensors"))
	a := goldenAdapter(t, g, m, true)
	var b micro
	b.add(goldenExamples(t, g)[0])
	loss := func(p Pass) float64 {
		tape := NewTape(nil, nil)
		p.Adapter = a
		if err := tape.Forward(context.Background(), m, &b.Batch, p); err != nil {
			t.Fatal(err)
		}
		s, err := tape.Measure(b.targets, b.weights)
		if err != nil {
			t.Fatal(err)
		}
		return s.Loss
	}
	plain := loss(Pass{Train: true})
	a.Dropout = 0.2
	if got := loss(Pass{}); got != plain {
		t.Errorf("loss without training is %v, want %v", got, plain)
	}
	one, two := loss(Pass{Train: true, Number: 1}), loss(Pass{Train: true, Number: 2})
	if one == plain || one == two || one != loss(Pass{Train: true, Number: 1}) {
		t.Errorf("losses are %v and %v in two passes, %v without dropout", one, two, plain)
	}
}

// The first step finds B at 0: then A gets no gradient at all, B some, and the model
// is the base to the bit.
func TestFirstStep(t *testing.T) {
	for _, name := range tiny {
		m := openTiny(t, name)
		g := reftest.Load(t, filepath.Join("testdata", name+".safetensors"))
		a := goldenAdapter(t, g, m, false)
		examples := goldenExamples(t, g)
		s := gradientsOf(t, NewTape(nil, nil), m, a, examples, 4)
		for _, mod := range a.Modules {
			for i, v := range mod.A.Grad {
				if v != 0 {
					t.Fatalf("%s: gradient %d of %s is %v", name, i, mod.A.Name, v)
				}
			}
			moved := false
			for _, v := range mod.B.Grad {
				moved = moved || v != 0
			}
			if !moved {
				t.Errorf("%s: %s has no gradient", name, mod.B.Name)
			}
		}
		var b micro
		for _, e := range examples {
			b.add(e)
		}
		tape := NewTape(nil, nil)
		if err := tape.Forward(context.Background(), m, &b.Batch, Pass{}); err != nil {
			t.Fatal(err)
		}
		if base, _ := tape.Measure(b.targets, b.weights); base != s {
			t.Errorf("%s: the base gives %+v, the first step %+v", name, base, s)
		}
	}
}

// Only layers from the lowest adapted one on have a backward pass, and what is
// computed is the same.
func TestUpperLayers(t *testing.T) {
	m := openTiny(t, "gemma3")
	g := reftest.Load(t, filepath.Join("testdata", "gemma3.safetensors"))
	all := goldenAdapter(t, g, m, true)
	gradientsOf(t, NewTape(nil, nil), m, all, goldenExamples(t, g), 4)
	var specs []ModuleSpec
	for _, mod := range all.Modules {
		if mod.Path >= "model.layers.5." {
			specs = append(specs, mod.ModuleSpec)
		}
	}
	upper, err := NewAdapter(m, specs, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	// The lower updates are zero here, so compare with an adapter of all modules whose
	// lower ones are.
	for _, mod := range all.Modules {
		if mod.Path < "model.layers.5." {
			clear(mod.B.Data)
		}
	}
	gradientsOf(t, NewTape(nil, nil), m, all, goldenExamples(t, g), 4)
	for i, mod := range upper.Modules {
		from := all.Modules[len(all.Modules)-len(upper.Modules)+i]
		copy(mod.A.Data, from.A.Data)
		copy(mod.B.Data, from.B.Data)
	}
	gradientsOf(t, NewTape(nil, nil), m, upper, goldenExamples(t, g), 4)
	for i, mod := range upper.Modules {
		from := all.Modules[len(all.Modules)-len(upper.Modules)+i]
		for j, v := range mod.B.Grad {
			if v != from.B.Grad[j] {
				t.Fatalf("%s: gradient %d is %v, want %v", mod.B.Name, j, v, from.B.Grad[j])
			}
		}
	}
}

// An error of Between ends a pass, in both directions, and the next one is as if
// nothing had been.
func TestBetween(t *testing.T) {
	m := openTiny(t, "llama")
	g := reftest.Load(t, filepath.Join("testdata", "llama.safetensors"))
	a := goldenAdapter(t, g, m, true)
	want := gradientsOf(t, NewTape(nil, nil), m, a, goldenExamples(t, g), 4)
	var b micro
	for _, e := range goldenExamples(t, g) {
		b.add(e)
	}
	stop := errors.New("stop")
	calls, until := 0, 1<<30
	tape := NewTape(nil, nil)
	tape.Between = func(context.Context) error {
		if calls++; calls > until {
			return stop
		}
		return nil
	}
	run := func() error {
		calls = 0
		if err := tape.Forward(context.Background(), m, &b.Batch, Pass{Adapter: a, Train: true}); err != nil {
			return err
		}
		_, err := tape.Backward(b.targets, b.weights)
		return err
	}
	if err := run(); err != nil {
		t.Fatal(err)
	}
	all := calls
	if all != 5 { // two layers forward and back, one piece of the head
		t.Errorf("others could use the cores %d times, want 5", all)
	}
	for until = range all {
		if err := run(); !errors.Is(err, stop) {
			t.Errorf("stopped after %d pieces: %v", until, err)
		}
	}
	until = 1 << 30
	if got := gradientsOf(t, tape, m, a, goldenExamples(t, g), 4); got != want {
		t.Errorf("afterwards %+v, want %+v", got, want)
	}
}

// What the tape computes forward is what the operations are defined as.
func TestForwardReference(t *testing.T) {
	for _, name := range tiny {
		m := openTiny(t, name)
		b := &model.Batch{IDs: make([]int32, 50), Segs: []model.Segment{{Len: 30, Limit: 30}, {Row: 30, Len: 20, Limit: 20, Blocks: nil}}}
		for i := range b.IDs {
			b.IDs[i] = int32(3 + i*7%90)
		}
		for i := range b.Segs {
			b.Segs[i].Blocks = []int32{int32(4 * i), int32(4*i + 1), int32(4*i + 2)}
		}
		want := m.Hidden(opstest.NewReference(16), b)
		have := m.Hidden(NewTape(nil, nil), b)
		if d := apart(have.Data, want.Data); !(d <= 2e-6) {
			t.Errorf("%s: hidden states apart by %.3g", name, d)
		}
	}
}

// A gradient must flow through a value that is used twice, and through the operations
// that no decoder uses so.
func TestSingleOperations(t *testing.T) {
	data := make([]float32, 24)
	fillNormal(data, 3, 1)
	tape := NewTape(nil, nil)
	b := &model.Batch{IDs: make([]int32, 4), Segs: []model.Segment{{Len: 4, Limit: 4}}}
	norm := &model.Norm{Weight: []float32{1, 2, -1, 0.5, 1, 3}, Bias: make([]float32, 6), Eps: 0.1, Center: true}
	run := func(x []float32) (float64, []float32) {
		tape.Begin(b)
		leaf := tape.Leaf(x, 4, 6)
		one := tape.Select(leaf, []int32{2})
		y := tape.Add(tape.Scale(leaf, 2, 1.5), one) // one row, added to each
		y = tape.GLU(tape.Norm(y, norm), model.Value{}, kernel.GELU)
		y = tape.Add(y, tape.Select(leaf, []int32{3, 1, 1, 0}))
		v := tape.val(y.ID)
		v.grad = make([]float32, 24)
		sum := 0.0
		for i := range v.grad {
			v.grad[i] = float32(i%5) - 1.5
			sum += float64(v.grad[i]) * float64(y.Data[i])
		}
		tape.back(0)
		return sum, append([]float32(nil), tape.val(leaf.ID).grad...)
	}
	_, grad := run(data)
	const h = 1.0 / 128
	for i := range data {
		at := data[i]
		data[i] = at + h
		up, _ := run(data)
		data[i] = at - h
		down, _ := run(data)
		data[i] = at
		if want := (up - down) / (2 * h); math.Abs(float64(grad[i])-want) > 2e-3*max(1, math.Abs(want)) {
			t.Errorf("gradient %d is %v, want %v", i, grad[i], want)
		}
	}
}
