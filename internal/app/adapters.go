package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"weak"

	"graft/adapters"
	"graft/internal/hub"
	"graft/internal/model"
	"graft/serving"
	"graft/serving/native"
)

// openRegistry opens the adapters of the data folder.
func (a *App) openRegistry() (err error) {
	c := a.cfg.Adapters
	o := adapters.RegistryOptions{
		Store: a.store, Dir: filepath.Join(a.cfg.DataDir, "adapters"), Roots: c.Roots,
		Limits: adapters.Limits{Rank: c.MaxRank, Bytes: int64(c.MaxBytes)}, Stored: int64(c.MaxStored), Keep: c.Keep,
		Bases: a.bases, Models: a.modelIDs, Fetch: a.fetchAdapter, RequireVerdict: c.RequireVerdict,
	}
	if c.Keep == 0 {
		o.Keep = -1
	}
	a.adapters, err = adapters.OpenRegistry(context.Background(), o)
	return err
}

// fetchAdapter fetches an adapter, and says in the registry's errors why not.
func (a *App) fetchAdapter(ctx context.Context, repo, revision, dir string, most int64) (string, error) {
	commit, err := a.hub.Adapter(ctx, repo, revision, dir, most)
	for _, e := range []struct{ is, as error }{
		{hub.ErrUnknown, adapters.ErrNoPath}, {hub.ErrNoAdapter, adapters.ErrInvalid}, {hub.ErrTooLarge, adapters.ErrTooLarge},
		{hub.ErrNotInstalled, adapters.ErrForbidden}, {hub.ErrNoSpace, adapters.ErrQuota}, {err, adapters.ErrSource},
	} {
		if err != nil && errors.Is(err, e.is) {
			return "", fmt.Errorf("%w: %w", e.as, err)
		}
	}
	return commit, nil
}

// modelIDs are the names that adapters cannot have.
func (a *App) modelIDs() []string {
	var ids []string
	for _, spec := range a.cfg.Models {
		if id := nameOf(spec); id != "" {
			ids = append(ids, id)
		} else if l, err := a.hub.Find(spec); err == nil {
			ids = append(ids, l.ID)
		} else {
			ids = append(ids, spec)
		}
	}
	return ids
}

// bases finds the models that adapters are checked against. It keeps none of them
// in memory.
type bases struct {
	mu      sync.Mutex
	backend *native.Backend   // nil: there is none, or not yet
	digests map[string]string // sha256 of weights by the model's id, hex, where known
	norms   map[string]known
}

// known are the norms of a model as long as that is loaded.
type known struct {
	model weak.Pointer[model.Model]
	norms *adapters.Norms
}

func (b *bases) set(n *native.Backend) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.backend = n
}

// Base is the loaded model, which it loads when it is not.
func (b *bases) Base(ctx context.Context, id string) (*adapters.Base, string, func(), error) {
	b.mu.Lock()
	n := b.backend
	b.mu.Unlock()
	if n == nil {
		return nil, "", nil, fmt.Errorf("%w: there is no model of graft's own to check an adapter against", serving.ErrModelNotFound)
	}
	m, info, release, err := n.WithModel(ctx, id)
	if err != nil {
		return nil, "", nil, err
	}
	return b.of(m, info.ID), info.ID, release, nil
}

// of is a loaded model as adapters see it.
func (b *bases) of(m *model.Model, id string) *adapters.Base {
	b.mu.Lock()
	defer b.mu.Unlock()
	var digests []string
	if d := b.digests[id]; d != "" {
		digests = []string{d, "sha256:" + d}
	}
	base := adapters.NewBase(m, digests...)
	if k, ok := b.norms[id]; ok && k.model.Value() == m {
		base.SetNorms(k.norms)
	} else {
		b.norms[id] = known{weak.Make(m), base.Norms()}
	}
	return base
}

// warm prepares the default model for the first adapter.
func (b *bases) warm(ctx context.Context) {
	base, _, release, err := b.Base(ctx, "")
	if err != nil {
		return // the first adapter will say so
	}
	defer release()
	base.Warm(ctx)
}

// pin keeps adapters in memory, once they are there, whose settings say so.
func (a *App) pin(ctx context.Context, r serving.Residency) error {
	list, err := a.adapters.List(ctx)
	for _, e := range list {
		if e.Settings.Pinned && e.State == adapters.Live {
			r.Pin(e.Generation, true)
		}
	}
	return err
}

// loader brings adapters into the engine.
type loader struct {
	registry *adapters.Registry
	bases    *bases
}

// AdapterBytes is what an adapter will hold in memory.
func (l loader) AdapterBytes(ctx context.Context, generation string) (int64, error) {
	return l.registry.Memory(ctx, generation)
}

// LoadAdapter reads an adapter and fits it to a model.
func (l loader) LoadAdapter(ctx context.Context, base string, m *model.Model, generation string) (*model.Adapter, error) {
	a, err := l.registry.Open(ctx, generation)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", serving.ErrAdapter, err)
	}
	bound, err := l.bases.of(m, base).Fit(a)
	if err != nil {
		return nil, fmt.Errorf("%w: %s on %s: %w", serving.ErrAdapter, generation, base, err)
	}
	return bound.Compile()
}
