package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"graft/adapters"
	"graft/api"
	"graft/serving"
	"graft/training/jobs"
	"graft/training/lint"
)

// openJobs opens the queue of fine-tuning.
func (a *App) openJobs(files jobs.Files) (err error) {
	c := a.cfg.Training
	o := jobs.Options{
		Store: a.store, Dir: filepath.Join(a.cfg.DataDir, "jobs"), Files: files, Bases: trainable{a.bases}, Publisher: publisher{a.adapters},
		Cores: c.MaxCores, MaxQueued: c.MaxJobs, Keep: c.KeepJobs, SaveEvery: c.SaveEvery, Logger: a.log,
	}
	o.Embedder = a.bases.embedder
	if err := a.openWebhooks(&o); err != nil {
		return err
	}
	if c.Yield {
		o.Busy = a.bases.busy
	}
	a.jobs, err = jobs.Open(o)
	return err
}

// trainable lends the models of the engine to trainings.
type trainable struct{ *bases }

// Base is the loaded model, which it loads when it is not.
func (t trainable) Base(ctx context.Context, id string) (*jobs.Base, error) {
	t.mu.Lock()
	n := t.backend
	t.mu.Unlock()
	if n == nil {
		return nil, fmt.Errorf("%w: there is none of graft's own", jobs.ErrNoBase)
	}
	m, tok, info, release, err := n.ForTraining(ctx, id)
	if errors.Is(err, serving.ErrModelNotFound) {
		err = fmt.Errorf("%w: %w", jobs.ErrNoBase, err)
	}
	if err != nil {
		return nil, err
	}
	return &jobs.Base{ID: info.ID, Digest: info.Digest, Model: m, Tokenizer: tok, Release: release}, nil
}

// embedder is the embedding model that is loaded; nil: none is.
func (b *bases) embedder(ctx context.Context) (lint.Embedder, error) {
	b.mu.Lock()
	n := b.backend
	b.mu.Unlock()
	if n == nil {
		return nil, nil
	}
	return api.LoadedEmbedder(ctx, n)
}

// busy tells whether requests are being answered.
func (b *bases) busy() bool {
	b.mu.Lock()
	n := b.backend
	b.mu.Unlock()
	return n != nil && n.Busy()
}

// publisher puts what was trained into the registry.
type publisher struct{ registry *adapters.Registry }

// Publish gives an adapter its name; the same a second time is the same generation. A
// new name belongs to the key that made the job, until others are permitted to use it.
func (p publisher) Publish(ctx context.Context, q jobs.Publication) error {
	add := adapters.AddRequest{
		Name: q.Name, Base: q.Base, Adapter: exported(q), Replace: true, By: q.Owner,
		Lineage: adapters.Lineage{
			BaseDigest: q.BaseDigest, Dataset: q.Dataset, Template: q.Template, Config: q.Config,
			Job: q.Job, Source: "job " + q.Job, Metrics: numbers(q.Metrics),
		},
	}
	_, err := p.registry.Get(ctx, q.Name)
	if isNew := errors.Is(err, adapters.ErrNotFound); isNew && q.Owner != "" {
		add.Settings = &adapters.Settings{Keys: []string{q.Owner}}
	} else if err != nil && !isNew {
		return err
	}
	_, err = p.registry.Add(ctx, add)
	if errors.Is(err, adapters.ErrQuota) {
		err = fmt.Errorf("%w: %w", jobs.ErrNoRoom, err)
	}
	return err
}

// numbers are metrics by their names in JSON.
func numbers(m jobs.Metrics) (out map[string]float64) {
	data, err := json.Marshal(m)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		panic(fmt.Sprintf("app: metrics %+v: %v", m, err)) // finite numbers
	}
	return out
}

// exported is an adapter in training as one that is served: a copy.
func exported(q jobs.Publication) *adapters.Adapter {
	a := &adapters.Adapter{Config: adapters.Config{Base: q.Base, Task: "CAUSAL_LM", Bias: "none"}, Card: q.Card}
	a.Config.Targets.Names = q.Targets
	a.Config.Extra = map[string]json.RawMessage{"lora_dropout": json.RawMessage(fmt.Sprint(q.Adapter.Dropout))}
	for _, m := range q.Adapter.Modules {
		out := &adapters.Module{
			Path: m.Path, Alpha: m.Alpha, RS: m.RSLoRA,
			A: adapters.F32(m.A.Data, m.A.Shape()...), B: adapters.F32(m.B.Data, m.B.Shape()...),
		}
		if m.M != nil {
			out.Magnitude = adapters.F32(m.M.Data, m.M.Shape()...)
		}
		a.Modules = append(a.Modules, out)
		a.Config.R, a.Config.Alpha, a.Config.RSLoRA, a.Config.DoRA = m.Rank, m.Alpha, m.RSLoRA, m.DoRA
	}
	a.Seal()
	return a
}
