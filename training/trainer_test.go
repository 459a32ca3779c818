package training

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"graft/internal/kernel"
	"graft/internal/reftest"
)

// Twenty steps of AdamW with the cosine schedule and clipping follow PEFT's: losses,
// gradient norms, rates, and parameters at the end.
func TestStepsGolden(t *testing.T) {
	for _, name := range tiny {
		m := openTiny(t, name)
		g := reftest.Load(t, filepath.Join("testdata", name+".safetensors"))
		opts := DefaultOptions()
		opts.LearningRate, opts.AdamW.Decay = 5e-3, 0.01
		for i := range 20 {
			opts.Windows = append(opts.Windows, []int{i % 4, (i + 1) % 4})
		}
		tr, err := NewTrainer(nil, m, goldenAdapter(t, g, m, false), goldenExamples(t, g), nil, opts)
		if err != nil {
			t.Fatal(err)
		}
		worst := map[string]float64{}
		err = tr.Run(context.Background(), func(r Report) error {
			for what, pair := range map[string][2]float64{
				"steps.loss": {r.Loss, 1e-6}, "steps.norm": {r.Norm, 2e-5}, "steps.lr": {r.Rate, 1e-7},
			} {
				want := float64(g.Tensor(t, what).Data[r.Step-1])
				d := math.Abs(pair[0]-want) / want
				worst[what] = max(worst[what], d)
				if !(d <= pair[1]) {
					t.Errorf("%s: step %d: %s is %v, want %v", name, r.Step, what, pair[0], want)
				}
			}
			return nil
		})
		if err != nil || tr.Steps() != 20 {
			t.Errorf("%s: %d steps: %v", name, tr.Steps(), err)
		}
		for _, mod := range tr.Adapter().Modules {
			for key, p := range map[string]*Param{"end.A.": mod.A, "end.B.": mod.B, "end.M.": mod.M} {
				if g.Has(key + mod.Path) {
					d := apart(p.Data, g.Tensor(t, key+mod.Path).Data)
					worst["parameters"] = max(worst["parameters"], d)
					if !(d <= 3e-5) {
						t.Errorf("%s: %s apart by %.3g", name, p.Name, d)
					}
				}
			}
		}
		t.Logf("%s: %v", name, worst)
	}
}

// practice is a training with everything that is drawn or counted: dropout, shuffling,
// accumulation, a smaller last window, validation.
func practice(t testing.TB, workers int, change func(*Options)) *Trainer {
	t.Helper()
	m := openTiny(t, "llama")
	g := reftest.Load(t, filepath.Join("testdata", "llama.safetensors"))
	all := goldenExamples(t, g)
	train := slices.Concat(all[:3], all[1:3], all[:2])
	opts := DefaultOptions()
	opts.LearningRate, opts.Batch, opts.Epochs, opts.MicroTokens, opts.Warmup, opts.Seed, opts.Base = 1e-2, 3, 3, 40, 2, 7, "sha256:base"
	if change != nil {
		change(&opts)
	}
	paths, err := Targets(m, []string{"q_proj", "v_proj", "down_proj", "lm_head"})
	if err != nil {
		t.Fatal(err)
	}
	var specs []ModuleSpec
	for _, p := range paths {
		specs = append(specs, ModuleSpec{Path: p, Rank: 4, Alpha: 8})
	}
	a, err := NewAdapter(m, specs, 0.1, opts.Seed)
	if err != nil {
		t.Fatal(err)
	}
	var pool *kernel.Pool
	if workers > 1 {
		pool = kernel.NewPool(workers)
		t.Cleanup(pool.Close)
	}
	tr, err := NewTrainer(pool, m, a, train, all[2:], opts)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// trace is a report as text, to the last bit.
func trace(r Report) string { return fmt.Sprintf("%+v", r) }

func runTrace(t testing.TB, tr *Trainer) (lines []string) {
	t.Helper()
	if err := tr.Run(context.Background(), func(r Report) error { lines = append(lines, trace(r)); return nil }); err != nil {
		t.Fatal(err)
	}
	return lines
}

// firstLoss is the loss of the base on the validation set.
func firstLoss(t testing.TB, tr *Trainer) float64 {
	t.Helper()
	s, err := tr.Evaluate(context.Background(), nil, tr.valid)
	if err != nil {
		t.Fatal(err)
	}
	return s.Mean()
}

func sameParams(t testing.TB, what string, a, b *Trainer) {
	t.Helper()
	for i, p := range a.adapter.Params() {
		q := b.adapter.Params()[i]
		for k, pair := range [][2][]float32{{p.Data, q.Data}, {p.M, q.M}, {p.V, q.V}, {a.best[i], b.best[i]}} {
			for j, v := range pair[0] {
				if math.Float32bits(v) != math.Float32bits(pair[1][j]) {
					t.Fatalf("%s: %s (%d): number %d is %v and %v", what, p.Name, k, j, v, pair[1][j])
				}
			}
		}
	}
}

// Workers and kept results change nothing; the loss falls.
func TestRunAgain(t *testing.T) {
	one, two := practice(t, 1, nil), practice(t, 3, func(o *Options) { o.KeepBytes = 0 })
	a, b := runTrace(t, one), runTrace(t, two)
	if !slices.Equal(a, b) {
		t.Errorf("with workers:\n%s\nwithout:\n%s", strings.Join(b, "\n"), strings.Join(a, "\n"))
	}
	sameParams(t, "with workers", one, two)
	// 7 examples in threes, three times: 9 steps, validations before and after each epoch.
	if len(a) != 13 || one.Total() != 9 || one.Targets() == 0 {
		t.Errorf("%d reports of %d steps:\n%s", len(a), one.Total(), strings.Join(a, "\n"))
	}
	if step, best, ok := one.Best(); !ok || step != 9 || !(best < 0.9*firstLoss(t, one)) {
		t.Errorf("best loss is %v, after step %d:\n%s", best, step, strings.Join(a, "\n"))
	}
	if other := runTrace(t, practice(t, 1, func(o *Options) { o.Seed = 8 })); slices.Equal(other, a) {
		t.Error("another seed changes nothing")
	}
}

// A training that is killed at any moment and resumed from its last checkpoint ends
// as one that was not, to the bit.
func TestResume(t *testing.T) {
	whole := practice(t, 1, nil)
	want := runTrace(t, whole)
	path := filepath.Join(t.TempDir(), "checkpoint.safetensors")
	killed := errors.New("killed")
	for _, pieces := range []int{1, 7, 23, 40} { // of work between two deaths
		var lines []string
		fresh := func(o *Options) {}
		left := 0
		dying := func(o *Options) {
			fresh(o)
			o.Between = func(context.Context) error {
				if left--; left < 0 {
					return killed
				}
				return nil
			}
		}
		os.Remove(path)
		var tr *Trainer
		for round := 0; ; round++ {
			tr = practice(t, 1, dying)
			if round > 0 {
				if err := tr.Resume(path); err != nil {
					t.Fatal(err)
				}
			}
			left = pieces + 5*round // ever longer lives, so that it ends
			saved := len(lines)
			err := tr.Run(context.Background(), func(r Report) error {
				lines = append(lines, trace(r))
				if err := tr.Checkpoint(path); err != nil {
					return err
				}
				saved = len(lines)
				return nil
			})
			lines = lines[:saved]
			if err == nil {
				break
			}
			if !errors.Is(err, killed) {
				t.Fatal(err)
			}
			if _, err := os.Stat(path); err != nil {
				if err := tr.Checkpoint(path); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !slices.Equal(lines, want) {
			t.Errorf("deaths after %d pieces:\n%s\nwant\n%s", pieces, strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
		sameParams(t, fmt.Sprint("deaths after ", pieces), tr, whole)
	}
}

func TestResumeRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint.safetensors")
	tr := practice(t, 1, nil)
	if err := tr.Checkpoint(path); err != nil {
		t.Fatal(err)
	}
	if err := practice(t, 1, func(o *Options) { o.KeepBytes = 1 }).Resume(path); err != nil {
		t.Errorf("other memory: %v", err)
	}
	for want, change := range map[string]func(o *Options){
		"another base model": func(o *Options) { o.Base = "sha256:other" },
		"another options":    func(o *Options) { o.LearningRate *= 2 },
	} {
		if err := practice(t, 1, change).Resume(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	other := practice(t, 1, nil)
	other.train[0].Weights = slices.Clone(other.train[0].Weights)
	other.train[0].Weights[3] += 0.25
	if err := other.Resume(path); err == nil || !strings.Contains(err.Error(), "another data") {
		t.Errorf("other data: %v", err)
	}
	if err := other.Resume(filepath.Join("testdata", "llama.safetensors")); err == nil {
		t.Error("a file that is no checkpoint was taken")
	}
}

// A training that gets no better is ended, and the best parameters can be had.
func TestPatience(t *testing.T) {
	tr := practice(t, 1, func(o *Options) {
		o.Epochs, o.ValidateEvery, o.Patience, o.LearningRate, o.Schedule = 40, 1, 3, 0.5, Constant
	})
	var losses []float64
	if err := tr.Run(context.Background(), func(r Report) error {
		if r.Validation {
			losses = append(losses, r.Loss)
			if r.Best != (r.Loss == slices.Min(losses)) {
				t.Errorf("validation %d is the best: %v, of %v", len(losses), r.Best, losses)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	step, best, ok := tr.Best()
	if !ok || best != slices.Min(losses) || losses[step] != best || len(losses) != step+4 {
		t.Errorf("best is %v at step %d; losses %v", best, step, losses)
	}
	tr.UseBest()
	if s, err := tr.Evaluate(context.Background(), tr.Adapter(), tr.valid); err != nil || s.Mean() != best {
		t.Errorf("with the best parameters the loss is %v (%v), want %v", s.Mean(), err, best)
	}
}

// A gradient that is not finite changes nothing but the count, and many of them in a
// row end the training.
func TestNotFinite(t *testing.T) {
	tr := practice(t, 1, nil)
	p := tr.adapter.Params()[0]
	keep := p.Data[3]
	tr.adapter.Params()[1].Data[0] = 1 // so that A matters
	p.Data[3] = float32(math.NaN())
	before := slices.Clone(tr.adapter.Params()[2].Data)
	r, err := tr.Step(context.Background())
	if err != nil || !r.Skipped || !slices.Equal(before, tr.adapter.Params()[2].Data) {
		t.Errorf("report %+v, %v", r, err)
	}
	p.Data[3] = keep
	if r, err := tr.Step(context.Background()); err != nil || r.Skipped || tr.state.Updates != 1 || tr.state.Step != 2 {
		t.Errorf("report %+v, %v, state %+v", r, err, tr.state)
	}
	p.Data[3] = float32(math.Inf(1))
	for range maxSkips - 1 {
		if _, err := tr.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tr.Step(context.Background()); !errors.Is(err, ErrDiverged) {
		t.Errorf("after %d steps in a row: %v", maxSkips, err)
	}
}

func TestPause(t *testing.T) {
	tr := practice(t, 1, nil)
	ctx, cancel := context.WithCancel(context.Background())
	steps := 0
	err := tr.Run(ctx, func(Report) error {
		if steps++; steps == 4 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || steps != 4 {
		t.Errorf("paused after %d reports: %v", steps, err)
	}
	runTrace(t, tr)
	whole := practice(t, 1, nil)
	runTrace(t, whole)
	sameParams(t, "after a pause", tr, whole)
}

// Each pass has masks of its own: the same example at a rate that changes nothing has
// another loss in the next step.
func TestMasksOfSteps(t *testing.T) {
	tr := practice(t, 1, func(o *Options) { o.Windows, o.LearningRate = [][]int{{0}, {0}}, 1e-30 })
	for _, mod := range tr.adapter.Modules {
		fillNormal(mod.B.Data, keyOf(1, mod.Path), 0.1)
	}
	one, err := tr.Step(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if two, err := tr.Step(context.Background()); err != nil || one.Loss == two.Loss {
		t.Errorf("losses are %v and %v (%v)", one.Loss, two.Loss, err)
	}
}

// A probe tells time and memory, and the training after it is as without.
func TestProbe(t *testing.T) {
	tr := practice(t, 1, nil)
	p, err := tr.Probe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if p.Tokens < 1 || p.Tokens > 40 || p.Took <= 0 || p.Bytes <= tr.model.Config.Bytes+int64(20*tr.adapter.Size()) {
		t.Errorf("probe: %+v; %d numbers are trained", p, tr.adapter.Size())
	}
	whole := practice(t, 1, nil)
	if a, b := runTrace(t, tr), runTrace(t, whole); !slices.Equal(a, b) {
		t.Errorf("after a probe:\n%s\nwant\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
	sameParams(t, "after a probe", tr, whole)
}

// FuzzResume reads files that no one may have written. Whatever they hold, the
// training stands where it stood or where it can.
func FuzzResume(f *testing.F) {
	tr := practice(f, 1, func(o *Options) { o.MaxSteps = 1 })
	path := filepath.Join(f.TempDir(), "checkpoint.safetensors")
	save := func() {
		if err := tr.Checkpoint(path); err != nil {
			f.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		for _, pair := range [][2]string{{`\"Step\":0`, `\"Step\":7`}, {`\"Step\":1`, `\"Step\":-`}, {"F32", "F16"}, {"v.model", "x.model"}} {
			f.Add([]byte(strings.Replace(string(data), pair[0], pair[1], 1)))
		}
	}
	save()
	runTrace(f, tr)
	save()
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		before := tr.state
		if err := tr.Resume(path); err != nil && tr.state != before {
			t.Errorf("refused (%v), but the training stands elsewhere", err)
		}
		if !tr.state.sound(tr.total) {
			t.Errorf("stands at %+v", tr.state)
		}
		tr.due()
		tr.epoch()
	})
}
