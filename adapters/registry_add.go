package adapters

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"graft/internal/store"
)

// Add stores an adapter and gives it a name, or nothing of both: it reads the source
// into a folder of its own, writes it as a PEFT folder, reads that again, checks it
// against the base and compiles it, so that what was checked is what is served. Errors: all of
// this package.
func (r *Registry) Add(ctx context.Context, q AddRequest) (Entry, error) {
	e, err := r.add(ctx, q)
	if err != nil {
		return Entry{}, fmt.Errorf("adapter %q: %w", q.Name, r.explain(err))
	}
	return e, nil
}

func (r *Registry) add(ctx context.Context, q AddRequest) (Entry, error) {
	if err := r.mayBe(q.Name, q.Shadow); err != nil {
		return Entry{}, err
	}
	n, err := r.Store.Adapters().Name(ctx, q.Name)
	if err := q.allowed(n, err); err != nil { // long before anything is read
		return Entry{}, err
	}
	dir, err := os.MkdirTemp(r.path("tmp"), "add-*")
	if err != nil {
		return Entry{}, err
	}
	defer os.RemoveAll(dir)
	source, err := r.fetch(ctx, &q, filepath.Join(dir, "in"))
	if err != nil {
		return Entry{}, err
	}
	base, id, release, err := r.Bases.Base(ctx, q.Base)
	if err != nil {
		return Entry{}, err
	}
	defer release()
	v, g, err := r.prepare(ctx, &q, base, source, filepath.Join(dir, "out"))
	if err != nil {
		return Entry{}, err
	}
	v.Base, g.Base = id, id
	pruned, err := r.store(ctx, &q, v, g, filepath.Join(dir, "out"))
	if pruned || err != nil {
		err = errors.Join(err, r.tidy(err != nil))
	}
	if err != nil {
		return Entry{}, err
	}
	return r.Get(ctx, q.Name)
}

// mayBe tells whether an adapter can have a name.
func (r *Registry) mayBe(name string, shadow bool) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if !shadow && r.Models != nil && slices.Contains(r.Models(), name) {
		return fmt.Errorf("%w: a model is called so", ErrName)
	}
	return nil
}

// allowed tells whether a name, as it is now, can get the adapter. err is from
// looking for it.
func (q *AddRequest) allowed(n store.AdapterName, err error) error {
	exists := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if exists && !q.Replace && !q.Stage {
		return fmt.Errorf("%w: say replace to give it another generation", ErrExists)
	}
	if q.Expected != "" {
		return stands(n.Generation, q.Expected)
	}
	return nil
}

// prepare reads what was fetched, writes it to out, and checks it.
func (r *Registry) prepare(ctx context.Context, q *AddRequest, base *Base, source, out string) (v store.AdapterVersion, g store.AdapterGeneration, err error) {
	r.work.Lock()
	defer r.work.Unlock()
	if err := ctx.Err(); err != nil {
		return v, g, err
	}
	a := q.Adapter
	if a == nil {
		if a, err = Read(source, &base.model.Config, r.Limits); err != nil {
			return v, g, invalid(err)
		}
	} else if err := r.fits(a); err != nil {
		return v, g, err
	}
	if err := WritePEFT(out, a); err != nil {
		return v, g, err
	}
	if a, err = ReadPEFT(out, r.Limits); err != nil {
		return v, g, invalid(err)
	}
	bound, err := base.Check(a)
	if err != nil {
		return v, g, invalid(err)
	}
	ready, err := bound.Compile() // now rather than at the first request
	if err != nil {
		return v, g, invalid(err)
	}
	g = store.AdapterGeneration{Generation: a.Generation, Rank: a.Rank(), Memory: ready.Bytes, Created: r.Now()}
	if g.Bytes, err = treeBytes(out); err != nil {
		return v, g, err
	}
	v = store.AdapterVersion{Name: q.Name, Generation: a.Generation, Created: g.Created}
	report, modules := bound.Report, bound.Report.Modules
	report.Modules = nil
	var digest string
	if raw, ok := a.Config.Extra[BaseDigest]; ok && json.Unmarshal(raw, &digest) == nil {
		q.Lineage.BaseDigest = cmp.Or(q.Lineage.BaseDigest, digest)
	}
	v.Report, v.Modules, v.Lineage = text(report), text(modules), text(q.Lineage)
	return v, g, nil
}

// fits compares an adapter in memory with the limits.
func (r *Registry) fits(a *Adapter) error {
	if n := a.Bytes(); n > r.Limits.Bytes {
		return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrTooLarge, n, r.Limits.Bytes)
	}
	if n := a.Rank(); n > r.Limits.Rank {
		return fmt.Errorf("%w: rank %d, at most %d are allowed", ErrTooLarge, n, r.Limits.Rank)
	}
	return nil
}

// invalid is err as ErrInvalid, unless it says more.
func invalid(err error) error {
	if errors.Is(err, ErrTooLarge) {
		return err
	}
	return fmt.Errorf("%w:\n%w", ErrInvalid, err)
}

// text is v as JSON.
func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("adapters: %T: %v", v, err)) // texts and finite numbers
	}
	return string(data)
}

// store puts the folder out in its place and lets the name stand for it. It tells
// whether an old version went.
func (r *Registry) store(ctx context.Context, q *AddRequest, v store.AdapterVersion, g store.AdapterGeneration, out string) (pruned bool, err error) {
	r.publish.Lock()
	defer r.publish.Unlock()
	if err := r.quota(ctx, r.Store.Adapters(), g); err != nil { // before the disk is waited for
		return false, err
	}
	if err := r.place(out, g.Generation); err != nil {
		return false, err
	}
	err = r.Store.ChangeAdapters(ctx, func(tx store.AdaptersTx) error {
		n, err := tx.Name(ctx, q.Name)
		if err := q.allowed(n, err); err != nil {
			return err
		}
		if err := r.quota(ctx, tx.Adapters, g); err != nil {
			return err
		}
		if err := tx.PutGeneration(ctx, g); err != nil {
			return err
		}
		e := store.AdapterEvent{Time: g.Created, Action: "add", Generation: g.Generation, Author: q.By}
		if err != nil {
			n = store.AdapterName{Name: q.Name, Owner: q.By, Settings: text(Settings{}), Created: g.Created, Updated: g.Created}
		} else {
			e.Action = "replace"
		}
		if q.Stage {
			e.Action = "stage"
		} else if e.Action == "replace" {
			if e.Note, err = r.allow(ctx, tx.Adapters, n, v, Change{}, e.Action); err != nil {
				return err
			}
		}
		if q.Settings != nil {
			if q.Settings.RequireVerdict == nil { // not taken away in passing
				if q.Settings.RequireVerdict, err = demands(n); err != nil {
					return err
				}
			}
			n.Settings = text(q.Settings)
		}
		n.Notes = cmp.Or(q.Notes, n.Notes)
		n.Shadow = n.Shadow || q.Shadow
		pruned, err = r.give(ctx, tx, n, v, q.Stage, e)
		return err
	})
	return pruned, err
}

// quota tells whether a content may be stored besides the others.
func (r *Registry) quota(ctx context.Context, tables store.Adapters, g store.AdapterGeneration) error {
	if r.Stored == 0 {
		return nil
	}
	if _, err := tables.Generation(ctx, g.Generation); err == nil {
		return nil
	}
	n, err := tables.Bytes(ctx)
	if err == nil && n+g.Bytes > r.Stored {
		err = fmt.Errorf("%w: %d bytes are stored, this one has %d, and adapters.max_stored is %d: delete some, or keep fewer old ones (adapters.keep)", ErrQuota, n, g.Bytes, r.Stored)
	}
	return err
}

// give makes a version the one that its name stands for, or holds staged, and notes
// the event. It tells whether a version went that was too old to keep.
func (r *Registry) give(ctx context.Context, tx store.AdaptersTx, n store.AdapterName, v store.AdapterVersion, stage bool, e store.AdapterEvent) (bool, error) {
	put := tx.RaiseVersion
	if v.Name != n.Name || v.Seq == 0 { // not as it is stored under the name
		put, v.Name = tx.PutVersion, n.Name
		if old, err := version(ctx, tx.Adapters, n.Name, v.Generation); err == nil {
			v.Previous, v.Created = old.Previous, old.Created
		}
	}
	if stage {
		n.Staged = v.Generation
	} else {
		if n.Generation != v.Generation {
			v.Previous = n.Generation
		}
		if n.Staged == v.Generation {
			n.Staged = ""
		}
		n.Generation, n.Updated = v.Generation, e.Time
	}
	if err := tx.PutName(ctx, n); err != nil {
		return false, err
	}
	if err := put(ctx, v); err != nil {
		return false, err
	}
	pruned, err := tx.PruneVersions(ctx, n, r.Keep)
	if err != nil {
		return false, err
	}
	return pruned > 0, tx.AddEvent(ctx, n.Name, e)
}

// tidy deletes what is not needed any more; what cannot be deleted now is later.
// all looks for folders that nobody knows of, too.
func (r *Registry) tidy(all bool) error {
	if err := r.collect(context.Background(), all); err != nil && all {
		return err
	}
	return nil
}
