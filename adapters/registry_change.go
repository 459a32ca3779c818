package adapters

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"graft/internal/store"
)

// Promote lets a name stand for the staged generation, for another one that is
// stored, or for what another name stands for; then the name may be new. Report.Modules
// of the answer is left out. Errors: ErrNotFound, ErrMismatch, ErrName, ErrUnproven.
func (r *Registry) Promote(ctx context.Context, name string, c Change) (Entry, error) {
	return r.move(ctx, name, c, "promote", func(tx store.AdaptersTx, n store.AdapterName) (store.AdapterVersion, error) {
		switch {
		case c.From != "" && c.Generation != "":
			return version(ctx, tx.Adapters, c.From, c.Generation)
		case c.From != "":
			from, err := tx.Name(ctx, c.From)
			if err != nil {
				return store.AdapterVersion{}, unknown(c.From, err)
			}
			return version(ctx, tx.Adapters, c.From, cmp.Or(from.Generation, from.Staged))
		case c.Generation != "":
			v, err := version(ctx, tx.Adapters, name, c.Generation)
			if errors.Is(err, ErrNotFound) {
				return anywhere(ctx, tx.Adapters, c.Generation)
			}
			return v, err
		case n.Staged == "":
			return store.AdapterVersion{}, fmt.Errorf("%w: nothing is staged under the name, so say which generation", ErrNotFound)
		}
		return version(ctx, tx.Adapters, name, n.Staged)
	})
}

// anywhere finds a version of any name.
func anywhere(ctx context.Context, tables store.Adapters, generation string) (v store.AdapterVersion, err error) {
	low, high, err := span(generation)
	if err != nil {
		return v, err
	}
	list, err := tables.VersionsOf(ctx, low, high)
	if err != nil {
		return v, err
	}
	if len(list) == 0 {
		return v, fmt.Errorf("%w: generation %s", ErrNotFound, generation)
	}
	for _, other := range list {
		if other.Generation != list[0].Generation {
			return v, fmt.Errorf("%w: several generations begin with %s: give more digits", ErrNotFound, generation)
		}
	}
	return list[0], nil
}

// Rollback lets a name stand for what it stood for before its generation was added
// or promoted, and once more for what came before that; or for a generation of its
// history. Report.Modules of the answer is left out. Errors: ErrNotFound, ErrNoPrevious,
// ErrMismatch, ErrUnproven for a generation that the name never stood for.
func (r *Registry) Rollback(ctx context.Context, name string, c Change) (Entry, error) {
	if c.From != "" {
		return Entry{}, fmt.Errorf("adapter %q: %w: it goes back to its own generations only", name, ErrNoPrevious)
	}
	return r.move(ctx, name, c, "rollback", func(tx store.AdaptersTx, n store.AdapterName) (store.AdapterVersion, error) {
		if c.Generation != "" {
			return version(ctx, tx.Adapters, name, c.Generation)
		}
		if n.Generation == "" {
			return store.AdapterVersion{}, ErrNoPrevious
		}
		now, err := version(ctx, tx.Adapters, name, n.Generation)
		if err != nil || now.Previous == "" {
			return now, cmp.Or(err, ErrNoPrevious)
		}
		v, err := version(ctx, tx.Adapters, name, now.Previous)
		if errors.Is(err, ErrNotFound) {
			err = fmt.Errorf("%w: generation %s was before and is not kept any more (adapters.keep)", ErrNoPrevious, now.Previous)
		}
		return v, err
	})
}

// move lets a name stand for the version that choose finds.
func (r *Registry) move(ctx context.Context, name string, c Change, action string, choose func(store.AdaptersTx, store.AdapterName) (store.AdapterVersion, error)) (Entry, error) {
	pruned := false
	err := r.Store.ChangeAdapters(ctx, func(tx store.AdaptersTx) error {
		n, err := tx.Name(ctx, name)
		if c.From != "" && errors.Is(err, store.ErrNotFound) {
			n, err = r.likeness(ctx, tx, name, c)
		}
		if err != nil {
			return unknown(name, err)
		}
		if c.Expected != "" {
			if err := stands(n.Generation, c.Expected); err != nil {
				return err
			}
		}
		v, err := choose(tx, n)
		if err != nil {
			return err
		}
		e := store.AdapterEvent{Time: r.Now(), Action: action, Generation: v.Generation, Author: c.By}
		if e.Note, err = r.allow(ctx, tx.Adapters, n, v, c, action); err != nil {
			return err
		}
		if action == "rollback" {
			pruned, err = r.back(ctx, tx, n, v, e)
			return err
		}
		pruned, err = r.give(ctx, tx, n, v, false, e)
		return err
	})
	if err != nil {
		return Entry{}, fmt.Errorf("adapter %q: %w", name, err)
	}
	if pruned {
		r.tidy(false)
	}
	return r.Head(ctx, name)
}

// likeness is a new name with the settings of the one that it comes from.
func (r *Registry) likeness(ctx context.Context, tx store.AdaptersTx, name string, c Change) (store.AdapterName, error) {
	if err := r.mayBe(name, false); err != nil {
		return store.AdapterName{}, err
	}
	from, err := tx.Name(ctx, c.From)
	if err != nil {
		return from, unknown(c.From, err)
	}
	now := r.Now()
	return store.AdapterName{Name: name, Owner: c.By, Settings: from.Settings, Created: now, Updated: now}, nil
}

// back lets a name stand for an old version, whose place in the order of versions
// stays what it was: going back once more goes further.
func (r *Registry) back(ctx context.Context, tx store.AdaptersTx, n store.AdapterName, v store.AdapterVersion, e store.AdapterEvent) (bool, error) {
	n.Generation, n.Updated = v.Generation, e.Time
	if n.Staged == v.Generation {
		n.Staged = ""
	}
	if err := tx.PutName(ctx, n); err != nil {
		return false, err
	}
	pruned, err := tx.PruneVersions(ctx, n, r.Keep)
	if err != nil {
		return false, err
	}
	return pruned > 0, tx.AddEvent(ctx, n.Name, e)
}

// Configure changes settings (nil: as they are) and notes (nil: the same). Errors:
// ErrNotFound, ErrMismatch.
func (r *Registry) Configure(ctx context.Context, name string, s *Settings, notes *string, c Change) (Entry, error) {
	err := r.Store.ChangeAdapters(ctx, func(tx store.AdaptersTx) error {
		n, err := tx.Name(ctx, name)
		if err != nil {
			return unknown(name, err)
		}
		if c.Expected != "" {
			if err := stands(n.Generation, c.Expected); err != nil {
				return err
			}
		}
		if s != nil {
			n.Settings = text(s)
		}
		if notes != nil {
			n.Notes = *notes
		}
		if err := tx.PutName(ctx, n); err != nil {
			return err
		}
		return tx.AddEvent(ctx, name, store.AdapterEvent{Time: r.Now(), Action: "settings", Generation: n.Generation, Author: c.By})
	})
	if err != nil {
		return Entry{}, fmt.Errorf("adapter %q: %w", name, err)
	}
	return r.Get(ctx, name)
}

// Delete takes a name away, at once. Its generations are deleted when no other name
// has them and no request uses them. Errors: ErrNotFound, ErrMismatch.
func (r *Registry) Delete(ctx context.Context, name string, c Change) error {
	err := r.Store.ChangeAdapters(ctx, func(tx store.AdaptersTx) error {
		n, err := tx.Name(ctx, name)
		if err != nil {
			return unknown(name, err)
		}
		for _, expected := range []string{c.Expected, c.Generation} {
			if expected == "" {
				continue
			}
			if err := stands(n.Generation, expected); err != nil {
				return err
			}
		}
		if err := tx.DeleteName(ctx, name); err != nil {
			return err
		}
		return tx.AddEvent(ctx, name, store.AdapterEvent{Time: r.Now(), Action: "delete", Generation: cmp.Or(n.Generation, n.Staged), Author: c.By})
	})
	if err != nil {
		return fmt.Errorf("adapter %q: %w", name, err)
	}
	r.tidy(false)
	return nil
}
