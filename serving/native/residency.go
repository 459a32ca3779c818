package native

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"graft/internal/model"
	"graft/serving"
)

// residency holds the adapters of one model: which are in memory, who uses them,
// and who goes when there is no room. Their memory is that of blocks which the
// engine lends, so adapters and cache together never exceed it. Requests come on
// goroutines of their own; nothing here waits for, or is waited for by, a step.
//
// A request takes all its adapters at once. When they are there it goes on, else it
// queues. Only the first in the queue is worked for: residents that nobody uses
// go, least recently used first, and if that is not enough, those in use are closed
// to newcomers, who queue, until they are not in use any more. So the first always
// gets its room, and nobody who has adapters waits for more.
type residency struct {
	env residencyEnv

	mu       sync.Mutex
	open     map[string]*resident // by generation: what newcomers get
	all      []*resident          // those, and those that leave once nobody uses them
	queue    []*claim
	used     int              // blocks of all residents
	sizes    map[string]int64 // bytes of adapters that were loaded once
	coming   int              // blocks on their way back to the engine
	spare    []int32          // blocks that the engine has lent, of no resident
	draining bool
	stats    AdapterStats

	ctx    context.Context // ends with the instance; loads run under it
	cancel context.CancelFunc
	wg     sync.WaitGroup // of loads, and of blocks on their way back
}

// residencyEnv is what a residency works with.
type residencyEnv struct {
	budget     int   // blocks that all residents together may take
	blockBytes int64 // of one block
	queue      int   // requests that may wait
	size       func(ctx context.Context, generation string) (int64, error)
	load       func(ctx context.Context, generation string) (*model.Adapter, error)
	lend       func(ctx context.Context, n int) ([]int32, error)
	giveBack   func(blocks []int32)
	free       func(blocks []int32) // gives the memory of lent blocks to the system
	pinned     func(generation string) bool
	now        func() time.Time
}

// resident is an adapter in memory, or on its way there.
type resident struct {
	generation string
	blocks     int     // that it counts for
	lent       []int32 // that it has; fewer while they are being lent
	leases     int
	used       time.Time
	closing    bool // for the first in the queue: newcomers have to queue
	leaving    bool // not in open any more; gone when nobody uses it

	ready   chan struct{}  // closed when adapter or err is there
	gone    chan struct{}  // closed when it has left
	adapter *model.Adapter // nil while it loads
	err     error
}

// claim is a request's wish for adapters.
type claim struct {
	generations []string
	blocks      []int       // of each, if it has to be loaded
	have        []*resident // leased; nil: not yet
	served      chan struct{}
	err         error // readable once served is closed; then nothing is leased
}

// AdapterStats are the numbers of a model's adapters. Counts are since the start.
type AdapterStats struct {
	Resident  int   // in memory
	Bytes     int64 // that they hold
	Waiting   int   // requests that wait for a load or for room
	Loads     int64
	Evictions int64 // to make room
	Failures  int64 // of loads
}

func newResidency(env residencyEnv) *residency {
	r := &residency{env: env, open: map[string]*resident{}, sizes: map[string]int64{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// acquire returns adapters, in the order of the generations, which are distinct.
// They stay until release is called, once.
func (r *residency) acquire(ctx context.Context, generations []string) (adapters []*model.Adapter, release func(), err error) {
	for range len(generations) + 1 { // again when one turned out larger than announced
		var c *claim
		if c, err = r.claim(ctx, generations); err != nil {
			return nil, nil, err
		}
		if adapters, err = r.arrived(ctx, c); err == nil {
			return adapters, func() { r.release(c) }, nil
		}
		r.release(c)
		if !errors.Is(err, errLarger) {
			break
		}
	}
	return nil, nil, err
}

// arrived waits until all that c has is loaded.
func (r *residency) arrived(ctx context.Context, c *claim) ([]*model.Adapter, error) {
	r.waiting(1)
	defer r.waiting(-1)
	adapters := make([]*model.Adapter, len(c.have))
	for i, x := range c.have {
		select {
		case <-x.ready:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if x.err != nil {
			return nil, x.err
		}
		adapters[i] = x.adapter
	}
	return adapters, nil
}

// claim leases residents, some of which may still be loading.
func (r *residency) claim(ctx context.Context, generations []string) (*claim, error) {
	c := &claim{generations: generations, have: make([]*resident, len(generations)), served: make(chan struct{})}
	r.mu.Lock()
	there := r.takeOpen(c)
	r.mu.Unlock()
	if there {
		return c, nil
	}
	if err := r.measure(ctx, c); err != nil {
		return nil, err
	}
	if err := r.enqueue(c); err != nil {
		return nil, err
	}
	defer r.waiting(-1)
	select {
	case <-c.served:
		return c, c.err
	case <-ctx.Done():
		r.abandon(c)
		return nil, context.Cause(ctx)
	}
}

// takeOpen leases what c wants if all of it is open.
func (r *residency) takeOpen(c *claim) bool {
	if r.draining {
		return false
	}
	for _, g := range c.generations {
		if x := r.open[g]; x == nil || x.closing {
			return false
		}
	}
	for i, g := range c.generations {
		c.have[i] = r.hold(r.open[g])
	}
	return true
}

func (r *residency) enqueue(c *claim) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.draining:
		return serving.ErrDraining
	case len(r.queue) >= r.env.queue:
		return serving.ErrOverloaded
	}
	r.stats.Waiting++
	r.queue = append(r.queue, c)
	r.serve()
	return nil
}

func (r *residency) waiting(n int) {
	r.mu.Lock()
	r.stats.Waiting += n
	r.mu.Unlock()
}

// abandon takes c back, wherever it is by now.
func (r *residency) abandon(c *claim) {
	r.mu.Lock()
	r.queue = slices.DeleteFunc(r.queue, func(x *claim) bool { return x == c })
	r.mu.Unlock()
	r.release(c)
}

// release lets go of what c has. A second time it does nothing.
func (r *residency) release(c *claim) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.letGo(c)
	r.serve()
}

func (r *residency) letGo(c *claim) {
	for i, x := range c.have {
		if x == nil {
			continue
		}
		c.have[i] = nil
		x.leases--
		x.used = r.env.now()
		if x.leases == 0 && x.leaving {
			r.leave(x)
		}
	}
}

func (r *residency) hold(x *resident) *resident {
	x.leases++
	x.used = r.env.now()
	return x
}

// unload closes the residents of a generation to newcomers and waits until they
// have left.
func (r *residency) unload(ctx context.Context, generation string) error {
	r.mu.Lock()
	var wait []*resident
	for _, x := range slices.Clone(r.all) {
		if x.generation == generation {
			wait = append(wait, x)
			r.close(x)
		}
	}
	r.serve()
	r.mu.Unlock()
	for _, x := range wait {
		select {
		case <-x.gone:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// residents lists what is in memory.
func (r *residency) residents(base string) []serving.Resident {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []serving.Resident
	for _, x := range r.all {
		if x.adapter != nil {
			out = append(out, serving.Resident{
				Model: base, Generation: x.generation, Bytes: x.adapter.Bytes,
				Leases: x.leases, Pinned: r.env.pinned(x.generation), LastUsed: x.used,
			})
		}
	}
	return out
}

// Stats of now.
func (r *residency) Stats() AdapterStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

// pinsChanged works for the queue once more: something may be evicted now.
func (r *residency) pinsChanged() {
	r.mu.Lock()
	r.serve()
	r.mu.Unlock()
}

// drain refuses newcomers and those that wait, and ends the loads. Leases stay
// good: the engine ends them.
func (r *residency) drain() {
	r.mu.Lock()
	r.draining = true
	for _, c := range r.queue {
		r.letGo(c)
		c.err = serving.ErrDraining
		close(c.served)
	}
	r.queue = nil
	r.cancel()
	r.mu.Unlock()
	r.wg.Wait()
}
