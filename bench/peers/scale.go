package main

import (
	"context"
	"errors"
	"fmt"
)

// scale: prompts and training steps on one core and on all, and what the machine itself
// gains: virtual processors may share a core, memory is one for all. One core and all follow
// each other at once in every sample, as neighbours come and go.
func (p *peers) scale(ctx context.Context) error {
	if p.threads < 2 {
		return errors.New("there is one processor: there is nothing to scale to")
	}
	m := p.models[0]
	prompt := func(name string, set ...string) sample {
		return sample{turns: 3, take: func(threads int, add func(string, float64)) error {
			r, _, err := p.graftBench(ctx, m.path, "prefill", append(set, "--set", engineThreads(threads))...)
			if err == nil {
				add(name, r["prefill"].TokensPerSecond)
			}
			return err
		}}
	}
	samples := []sample{
		prompt("prefill 512, 8 bits", "--set", "engine.exact=false"),
		prompt("prefill 512, 16 bits"),
		{turns: 1, take: func(threads int, add func(string, float64)) error {
			r, err := p.measureRoof(ctx, threads)
			if err == nil {
				add("float32 peak", r.F32/1e9)
				add("int8 peak", r.Int8/1e9)
				add("read bandwidth", r.Read/1e9)
			}
			return err
		}},
	}
	for _, precision := range precisions {
		samples = append(samples, sample{turns: 1, take: func(threads int, add func(string, float64)) error {
			r, _, err := p.graftBench(ctx, m.path, "train", "--precision", precision, "--set", engineThreads(threads))
			if err == nil {
				add("LoRA step, "+precision, r["train, "+precision].TokensPerSecond)
			}
			return err
		}})
	}
	one, all := map[string][]float64{}, map[string][]float64{}
	err := p.eachRound(ctx, func(round int) error {
		if round < 0 {
			return nil // each process warms itself up
		}
		for _, s := range samples {
			for turn := range s.turns {
				for i := range 2 { // who begins takes turns as well
					threads, into := 1, one
					if (i+turn+round)%2 == 1 {
						threads, into = p.threads, all
					}
					err := s.take(threads, func(name string, v float64) { into[name] = append(into[name], v) })
					if err != nil {
						return err
					}
				}
			}
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

// engineThreads is the setting of as many.
func engineThreads(n int) string { return fmt.Sprintf("engine.threads=%d", n) }

// sample is what is measured in one go, some turns in a round: take adds values by their names.
type sample struct {
	turns int
	take  func(threads int, add func(name string, v float64)) error
}
