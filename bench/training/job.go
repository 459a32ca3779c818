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

// job is a thousand rows, one epoch, nothing held out: what the whole server takes.
func (b *bench) job(ctx context.Context) error {
	result := b.result("job", "sections", 1)
	if _, err := os.Stat(result); err == nil {
		return nil
	}
	return b.server(ctx, nil, func(s *harness.Server) error {
		train, err := upload(ctx, s, filepath.Join(b.data, "sections-train.jsonl"), 1000)
		if err != nil {
			return err
		}
		t, err := tune(ctx, s, train, "", 1, 1, map[string]any{"recipe": "classic", "validation_share": 0})
		if err != nil {
			return err
		}
		return writeJSON(result, t)
	})
}

// server starts graft with a data folder that goes with it.
func (b *bench) server(ctx context.Context, args []string, f func(*harness.Server) error) error {
	dir, err := os.MkdirTemp(b.dir, "job-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := harness.StartGraft(ctx, b.program, dir, b.model, append([]string{"--set", fmt.Sprintf("engine.threads=%d", b.threads)}, args...)...)
	if err != nil {
		return err
	}
	defer s.Stop()
	return f(s)
}

// yielded is what serving loses while a job runs: seconds of the same request.
type yielded struct {
	Yield   bool      `json:"training_yield"`
	Alone   []float64 `json:"alone_s"`      // of each round, the job paused
	Beside  []float64 `json:"beside_s"`     // of each round, the job running
	Free    float64   `json:"free_steps"`   // steps per second that the job made without requests
	Pressed float64   `json:"steps_beside"` // and while one request followed another
}

// yield asks with the job paused and running by turns, so that what slows the machine
// down slows both.
func (b *bench) yield(ctx context.Context) error {
	for _, yields := range []bool{true, false} {
		result := b.result("yield", fmt.Sprint(yields), 1)
		if _, err := os.Stat(result); err == nil {
			continue
		}
		err := b.server(ctx, []string{"--set", fmt.Sprintf("training.yield=%v", yields)}, func(s *harness.Server) error {
			y, err := b.beside(ctx, s)
			if err != nil {
				return err
			}
			y.Yield = yields
			return writeJSON(result, y)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rounds of pausing and going on, and requests of each part.
const rounds, requests = 4, 4

func (b *bench) beside(ctx context.Context, s *harness.Server) (*yielded, error) {
	train, err := upload(ctx, s, filepath.Join(b.data, "sections-train.jsonl"), b.rows)
	if err != nil {
		return nil, err
	}
	id, err := create(ctx, s, train, "", 1, 50, 1, map[string]any{"recipe": "classic", "validation_share": 0})
	if err != nil {
		return nil, err
	}
	path := s.URL + "/v1/fine_tuning/jobs/" + id
	y := &yielded{}
	var free, pressed steps
	for range rounds {
		at, err := until(ctx, path, "running", 0)
		if err != nil {
			return nil, err
		}
		start := time.Now()
		now, err := until(ctx, path, "running", at+2)
		if err != nil {
			return nil, err
		}
		free.add(now-at, time.Since(start))

		start = time.Now()
		if y.Beside, err = ask(ctx, s, y.Beside); err != nil {
			return nil, err
		}
		took := time.Since(start)
		after, err := until(ctx, path, "running", 0)
		if err != nil {
			return nil, err
		}
		pressed.add(after-now, took)

		if _, err := harness.Call(ctx, http.MethodPost, path+"/pause", nil, nil); err != nil {
			return nil, err
		}
		if _, err := until(ctx, path, "paused", 0); err != nil {
			return nil, err
		}
		if y.Alone, err = ask(ctx, s, y.Alone); err != nil {
			return nil, err
		}
		if _, err := harness.Call(ctx, http.MethodPost, path+"/resume", nil, nil); err != nil {
			return nil, err
		}
	}
	y.Free, y.Pressed = free.rate(), pressed.rate()
	_, err = harness.Call(ctx, http.MethodPost, path+"/cancel", nil, nil)
	return y, err
}

// steps are counted over time.
type steps struct {
	n int
	t time.Duration
}

func (s *steps) add(n int, t time.Duration) { s.n, s.t = s.n+n, s.t+t }

func (s *steps) rate() float64 { return float64(s.n) / s.t.Seconds() }

// until waits for a job's state and step, and returns the step.
func until(ctx context.Context, path, status string, step int) (int, error) {
	for {
		var j struct {
			Status string
			Graft  struct{ Step int }
		}
		if _, err := harness.Call(ctx, http.MethodGet, path, nil, &j); err != nil {
			return 0, err
		}
		switch {
		case j.Status == status && j.Graft.Step >= step:
			return j.Graft.Step, nil
		case j.Status == "failed" || j.Status == "succeeded" || j.Status == "cancelled":
			return 0, fmt.Errorf("the job is %s, want %s", j.Status, status)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// ask appends the seconds of a few requests, one after the other.
func ask(ctx context.Context, s *harness.Server, times []float64) ([]float64, error) {
	for i := range requests {
		start := time.Now()
		_, err := harness.Chat(ctx, s, harness.Body{"model": "base", "temperature": 0, "max_tokens": 32, "logit_bias": harness.Body{"2": -100},
			"messages": []harness.Body{{"role": "user", "content": fmt.Sprintf("Round %d: tell a long story about a river.", i)}}})
		if err != nil {
			return nil, err
		}
		times = append(times, time.Since(start).Seconds())
	}
	return times, nil
}
