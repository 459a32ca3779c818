package adapters_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"graft/adapters"
	"graft/adapters/adapterstest"
	"graft/internal/model"
	"graft/internal/store"
)

// one is a single model.
type one struct{ base *adapters.Base }

func (o one) Base(context.Context, string) (*adapters.Base, string, func(), error) {
	return o.base, "tiny", func() {}, nil
}

// shelf is a registry over a tiny model, its store and its folder.
type shelf struct {
	*adapters.Registry
	t     testing.TB
	model *model.Model
	opts  adapters.RegistryOptions
	root  string // folders may be added from here
}

func newShelf(t testing.TB, change ...func(*adapters.RegistryOptions)) *shelf {
	t.Helper()
	m := tiny(t, "llama", "")
	data, root := t.TempDir(), t.TempDir()
	s := &shelf{t: t, model: m, root: root, opts: adapters.RegistryOptions{
		Dir: filepath.Join(data, "adapters"), Roots: []string{root}, Bases: one{adapters.NewBase(m)},
		Models: func() []string { return []string{"tiny"} },
	}}
	for _, f := range change {
		f(&s.opts)
	}
	s.opts.Store = openStore(t, data)
	s.open()
	return s
}

func openStore(t testing.TB, dir string) *store.Store {
	t.Helper()
	st, err := store.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// open opens the registry, as another process does when one is open already.
func (s *shelf) open() *adapters.Registry {
	s.t.Helper()
	r, err := adapters.OpenRegistry(context.Background(), s.opts)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { r.Close() })
	s.Registry = r
	return r
}

// random is an adapter; each seed gives another generation.
func (s *shelf) random(seed uint64) *adapters.Adapter {
	return adapterstest.Random(s.t, s.model, 2, []string{"q_proj"}, seed, 0.1)
}

func (s *shelf) must(e adapters.Entry, err error) adapters.Entry {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

// folders are the stored generations, as they lie on the disk.
func (s *shelf) folders() []string {
	list, err := filepath.Glob(filepath.Join(s.opts.Dir, "[0-9a-f]*"))
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, path := range list {
		if len(filepath.Base(path)) == 64 {
			out = append(out, path)
		}
	}
	return out
}

func TestAddFromPath(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	a := s.random(1)
	folder := filepath.Join(s.root, "one")
	if err := adapters.WritePEFT(folder, a); err != nil {
		t.Fatal(err)
	}
	e := s.must(s.Add(ctx, adapters.AddRequest{Name: "one", Path: folder, By: "key-1", Notes: "first"}))
	if e.Name != "one" || e.Generation != a.Generation || e.Base != "tiny" || e.State != adapters.Live || e.Rank != 2 ||
		e.Owner != "key-1" || e.Notes != "first" || e.Lineage.Source != "path "+folder || len(e.Report.Modules) != 2 || e.Report.Norm <= 0 {
		t.Fatalf("%+v", e)
	}
	bound, err := s.opts.Bases.(one).base.Fit(a)
	if err != nil {
		t.Fatal(err)
	}
	if ready, err := bound.Compile(); err != nil || ready.Bytes == 0 {
		t.Fatal(err)
	} else if n, err := s.Memory(ctx, a.Generation); err != nil || n != ready.Bytes {
		t.Fatalf("announced %d bytes, holds %d, %v", n, ready.Bytes, err)
	}
	list, err := s.List(ctx)
	if err != nil || len(list) != 1 || list[0].Name != "one" || list[0].Report.Applied != 2 {
		t.Fatalf("%+v %v", list, err)
	}
	l, err := s.Resolve(ctx, adapters.Ref{Name: "one"})
	if err != nil || l.Generation != a.Generation || l.Base != "tiny" || l.Name != "one" {
		t.Fatalf("%+v %v", l, err)
	}
	back, err := s.Open(ctx, a.Generation)
	if err != nil || back.Generation != a.Generation {
		t.Fatalf("%v", err)
	}
	if err := s.Delete(ctx, "one", adapters.Change{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(ctx, "one"); !errors.Is(err, adapters.ErrNotFound) {
		t.Fatalf("deleted: %v", err)
	}
	if n := len(s.folders()); n != 1 {
		t.Fatalf("%d folders while a request holds one", n)
	}
	if _, err := s.Open(ctx, a.Generation); err != nil {
		t.Fatalf("leased: %v", err)
	}
	l.Release()
	s.Close()
	if n := len(s.folders()); n != 0 {
		t.Fatalf("%d folders are left", n)
	}
	if left, _ := os.ReadDir(filepath.Join(s.opts.Dir, "tmp")); len(left) != 0 {
		t.Fatalf("%v", left)
	}
}
