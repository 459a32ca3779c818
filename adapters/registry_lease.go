package adapters

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"graft/internal/store"
)

// Resolve leases the generation that a request names. With a name and a generation,
// only what that name stands for, stood for or holds staged counts; a generation
// alone has the rules of access of its names and no other settings. Errors:
// ErrNotFound.
func (r *Registry) Resolve(ctx context.Context, ref Ref) (*Lease, error) {
	for {
		epoch := r.deletions()
		l, err := r.find(ctx, ref)
		if err != nil {
			return nil, err
		}
		if r.take(l.Generation, epoch) {
			return NewLease(l.Name, l.Generation, l.Base, l.Settings, func() { r.release(l.Generation) }), nil
		}
	}
}

// find is Resolve without the lease.
func (r *Registry) find(ctx context.Context, ref Ref) (l Lease, err error) {
	l.Name = ref.Name
	switch {
	case ref.Generation == "":
		var settings string
		l.Generation, l.Base, settings, err = r.Store.ResolveAdapter(ctx, ref.Name)
		if err != nil {
			return l, r.notLive(ctx, ref.Name, err)
		}
		return l, json.Unmarshal([]byte(settings), &l.Settings)
	case ref.Name == "":
		return r.findGeneration(ctx, ref.Generation)
	}
	v, err := version(ctx, r.Store.Adapters(), ref.Name, ref.Generation)
	if err != nil {
		return l, err
	}
	n, err := r.Store.Adapters().Name(ctx, ref.Name)
	if err != nil {
		return l, unknown(ref.Name, err)
	}
	l.Generation, l.Base = v.Generation, v.Base
	return l, json.Unmarshal([]byte(n.Settings), &l.Settings)
}

// notLive says why a name stands for nothing.
func (r *Registry) notLive(ctx context.Context, name string, err error) error {
	if n, nameErr := r.Store.Adapters().Name(ctx, name); nameErr == nil && n.Staged != "" {
		return fmt.Errorf("%w: %q has no generation in use, only a staged one: ask for %s@%s, or promote it", ErrNotFound, name, name, brief(n.Staged))
	}
	return unknown(name, err)
}

// brief is a generation as people write it.
func brief(generation string) string {
	const digits = 12
	return generation[len(digestPrefix):][:digits]
}

// version finds a version of a name by its generation or the beginning of it.
func version(ctx context.Context, tables store.Adapters, name, generation string) (store.AdapterVersion, error) {
	low, high, err := span(generation)
	if err != nil {
		return store.AdapterVersion{}, err
	}
	list, err := tables.Versions(ctx, name, low, high)
	switch {
	case err != nil:
		return store.AdapterVersion{}, err
	case len(list) == 0:
		return store.AdapterVersion{}, fmt.Errorf("%w: %q has no generation %s", ErrNotFound, name, generation)
	case len(list) > 1:
		return store.AdapterVersion{}, fmt.Errorf("%w: %q has %d generations that begin with %s: give more digits", ErrNotFound, name, len(list), generation)
	}
	return list[0], nil
}

// findGeneration finds a generation by itself. Who may use one of its names may use
// it, within the widest limits of them.
func (r *Registry) findGeneration(ctx context.Context, generation string) (l Lease, err error) {
	low, high, err := span(generation)
	if err != nil {
		return l, err
	}
	list, err := r.Store.Adapters().VersionsOf(ctx, low, high)
	if err != nil {
		return l, err
	}
	if len(list) == 0 {
		return l, fmt.Errorf("%w: generation %s", ErrNotFound, generation)
	}
	l.Generation = list[0].Generation
	for i, v := range list {
		if v.Generation != l.Generation {
			return l, fmt.Errorf("%w: several generations begin with %s: give more digits", ErrNotFound, generation)
		}
		n, err := r.Store.Adapters().Name(ctx, v.Name)
		if err != nil {
			return l, unknown(v.Name, err)
		}
		var s Settings
		if err := json.Unmarshal([]byte(n.Settings), &s); err != nil {
			return l, err
		}
		l.Settings = widest(i == 0, l.Settings, s)
		l.Base = v.Base
	}
	return l, nil
}

// widest are the rules of access under which either name lets a key in.
func widest(first bool, a, b Settings) Settings {
	b = Settings{Keys: b.Keys, RequestsPerMinute: b.RequestsPerMinute, TokensPerMinute: b.TokensPerMinute}
	if first {
		return b
	}
	limit := func(x, y int) int {
		if x == 0 || y == 0 {
			return 0
		}
		return max(x, y)
	}
	out := Settings{RequestsPerMinute: limit(a.RequestsPerMinute, b.RequestsPerMinute), TokensPerMinute: limit(a.TokensPerMinute, b.TokensPerMinute)}
	if len(a.Keys) > 0 && len(b.Keys) > 0 {
		out.Keys = slices.Concat(a.Keys, b.Keys)
		slices.Sort(out.Keys)
		out.Keys = slices.Compact(out.Keys)
	}
	return out
}

func (r *Registry) deletions() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.epoch
}

// take leases a generation that was found to exist when epoch deletions had been
// made. It fails when another was made since, or is under way.
func (r *Registry) take(generation string, epoch int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.epoch != epoch && r.leases[generation] == 0 || r.dying[generation] {
		return false
	}
	r.leases[generation]++
	return true
}

func (r *Registry) release(generation string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leases[generation]--; r.leases[generation] > 0 {
		return
	}
	delete(r.leases, generation)
	if r.wanted && !r.closed {
		r.wanted = false
		r.wg.Go(func() { r.collect(context.Background(), false) })
	}
}

// Open reads a stored generation, and makes sure that it is the one: a file that
// has changed is an error. Errors: ErrNotFound.
func (r *Registry) Open(ctx context.Context, generation string) (*Adapter, error) {
	for {
		epoch := r.deletions()
		g, err := r.Store.Adapters().Generation(ctx, generation)
		if err != nil {
			return nil, unknown(generation, err)
		}
		if !r.take(g.Generation, epoch) {
			continue
		}
		defer r.release(g.Generation)
		return r.read(g.Generation)
	}
}

// read reads the folder of a generation.
func (r *Registry) read(generation string) (*Adapter, error) {
	a, err := ReadPEFT(r.folder(generation), Limits{Bytes: 1 << 62, Rank: 1 << 30, Tensors: 1 << 30}) // it was within the limits of its day
	if err != nil {
		return nil, fmt.Errorf("stored generation %s: %w", generation, err)
	}
	if a.Generation != generation {
		return nil, fmt.Errorf("stored generation %s: %w: the files in %s are those of %s; delete the adapter and add it again", generation, errDamaged, r.folder(generation), a.Generation)
	}
	a.Card = readCard(filepath.Join(r.folder(generation), peftCard))
	return a, nil
}

// maxCard bounds a README.md that is read, in bytes.
const maxCard = 1 << 20

// readCard reads the README.md of a folder. One that cannot be read is none: it is no
// part of the content, which is served without it.
func readCard(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCard))
	if err != nil {
		return ""
	}
	return string(data)
}

var errDamaged = errors.New("the files were changed after they were stored")
