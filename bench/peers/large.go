package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"graft/bench/harness"
	"graft/internal/app/bench"
)

// sevenB is the file of the large model, made when it is missing.
func (p *peers) sevenB() (string, error) {
	path := p.large
	if path == "" {
		path = filepath.Join(p.dir, "7b.gguf") // goes with the folder
	}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(p.log, "making", path)
		err = bench.MakeModel(path, bench.Mistral7B)
	}
	return path, err
}

// largeModel: a model of 7B starts and generates.
func (p *peers) largeModel(ctx context.Context) error {
	path, err := p.sevenB()
	if err != nil {
		return err
	}
	var graft, short, limits []float64
	peer := rates{}
	err = p.eachRound(ctx, func(round int) error {
		if round < 0 {
			return nil // each process warms itself up
		}
		g, _, err := p.graftBench(ctx, path, "decode", "--tokens", "9")
		if err != nil {
			return err
		}
		s, _, err := p.graftBench(ctx, path, "decode", "--tokens", "9", "--set", "engine.exact=false")
		if err != nil {
			return err
		}
		r, err := p.measureRoof(ctx, p.threads)
		if err != nil {
			return err
		}
		l, err := p.llamaBench(ctx, path, 0, 8)
		if err == nil {
			graft, short = append(graft, g["decode"].TokensPerSecond), append(short, s["decode"].TokensPerSecond)
			limits = append(limits, decodeLimit(r, p.works[path], 20))
			peer.add("llama.cpp, ", l)
		}
		return err
	})
	if err != nil {
		return err
	}
	const work = "decode, one stream, a 7B in Q4_K"
	p.compare(work, "tokens/s", graft, peer, 0.9, false)
	p.ceiling(work, "read bandwidth", graft, limits, 0.8)
	p.compare(work+", 8 bits", "tokens/s", short, peer, 0.9, false)
	p.ceiling(work+", 8 bits", "read bandwidth", short, limits, 0.8)
	seconds, bytes, peerSeconds, peerBytes, err := p.starts(ctx, path, 4, func(ctx context.Context, s *harness.Server, tokens int) error {
		body := harness.Body{"model": "base", "temperature": 0, "max_tokens": tokens, "prompt": "1 2 3"} // it has no form of a chat
		_, err := harness.Call(ctx, http.MethodPost, s.URL+"/v1/completions", body, nil)
		return err
	})
	if err != nil {
		return err
	}
	p.compare("start to first token, a 7B in Q4_K", "s", seconds, peerSeconds, 1, true)
	p.compare("start to first token, a 7B in Q4_K, in seconds", "s", seconds, rates{"bound": repeat(5, len(seconds))}, 1, true)
	p.compare("memory of the server, a 7B in Q4_K", "MB", bytes, peerBytes, 0, true)
	return nil
}

// qlora: a step of LoRA on the 7B as it is stored, in a process of its own, in the
// precision that jobs take.
func (p *peers) qlora(ctx context.Context) error {
	path, err := p.sevenB()
	if err != nil {
		return err
	}
	var rate, limits, memory []float64
	err = p.eachRound(ctx, func(round int) error {
		if round < 0 {
			return nil // the process takes a step to warm up
		}
		g, peak, err := p.graftBench(ctx, path, "train", "--shape", "1x512", "--precision", "bf16x2")
		if err != nil {
			return err
		}
		r, err := p.measureRoof(ctx, p.threads)
		if err != nil {
			return err
		}
		rate, memory = append(rate, g["train, bf16x2"].TokensPerSecond), append(memory, float64(peak)/1e6)
		limits = append(limits, trainLimit(r, p.works[path]))
		return nil
	})
	if err != nil {
		return err
	}
	const work = "QLoRA step of 1 × 512, a 7B in Q4_K, bf16x2"
	p.alone(work, "tokens/s", rate)
	p.ceiling(work, "float32 peak", rate, limits, 0.5)
	p.compare(work+", peak memory", "MB", memory, rates{"bound": repeat(float64(8<<30)/1e6, len(memory))}, 1, true)
	return nil
}

func repeat(v float64, n int) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = v
	}
	return all
}
