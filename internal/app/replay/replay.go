package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"graft/adapters"
	"graft/internal/kernel"
	"graft/internal/model"
	"graft/internal/weights"
	"graft/training"
)

// Files are what a replay reads and writes; Grads and Final may be "".
type Files struct {
	Model   string // a Hugging Face folder or a GGUF file
	Init    string // the adapter to begin with
	Config  string
	Batches string
	Losses  string // gets {"loss": […], "grad_norm": […]}, the norms before they are cut
	Grads   string // gets the gradients of the first step, before they are cut
	Final   string // gets the adapter after the last step, as a PEFT folder
}

// Result is what the file of losses holds, one number for each step.
type Result struct {
	Loss     []float64 `json:"loss"`
	GradNorm []float64 `json:"grad_norm"`
}

// maxFile bounds the files that are read whole, in bytes.
const maxFile = 1 << 30

// Run replays the training that the files describe. report, which may be nil, hears of
// each step. Nothing is written before all steps are done.
func Run(ctx context.Context, f Files, threads int, report func(training.Report) error) (*Result, error) {
	c, err := readConfig(f.Config)
	if err != nil {
		return nil, err
	}
	examples, steps, err := readBatches(f.Batches)
	if err != nil {
		return nil, err
	}
	if c.Steps == 0 {
		c.Steps = len(steps)
	}
	if c.Steps > len(steps) {
		return nil, fmt.Errorf("%s: steps is %d, but %s has %d batches", f.Config, c.Steps, f.Batches, len(steps))
	}
	m, err := model.Load(f.Model, model.Options{Workers: threads})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	init, err := adapters.Read(f.Init, &m.Config, adapters.Limits{})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.LoRA.agree(init), fits(m, init)); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Init, err)
	}
	p, err := c.LoRA.dropout(init)
	if err != nil {
		return nil, fmt.Errorf("%s: lora_dropout: %w", f.Init, err)
	}
	a, err := parameters(m, init, float32(p), c.Seed)
	if err != nil {
		return nil, err
	}
	pool := kernel.NewPool(threads)
	defer pool.Close()
	o := training.DefaultOptions()
	o.LearningRate, o.AdamW, o.Schedule, o.Clip, o.Seed = c.Rate, c.AdamW, c.Sched, c.Clip, c.Seed
	o.Windows, o.Epochs = steps[:c.Steps], 1
	t, err := training.NewTrainer(pool, m, a, examples, nil, o)
	if err != nil {
		return nil, err
	}
	return run(ctx, t, f, init, report)
}

func run(ctx context.Context, t *training.Trainer, f Files, init *adapters.Adapter, report func(training.Report) error) (*Result, error) {
	var grads []weights.Tensor
	if f.Grads != "" {
		if _, err := t.Gradient(ctx, 0); err != nil {
			return nil, err
		}
		for _, p := range t.Adapter().Params() {
			grads = append(grads, weights.NewF32("base_model.model."+p.Name, p.Grad, p.Shape()...))
		}
	}
	out := &Result{}
	err := t.Run(ctx, func(r training.Report) error {
		if r.Skipped {
			return fmt.Errorf("step %d: loss %v, gradient norm %v: not finite", r.Step, r.Loss, r.Norm)
		}
		out.Loss, out.GradNorm = append(out.Loss, r.Loss), append(out.GradNorm, r.Norm)
		if report == nil {
			return nil
		}
		return report(r)
	})
	if err != nil {
		return nil, err
	}
	if f.Grads != "" {
		if err := weights.SaveSafetensors(f.Grads, grads, map[string]string{"format": "pt"}); err != nil {
			return nil, err
		}
	}
	if f.Final != "" {
		if err := adapters.WritePEFT(f.Final, trained(init, t.Adapter())); err != nil {
			return nil, err
		}
	}
	return out, writeJSON(f.Losses, out)
}

// fits tells everything in which the adapter is not one that a replay can train.
func fits(m *model.Model, a *adapters.Adapter) error {
	_, err := adapters.NewBase(m).Fit(a)
	errs := []error{err}
	if a.Config.Bias != "none" {
		errs = append(errs, fmt.Errorf("bias is %q: graft trains no biases", a.Config.Bias))
	}
	for name := range a.Replaced {
		errs = append(errs, fmt.Errorf("%s is trained as a whole, which graft does not do", name))
	}
	for _, mod := range a.Modules {
		if mod.Embedding {
			errs = append(errs, fmt.Errorf("%s is a table of embeddings, which graft does not train", mod.Path))
		}
	}
	return errors.Join(errs...)
}

// parameters are those of the adapter, ready to be trained.
func parameters(m *model.Model, from *adapters.Adapter, dropout float32, seed uint64) (*training.Adapter, error) {
	var specs []training.ModuleSpec
	for _, mod := range from.Modules {
		specs = append(specs, training.ModuleSpec{Path: mod.Path, Rank: mod.Rank(), Alpha: mod.Alpha, RSLoRA: mod.RS, DoRA: mod.DoRA()})
	}
	a, err := training.NewAdapter(m, specs, dropout, seed)
	if err != nil {
		return nil, err
	}
	for _, mod := range a.Modules {
		src := from.Module(mod.Path)
		copy(mod.A.Data, src.A.Float32())
		copy(mod.B.Data, src.B.Float32())
		if mod.M != nil {
			copy(mod.M.Data, src.Magnitude.Float32())
		}
	}
	return a, nil
}

// trained is the adapter that was begun with, with the numbers that it has now.
func trained(init *adapters.Adapter, a *training.Adapter) *adapters.Adapter {
	out := &adapters.Adapter{Config: init.Config}
	for _, m := range a.Modules {
		mod := &adapters.Module{
			Path: m.Path, Alpha: m.Alpha, RS: m.RSLoRA,
			A: adapters.F32(m.A.Data, m.A.Shape()...), B: adapters.F32(m.B.Data, m.B.Shape()...),
		}
		if m.M != nil {
			mod.Magnitude = adapters.F32(m.M.Data, m.M.Shape()...)
		}
		out.Modules = append(out.Modules, mod)
	}
	out.Seal()
	return out
}

func readConfig(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, err
	}
	c, err := ParseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func readBatches(path string) ([]training.Example, [][]int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	examples, steps, err := ReadBatches(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return examples, steps, nil
}

// writeJSON writes a file that is there whole or not at all.
func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".replay-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(data, '\n'))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
