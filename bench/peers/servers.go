package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sys/cpu"

	"graft/bench/harness"
)

func hello(tokens int) harness.Body {
	return harness.Body{"model": "base", "temperature": 0, "max_tokens": tokens, "messages": []harness.Body{{"role": "user", "content": "Hello."}}}
}

// start: from starting the server to the end of a request for one token, the model in
// the page cache, and the memory that the server then has.
func (p *peers) start(ctx context.Context) error {
	m := p.models[0]
	seconds, bytes, peerSeconds, peerBytes, err := p.starts(ctx, m.path, 32, func(ctx context.Context, s *harness.Server, tokens int) error {
		_, err := harness.Chat(ctx, s, hello(tokens))
		return err
	})
	if err != nil {
		return err
	}
	p.compare("start to first token, "+m.name, "s", seconds, peerSeconds, 2, true)
	p.compare("memory of the server, "+m.name, "MB", bytes, peerBytes, 1, true)
	return nil
}

// starts measures the starts of both servers with a model, in seconds, and the megabytes
// that they have after so many tokens; say asks for some.
func (p *peers) starts(ctx context.Context, path string, tokens int, say func(ctx context.Context, s *harness.Server, tokens int) error) (seconds, bytes []float64, peerSeconds, peerBytes rates, err error) {
	peerSeconds, peerBytes = rates{}, rates{}
	measure := func(open func() (*harness.Server, error)) (took, rss float64, err error) {
		began := time.Now()
		s, err := open()
		if err != nil {
			return 0, 0, err
		}
		defer s.Stop()
		if err := say(ctx, s, 1); err != nil {
			return 0, 0, err
		}
		took = time.Since(began).Seconds()
		if err := say(ctx, s, tokens); err != nil {
			return 0, 0, err
		}
		n, err := s.RSS()
		return took, float64(n) / 1e6, err
	}
	err = p.eachRound(ctx, func(round int) error {
		took, rss, err := measure(func() (*harness.Server, error) {
			return harness.StartGraft(ctx, p.program, p.dir, path)
		})
		if err != nil {
			return err
		}
		took2, rss2, err := measure(func() (*harness.Server, error) {
			return harness.StartLlama(ctx, p.llama, p.dir, path, "-t", fmt.Sprint(p.threads), "-np", "1", "-c", "2048")
		})
		if err == nil && round >= 0 {
			seconds, bytes = append(seconds, took), append(bytes, rss)
			peerSeconds.add("llama-server, ", map[string]float64{"one slot of 2048 tokens": took2})
			peerBytes.add("llama-server, ", map[string]float64{"one slot of 2048 tokens": rss2})
		}
		return err
	})
	return seconds, bytes, peerSeconds, peerBytes, err
}

// streams: eight of them, on the base and on eight adapters, by bench/adapters, which
// takes turns in the same way.
func (p *peers) streams(ctx context.Context) error {
	out, _, err := output(exec.CommandContext(ctx, "go", "run", "./bench/adapters", "-llama", p.llama, "-rounds", fmt.Sprint(p.rounds), "-json", "mixed"))
	if err != nil {
		return err
	}
	var r harness.Report
	if err := json.Unmarshal(out, &r); err != nil {
		return err
	}
	value := map[string]float64{}
	for _, x := range r.Results {
		value[x.Name] = x.Value
	}
	for _, c := range []struct {
		name, bits string
		reach      float64
	}{{"8 streams, base", "", 4}, {"8 streams, base", ", 8 bits", 4}, {"8 streams, one adapter", "", 0}, {"8 streams, 8 adapters", "", 8}, {"8 streams, 8 adapters", ", 8 bits", 8}} {
		a, b := value["graft, "+c.name+c.bits], value["llama-server, "+c.name]
		if a == 0 || b == 0 {
			return fmt.Errorf("bench/adapters has no figure for %q", c.name+c.bits)
		}
		p.compare(c.name+c.bits+", over HTTP", "tokens/s", []float64{a}, rates{"llama-server -np 8": {b}}, c.reach, false)
	}
	p.compare("8 streams: 8 adapters over one adapter", "tokens/s", []float64{value["graft, 8 streams, 8 adapters"]}, rates{"graft, one adapter": {value["graft, 8 streams, one adapter"]}}, 0.85, false)
	return nil
}

// precisions of graft's products in training, the slowest first.
var precisions = []string{"float32", "bf16x2", "bf16"}

// peerPrecisions are those of PyTorch: without instructions for bfloat16 a step takes minutes.
func peerPrecisions() []string {
	if runtime.GOARCH == "amd64" && !cpu.X86.HasAVX512BF16 && !cpu.X86.HasAMXBF16 {
		return []string{"float32"}
	}
	return []string{"float32", "bfloat16"}
}

// train: steps of LoRA against PyTorch and PEFT in the precisions that it is quick in.
func (p *peers) train(ctx context.Context) error {
	if p.python == "" {
		return nil
	}
	m := p.models[0]
	var memory []float64
	own, limits := map[string][]float64{}, []float64{}
	peer, peerMemory := rates{}, rates{}
	err := p.eachRound(ctx, func(round int) error {
		if round < 0 {
			return nil // each process warms itself up
		}
		g, peak, err := p.graftBench(ctx, m.path, "train")
		if err != nil {
			return err
		}
		r, err := p.measureRoof(ctx, p.threads)
		if err != nil {
			return err
		}
		limits = append(limits, trainLimit(r, p.works[m.path]))
		for _, precision := range precisions {
			own[precision] = append(own[precision], g["train, "+precision].TokensPerSecond)
		}
		memory = append(memory, float64(peak)/1e6)
		for _, dtype := range peerPrecisions() {
			rate, mb, err := p.peft(ctx, dtype)
			if err != nil {
				return err
			}
			peer.add("PyTorch and PEFT, ", map[string]float64{dtype: rate})
			peerMemory.add("PyTorch and PEFT, ", map[string]float64{dtype: mb})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, precision := range precisions {
		want := 0.0
		if i == len(precisions)-1 { // the fastest, against the peer's fastest
			want = 1.5
		}
		work := "LoRA step, " + m.name + ", " + precision
		p.compare(work, "tokens/s", own[precision], peer, want, false)
		p.ceiling(work, "float32 peak", own[precision], limits, 0.5)
	}
	p.compare("LoRA step, "+m.name+", peak memory", "MB", memory, rates{peer.best(false): peerMemory[peer.best(false)]}, 3, true)
	return nil
}
