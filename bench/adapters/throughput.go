package main

import (
	"context"
	"fmt"

	"graft/bench/harness"
)

const streams = 8

// chat is the request of stream i: greedy, of a fixed length.
func (b *bench) chat(i int) harness.Body {
	return harness.Body{
		"model": "base", "temperature": 0, "max_tokens": b.tokens, "ignore_eos": true,
		"messages": []harness.Body{{"role": "user", "content": fmt.Sprintf("Write %d sentences about a town by the sea.", 10+i)}},
	}
}

// bodies are the requests of all streams; more says what is added to that of stream i.
func (b *bench) bodies(more func(i int) harness.Body) []harness.Body {
	out := make([]harness.Body, streams)
	for i := range out {
		out[i] = b.chat(i).With(more(i))
	}
	return out
}

// candidate is what takes part in a comparison.
type candidate struct {
	name   string
	server *harness.Server
	bodies []harness.Body
}

// inTurn runs the candidates in turn and returns the tokens per second of each
// round. A first round warms up and does not count.
func (b *bench) inTurn(ctx context.Context, all []candidate) ([][]float64, error) {
	out := make([][]float64, len(all))
	for round := range b.rounds + 1 {
		for i, c := range all {
			v, err := harness.Throughput(ctx, c.server, c.bodies)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 {
				out[i] = append(out[i], v)
			}
		}
	}
	for i, c := range all {
		b.Add(c.name, "tokens/s", out[i]...)
	}
	return out, nil
}

// mixed: eight streams on eight adapters, against eight streams on one, and
// against llama-server, whose activations have 8 bits; so graft with those takes part too.
func (b *bench) mixed(ctx context.Context) error {
	paths, err := b.folders(streams, rank, b.llama != "")
	if err != nil {
		return err
	}
	s, err := b.serving(ctx, paths)
	if err != nil {
		return err
	}
	defer s.Stop()
	short, err := b.serving(ctx, paths, "--set", "engine.exact=false")
	if err != nil {
		return err
	}
	defer short.Stop()
	own := func(i int) harness.Body { return harness.Body{"model": fmt.Sprintf("a%d", i)} }
	all := []candidate{
		{"graft, 8 streams, base", s, b.bodies(func(int) harness.Body { return nil })},
		{"graft, 8 streams, one adapter", s, b.bodies(func(int) harness.Body { return harness.Body{"model": "a0"} })},
		{"graft, 8 streams, 8 adapters", s, b.bodies(own)},
		{"graft, 8 streams, base, 8 bits", short, b.bodies(func(int) harness.Body { return nil })},
		{"graft, 8 streams, 8 adapters, 8 bits", short, b.bodies(own)},
	}
	if b.llama != "" {
		args := []string{"-t", fmt.Sprint(b.Threads), "-np", fmt.Sprint(streams), "-c", fmt.Sprint(streams * 512), "--lora-init-without-apply"}
		for _, p := range paths {
			args = append(args, "--lora", p+".gguf")
		}
		l, err := harness.StartLlama(ctx, b.llama, b.dir, b.model, args...)
		if err != nil {
			return err
		}
		defer l.Stop()
		use := func(id int) harness.Body { return harness.Body{"lora": []harness.Body{{"id": id, "scale": 1}}} }
		all = append(all,
			candidate{"llama-server, 8 streams, base", l, b.bodies(func(int) harness.Body { return nil })},
			candidate{"llama-server, 8 streams, one adapter", l, b.bodies(func(int) harness.Body { return use(0) })},
			candidate{"llama-server, 8 streams, 8 adapters", l, b.bodies(use)})
	}
	got, err := b.inTurn(ctx, all)
	if err != nil {
		return err
	}
	b.AtLeast("8 adapters / one adapter", "", harness.MedianRatio(got[2], got[1]), 0.85)
	if b.llama != "" {
		b.AtLeast("8 adapters, graft / llama-server", "", harness.MedianRatio(got[2], got[len(all)-1]), 5)
	}
	return nil
}

// registered: traffic on the base with 100 adapters registered, against a
// server that has none.
func (b *bench) registered(ctx context.Context) error {
	const n = 100
	paths, err := b.folders(n, 4, false)
	if err != nil {
		return err
	}
	plain, err := b.graft(ctx)
	if err != nil {
		return err
	}
	defer plain.Stop()
	full, err := b.graft(ctx)
	if err != nil {
		return err
	}
	defer full.Stop()
	if err := register(ctx, full, paths); err != nil {
		return err
	}
	base := b.bodies(func(int) harness.Body { return nil })
	got, err := b.inTurn(ctx, []candidate{{"base, none registered", plain, base}, {"base, 100 registered", full, base}, {"base, none registered, again", plain, base}})
	if err != nil {
		return err
	}
	// The noise is what the same server differs from itself.
	noise := harness.Median(spread(got[0], got[2]))
	b.Add("noise: none registered against itself", "", noise)
	b.AtLeast("100 registered / none", "", harness.MedianRatio(got[1], got[0]), 1-max(noise, 0.02))
	return nil
}

// spread is how far b is from a, in each round, as a share.
func spread(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = max(a[i]/b[i], b[i]/a[i]) - 1
	}
	return out
}
