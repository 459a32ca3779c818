package native

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"graft/internal/model"
)

// fakeLoader has adapters that are nothing but their size.
type fakeLoader struct {
	mu     sync.Mutex
	sizes  map[string]int64         // bytes
	wrong  map[string]func() error  // what happens instead of a load; may panic
	gates  map[string]chan struct{} // a load waits for its gate
	loads  map[string]int
	memory map[string]int64 // when not the size
}

var errNoAdapter = errors.New("there is no such file")

func newFakeLoader(sizes map[string]int64) *fakeLoader {
	return &fakeLoader{sizes: sizes, wrong: map[string]func() error{}, gates: map[string]chan struct{}{}, loads: map[string]int{}, memory: map[string]int64{}}
}

func (f *fakeLoader) AdapterBytes(_ context.Context, generation string) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, ok := f.sizes[generation]
	if !ok {
		return 0, errNoAdapter
	}
	return n, nil
}

func (f *fakeLoader) LoadAdapter(ctx context.Context, _ string, _ *model.Model, generation string) (*model.Adapter, error) {
	f.mu.Lock()
	f.loads[generation]++
	wrong, gate, n := f.wrong[generation], f.gates[generation], f.sizes[generation]
	if m, ok := f.memory[generation]; ok {
		n = m
	}
	f.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if wrong != nil {
		if err := wrong(); err != nil {
			return nil, err
		}
	}
	return &model.Adapter{Generation: generation, Bytes: n}, nil
}

// set changes the loader while others use it.
func (f *fakeLoader) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeLoader) loaded(generation string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.loads[generation]
}

// house is a residency without an engine: blocks of 10 bytes come from nowhere.
type house struct {
	*residency
	t      testing.TB
	loader *fakeLoader
	pins   pins

	mu   sync.Mutex
	lent map[int32]bool
	next int32
	slow chan struct{} // when not nil, blocks on their way back wait for it
}

func newHouse(t testing.TB, budget int, sizes map[string]int64) *house {
	h := &house{t: t, loader: newFakeLoader(sizes), lent: map[int32]bool{}}
	h.residency = newResidency(residencyEnv{
		budget: budget, blockBytes: 10, queue: 100, size: h.loader.AdapterBytes,
		load: func(ctx context.Context, g string) (*model.Adapter, error) {
			return h.loader.LoadAdapter(ctx, "m", nil, g)
		},
		lend: func(_ context.Context, n int) ([]int32, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			var out []int32
			for range n {
				h.next++
				h.lent[h.next] = true
				out = append(out, h.next)
			}
			if len(h.lent) > budget {
				t.Errorf("%d blocks are lent, more than %d", len(h.lent), budget)
			}
			return out, nil
		},
		giveBack: func(blocks []int32) {
			if h.slow != nil {
				<-h.slow
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			for _, b := range blocks {
				if !h.lent[b] {
					t.Errorf("block %d is given back twice", b)
				}
				delete(h.lent, b)
			}
		},
		free: func([]int32) {}, pinned: h.pins.has, now: time.Now,
	})
	t.Cleanup(h.drain)
	return h
}

// take leases adapters, given by one letter each.
func (h *house) take(letters string) func() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, release, err := h.acquire(ctx, strings.Split(letters, ""))
	if err != nil {
		h.t.Fatalf("%s: %v", letters, err)
	}
	return release
}

// begin asks for adapters; what it returns holds an error or nil when they are
// there, and release lets go of them, after waiting.
func (h *house) begin(ctx context.Context, letters string) (got chan error, release func()) {
	got = make(chan error, 1)
	done := make(chan func(), 1)
	go func() {
		adapters, release, err := h.acquire(ctx, strings.Split(letters, ""))
		for i, a := range adapters {
			if a == nil || a.Generation != letters[i:i+1] {
				h.t.Errorf("asked for %s, number %d is %+v", letters, i, a)
			}
		}
		done <- release
		got <- err
	}()
	return got, func() { (<-done)() }
}

// state lists the residents by name with their leases; closing ones have a -,
// leaving ones a !.
func (h *house) state() string {
	h.residency.mu.Lock()
	defer h.residency.mu.Unlock()
	var out []string
	for _, x := range h.all {
		s := fmt.Sprintf("%s%d", x.generation, x.leases)
		switch {
		case x.leaving:
			s += "!"
		case x.closing:
			s += "-"
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (h *house) queued() int {
	h.residency.mu.Lock()
	defer h.residency.mu.Unlock()
	return len(h.queue)
}

func (h *house) wantState(want string) {
	h.t.Helper()
	if got := h.state(); got != want {
		h.t.Errorf("residents %q, want %q", got, want)
	}
}

// settled waits until blocks are where they belong, and holds the books to it.
func (h *house) settled() {
	h.t.Helper()
	t := h.t.(*testing.T)
	waitFor(t, "blocks to come back", func() bool { return h.books() == nil })
}

// books compares what is counted with what is there.
func (h *house) books() error {
	h.mu.Lock()
	lent := slices.Sorted(maps.Keys(h.lent))
	h.mu.Unlock()
	return h.residency.books(lent)
}

// books is an error when the blocks of residents are not those that are lent, or
// when anything else does not add up. Nothing may be under way.
func (r *residency) books(lent []int32) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var have []int32
	used, resident, bytes := 0, 0, int64(0)
	for _, x := range r.all {
		have = append(have, x.lent...)
		used += x.blocks
		if len(x.lent) != x.blocks || !x.loaded() || x.leases != 0 || x.closing || x.leaving || r.open[x.generation] != x {
			return fmt.Errorf("%s: %d of %d blocks, %d leases, loaded %v, closing %v, leaving %v", x.generation, len(x.lent), x.blocks, x.leases, x.loaded(), x.closing, x.leaving)
		}
		resident++
		bytes += x.adapter.Bytes
	}
	slices.Sort(have)
	switch {
	case !slices.Equal(have, lent):
		return fmt.Errorf("residents have blocks %v, lent are %v", have, lent)
	case used != r.used || used > r.env.budget:
		return fmt.Errorf("residents have %d blocks, counted %d, allowed %d", used, r.used, r.env.budget)
	case r.coming != 0 || len(r.spare) != 0 || len(r.queue) != 0 || len(r.open) != len(r.all):
		return fmt.Errorf("%d blocks under way, %d spare, %d in the queue, %d of %d open", r.coming, len(r.spare), len(r.queue), len(r.open), len(r.all))
	case resident != r.stats.Resident || bytes != r.stats.Bytes || r.stats.Waiting != 0:
		return fmt.Errorf("%d residents of %d bytes, stats %+v", resident, bytes, r.stats)
	}
	return nil
}
