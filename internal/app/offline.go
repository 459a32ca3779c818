package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"graft/adapters"
	"graft/internal/config"
	"graft/internal/hub"
	"graft/internal/model"
	"graft/internal/store"
	"graft/serving/native"
)

// WithoutModels lets the App fetch and load no model: it answers for keys and
// adapters only.
func WithoutModels() Option { return func(a *App) { a.without = true } }

// openNothing makes a backend that answers nothing.
func (a *App) openNothing(context.Context) (backend, error) {
	o, err := nativeOptions(a.cfg)
	if err != nil {
		return nil, err
	}
	return native.New(o)
}

// Library is the adapters of a data folder, and the models they belong to, for
// work that needs no server. Others may use the folder meanwhile.
type Library struct {
	Adapters *adapters.Registry
	cfg      config.Config
	hub      *hub.Hub
	store    *store.Store
}

// OpenLibrary opens the adapters of a data folder.
func OpenLibrary(ctx context.Context, cfg config.Config) (*Library, error) {
	s, err := store.Open(ctx, cfg.DataDir)
	if err != nil {
		return nil, explainDisk(err, cfg.DataDir)
	}
	a := &App{cfg: cfg, store: s, hub: hub.New(cfg.HubOptions()), bases: &bases{}}
	if err := a.openRegistry(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &Library{Adapters: a.adapters, cfg: cfg, hub: a.hub, store: s}, nil
}

// Close lets go of the folder.
func (l *Library) Close() error { return errors.Join(l.Adapters.Close(), l.store.Close()) }

// Adapter reads what a name stands for; NAME@GENERATION is one of its generations.
func (l *Library) Adapter(ctx context.Context, name string) (*adapters.Adapter, adapters.Entry, error) {
	base, generation, _ := strings.Cut(name, "@")
	lease, err := l.Adapters.Resolve(ctx, adapters.Ref{Name: base, Generation: generation})
	if err != nil {
		return nil, adapters.Entry{}, err
	}
	defer lease.Release()
	e, err := l.Adapters.Get(ctx, base)
	if err != nil {
		return nil, adapters.Entry{}, err
	}
	e.Generation = lease.Generation
	a, err := l.Adapters.Open(ctx, lease.Generation)
	return a, e, err
}

// Model finds the file or folder of a model that adapters belong to.
func (l *Library) Model(id string) (hub.Local, error) {
	for _, spec := range l.cfg.Models {
		local, err := l.hub.Find(modelOf(spec))
		if err == nil && cmp.Or(nameOf(spec), local.ID) == id {
			return local, nil
		}
	}
	return l.hub.Find(id)
}

// ServeAlso returns cfg with a model among those that it serves, and the model's id.
// What cannot be found stays as it is: a server that runs may know it.
func ServeAlso(cfg config.Config, name string) (config.Config, string) {
	h := hub.New(cfg.HubOptions())
	for _, spec := range cfg.Models {
		id := nameOf(spec)
		if local, err := h.Find(modelOf(spec)); err == nil && id == "" {
			id = local.ID
		}
		if name == spec || name == modelOf(spec) || name == id {
			return cfg, id
		}
	}
	if local, err := h.Find(modelOf(name)); err == nil {
		cfg.Models = append(slices.Clone(cfg.Models), name)
		return cfg, cmp.Or(nameOf(name), local.ID)
	}
	return cfg, name
}

// Bind loads the model of an adapter and fits the adapter to it; base says where the
// model is, "": under the name that the adapter was registered for. The model is to
// be closed.
func (l *Library) Bind(ctx context.Context, name, base string) (*adapters.Bound, *model.Model, hub.Local, error) {
	a, e, err := l.Adapter(ctx, name)
	if err != nil {
		return nil, nil, hub.Local{}, err
	}
	local, err := l.Model(cmp.Or(base, e.Base))
	if err != nil {
		return nil, nil, local, fmt.Errorf("the base of adapter %q: %w; say where it is with --base", name, err)
	}
	m, err := model.Load(local.Path, model.Options{Workers: l.cfg.Engine.Threads})
	if err != nil {
		return nil, nil, local, err
	}
	b, err := adapters.NewBase(m).Check(a)
	if err != nil {
		return nil, nil, local, errors.Join(fmt.Errorf("adapter %q does not fit %s:\n%w", name, local.ID, err), m.Close())
	}
	return b, m, local, nil
}
