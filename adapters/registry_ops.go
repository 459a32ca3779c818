package adapters

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"graft/internal/flock"
	"graft/internal/store"
)

// RegistryOptions are what a Registry stands on.
type RegistryOptions struct {
	Store  *store.Store
	Dir    string   // of the stored generations; several processes may share it
	Roots  []string // folders that AddRequest.Path may lie in
	Limits Limits   // of one adapter
	Stored int64    // bytes of all generations together; 0: no limit
	Keep   int      // generations of a name kept for going back; 0: 10, negative: none
	Bases  Bases
	Models func() []string // ids that names may not take; nil: none
	// RequireVerdict: names are given another generation only after an evaluation with a
	// clear win, unless their settings say otherwise.
	RequireVerdict bool
	// Fetch brings the adapter of a Hugging Face repository into a folder and
	// returns the commit; files that are longer than most together are an error.
	// nil: there is no such source.
	Fetch func(ctx context.Context, repo, revision, dir string, most int64) (commit string, err error)
	Now   func() time.Time // nil: time.Now
}

const defaultKeep = 10

// Registry knows adapters by name. Names, versions and history are in the store;
// each generation is a PEFT folder in Dir, named by its digest. Its methods may be
// called by many goroutines, and several processes may have the same one open.
type Registry struct {
	RegistryOptions
	mine  string      // file in processes
	alive *flock.Lock // on it; tells other processes that this one may hold leases

	work    sync.Mutex // one adapter is read and checked at a time, so that their memory does not add up
	publish sync.Mutex // held while folders get their name or are deleted

	mu     sync.Mutex
	leases map[string]int  // by generation
	dying  map[string]bool // generations being deleted
	epoch  int             // counts deletions
	wanted bool            // a generation waits for its leases to be deleted
	closed bool
	wg     sync.WaitGroup // of deletions in the background
	left   sync.Once
}

// OpenRegistry opens the registry in a store, and deletes what an earlier process
// left half-done.
func OpenRegistry(ctx context.Context, o RegistryOptions) (*Registry, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Keep == 0 {
		o.Keep = defaultKeep
	}
	o.Keep = max(o.Keep, 0)
	o.Limits = o.Limits.withDefaults()
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	r := &Registry{RegistryOptions: o, leases: map[string]int{}, dying: map[string]bool{}}
	if err := r.join(ctx); err != nil {
		return nil, fmt.Errorf("adapters %s: %w", dir, err)
	}
	if err := r.collect(ctx, true); err != nil {
		return nil, errors.Join(fmt.Errorf("adapters %s: %w", dir, err), r.Close())
	}
	return r, nil
}

// Close waits for deletions in progress and lets go of the folder, not of the store.
func (r *Registry) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.wg.Wait()
	return r.leave()
}

// SpoolDir is a folder for files that are not whole yet, on the disk of the
// adapters. What is left in it when a process dies is deleted.
func (r *Registry) SpoolDir() string { return r.path("tmp") }

// Get returns what a name stands for. Errors: ErrNotFound.
func (r *Registry) Get(ctx context.Context, name string) (Entry, error) {
	e, err := r.Store.Adapters().Entry(ctx, name)
	if err != nil {
		return Entry{}, unknown(name, err)
	}
	return entryOf(e)
}

// Head is Get without Report.Modules, which take the most time to read. Errors:
// ErrNotFound.
func (r *Registry) Head(ctx context.Context, name string) (Entry, error) {
	e, err := r.Store.Adapters().Head(ctx, name)
	if err != nil {
		return Entry{}, unknown(name, err)
	}
	return entryOf(e)
}

// Stands tells whether any name stands for a generation, and whether one of those is
// pinned.
func (r *Registry) Stands(ctx context.Context, generation string) (used, pinned bool, err error) {
	list, err := r.Store.Adapters().SettingsOf(ctx, generation)
	for _, text := range list {
		var s Settings
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return false, false, err
		}
		used, pinned = true, pinned || s.Pinned
	}
	return used, pinned, err
}

// List returns all names, sorted. Report.Modules is left out.
func (r *Registry) List(ctx context.Context) ([]Entry, error) {
	rows, err := r.Store.Adapters().Entries(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Entry, len(rows))
	for i, row := range rows {
		if list[i], err = entryOf(row); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// States of an Entry.
const (
	Live   = "live"
	Staged = "staged"
)

func entryOf(row store.AdapterEntry) (Entry, error) {
	e := Entry{
		Name: row.Name, Generation: row.Generation, Staged: row.Staged, Base: row.Version.Base, Shadow: row.Shadow, State: Live,
		Created: row.Created, Updated: row.Updated, Owner: row.Owner, Notes: row.Notes, Rank: row.Rank, Bytes: row.Bytes,
	}
	if e.Generation == "" {
		e.Generation, e.State = row.Staged, Staged
	}
	err := errors.Join(
		json.Unmarshal([]byte(row.Settings), &e.Settings),
		json.Unmarshal([]byte(row.Version.Lineage), &e.Lineage),
		json.Unmarshal([]byte(row.Version.Report), &e.Report))
	if row.Version.Modules != "" {
		err = errors.Join(err, json.Unmarshal([]byte(row.Version.Modules), &e.Report.Modules))
	}
	if err != nil {
		return Entry{}, fmt.Errorf("adapter %q: what is stored of it: %w", row.Name, err)
	}
	return e, nil
}

// History is what happened to a name, latest first: the last 1,000 events, and those
// of a deleted one for 90 days. Errors: ErrNotFound.
func (r *Registry) History(ctx context.Context, name string) ([]Event, error) {
	rows, err := r.Store.Adapters().Events(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, unknown(name, store.ErrNotFound)
	}
	list := make([]Event, len(rows))
	for i, e := range rows {
		list[i] = Event{Time: e.Time, Action: e.Action, Generation: e.Generation, By: e.Author, Note: e.Note}
	}
	return list, nil
}

// Generations lists what is stored, the oldest first.
func (r *Registry) Generations(ctx context.Context) ([]GenerationInfo, error) {
	rows, err := r.Store.Adapters().Generations(ctx)
	if err != nil {
		return nil, err
	}
	names, err := r.Store.Adapters().Names(ctx)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]GenerationInfo, len(rows))
	for i, g := range rows {
		list[i] = GenerationInfo{
			Generation: g.Generation, Names: names[g.Generation], Rank: g.Rank, Bytes: g.Bytes, Created: g.Created,
			Leases: r.leases[g.Generation], Retired: len(names[g.Generation]) == 0,
		}
	}
	return list, nil
}

// Memory is what a stored generation holds once it is compiled, in bytes, on the
// model that it was checked against last. Errors: ErrNotFound.
func (r *Registry) Memory(ctx context.Context, generation string) (int64, error) {
	g, err := r.Store.Adapters().Generation(ctx, generation)
	return g.Memory, unknown(generation, err)
}

// unknown is ErrNotFound in the place of the store's.
func unknown(name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: %q", ErrNotFound, name)
	}
	return err
}
