package main

import (
	"context"
	"fmt"
	"os/exec"
)

// file is a model file in a comparison, as it is, or quantised anew.
type file struct{ name, path string }

// files are a model as it is and as llama.cpp likes it best.
func (m *modelFile) files() []file {
	all := []file{{"as it is", m.path}}
	for _, r := range m.requants {
		all = append(all, file{r.name, r.path})
	}
	return all
}

// decode: one stream; graft's precision makes no difference there, memory does.
func (p *peers) decode(ctx context.Context) error {
	for _, m := range p.models {
		for _, f := range m.files() {
			reach := 1.2
			if f.name == "Q4_0" || f.name == "Q8_0" && m.name != "smollm2-135m-instruct" {
				reach = 0
			}
			var graft, limits []float64
			peer := rates{}
			err := p.eachRound(ctx, func(round int) error {
				g, _, err := p.graftBench(ctx, f.path, "decode")
				if err != nil {
					return err
				}
				r, err := p.measureRoof(ctx, p.threads)
				if err != nil {
					return err
				}
				l, err := p.llamaBench(ctx, f.path, 0, 128)
				if err == nil && round >= 0 {
					limits = append(limits, decodeLimit(r, p.works[f.path], 16+64)) // in the middle
					graft = append(graft, g["decode"].TokensPerSecond)
					peer.add("llama.cpp, ", l)
				}
				return err
			})
			if err != nil {
				return err
			}
			work := fmt.Sprintf("decode, one stream, %s, %s", m.name, f.name)
			p.compare(work, "tokens/s", graft, peer, reach, false)
			asked := 0.
			if reach > 0 {
				asked = 0.8
			}
			p.ceiling(work, "read bandwidth", graft, limits, asked)
		}
	}
	return nil
}

// prefill: 512 tokens, on the file as it is and against the best of llama.cpp's
// formats; graft on the file as it is, with activations in 8 and in 16 bits.
func (p *peers) prefill(ctx context.Context) error {
	for _, m := range p.models {
		var eight, sixteen, limits []float64
		same, any := rates{}, rates{}
		err := p.eachRound(ctx, func(round int) error {
			a, _, err := p.graftBench(ctx, m.path, "prefill", "--set", "engine.exact=false")
			if err != nil {
				return err
			}
			b, _, err := p.graftBench(ctx, m.path, "prefill", "--set", "engine.exact=true")
			if err != nil {
				return err
			}
			r, err := p.measureRoof(ctx, p.threads)
			if err != nil {
				return err
			}
			for _, f := range m.files() {
				l, err := p.llamaBench(ctx, f.path, 512, 0)
				if err != nil {
					return err
				}
				if round < 0 {
					continue
				}
				if f.path == m.path {
					same.add("llama.cpp, ", l)
				}
				any.add("llama.cpp, "+f.name+", ", l)
			}
			if round >= 0 {
				limits = append(limits, prefillLimit(r, p.works[m.path], 512))
				eight, sixteen = append(eight, a["prefill"].TokensPerSecond), append(sixteen, b["prefill"].TokensPerSecond)
			}
			return nil
		})
		if err != nil {
			return err
		}
		toSame, toAny := 4., 1.5
		if m.name != "smollm2-135m-instruct" {
			toSame, toAny = 1.5, 0
		}
		work := "prefill 512, " + m.name
		p.compare(work+", 8 bits, same file", "tokens/s", eight, same, toSame, false)
		p.compare(work+", 8 bits, llama.cpp's best format", "tokens/s", eight, any, toAny, false)
		p.compare(work+", 16 bits, same file", "tokens/s", sixteen, same, 0, false)
		p.compare(work+", 16 bits, llama.cpp's best format", "tokens/s", sixteen, any, 0, false)
		asked := 0.
		if m.name == "smollm2-135m-instruct" {
			asked = 0.4
		}
		p.ceiling(work+", 8 bits, same file", "int8 peak", eight, limits, asked)
		p.ceiling(work+", 16 bits, same file", "int8 peak", sixteen, limits, 0)
		p.compare(work+", 8 bits over 16", "tokens/s", eight, rates{"graft, 16 bits": sixteen}, 0, false)
	}
	return nil
}

// busy: decode while another process computes on the first core all the time, against
// decode without it.
func (p *peers) busy(ctx context.Context) error {
	m := p.models[0]
	var taken []float64
	free, peer := rates{}, rates{}
	err := p.eachRound(ctx, func(round int) error {
		g, _, err := p.graftBench(ctx, m.path, "decode")
		if err != nil {
			return err
		}
		spin := exec.CommandContext(ctx, "taskset", "-c", "0", "sh", "-c", "while :; do :; done")
		if err := spin.Start(); err != nil {
			return err
		}
		defer func() {
			_ = spin.Process.Kill()
			_ = spin.Wait() // it was killed
		}()
		g2, _, err := p.graftBench(ctx, m.path, "decode")
		if err != nil {
			return err
		}
		l, err := p.llamaBench(ctx, m.path, 0, 16) // some ten in a second
		if err == nil && round >= 0 {
			taken = append(taken, g2["decode"].TokensPerSecond)
			free.add("graft, ", map[string]float64{"both cores free": g["decode"].TokensPerSecond})
			peer.add("llama.cpp, ", l)
		}
		return err
	})
	if err != nil {
		return err
	}
	p.compare("decode, one of the cores taken, over decode without", "tokens/s", taken, free, 0.5, false)
	p.compare("decode, one of the cores taken", "tokens/s", taken, peer, 0, false)
	return nil
}
