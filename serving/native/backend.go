package native

import (
	"context"

	"graft/internal/kernel"
	"graft/internal/model"
	"graft/internal/tokenizer"
	"graft/serving"
)

var (
	_ serving.Backend   = (*Backend)(nil)
	_ serving.Tokenizer = (*Backend)(nil)
	_ serving.Residency = (*Backend)(nil)
)

// Backend is the embedded engine as a serving.Backend: one engine for each model
// that is loaded.
type Backend struct {
	opts   Options
	pool   *kernel.Pool
	models *registry
	pins   pins
}

// New makes a backend. Nothing is loaded before Load or the first request.
func New(o Options) (*Backend, error) {
	o = o.withDefaults()
	r, err := newRegistry(o.Models, o.MemoryBudget)
	if err != nil {
		return nil, err
	}
	b := &Backend{opts: o, models: r}
	b.pool = kernel.NewPool(o.Threads)
	r.needs = b.opts.modelNeeds
	r.load = func(ctx context.Context, s *Source) (*instance, error) {
		if len(r.loaded()) == 0 { // else answers are written meanwhile, which leave garbage
			path, err := s.Open(ctx)
			if err != nil {
				return nil, err
			}
			size, err := fileBytes(path)
			if err != nil {
				return nil, err
			}
			defer holdCollector(size)()
		}
		return b.opts.load(ctx, s, b.pool, b.pins.has)
	}
	return b, nil
}

// Load loads a model that will be asked for; "" is the default.
func (b *Backend) Load(ctx context.Context, id string) error {
	_, release, err := b.models.acquire(ctx, id)
	if err == nil {
		release()
	}
	return err
}

// WithModel returns the model called id, "" for the default, loading it first
// when it is not there; info.ID is its id. It stays loaded until release is called.
func (b *Backend) WithModel(ctx context.Context, id string) (m *model.Model, info serving.Model, release func(), err error) {
	in, release, err := b.models.acquire(ctx, id)
	if err != nil {
		return nil, serving.Model{}, nil, err
	}
	return in.model, in.info, release, nil
}

// ForTraining is WithModel with the model's tokenizer.
func (b *Backend) ForTraining(ctx context.Context, id string) (m *model.Model, tok *tokenizer.Tokenizer, info serving.Model, release func(), err error) {
	in, release, err := b.models.acquire(ctx, id)
	if err != nil {
		return nil, nil, serving.Model{}, nil, err
	}
	return in.model, in.tok, in.info, release, nil
}

// Busy tells whether requests are being answered, or wait for it.
func (b *Backend) Busy() bool {
	for _, in := range b.models.loaded() {
		if s := in.engine.Stats(); s.Running > 0 || s.Waiting > 0 {
			return true
		}
	}
	return false
}

// Close takes no more requests, waits for the answers in progress until ctx
// ends, ends the rest with ErrDraining, and unloads everything.
func (b *Backend) Close(ctx context.Context) {
	b.models.drain(ctx)
	b.pool.Close()
}

// Models lists all models, loaded or not, the default first.
func (b *Backend) Models(context.Context) ([]serving.Model, error) { return b.models.models(), nil }

// ModelStats are the Stats of one model's engine.
type ModelStats struct {
	Stats
	Model    string
	Bytes    int64 // of weights and cache
	Adapters AdapterStats
}

// Stats of all loaded models.
func (b *Backend) Stats() []ModelStats {
	var out []ModelStats
	for _, in := range b.models.loaded() {
		s := ModelStats{Stats: in.engine.Stats(), Model: in.info.ID, Bytes: in.bytes}
		if in.adapters != nil {
			s.Adapters = in.adapters.Stats()
		}
		out = append(out, s)
	}
	return out
}
