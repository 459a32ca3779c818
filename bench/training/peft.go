package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"graft/bench/harness"
)

// Settings of both trainers. Dropout is 0: each draws its own masks.
const (
	rank, alpha = 16, 16
	rate        = 5e-4
)

// run is what a trainer did.
type trained struct {
	Loss     []float64 `json:"loss"`
	GradNorm []float64 `json:"grad_norm"`
	Wall     float64   `json:"wall_s"`
	CPU      float64   `json:"cpu_s"`
	Peak     int64     `json:"peak_bytes"`
	Made     string    `json:"made,omitempty"`
}

// curve is how both trained on one task with one seed.
type curve struct {
	Rows    int     `json:"rows"`
	Batch   int     `json:"batch"`
	Threads int     `json:"threads"`
	Tokens  int     `json:"tokens"` // without padding
	Padded  int     `json:"padded"` // as PEFT computes them
	Graft   trained `json:"graft"`
	PEFT    trained `json:"peft"`
}

// peft trains with both from the same adapter on the same tokens in the same order.
func (b *bench) peft(ctx context.Context) error {
	return b.each("curve", func(task string, seed int, result string) error {
		dir := b.folder(task, seed)
		c, err := b.prepare(ctx, dir, task, seed)
		if err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(dir, "graft.json")); err != nil {
			if err := b.replay(ctx, dir); err != nil {
				return err
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "peft.json")); err != nil {
			if _, err := b.script(ctx, dir, "train"); err != nil {
				return err
			}
		}
		if err := errors.Join(readJSON(filepath.Join(dir, "graft.json"), &c.Graft), readJSON(filepath.Join(dir, "peft.json"), &c.PEFT)); err != nil {
			return err
		}
		return writeJSON(result, c)
	})
}

// folder holds what both trainers read and write.
func (b *bench) folder(task string, seed int) string {
	return filepath.Join(b.dir, fmt.Sprintf("peft-%s-%d", task, seed))
}

// prepare writes what both read.
func (b *bench) prepare(ctx context.Context, dir, task string, seed int) (*curve, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	list, _, err := b.examples(ctx, filepath.Join(b.data, task+"-train.jsonl"), b.rows)
	if err != nil {
		return nil, err
	}
	g, err := b.goldRows(ctx, task)
	if err != nil {
		return nil, err
	}
	steps := batches(list, b.batch, 1, uint64(seed))
	c := &curve{Rows: len(list), Batch: b.batch, Threads: b.threads}
	for _, s := range steps {
		for i := range s.IDs {
			c.Padded += len(s.IDs[i])
			for _, m := range s.Mask[i] {
				c.Tokens += int(m)
			}
		}
	}
	config := map[string]any{
		"lora":      map[string]any{"r": rank, "lora_alpha": alpha, "lora_dropout": 0.0, "target_modules": []string{"q_proj", "k_proj", "v_proj", "o_proj"}},
		"optimizer": "AdamW", "betas": []float64{0.9, 0.999}, "eps": 1e-8, "lr": rate, "weight_decay": 0.0, "schedule": "cosine",
		"max_grad_norm": 1.0, "steps": len(steps), "batch_size": b.batch, "seed": seed,
	}
	for name, v := range map[string]any{"config": config, "batches": steps, "gold": g} {
		if err := writeJSON(filepath.Join(dir, name+".json"), v); err != nil {
			return nil, err
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "init", "adapter_model.safetensors")); err != nil {
		_, err = b.script(ctx, dir, "init")
		return c, err
	}
	return c, nil
}

// replay trains with graft.
func (b *bench) replay(ctx context.Context, dir string) error {
	at := func(name string) string { return filepath.Join(dir, name) }
	cmd := exec.CommandContext(ctx, b.program, "train", "replay", "--model", b.model, "--init", at("init"), "--config", at("config.json"),
		"--batches", at("batches.json"), "--set", fmt.Sprintf("engine.threads=%d", b.threads), "--losses", at("losses.json"), "--final", at("graft"))
	start := time.Now()
	if err := logged(cmd, at("graft.log")); err != nil {
		return err
	}
	t := trained{Wall: time.Since(start).Seconds()}
	t.CPU, t.Peak = usage(cmd)
	if err := readJSON(at("losses.json"), &t); err != nil {
		return err
	}
	return writeJSON(at("graft.json"), t)
}

// usage is the processor time of a process that has ended, in seconds, and the most
// memory it held, in bytes.
func usage(cmd *exec.Cmd) (cpu float64, peak int64) {
	return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), harness.PeakOf(cmd.ProcessState)
}

// logged runs cmd with its output in a file.
func logged(cmd *exec.Cmd, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	cmd.Stderr = f
	if cmd.Stdout == nil {
		cmd.Stdout = f
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w; see %s", filepath.Base(cmd.Path), err, path)
	}
	return nil
}

// script runs curve.py on a folder and returns what it printed.
func (b *bench) script(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, b.python, append([]string{"bench/training/curve.py"}, args...)...)
	cmd.Args = append(cmd.Args, "--model", b.model, "--dir", dir, "--threads", fmt.Sprint(b.threads))
	cmd.Env = append(os.Environ(), fmt.Sprintf("OMP_NUM_THREADS=%d", b.threads))
	out, err := os.Create(filepath.Join(dir, args[0]+".out"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout = out
	if err := logged(cmd, filepath.Join(dir, args[0]+".log")); err != nil {
		return nil, err
	}
	return os.ReadFile(out.Name())
}
