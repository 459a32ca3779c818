package native

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"graft/serving"
)

// registry holds the models: which are loaded, who uses them, and who goes when
// memory is short.
type registry struct {
	budget int64 // bytes; 0: none
	load   func(context.Context, *Source) (*instance, error)
	needs  func(path string) (int64, error) // memory that a model will take

	loading sync.Mutex // one at a time, so that their memory adds up

	mu       sync.Mutex
	entries  []*entry
	clock    int64
	draining bool
	ctx      context.Context // ends when draining; loads run under it
	cancel   context.CancelFunc
	wg       sync.WaitGroup // of loads
}

type entry struct {
	source Source
	info   serving.Model // the source's, completed once it was loaded
	inst   *instance     // nil: not loaded
	coming *arrival      // a load in progress
	leases int           // requests in progress
	used   int64         // by the registry's clock
}

// arrival is a load that any number of requests wait for.
type arrival struct {
	done chan struct{}
	err  error // readable once done is closed
}

func newRegistry(sources []Source, budget int64) (*registry, error) {
	r := &registry{budget: budget}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	for _, s := range sources {
		if r.find(s.Info.ID) != nil || s.Info.ID == "" {
			return nil, fmt.Errorf("models: the id %q is empty or used twice: name one of them yourself, as in NAME=MODEL", s.Info.ID)
		}
		r.entries = append(r.entries, &entry{source: s, info: s.Info})
	}
	return r, nil
}

// find returns the entry of id, nil for none; "" is the default.
func (r *registry) find(id string) *entry {
	for i, e := range r.entries {
		if e.info.ID == id || id == "" && i == 0 {
			return e
		}
	}
	return nil
}

// acquire returns a loaded model, which stays until release is called. Requests
// for a model that is being loaded wait for that one load.
func (r *registry) acquire(ctx context.Context, id string) (in *instance, release func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.find(id)
	if e == nil {
		return nil, nil, r.unknown(id)
	}
	for {
		if r.draining {
			return nil, nil, serving.ErrDraining
		}
		if e.inst != nil {
			e.leases++
			r.touch(e)
			return e.inst, func() { r.release(e) }, nil
		}
		if e.coming == nil {
			e.coming = &arrival{done: make(chan struct{})}
			r.wg.Go(func() { r.fetch(e, e.coming) })
		}
		a := e.coming
		r.mu.Unlock()
		select {
		case <-a.done:
			err = a.err
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		r.mu.Lock()
		if err != nil {
			return nil, nil, err
		}
	}
}

func (r *registry) unknown(id string) error {
	ids := make([]string, len(r.entries))
	for i, e := range r.entries {
		ids[i] = e.info.ID
	}
	return fmt.Errorf("%w: %q is not one of %s", serving.ErrModelNotFound, id, strings.Join(ids, ", "))
}

func (r *registry) release(e *entry) {
	r.mu.Lock()
	e.leases--
	r.touch(e)
	r.mu.Unlock()
}

func (r *registry) touch(e *entry) {
	r.clock++
	e.used = r.clock
}

// fetch loads a model, after making room for it.
func (r *registry) fetch(e *entry, a *arrival) {
	r.loading.Lock()
	defer r.loading.Unlock()
	in, err := r.bring(e)
	r.mu.Lock()
	e.coming = nil
	if err != nil {
		a.err = fmt.Errorf("model %q: %w", e.info.ID, err)
	} else {
		e.inst, e.info = in, in.info
		r.touch(e)
	}
	r.mu.Unlock()
	r.tune()
	close(a.done)
}

// tune tells the collector how much of the heap is weights.
func (r *registry) tune() {
	var weights int64
	for _, in := range r.loaded() {
		if in.model != nil {
			weights += in.model.Config.Bytes
		}
	}
	tuneCollector(weights)
}

func (r *registry) bring(e *entry) (*instance, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, serving.ErrDraining
	}
	source := e.source
	path, err := source.Open(r.ctx)
	if err != nil {
		return nil, err
	}
	source.Open = func(context.Context) (string, error) { return path, nil }
	if r.budget > 0 {
		need, err := r.needs(path)
		if err != nil {
			return nil, err
		}
		if err := r.makeRoom(need); err != nil {
			return nil, err
		}
	}
	return r.load(r.ctx, &source)
}

// makeRoom unloads models that nobody uses, the least recently used first, until
// need bytes fit into the budget.
func (r *registry) makeRoom(need int64) error {
	if need > r.budget {
		return fmt.Errorf("it takes about %d MB, the memory budget is %d MB: raise memory.budget, lower engine.kv_memory, or choose a smaller model", need>>20, r.budget>>20)
	}
	for {
		r.mu.Lock()
		var used int64
		var oldest *entry
		for _, e := range r.entries {
			if e.inst == nil {
				continue
			}
			used += e.inst.bytes
			if e.leases == 0 && (oldest == nil || e.used < oldest.used) {
				oldest = e
			}
		}
		if used+need <= r.budget {
			r.mu.Unlock()
			return nil
		}
		if oldest == nil {
			r.mu.Unlock()
			return fmt.Errorf("%w: there is no memory for it while other models are answering", serving.ErrOverloaded)
		}
		gone := oldest.inst
		oldest.inst, oldest.info.Loaded = nil, false
		r.mu.Unlock()
		gone.close(cancelled())
	}
}

// cancelled is a context that has ended.
func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// loaded lists the instances.
func (r *registry) loaded() []*instance {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*instance
	for _, e := range r.entries {
		if e.inst != nil {
			out = append(out, e.inst)
		}
	}
	return out
}

func (r *registry) models() []serving.Model {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]serving.Model, len(r.entries))
	for i, e := range r.entries {
		out[i] = e.info
	}
	return out
}

// drain refuses what comes from now on, waits for the answers in progress until
// ctx ends, and unloads everything.
func (r *registry) drain(ctx context.Context) {
	r.mu.Lock()
	r.draining = true
	r.mu.Unlock()
	r.cancel()
	r.wg.Wait()
	var wg sync.WaitGroup
	for _, in := range r.loaded() {
		wg.Go(func() { in.close(ctx) })
	}
	wg.Wait()
	r.mu.Lock()
	for _, e := range slices.Clone(r.entries) {
		e.inst, e.info.Loaded = nil, false
	}
	r.mu.Unlock()
	r.tune()
}
