package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"graft/bench/harness"
)

// generation is what a name stands for.
func generation(ctx context.Context, s *harness.Server, name string) (string, error) {
	var entry struct{ Generation string }
	_, err := harness.Call(ctx, http.MethodGet, s.URL+"/v1/lora_adapters/"+name, nil, &entry)
	return entry.Generation, err
}

// cold: the first token of a request whose adapter is on disk only, against one
// whose adapter is in memory.
func (b *bench) cold(ctx context.Context) error {
	paths, err := b.folders(1, rank, false)
	if err != nil {
		return err
	}
	s, err := b.serving(ctx, paths)
	if err != nil {
		return err
	}
	defer s.Stop()
	n := 0
	first := func() (float64, error) { // milliseconds; every prompt is new to the prefix cache
		n++
		began := time.Now()
		_, err := harness.Chat(ctx, s, harness.Body{"model": "a0", "max_tokens": 1, "temperature": 0,
			"messages": []harness.Body{{"role": "user", "content": fmt.Sprintf("%d is a number. Which one follows?", 1000+n)}}})
		return float64(time.Since(began).Microseconds()) / 1000, err
	}
	var cold, warm []float64
	for round := range 4*b.rounds + 1 {
		if _, err := harness.Call(ctx, http.MethodPost, s.URL+"/v1/lora_adapters/a0/unload", nil, nil); err != nil {
			return err
		}
		c, err := first()
		if err != nil {
			return err
		}
		w, err := first()
		if err != nil {
			return err
		}
		if round > 0 {
			cold, warm = append(cold, c), append(warm, w)
		}
	}
	c, w := b.Add("first token, adapter on disk", "ms", cold...), b.Add("first token, adapter in memory", "ms", warm...)
	b.AtMost("a cold adapter costs", "ms", c-w, 50)
	return nil
}

// swap: how long it takes to let a name stand for another generation.
func (b *bench) swap(ctx context.Context) error {
	paths, err := b.folders(2, rank, false)
	if err != nil {
		return err
	}
	s, err := b.graft(ctx)
	if err != nil {
		return err
	}
	defer s.Stop()
	var generations []string
	for _, path := range paths {
		if err := load(ctx, s, "hot", path, true); err != nil {
			return err
		}
		g, err := generation(ctx, s, "hot")
		if err != nil {
			return err
		}
		generations = append(generations, g)
	}
	var swaps, flushes []float64
	for i := range 40 * b.rounds {
		began := time.Now()
		if _, err := harness.Call(ctx, http.MethodPost, s.URL+"/v1/lora_adapters/hot/promote", harness.Body{"generation": generations[i%2]}, nil); err != nil {
			return err
		}
		swaps = append(swaps, float64(time.Since(began).Microseconds())/1000)
		took, err := flush(filepath.Join(b.dir, "flush"))
		if err != nil {
			return err
		}
		flushes = append(flushes, took)
	}
	b.Add("for scale: 4 KiB written and flushed to this disk", "ms", flushes...)
	b.AtMost("swap of a name, over HTTP, flushed to disk", "ms", harness.Median(swaps), 1)
	return nil
}

// flush is how long the disk takes to keep 4 KiB, in milliseconds.
func flush(path string) (float64, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	began := time.Now()
	if _, err := f.Write(make([]byte, 4096)); err != nil {
		return 0, err
	}
	err = f.Sync()
	return float64(time.Since(began).Microseconds()) / 1000, err
}

// many: 1,000 registered adapters, each asked for once, in a server whose keys,
// values and adapters may take 128 MiB together.
func (b *bench) many(ctx context.Context) error {
	const n, budget, slack = 1000, 128 << 20, 64 << 20
	args := []string{"--set", "engine.kv_memory=128MiB", "--set", "adapters.memory=64MiB"}
	s, err := b.graft(ctx, args...)
	if err != nil {
		return err
	}
	defer s.Stop()
	ask := func(name string) error {
		_, err := harness.Chat(ctx, s, b.chat(0).With(harness.Body{"model": name, "max_tokens": 1}))
		return err
	}
	if err := ask("base"); err != nil {
		return err
	}
	before, err := s.RSS()
	if err != nil {
		return err
	}
	began := time.Now()
	const step = 50
	for i := 0; i < n; i += step { // the sources go as soon as they are registered
		if err := b.registerSome(ctx, s, i, step); err != nil {
			return err
		}
	}
	b.Add("registered per second", "", n/time.Since(began).Seconds())
	most := int64(0)
	began = time.Now()
	for i := range n {
		if err := ask(fmt.Sprintf("m%d", i)); err != nil {
			return err
		}
		rss, err := s.RSS()
		if err != nil {
			return err
		}
		most = max(most, rss)
	}
	b.Add("first requests per second, one after the other", "", n/time.Since(began).Seconds())
	b.Add("memory with no adapter registered", "MiB", float64(before>>20))
	b.AtMost("memory, 1,000 adapters registered and asked for", "MiB", float64(most>>20), float64((before+budget+slack)>>20))
	return nil
}

func (b *bench) registerSome(ctx context.Context, s *harness.Server, from, n int) error {
	paths, err := b.some(from, n)
	if err != nil {
		return err
	}
	for i, path := range paths {
		if err := load(ctx, s, fmt.Sprintf("m%d", from+i), path, false); err != nil {
			return err
		}
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}
