package native

import (
	"context"
	"fmt"
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
	used     int     // blocks of all residents
	coming   int     // blocks on their way back to the engine
	spare    []int32 // blocks that the engine has lent, of no resident
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
	r := &residency{env: env, open: map[string]*resident{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// acquire returns adapters, in the order of the generations, which are distinct.
// They stay until release is called, once.
func (r *residency) acquire(ctx context.Context, generations []string) (adapters []*model.Adapter, release func(), err error) {
	c, err := r.claim(ctx, generations)
	if err != nil {
		return nil, nil, err
	}
	for _, x := range c.have {
		if err := r.arrived(ctx, x); err != nil {
			r.release(c)
			return nil, nil, err
		}
		adapters = append(adapters, x.adapter)
	}
	return adapters, func() { r.release(c) }, nil
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

// measure finds out how many blocks the adapters of c take.
func (r *residency) measure(ctx context.Context, c *claim) error {
	total := 0
	for _, g := range c.generations {
		var n int64
		err := guarded(func() (err error) {
			n, err = r.env.size(ctx, g)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return unusable(g, err)
		}
		blocks := r.blocksOf(n)
		c.blocks = append(c.blocks, blocks)
		total += blocks
	}
	if total > r.env.budget {
		return fmt.Errorf("%w: %s would take %s of memory, and all adapters together may take %s: raise adapters.memory, or engine.kv_memory of which it is a part",
			serving.ErrAdapter, named(c.generations), r.megabytes(total), r.megabytes(r.env.budget))
	}
	return nil
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

// arrived waits until x is loaded.
func (r *residency) arrived(ctx context.Context, x *resident) error {
	select {
	case <-x.ready:
		return x.err
	default:
	}
	r.waiting(1)
	defer r.waiting(-1)
	select {
	case <-x.ready:
		return x.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
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

// unusable is the error of an adapter that cannot be had.
func unusable(generation string, err error) error {
	return fmt.Errorf("%w: %s: %w", serving.ErrAdapter, generation, err)
}

func named(generations []string) string {
	if len(generations) == 1 {
		return generations[0]
	}
	return fmt.Sprintf("these %d adapters", len(generations))
}

func (r *residency) megabytes(blocks int) string {
	return fmt.Sprintf("%.1f MB", float64(blocks)*float64(r.env.blockBytes)/1e6)
}
