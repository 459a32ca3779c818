package training

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"graft/internal/reftest"
)

func pairTrainer(t testing.TB, micro int) *Trainer {
	t.Helper()
	m := openTiny(t, "llama")
	g := reftest.Load(t, filepath.Join("testdata", "llama.safetensors"))
	e := goldenExamples(t, g)
	opts := DefaultOptions()
	opts.Batch, opts.MicroTokens, opts.LearningRate, opts.Epochs, opts.Clip = 2, micro, 5e-3, 15, 0
	pairs := []Pair{{e[0], e[1]}, {e[2], e[3]}}
	tr, err := NewPairTrainer(nil, m, goldenAdapter(t, g, m, true), pairs, pairs[:1], 0.3, opts)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// Loss and gradients of preferences are those of PyTorch and PEFT, together or one
// pair at a time.
func TestPairsGolden(t *testing.T) {
	g := reftest.Load(t, filepath.Join("testdata", "dpo.safetensors"))
	for _, micro := range []int{1, 1000} {
		tr := pairTrainer(t, micro)
		s, err := tr.Gradient(context.Background(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if want := float64(g.Tensor(t, "loss").Data[0]); math.Abs(s.Mean()-want) > 1e-6*want || s.Weight != 2 {
			t.Errorf("loss is %v of %v pairs, want %v", s.Mean(), s.Weight, want)
		}
		hits := 0
		for _, h := range g.Tensor(t, "margins").Data {
			if h > 0 {
				hits++
			}
		}
		if s.Hits != hits {
			t.Errorf("%d pairs the right way round, want %d", s.Hits, hits)
		}
		for _, mod := range tr.adapter.Modules {
			for key, p := range map[string]*Param{"gA.": mod.A, "gB.": mod.B} {
				if d := apart(p.Grad, g.Tensor(t, key+mod.Path).Data); !(d <= 2e-5) {
					t.Errorf("%s: apart by %.3g", p.Name, d)
				}
			}
		}
	}
}

// A training of preferences comes to prefer.
func TestPairsRun(t *testing.T) {
	tr := pairTrainer(t, 50)
	var losses []float64
	if err := tr.Run(context.Background(), func(r Report) error {
		if r.Validation {
			losses = append(losses, r.Loss)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(losses) != 16 || tr.Total() != 15 || !(losses[15] < 0.5*losses[0]) || slices.Min(losses) != tr.state.Best {
		t.Errorf("losses of validations: %v", losses)
	}
}

// Loss and gradients of preferences are those of TRL's own trainer: shared prompts,
// continuations of other lengths, the base as the reference.
func TestPairsTRL(t *testing.T) {
	g := reftest.Load(t, filepath.Join("testdata", "dpo-trl.safetensors"))
	m := openTiny(t, "mistral")
	a := goldenAdapter(t, reftest.Load(t, filepath.Join("testdata", "mistral.safetensors")), m, true)
	e := goldenExamples(t, g)
	for _, micro := range []int{1, 1000} {
		opts := DefaultOptions()
		opts.Batch, opts.MicroTokens = 2, micro
		tr, err := NewPairTrainer(nil, m, a, []Pair{{e[0], e[1]}, {e[2], e[3]}}, nil, 0.3, opts)
		if err != nil {
			t.Fatal(err)
		}
		s, err := tr.Gradient(context.Background(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if want := float64(g.Tensor(t, "loss").Data[0]); math.Abs(s.Mean()-want) > 1e-5*want {
			t.Errorf("loss %.8f, want %.8f", s.Mean(), want)
		}
		worst := 0.0
		for _, mod := range a.Modules {
			for key, p := range map[string]*Param{"gA.": mod.A, "gB.": mod.B} {
				d := apart(p.Grad, g.Tensor(t, key+mod.Path).Data)
				if worst = max(worst, d); !(d <= 1e-4) {
					t.Errorf("%s: apart by %.3g", p.Name, d)
				}
			}
		}
		t.Logf("loss %.8f of %.8f, gradients apart by %.2g at most", s.Mean(), g.Tensor(t, "loss").Data[0], worst)
	}
}
