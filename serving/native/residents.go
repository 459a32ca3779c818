package native

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"graft/serving"
)

// pins are the generations that are to stay in memory.
type pins struct {
	mu  sync.Mutex
	set map[string]bool
}

func (p *pins) has(generation string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.set[generation]
}

func (p *pins) put(generation string, pinned bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !pinned {
		delete(p.set, generation)
		return
	}
	if p.set == nil {
		p.set = map[string]bool{}
	}
	p.set[generation] = true
}

// Residents lists the adapters of all models, the most recently used first.
func (b *Backend) Residents() []serving.Resident {
	var out []serving.Resident
	for _, in := range b.models.loaded() {
		if in.adapters != nil {
			out = append(out, in.adapters.residents(in.info.ID)...)
		}
	}
	slices.SortStableFunc(out, func(x, y serving.Resident) int { return y.LastUsed.Compare(x.LastUsed) })
	return out
}

// Warm loads an adapter for a model, "" for the default.
func (b *Backend) Warm(ctx context.Context, id, generation string) error {
	in, release, err := b.models.acquire(ctx, id)
	if err != nil {
		return err
	}
	defer release()
	if err := in.takesAdapters(); err != nil {
		return err
	}
	_, letGo, err := in.adapters.acquire(ctx, []string{generation})
	if err == nil {
		letGo()
	}
	return err
}

// Unload lets go of an adapter in all models.
func (b *Backend) Unload(ctx context.Context, generation string) error {
	models := b.models.loaded()
	errs := make([]error, len(models))
	var wg sync.WaitGroup
	for i, in := range models {
		if in.adapters != nil {
			wg.Go(func() { errs[i] = in.adapters.unload(ctx, generation) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Pin keeps an adapter from being evicted, or no longer. It stays pinned when it
// is unloaded and loaded again.
func (b *Backend) Pin(generation string, pinned bool) {
	b.pins.put(generation, pinned)
	for _, in := range b.models.loaded() {
		if in.adapters != nil {
			in.adapters.pinsChanged()
		}
	}
}

// takesAdapters is an error where there are none.
func (in *instance) takesAdapters() error {
	switch {
	case in.engine.encoder:
		return &serving.ParamError{Param: "adapters", Message: fmt.Sprintf("model %q makes embeddings, which adapters do not change", in.info.ID)}
	case in.adapters == nil:
		return &serving.ParamError{Param: "adapters", Message: "this engine has no adapters"}
	}
	return nil
}
