package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"graft/adapters"
	"graft/serving"
	"graft/serving/servingtest"
)

// fakeRegistry is an adapterRegistry in memory that counts its leases.
type fakeRegistry struct {
	mu      sync.Mutex
	entries map[string]adapters.Entry
	kept    map[string][]string // name → generations that it stood for before
	taken   int
	open    int
}

// gen is a generation that begins with digit.
func gen(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }

// put lets name stand for gen(digit) on a base.
func (f *fakeRegistry) put(name, base, digit string, s adapters.Settings) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.entries == nil {
		f.entries, f.kept = map[string]adapters.Entry{}, map[string][]string{}
	}
	at := time.Unix(1_750_000_000+int64(len(f.entries)), 0)
	if old, ok := f.entries[name]; ok {
		at = old.Created
		f.kept[name] = append(f.kept[name], old.Generation)
	}
	f.entries[name] = adapters.Entry{Name: name, Base: base, Generation: gen(digit), State: "live", Created: at, Updated: at, Rank: 8, Bytes: 1000, Settings: s}
}

func (f *fakeRegistry) change(name string, do func(e *adapters.Entry)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.entries[name]
	do(&e)
	f.entries[name] = e
}

func (f *fakeRegistry) Resolve(_ context.Context, ref adapters.Ref) (*adapters.Lease, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, e := range f.entries {
		if ref.Name != "" && ref.Name != name || ref.Generation == "" && e.State == staged {
			continue
		}
		for _, g := range append([]string{e.Generation}, f.kept[name]...) {
			if ref.Generation == "" && g != e.Generation || !strings.HasPrefix(g, ref.Generation) {
				continue
			}
			f.taken++
			f.open++
			return adapters.NewLease(ref.Name, g, e.Base, e.Settings, func() {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.open--
			}), nil
		}
	}
	return nil, fmt.Errorf("%+v: %w", ref, adapters.ErrNotFound)
}

func (f *fakeRegistry) Get(_ context.Context, name string) (adapters.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.entries[name]
	if !ok {
		return e, adapters.ErrNotFound
	}
	return e, nil
}

func (f *fakeRegistry) List(context.Context) ([]adapters.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []adapters.Entry
	for _, e := range f.entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b adapters.Entry) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func (f *fakeRegistry) Stands(ctx context.Context, generation string) (used, pinned bool, err error) {
	list, err := f.List(ctx)
	for _, e := range list {
		if e.Generation == generation {
			used, pinned = true, pinned || e.Settings.Pinned
		}
	}
	return used, pinned, err
}

func (f *fakeRegistry) Generations(context.Context) (list []adapters.GenerationInfo, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, e := range f.entries {
		list = append(list, adapters.GenerationInfo{Generation: e.Generation, Names: []string{name}, Rank: e.Rank, Bytes: e.Bytes})
		for _, g := range f.kept[name] {
			list = append(list, adapters.GenerationInfo{Generation: g, Rank: 4, Bytes: 500, Created: time.Unix(1_700_000_000, 0)})
		}
	}
	return list, nil
}

func (f *fakeRegistry) Delete(_ context.Context, name string, c adapters.Change) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.entries[name]; c.Expected != "" && c.Expected != e.Generation {
		return fmt.Errorf("adapter %q: %w", name, adapters.ErrMismatch)
	}
	delete(f.entries, name)
	return nil
}

// counts are the leases taken so far and those not released.
func (f *fakeRegistry) counts() (taken, open int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.taken, f.open
}

// newChoosing is the API over fakes with the adapters poet and coder of the model
// fake, and other of fake-base. When the test ends, no lease may be held.
func newChoosing(t testing.TB, change ...func(*Deps)) (http.Handler, *servingtest.Fake, *fakeRegistry) {
	registry := &fakeRegistry{}
	registry.put("poet", "fake", "a", adapters.Settings{})
	registry.put("coder", "fake", "b", adapters.Settings{})
	registry.put("other", "fake-base", "c", adapters.Settings{})
	h, fake := newTest(t, append([]func(*Deps){func(d *Deps) { d.registry = registry }}, change...)...)
	t.Cleanup(func() {
		if _, open := registry.counts(); open != 0 {
			t.Errorf("%d leases are not released", open)
		}
	})
	return h, fake, registry
}

// withKeys asks for keys: "admin", "ann" and "bob", whose names these are.
func withKeys(d *Deps) {
	d.Options.RequireKeys = true
	d.Keys = keys{"admin": {ID: "key_0", Name: "admin", Admin: true}, "ann": {ID: "key_1", Name: "ann"}, "bob": {ID: "key_2", Name: "bob"}}
}

func doAs(h http.Handler, key, method, path, body string) *httptest.ResponseRecorder {
	r := request(method, path, body)
	r.Header.Set("Authorization", "Bearer "+key)
	return serve(h, r)
}

// ask is a chat request with the fields more.
func ask(more string) string {
	return `{"messages":[{"role":"user","content":"hello"}],` + more + `}`
}

// uses shows the adapters that the backend was asked for.
func uses(r *serving.Request) string {
	var b strings.Builder
	b.WriteString(r.Model)
	for _, u := range r.Adapters {
		fmt.Fprintf(&b, " %s*%g", u.Generation[len("sha256:"):][:2], u.Weight)
	}
	return b.String()
}

// latest is what the backend was asked last.
func latest(t testing.TB, fake *servingtest.Fake) *serving.Request {
	t.Helper()
	all := fake.Requests()
	if len(all) == 0 {
		t.Fatal("the backend was not asked")
	}
	return all[len(all)-1]
}
