package adapters

import (
	"context"
	"errors"
	"time"

	"graft/internal/store"
)

// RegistryOptions are what a Registry stands on.
type RegistryOptions struct {
	Store  *store.Store
	Dir    string // of the stored generations
	Roots  []string
	Limits Limits
	Keep   int // generations of a name kept for going back
	Bases  Bases
	Models func() []string // ids that names may not take
	// Fetch brings a Hugging Face repository to this machine.
	Fetch func(ctx context.Context, repo, revision string) (dir string, err error)
	Now   func() time.Time // nil: time.Now
}

// Registry knows adapters by name.
type Registry struct{ RegistryOptions }

var errUnfinished = errors.New("the registry is not there yet")

// OpenRegistry opens the registry in a store.
func OpenRegistry(context.Context, RegistryOptions) (*Registry, error) { return nil, errUnfinished }

// Add stores an adapter and gives it a name.
func (r *Registry) Add(context.Context, AddRequest) (Entry, error) { return Entry{}, errUnfinished }

// Get returns what a name stands for.
func (r *Registry) Get(ctx context.Context, name string) (Entry, error) {
	return Entry{}, errUnfinished
}

// List returns all names, sorted.
func (r *Registry) List(context.Context) ([]Entry, error) { return nil, errUnfinished }

// Resolve leases the generation that a request names.
func (r *Registry) Resolve(context.Context, Ref) (*Lease, error) { return nil, errUnfinished }

// Promote lets a name stand for a stored generation.
func (r *Registry) Promote(ctx context.Context, name string, c Change) (Entry, error) {
	return Entry{}, errUnfinished
}

// Rollback lets a name stand for what it stood for before.
func (r *Registry) Rollback(ctx context.Context, name string, c Change) (Entry, error) {
	return Entry{}, errUnfinished
}

// Configure changes settings (nil: as they are) and notes (nil: the same).
func (r *Registry) Configure(ctx context.Context, name string, s *Settings, notes *string, c Change) (Entry, error) {
	return Entry{}, errUnfinished
}

// Delete takes a name away.
func (r *Registry) Delete(ctx context.Context, name string, c Change) error { return errUnfinished }

// History is what happened to a name, latest first.
func (r *Registry) History(ctx context.Context, name string) ([]Event, error) {
	return nil, errUnfinished
}

// Generations lists what is stored.
func (r *Registry) Generations(context.Context) ([]GenerationInfo, error) { return nil, errUnfinished }

// Open reads a stored generation.
func (r *Registry) Open(ctx context.Context, generation string) (*Adapter, error) {
	return nil, errUnfinished
}
