package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"graft/bench/harness"
)

// churner is the state of the churn case.
type churner struct {
	*bench
	server      *harness.Server
	paths       []string
	generations []string
	// known is the answer of each generation to each prompt.
	known map[string]string

	answered, cancelled, gone, swaps atomic.Int64
	mu                               sync.Mutex
	wrong                            []string
}

const prompts, tokensEach = 8, 8

func (c *churner) ask(prompt int, model string) harness.Body {
	return c.chat(prompt).With(harness.Body{"model": model, "max_tokens": tokensEach})
}

// churn: requests, 10,000 if not told otherwise, while the name that they choose is replaced every
// 100 ms, some with two answers, some given up, and another name comes and goes.
// Every answer has to be that of one generation, the one that its header names.
func (b *bench) churn(ctx context.Context) error {
	c := &churner{bench: b, known: map[string]string{}}
	var err error
	if c.paths, err = b.folders(4, rank, false); err != nil {
		return err
	}
	if c.server, err = b.graft(ctx); err != nil {
		return err
	}
	defer c.server.Stop()
	if err := c.learn(ctx); err != nil {
		return err
	}
	swapping, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { c.replace(swapping) })
	wg.Go(func() { c.comeAndGo(swapping) })
	began := time.Now()
	c.send(ctx, b.requests)
	took := time.Since(began).Seconds()
	stop()
	wg.Wait()
	b.Add("churn: requests per second", "", float64(b.requests)/took)
	b.Add("churn: answered", "", float64(c.answered.Load()))
	b.Add("churn: given up by the client", "", float64(c.cancelled.Load()))
	b.Add("churn: refused, the name being deleted just then", "", float64(c.gone.Load()))
	want := 8.0 // of about ten that there is time for
	if b.race {
		want = 2 // everything takes its time there
	}
	b.AtLeast("churn: changes of names per second", "", float64(c.swaps.Load())/took, want)
	b.AtMost("churn: wrong or failed", "", float64(len(c.wrong)), 0)
	if len(c.wrong) > 0 {
		return errors.New(strings.Join(c.wrong[:min(5, len(c.wrong))], "\n"))
	}
	return nil
}

// learn asks each generation, alone, for its answers.
func (c *churner) learn(ctx context.Context) error {
	different := map[string]bool{}
	for _, path := range c.paths {
		if err := load(ctx, c.server, "hot", path, true); err != nil {
			return err
		}
		g, err := generation(ctx, c.server, "hot")
		if err != nil {
			return err
		}
		c.generations = append(c.generations, g)
		for p := range prompts {
			a, err := harness.Chat(ctx, c.server, c.ask(p, "hot@"+g))
			if err != nil {
				return err
			}
			c.known[fmt.Sprint(p, g)] = a.Choices[0].Message.Content
			different[a.Choices[0].Message.Content] = true
		}
	}
	if len(different) < prompts { // else a mix-up could not be seen
		return fmt.Errorf("only %d different answers of %d", len(different), len(c.known))
	}
	return nil
}

// replace lets the name stand for another generation every 100 ms, by promoting one
// that is stored and now and then by loading in place.
func (c *churner) replace(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var err error
		if k := i % len(c.paths); i%10 == 0 { // reading and checking the folder takes as long
			err = load(context.WithoutCancel(ctx), c.server, "hot", c.paths[k], true)
		} else {
			_, err = harness.Call(context.WithoutCancel(ctx), http.MethodPost, c.server.URL+"/v1/lora_adapters/hot/promote", harness.Body{"generation": c.generations[k]}, nil)
		}
		c.note(err, "replacing")
	}
}

// comeAndGo registers and deletes another name.
func (c *churner) comeAndGo(ctx context.Context) {
	for ctx.Err() == nil {
		c.note(load(context.WithoutCancel(ctx), c.server, "brief", c.paths[0], true), "loading")
		time.Sleep(50 * time.Millisecond)
		_, err := harness.Call(context.WithoutCancel(ctx), http.MethodDelete, c.server.URL+"/v1/models/brief", nil, nil)
		c.note(err, "deleting")
		time.Sleep(20 * time.Millisecond)
	}
}

func (c *churner) note(err error, what string) {
	if err == nil {
		c.swaps.Add(1)
		return
	}
	c.fault("%s: %v", what, err)
}

func (c *churner) fault(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// send sends n requests, 32 at a time.
func (c *churner) send(ctx context.Context, n int) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range 32 {
		rng := rand.New(rand.NewPCG(uint64(w), 7))
		wg.Go(func() {
			for next.Add(1) <= int64(n) && ctx.Err() == nil {
				c.one(ctx, rng)
			}
		})
	}
	wg.Wait()
}

func (c *churner) one(ctx context.Context, rng *rand.Rand) {
	prompt, name := rng.IntN(prompts), "hot"
	if rng.IntN(8) == 0 {
		name = "brief"
	}
	body := c.ask(prompt, name)
	if rng.IntN(5) == 0 {
		body = body.With(harness.Body{"n": 2})
	}
	leaving := rng.IntN(10) == 0
	if leaving {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rng.IntN(200))*time.Millisecond)
		defer cancel()
	}
	a, err := harness.Chat(ctx, c.server, body)
	var status *harness.StatusError
	switch {
	case err != nil && leaving && ctx.Err() != nil:
		c.cancelled.Add(1)
		return
	case errors.As(err, &status) && status.Status == http.StatusNotFound && name == "brief":
		c.gone.Add(1)
		return
	case err != nil:
		c.fault("%s: %v", name, err)
		return
	}
	c.answered.Add(1)
	said := a.Header.Get("X-Graft-Adapter")
	_, g, ok := strings.Cut(said, "@")
	if !ok {
		c.fault("%s: the header says %q", name, said)
		return
	}
	for _, choice := range a.Choices {
		if want := c.known[fmt.Sprint(prompt, g)]; choice.Message.Content != want {
			c.fault("%s, prompt %d, %s: %q, want %q", name, prompt, g, choice.Message.Content, want)
		}
	}
}
