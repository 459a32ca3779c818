package main

import (
	"context"
	"fmt"
)

// longPrompt is how long a context is looked at.
const longPrompt = 4000

// depths at which tokens are generated, and how many are. The peer, whose prompts take
// long, is asked at the first and the last.
var depths = []int{16, 1000, 2000, longPrompt}

const deepTokens = 32

// context: tokens after long contexts, against what the arithmetic says they should cost
// (see roof.go) and against llama.cpp.
func (p *peers) context(ctx context.Context) error {
	for _, m := range p.models {
		decode, limits, peer := map[int][]float64{}, map[int][]float64{}, map[int]rates{}
		err := p.eachRound(ctx, func(round int) error {
			if round < 0 {
				return nil // each process warms itself up
			}
			r, err := p.measureRoof(ctx, p.threads)
			if err != nil {
				return err
			}
			for i, d := range depths {
				g, _, err := p.graftBench(ctx, m.path, "decode", "--depth", fmt.Sprint(d), "--tokens", fmt.Sprint(deepTokens))
				if err != nil {
					return err
				}
				decode[d] = append(decode[d], g["decode"].TokensPerSecond)
				const half = deepTokens / 2
				limits[d] = append(limits[d], deepLimit(r, p.works[m.path], decode[depths[0]][round], depths[0]+half, d+half))
				if i > 0 && i < len(depths)-1 {
					continue
				}
				l, err := p.llamaBench(ctx, m.path, 0, deepTokens, "-d", fmt.Sprint(d))
				if err != nil {
					return err
				}
				if peer[d] == nil {
					peer[d] = rates{}
				}
				peer[d].add("llama.cpp, ", l)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i, d := range depths {
			work := fmt.Sprintf("decode after %d tokens, %s", d, m.name)
			if peer[d] != nil {
				p.compare(work, "tokens/s", decode[d], peer[d], 0, false)
			} else {
				p.alone(work, "tokens/s", decode[d])
			}
			if i > 0 {
				p.ceiling(work, "what the arithmetic says", decode[d], limits[d], 0.9)
			}
		}
	}
	return nil
}

// long: long prompts, compared in the same way.
func (p *peers) long(ctx context.Context) error {
	for _, m := range p.models {
		var graft, limits []float64
		peer := rates{}
		err := p.eachRound(ctx, func(round int) error {
			if round < 0 {
				return nil
			}
			r, err := p.measureRoof(ctx, p.threads)
			if err != nil {
				return err
			}
			short, _, err := p.graftBench(ctx, m.path, "prefill")
			if err != nil {
				return err
			}
			g, _, err := p.graftBench(ctx, m.path, "prefill", "--prompt", fmt.Sprint(longPrompt))
			if err != nil {
				return err
			}
			l, err := p.llamaBench(ctx, m.path, longPrompt, 0, "--no-warmup") // many seconds: that is warm enough
			if err != nil {
				return err
			}
			peer.add("llama.cpp, ", l)
			graft = append(graft, g["prefill"].TokensPerSecond)
			limits = append(limits, longLimit(r, p.works[m.path], short["prefill"].TokensPerSecond, 512, longPrompt))
			return nil
		})
		if err != nil {
			return err
		}
		work := fmt.Sprintf("prefill %d, %s, 16 bits", longPrompt, m.name)
		p.compare(work, "tokens/s", graft, peer, 0, false)
		p.ceiling(work, "what the arithmetic says", graft, limits, 0.9)
	}
	return nil
}
