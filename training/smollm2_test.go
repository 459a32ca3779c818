package training

import (
	"context"
	"path/filepath"
	"testing"

	"graft/internal/hub/hubtest"
	"graft/internal/kernel"
	"graft/internal/model"
	"graft/internal/tokenizer"
	"graft/internal/weights"
)

// proverbs are a few lines to learn by heart.
var proverbs = []string{
	"A stitch in time saves nine, said the tailor to the ninth of his sons.",
	"The early bird catches the worm, but the second mouse gets the cheese.",
	"Many hands make light work; too many cooks spoil the broth.",
	"Measure twice and cut once, for wood has no memory of what it was.",
}

func smolLM2(t testing.TB, precision kernel.Precision) *Trainer {
	t.Helper()
	path := hubtest.Model(t, "smollm2-135m-instruct")
	m, err := model.Load(path, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	file, err := weights.OpenGGUF(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tok, err := tokenizer.FromGGUF(file.Meta)
	if err != nil {
		t.Fatal(err)
	}
	var examples []Example
	for _, p := range proverbs {
		e := Example{IDs: tok.Encode(p, tokenizer.EncodeOptions{})}
		e.Weights = make([]float32, len(e.IDs))
		for i := 1; i < len(e.IDs); i++ {
			e.Weights[i] = 1
		}
		examples = append(examples, e)
	}
	paths, err := Targets(m, []string{"q_proj", "k_proj", "v_proj", "o_proj"})
	if err != nil {
		t.Fatal(err)
	}
	var specs []ModuleSpec
	for _, p := range paths {
		specs = append(specs, ModuleSpec{Path: p, Rank: 8, Alpha: 16})
	}
	a, err := NewAdapter(m, specs, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	pool := kernel.NewPool(2)
	t.Cleanup(pool.Close)
	opts := DefaultOptions()
	opts.LearningRate, opts.Epochs, opts.Batch, opts.Precision, opts.Schedule = 2e-3, 8, 4, precision, Constant
	tr, err := NewTrainer(pool, m, a, examples, nil, opts)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// A real model in Q4_1 learns a few lines whatever the precision of products. The
// gradient as a whole is about 0.08 from that in float32 with Half (measured: activations
// lose all but 8 bits before each of 210 products), 0.025 where that is integers of 12 bits, and
// far nearer with Split.
func TestSmolLM2(t *testing.T) {
	ctx := context.Background()
	full := smolLM2(t, kernel.Full)
	want := gradientOf(t, full)
	trainers := map[kernel.Precision]*Trainer{kernel.Full: full}
	half := 0.12
	if kernel.Impl() == "avx2" {
		half = 0.05
	}
	for precision, most := range map[kernel.Precision]float64{kernel.Split: 1e-3, kernel.Half: half} {
		tr := smolLM2(t, precision)
		d := apart(gradientOf(t, tr), want)
		t.Logf("gradients with %v apart by %.3g", precision, d)
		if !(d <= most) || d == 0 && precision.Fast() {
			t.Errorf("gradients with %v are apart by %.3g, want above 0 and at most %v", precision, d, most)
		}
		trainers[precision] = tr
	}
	for precision, tr := range trainers {
		var losses []float64
		if err := tr.Run(ctx, func(r Report) error { losses = append(losses, r.Loss); return nil }); err != nil {
			t.Fatal(err)
		}
		t.Logf("losses with %v %.4f", precision, losses)
		if first, last := losses[0], losses[len(losses)-1]; !(last < 0.5*first) || first > 6 {
			t.Errorf("losses with %v: %v", precision, losses)
		}
	}
	path := filepath.Join(t.TempDir(), "checkpoint.safetensors")
	if err := full.Checkpoint(path); err != nil {
		t.Fatal(err)
	}
	if err := full.Resume(path); err != nil {
		t.Error(err)
	}
}

// gradientOf is the gradient of the first step by all matrices B.
func gradientOf(t *testing.T, tr *Trainer) (g []float32) {
	t.Helper()
	if _, err := tr.Gradient(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	for _, mod := range tr.adapter.Modules {
		g = append(g, mod.B.Grad...)
	}
	return g
}
