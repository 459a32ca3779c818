package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"

	"graft/api"
	"graft/internal/config"
	"graft/internal/hub"
	"graft/internal/kernel"
	"graft/serving"
	"graft/serving/native"
)

// openNative fetches the models that are not on this machine, and loads the
// first one into the embedded engine.
func (a *App) openNative(ctx context.Context) (backend, error) {
	if err := cmp.Or(kernel.ISAError(), useISA(a.cfg.Engine.ISA)); err != nil {
		return nil, err
	}
	o, err := nativeOptions(a.cfg)
	if err != nil {
		return nil, err
	}
	var problems []error
	for _, spec := range a.cfg.Models { // typing errors come up before any download
		if _, err := a.hub.Find(modelOf(spec)); err != nil && !errors.Is(err, hub.ErrNotInstalled) {
			problems = append(problems, err)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	for _, spec := range a.cfg.Models {
		l, err := a.hub.Pull(ctx, modelOf(spec), a.progress)
		if err != nil {
			return nil, err
		}
		o.Models = append(o.Models, a.source(spec, l))
		a.bases.digests[cmp.Or(nameOf(spec), l.ID)] = l.Digest
	}
	o.Adapters = loader{a.adapters, a.bases}
	o.Digests = digests{a.store}
	b, err := native.New(o)
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(b.Load(ctx, ""), a.pin(ctx, b)); err != nil {
		b.Close(ctx)
		return nil, err
	}
	a.bases.set(b)
	return b, nil
}

// source is a model as the engine wants it.
func (a *App) source(spec string, l hub.Local) native.Source {
	info := serving.Model{
		ID: cmp.Or(nameOf(spec), l.ID), OwnedBy: "graft", Created: l.Pulled, Bytes: l.Bytes, Digest: l.Digest, License: l.License.Name,
		Chat: l.Entry.Kind == hub.Chat, Embedder: l.Entry.Kind == hub.Embed,
	}
	return native.Source{Info: info, Open: func(ctx context.Context) (string, error) {
		l, err := a.hub.Pull(ctx, modelOf(spec), nil) // it may have been removed meanwhile
		return l.Path, err
	}}
}

var namedModel = regexp.MustCompile(`^([A-Za-z0-9][\w.:-]*)=(.+)$`)

// nameOf is the NAME of NAME=MODEL, or "".
func nameOf(spec string) string {
	if g := namedModel.FindStringSubmatch(spec); g != nil {
		return g[1]
	}
	return ""
}

// modelOf is the MODEL of NAME=MODEL, or all of it.
func modelOf(spec string) string {
	if g := namedModel.FindStringSubmatch(spec); g != nil {
		return g[2]
	}
	return spec
}

func useISA(name string) error {
	if name == "auto" {
		return nil // or what GRAFT_ISA said
	}
	if err := kernel.Use(name); err != nil {
		return fmt.Errorf("engine.isa: %w", err)
	}
	return nil
}

var cacheTypes = map[string]kernel.Type{
	"auto": kernel.AutoKV, "f32": kernel.F32, "f16": kernel.F16, "bf16": kernel.BF16, "q16": kernel.Q16, "q8_0": kernel.Q8_0,
}

// nativeOptions are the engine's part of the configuration.
func nativeOptions(c config.Config) (native.Options, error) {
	e := c.Engine
	t, ok := cacheTypes[e.KVType]
	if !ok {
		return native.Options{}, fmt.Errorf("engine.kv_type: %q", e.KVType)
	}
	o := native.DefaultOptions()
	o.Threads, o.Context = e.Threads, e.Context
	o.Exact = e.Exact
	o.CacheType, o.CacheBytes, o.BlockTokens, o.NoCache = t, int64(e.KVMemory), e.BlockTokens, !e.PrefixCache
	o.StepTokens, o.MixedTokens = e.MaxBatchTokens, e.MixedBatchTokens
	o.MaxRunning, o.MaxQueue, o.Speculate = e.MaxRunning, e.MaxQueue, e.Speculate
	o.AdapterBytes = int64(c.Adapters.Memory)
	o.MemoryBudget = int64(c.Memory.Budget)
	if o.MemoryBudget == 0 {
		o.MemoryBudget = machineMemory() / 10 * 8
	}
	return o, nil
}

// stats are the engines' numbers for /metrics.
func stats(b backend) func() []api.EngineStats {
	n, ok := b.(*native.Backend)
	if !ok {
		return nil
	}
	return func() []api.EngineStats {
		var out []api.EngineStats
		for _, s := range n.Stats() {
			out = append(out, api.EngineStats{
				Model: s.Model, Queued: s.Waiting, Running: s.Running, Batch: s.BatchRows,
				KVUsed: s.BlocksUsed, KVTotal: s.BlocksTotal, Preemptions: s.Preemptions,
				Drafted: s.DraftTokens, DraftAccepted: s.DraftAccepted,
				PrefixQueries: s.PromptTokens, PrefixHits: s.PrefixHitTokens, Bytes: s.Bytes,
				Adapters: s.Adapters.Resident, AdapterBytes: s.Adapters.Bytes, AdapterWaiting: s.Adapters.Waiting,
				AdapterLoads: s.Adapters.Loads, AdapterEvictions: s.Adapters.Evictions, AdapterFailures: s.Adapters.Failures,
			})
		}
		return out
	}
}
