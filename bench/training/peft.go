package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Settings of both trainers. Dropout is 0: each draws its own masks.
const (
	rank, alpha = 16, 16
	rate        = 5e-4
	batchRows   = 8
)

// run is what a trainer did.
type trained struct {
	Loss     []float64 `json:"loss"`
	GradNorm []float64 `json:"grad_norm"`
	Wall     float64   `json:"wall_s"`
	CPU      float64   `json:"cpu_s"`
	Peak     int64     `json:"peak_bytes"`
	Score    float64   `json:"score"` // of the gold rows
	Made     string    `json:"made,omitempty"`
}

// compared is one task and seed.
type compared struct {
	Rows   int     `json:"rows"`
	Tokens int     `json:"tokens"` // of an epoch, without padding
	Padded int     `json:"padded"` // of an epoch, as PEFT computes them
	Gold   int     `json:"gold"`
	Graft  trained `json:"graft"`
	PEFT   trained `json:"peft"`
	// PEFT's adapter served by graft, and the share of answers that are the same as
	// PEFT's own.
	Served float64 `json:"peft_served_by_graft"`
	Same   float64 `json:"same_answers"`
	Base   float64 `json:"base"` // graft without an adapter
}

// peft trains with both from the same adapter on the same tokens in the same order.
func (b *bench) peft(ctx context.Context) error {
	return b.each("peft", func(task string, seed int, result string) error {
		dir := filepath.Join(b.dir, fmt.Sprintf("peft-%s-%d", task, seed))
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
			if _, err := b.script(ctx, dir, "train", "--model", b.model, "--dir", dir); err != nil {
				return err
			}
		}
		if err := b.measure(ctx, dir, task, c); err != nil {
			return err
		}
		return writeJSON(result, c)
	})
}

// prepare writes what both read.
func (b *bench) prepare(ctx context.Context, dir, task string, seed int) (*compared, error) {
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
	steps := batches(list, batchRows, 1, uint64(seed))
	c := &compared{Rows: len(list), Gold: len(g.Prompts)}
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
		"max_grad_norm": 1.0, "steps": len(steps), "batch_size": batchRows, "seed": seed,
	}
	for name, v := range map[string]any{"config": config, "batches": steps, "gold": g} {
		if err := writeJSON(filepath.Join(dir, name+".json"), v); err != nil {
			return nil, err
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "init", "adapter_model.safetensors")); err != nil {
		_, err = b.script(ctx, dir, "init", "--model", b.model, "--dir", dir)
		return c, err
	}
	return c, nil
}

// replay trains with graft.
func (b *bench) replay(ctx context.Context, dir string) error {
	at := func(name string) string { return filepath.Join(dir, name) }
	cmd := exec.CommandContext(ctx, b.program, "train", "replay", "--model", b.model, "--init", at("init"), "--config", at("config.json"),
		"--batches", at("batches.json"), "--losses", at("losses.json"), "--final", at("graft"))
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
// memory it held, in bytes (Linux counts it in KiB).
func usage(cmd *exec.Cmd) (cpu float64, peak int64) {
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		peak = u.Maxrss << 10
	}
	return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), peak
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

// script runs curve.py and returns what it printed.
func (b *bench) script(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, b.python, append([]string{"bench/training/curve.py"}, args...)...)
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

// rouge is the mean ROUGE-L of files of answers.
func (b *bench) rouge(ctx context.Context, dir string, files ...string) (scores []float64, err error) {
	text, err := b.script(ctx, dir, append([]string{"rouge", "--answers"}, files...)...)
	if err == nil {
		err = json.Unmarshal(text, &scores)
	}
	return scores, err
}
