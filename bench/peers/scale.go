package main

import (
	"context"
	"errors"
	"fmt"
)

// scale: prompts and training steps on one core and on all, and what the machine itself
// gains: virtual processors may share a core, memory is one for all.
func (p *peers) scale(ctx context.Context) error {
	if p.threads < 2 {
		return errors.New("there is one processor: there is nothing to scale to")
	}
	m := p.models[0]
	one, all := map[string][]float64{}, map[string][]float64{}
	err := p.eachRound(ctx, func(round int) error {
		if round < 0 {
			return nil // each process warms itself up
		}
		for _, threads := range []int{1, p.threads} {
			into := one
			if threads > 1 {
				into = all
			}
			set := []string{"--set", fmt.Sprintf("engine.threads=%d", threads)}
			a, _, err := p.graftBench(ctx, m.path, "prefill", append(set, "--set", "engine.exact=false")...)
			if err != nil {
				return err
			}
			b, _, err := p.graftBench(ctx, m.path, "prefill", set...)
			if err != nil {
				return err
			}
			t, _, err := p.graftBench(ctx, m.path, "train", set...)
			if err != nil {
				return err
			}
			r, err := p.measureRoof(ctx, threads)
			if err != nil {
				return err
			}
			add := func(name string, v float64) { into[name] = append(into[name], v) }
			add("prefill 512, 8 bits", a["prefill"].TokensPerSecond)
			add("prefill 512, 16 bits", b["prefill"].TokensPerSecond)
			for _, precision := range precisions {
				add("LoRA step, "+precision, t["train, "+precision].TokensPerSecond)
			}
			add("float32 peak", r.F32/1e9)
			add("int8 peak", r.Int8/1e9)
			add("read bandwidth", r.Read/1e9)
		}
		return nil
	})
	if err != nil {
		return err
	}
	add := func(name, unit string, reach float64) {
		p.compare(fmt.Sprintf("%s, %d cores over one", name, p.threads), unit, all[name], rates{"graft, one core": one[name]}, reach, false)
	}
	add("float32 peak", "GFLOPS", 0)
	add("int8 peak", "GOPS", 0)
	add("read bandwidth", "GB/s", 0)
	want := 0.9 * float64(p.threads)
	add("prefill 512, 8 bits", "tokens/s", want)
	add("prefill 512, 16 bits", "tokens/s", want)
	for _, precision := range precisions {
		add("LoRA step, "+precision, "tokens/s", want)
	}
	return nil
}
