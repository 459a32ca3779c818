package native

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"graft/serving"
)

// shelf is a registry whose models are nothing but their size.
type shelf struct {
	*registry
	loads atomic.Int32
	size  map[string]int64
	gate  chan struct{} // when not nil, loads wait for it
	fail  atomic.Bool
}

func newShelf(t *testing.T, budget int64, ids ...string) *shelf {
	t.Helper()
	s := &shelf{size: map[string]int64{}}
	var sources []Source
	for _, id := range ids {
		s.size[id] = 10
		sources = append(sources, Source{Info: serving.Model{ID: id}, Open: func(context.Context) (string, error) {
			if s.fail.Load() {
				return "", errors.New("the disk is on fire")
			}
			return id, nil
		}})
	}
	var err error
	if s.registry, err = newRegistry(sources, budget); err != nil {
		t.Fatal(err)
	}
	s.needs = func(path string) (int64, error) { return s.size[path], nil }
	s.load = func(_ context.Context, src *Source) (*instance, error) {
		s.loads.Add(1)
		if s.gate != nil {
			<-s.gate
		}
		in := &instance{bytes: s.size[src.Info.ID], info: src.Info, unload: func() {}}
		in.info.Loaded = true
		in.engine = newEngine(nil, false, policy{}, newBlocks(1, 1, noCopy), nil, nil, time.Now)
		return in, nil
	}
	t.Cleanup(func() { s.drain(cancelled()) })
	return s
}

func (s *shelf) state() string {
	var out []string
	for _, m := range s.models() {
		if m.Loaded {
			out = append(out, m.ID)
		}
	}
	return strings.Join(out, " ")
}

func (s *shelf) take(t *testing.T, id string) func() {
	t.Helper()
	in, release, err := s.acquire(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if id != "" && in.info.ID != id {
		t.Fatalf("asked for %q, got %q", id, in.info.ID)
	}
	return release
}

func TestRegistryLoadsOnce(t *testing.T) {
	s := newShelf(t, 0, "a", "b")
	s.gate = make(chan struct{})
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { s.take(t, "a")() })
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { time.Sleep(5 * time.Millisecond); cancel() }()
	if _, _, err := s.acquire(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for a load ends with %v, want %v", err, context.Canceled)
	}
	close(s.gate)
	wg.Wait()
	s.take(t, "")()
	if n := s.loads.Load(); n != 1 || s.state() != "a" {
		t.Errorf("%d loads, loaded %q; want one, of a", n, s.state())
	}
}

func TestRegistryUnknown(t *testing.T) {
	s := newShelf(t, 0, "a", "b")
	_, _, err := s.acquire(t.Context(), "c")
	if !errors.Is(err, serving.ErrModelNotFound) || !strings.Contains(err.Error(), `"c" is not one of a, b`) {
		t.Errorf("%v", err)
	}
	if _, err := newRegistry([]Source{{Info: serving.Model{ID: "x"}}, {Info: serving.Model{ID: "x"}}}, 0); err == nil {
		t.Error("two models of one id")
	}
}

// An error of a load names the model, and the next request tries again.
func TestRegistryLoadError(t *testing.T) {
	s := newShelf(t, 0, "a")
	s.fail.Store(true)
	if _, _, err := s.acquire(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), `model "a": the disk is on fire`) {
		t.Errorf("%v", err)
	}
	s.fail.Store(false)
	s.take(t, "a")()
}

func TestRegistryBudget(t *testing.T) {
	s := newShelf(t, 25, "a", "b", "c", "big")
	s.size["big"] = 26
	s.take(t, "a")()
	s.take(t, "b")()
	s.take(t, "a")() // b is now the least recently used
	releaseC := s.take(t, "c")
	if s.state() != "a c" {
		t.Errorf("loaded %q, want a c", s.state())
	}
	releaseA := s.take(t, "a")
	_, _, err := s.acquire(t.Context(), "b") // both others are answering
	if !errors.Is(err, serving.ErrOverloaded) || s.state() != "a c" {
		t.Errorf("%v with %q loaded, want %v", err, s.state(), serving.ErrOverloaded)
	}
	releaseC()
	s.take(t, "b")()
	if s.state() != "a b" {
		t.Errorf("loaded %q, want a b: a is in use", s.state())
	}
	releaseA()
	if _, _, err := s.acquire(t.Context(), "big"); err == nil || errors.Is(err, serving.ErrOverloaded) || !strings.Contains(err.Error(), "memory.budget") {
		t.Errorf("larger than the budget: %v", err)
	}
	if s.state() != "a b" {
		t.Errorf("a model that cannot fit drove others out: %q", s.state())
	}
}

func TestRegistryDrain(t *testing.T) {
	s := newShelf(t, 0, "a")
	s.take(t, "a")()
	s.drain(t.Context())
	if _, _, err := s.acquire(t.Context(), "a"); !errors.Is(err, serving.ErrDraining) || s.state() != "" {
		t.Errorf("%v with %q loaded, want %v", err, s.state(), serving.ErrDraining)
	}
}

// What still waits to be loaded when the server ends is not loaded any more.
func TestRegistryDrainWhileLoading(t *testing.T) {
	s := newShelf(t, 0, "a", "b")
	s.gate = make(chan struct{})
	errs := make(chan error, 2)
	ask := func(id string) {
		_, _, err := s.acquire(context.Background(), id)
		errs <- err
	}
	go ask("a")
	waitFor(t, "the first load", func() bool { return s.loads.Load() == 1 })
	go ask("b")
	waitFor(t, "the second request", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.find("b").coming != nil })
	done := make(chan struct{})
	go func() { s.drain(context.Background()); close(done) }()
	waitFor(t, "the drain", func() bool { return s.ctx.Err() != nil })
	close(s.gate)
	<-done
	for range 2 {
		if err := <-errs; !errors.Is(err, serving.ErrDraining) {
			t.Errorf("%v, want %v", err, serving.ErrDraining)
		}
	}
	if n := s.loads.Load(); n != 1 || s.state() != "" {
		t.Errorf("%d loads, %q loaded at the end", n, s.state())
	}
}
