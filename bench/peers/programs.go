package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"graft/bench/harness"
	"graft/internal/app/bench"
)

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// command runs a program of llama.cpp and returns what it prints.
func (p *peers) command(ctx context.Context, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, filepath.Join(p.llama, name), args...)
	c.Env = append(os.Environ(), "LD_LIBRARY_PATH="+p.llama)
	out, _, err := output(c)
	return out, err
}

// output runs c; peak is the memory that it needed, in bytes.
func output(c *exec.Cmd) (out []byte, peak int64, err error) {
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		text := stderr.String()
		return nil, 0, fmt.Errorf("%s: %w\n%s", strings.Join(c.Args, " "), err, text[max(0, len(text)-2000):])
	}
	return stdout.Bytes(), harness.PeakOf(c.ProcessState), nil
}

// llamaBench is tokens per second of one test, prompt tokens or else generated ones,
// by setting: with and without flash attention.
func (p *peers) llamaBench(ctx context.Context, path string, prompt, generate int, more ...string) (map[string]float64, error) {
	out, err := p.command(ctx, "llama-bench", append([]string{"-m", path, "-p", fmt.Sprint(prompt), "-n", fmt.Sprint(generate),
		"-t", fmt.Sprint(p.threads), "-fa", "off,on", "-r", "1", "-o", "json"}, more...)...)
	if err != nil {
		return nil, err
	}
	var tests []struct {
		FlashAttn json.RawMessage `json:"flash_attn"`
		Rate      float64         `json:"avg_ts"`
	}
	if err := json.Unmarshal(out, &tests); err != nil {
		return nil, fmt.Errorf("llama-bench: %w", err)
	}
	rates := map[string]float64{}
	for _, t := range tests {
		name := "flash attention"
		if s := string(t.FlashAttn); s == "0" || s == "false" || s == `"off"` {
			name = "no flash attention"
		}
		rates[name] = t.Rate
	}
	if len(rates) != 2 {
		return nil, fmt.Errorf("llama-bench: want a test with and one without flash attention, have %s", out)
	}
	return rates, nil
}

// graftBench is one round of a case of `graft bench`, by the names of its results.
func (p *peers) graftBench(ctx context.Context, path, name string, args ...string) (map[string]bench.Result, int64, error) {
	args = append([]string{"bench", name, "--model", path, "--json", "--quiet", "--rounds", "1", "--data-dir", filepath.Join(p.dir, "data")}, args...)
	out, peak, err := output(exec.CommandContext(ctx, p.program, args...))
	if err != nil {
		return nil, 0, err
	}
	var r bench.Report
	if err := json.Unmarshal(out, &r); err != nil {
		return nil, 0, fmt.Errorf("graft bench: %w", err)
	}
	results := map[string]bench.Result{}
	for _, x := range r.Results {
		results[x.Name] = x
	}
	p.works[path] = r.Work
	return results, peak, nil
}

var peftLine = regexp.MustCompile(`best (\d+) tokens/s, .* peak (\d+) MB`)

// peft is the best of four steps of PyTorch and PEFT, after one that warms up: the second
// is still slow at times.
func (p *peers) peft(ctx context.Context, dtype string) (rate, peakMB float64, err error) {
	out, _, err := output(exec.CommandContext(ctx, p.python, filepath.Join("bench", "training", "step.py"), dtype, "4", fmt.Sprint(p.threads)))
	if err != nil {
		return 0, 0, err
	}
	g := peftLine.FindSubmatch(out)
	if g == nil {
		return 0, 0, fmt.Errorf("bench/training/step.py says %q", out)
	}
	if rate, err = strconv.ParseFloat(string(g[1]), 64); err == nil {
		peakMB, err = strconv.ParseFloat(string(g[2]), 64)
	}
	return rate, peakMB, err
}
