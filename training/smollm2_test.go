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

func smolLM2(t testing.TB, half bool) *Trainer {
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
	opts.LearningRate, opts.Epochs, opts.Batch, opts.Half, opts.Schedule = 2e-3, 8, 4, half, Constant
	tr, err := NewTrainer(pool, m, a, examples, nil, opts)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// A real model in Q4_1 learns a few lines, and with Half does so as well; its
// gradient as a whole is about 0.08 from that in float32 (measured;
// activations lose all but 8 bits before each of 210 products).
func TestSmolLM2(t *testing.T) {
	full, half := smolLM2(t, false), smolLM2(t, true)
	ctx := context.Background()
	for _, tr := range []*Trainer{full, half} {
		if _, err := tr.Gradient(ctx, 0); err != nil {
			t.Fatal(err)
		}
	}
	var all [2][]float32
	for i, mod := range full.adapter.Modules {
		all[0] = append(all[0], half.adapter.Modules[i].B.Grad...)
		all[1] = append(all[1], mod.B.Grad...)
	}
	d := apart(all[0], all[1])
	t.Logf("gradients with Half apart by %.3g", d)
	if !(d <= 0.12) || d == 0 && kernel.HasHalf() {
		t.Errorf("gradients with Half are apart by %.3g", d)
	}
	var losses [2][]float64
	for k, tr := range []*Trainer{full, half} {
		if err := tr.Run(ctx, func(r Report) error { losses[k] = append(losses[k], r.Loss); return nil }); err != nil {
			t.Fatal(err)
		}
		first, last := losses[k][0], losses[k][len(losses[k])-1]
		if !(last < 0.5*first) || first > 6 {
			t.Errorf("losses: %v", losses[k])
		}
	}
	t.Logf("losses %.4f, with Half %.4f", losses[0], losses[1])
	path := filepath.Join(t.TempDir(), "checkpoint.safetensors")
	if err := full.Checkpoint(path); err != nil {
		t.Fatal(err)
	}
	if err := full.Resume(path); err != nil {
		t.Error(err)
	}
}
