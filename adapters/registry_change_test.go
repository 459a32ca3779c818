package adapters_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"graft/adapters"
	"graft/adapters/adapterstest"
)

// add adds the adapter of a seed and returns its generation.
func (s *shelf) add(name string, seed uint64, change ...func(*adapters.AddRequest)) string {
	s.t.Helper()
	q := adapters.AddRequest{Name: name, Adapter: s.random(seed), Replace: true}
	for _, f := range change {
		f(&q)
	}
	s.must(s.Add(context.Background(), q))
	return s.random(seed).Generation
}

func stage(q *adapters.AddRequest) { q.Stage = true }

// stands is what a name stands for; "" for nothing.
func (s *shelf) stands(name string) string {
	s.t.Helper()
	l, err := s.Resolve(context.Background(), adapters.Ref{Name: name})
	if errors.Is(err, adapters.ErrNotFound) {
		return ""
	}
	if err != nil {
		s.t.Fatal(err)
	}
	defer l.Release()
	return l.Generation
}

func TestNames(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	for _, name := range []string{"", "-x", "a@b", "a::b", "a b", "ä", "a\n", strings.Repeat("x", 201), "tiny"} {
		if _, err := s.Add(ctx, adapters.AddRequest{Name: name, Adapter: s.random(1)}); !errors.Is(err, adapters.ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"a", "ft:tiny:org:suffix:Ab12", "ft:x:ckpt-step-10", "owner/name", "9.x_y-z", strings.Repeat("x", 200)} {
		if _, err := s.Add(ctx, adapters.AddRequest{Name: name, Adapter: s.random(1)}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	e := s.must(s.Add(ctx, adapters.AddRequest{Name: "tiny", Adapter: s.random(1), Shadow: true}))
	if !e.Shadow {
		t.Errorf("%+v", e)
	}
	if n := len(s.folders()); n != 1 {
		t.Errorf("the same content is stored %d times", n)
	}
}

// TestReplace: only who says so replaces, and only what he expects.
func TestReplace(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	one := s.add("x", 1)
	two := s.random(2)
	for _, c := range []struct {
		q  adapters.AddRequest
		is error
	}{
		{adapters.AddRequest{Name: "x"}, adapters.ErrExists},
		{adapters.AddRequest{Name: "x", Replace: true, Expected: two.Generation}, adapters.ErrMismatch},
		{adapters.AddRequest{Name: "new", Replace: true, Expected: one}, adapters.ErrMismatch},
		{adapters.AddRequest{Name: "x", Replace: true, Expected: one[:len(one)-10] + "0000000000"}, adapters.ErrMismatch},
		{adapters.AddRequest{Name: "x", Replace: true, Expected: "sha256:1234"}, adapters.ErrNotFound},
	} {
		c.q.Adapter = two
		if _, err := s.Add(ctx, c.q); !errors.Is(err, c.is) || c.is == adapters.ErrMismatch && c.q.Name == "x" && !strings.Contains(err.Error(), one) {
			t.Errorf("%+v: %v", c.q, err)
		}
	}
	if g := s.stands("x"); g != one || len(s.folders()) != 1 {
		t.Fatalf("after refusals: %s, %d folders", g, len(s.folders()))
	}
	temperature := float32(0.5)
	e := s.must(s.Add(ctx, adapters.AddRequest{Name: "x", Adapter: two, Replace: true, Expected: one[7:19], By: "key-2",
		Settings: &adapters.Settings{System: "be brief", Temperature: &temperature}}))
	if e.Generation != two.Generation || e.Settings.System != "be brief" || *e.Settings.Temperature != 0.5 || e.Owner != "" {
		t.Fatalf("%+v", e)
	}
	s.add("x", 3)
	if l, err := s.Resolve(ctx, adapters.Ref{Name: "x"}); err != nil || l.Settings.System != "be brief" {
		t.Fatalf("settings were lost: %+v %v", l, err)
	} else {
		l.Release()
	}
}

// TestConcurrentSwap: of many that expect the same generation, one wins.
func TestConcurrentSwap(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	first := s.add("x", 1)
	other := s.open() // as another process does
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		a := s.random(uint64(10 + i))
		r := s.Registry
		if i%2 == 0 {
			r = other
		}
		wg.Go(func() {
			_, err := r.Add(ctx, adapters.AddRequest{Name: "x", Adapter: a, Replace: true, Expected: first})
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, adapters.ErrMismatch) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d won", won.Load())
	}
	if h, err := s.History(ctx, "x"); err != nil || len(h) != 2 {
		t.Fatalf("%+v %v", h, err)
	}
}

// TestStageAndPromote follows a name through its life.
func TestStageAndPromote(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	now := time.Now().UTC().Truncate(time.Millisecond)
	s.opts.Now = func() time.Time { now = now.Add(time.Second); return now }
	s.Close()
	s.open()
	one := s.add("x", 1, stage)
	if g := s.stands("x"); g != "" {
		t.Fatalf("staged only, stands for %s", g)
	}
	if _, err := s.Resolve(ctx, adapters.Ref{Name: "x"}); !strings.Contains(err.Error(), "x@"+one[7:19]) {
		t.Fatalf("it does not say how to choose it: %v", err)
	}
	if e := s.must(s.Get(ctx, "x")); e.State != adapters.Staged || e.Generation != one || e.Staged != one {
		t.Fatalf("%+v", e)
	}
	for _, g := range []string{one, one[7:], one[:15], strings.ToUpper(one[7:20])} {
		l, err := s.Resolve(ctx, adapters.Ref{Name: "x", Generation: g})
		if err != nil || l.Generation != one || l.Name != "x" {
			t.Fatalf("%s: %+v %v", g, l, err)
		}
		l.Release()
	}
	if _, err := s.Rollback(ctx, "x", adapters.Change{}); !errors.Is(err, adapters.ErrNoPrevious) {
		t.Fatalf("%v", err)
	}
	e := s.must(s.Promote(ctx, "x", adapters.Change{By: "key-1"}))
	if e.State != adapters.Live || e.Generation != one || e.Staged != "" || !e.Updated.Equal(now) {
		t.Fatalf("%+v", e)
	}
	if _, err := s.Promote(ctx, "x", adapters.Change{}); !errors.Is(err, adapters.ErrNotFound) || !strings.Contains(err.Error(), "nothing is staged") {
		t.Fatalf("%v", err)
	}
	two := s.add("x", 2, stage)
	if e := s.must(s.Get(ctx, "x")); e.Generation != one || e.Staged != two || e.State != adapters.Live {
		t.Fatalf("%+v", e)
	}
	if _, err := s.Promote(ctx, "x", adapters.Change{Expected: two}); !errors.Is(err, adapters.ErrMismatch) {
		t.Fatalf("%v", err)
	}
	s.must(s.Promote(ctx, "x", adapters.Change{Expected: one}))
	three := s.add("x", 3)
	back := func(want string) {
		t.Helper()
		if e := s.must(s.Rollback(ctx, "x", adapters.Change{})); e.Generation != want {
			t.Fatalf("back to %s, want %s", e.Generation, want)
		}
	}
	back(two)
	back(one)
	if _, err := s.Rollback(ctx, "x", adapters.Change{}); !errors.Is(err, adapters.ErrNoPrevious) {
		t.Fatalf("%v", err)
	}
	four := s.add("x", 4) // after which one comes again, not three
	back(one)
	if e := s.must(s.Rollback(ctx, "x", adapters.Change{Generation: three[:20]})); e.Generation != three {
		t.Fatalf("%+v", e)
	}
	// Another name takes over what this one stands for, or stood for.
	if e := s.must(s.Promote(ctx, "prod", adapters.Change{From: "x"})); e.Name != "prod" || e.Generation != three {
		t.Fatalf("%+v", e)
	}
	s.must(s.Promote(ctx, "prod", adapters.Change{From: "x", Generation: four}))
	s.must(s.Promote(ctx, "prod", adapters.Change{Generation: two}))
	if err := s.Delete(ctx, "x", adapters.Change{Expected: one}); !errors.Is(err, adapters.ErrMismatch) {
		t.Fatalf("%v", err)
	}
	if err := s.Delete(ctx, "x", adapters.Change{}); err != nil {
		t.Fatal(err)
	}
	if g := s.stands("prod"); g != two || len(s.folders()) != 3 { // one is gone
		t.Fatalf("prod is %s, %d folders", g, len(s.folders()))
	}
	if _, err := s.Promote(ctx, "none", adapters.Change{Generation: two}); !errors.Is(err, adapters.ErrNotFound) {
		t.Fatalf("a name out of nothing: %v", err)
	}
	h, err := s.History(ctx, "x")
	var actions []string
	for _, e := range slices.Backward(h) {
		actions = append(actions, e.Action)
	}
	if diff := cmp.Diff([]string{"stage", "promote", "stage", "promote", "replace", "rollback", "rollback", "replace", "rollback", "rollback", "delete"}, actions); diff != "" || err != nil {
		t.Fatalf("%s %v", diff, err)
	}
	if e := h[len(h)-2]; e.By != "key-1" || e.Generation != one || e.Time.IsZero() {
		t.Fatalf("%+v", e)
	}
}

// TestKeep: so many old generations of a name are kept, and no more.
func TestKeep(t *testing.T) {
	s := newShelf(t, func(o *adapters.RegistryOptions) { o.Keep = 2 })
	var all []string
	for seed := range uint64(6) {
		all = append(all, s.add("x", seed))
	}
	if n := len(s.folders()); n != 3 {
		t.Fatalf("%d folders", n)
	}
	ctx := context.Background()
	if _, err := s.Resolve(ctx, adapters.Ref{Name: "x", Generation: all[2]}); !errors.Is(err, adapters.ErrNotFound) {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{all[4], all[3]} {
		if e := s.must(s.Rollback(ctx, "x", adapters.Change{})); e.Generation != want {
			t.Fatalf("%s", e.Generation)
		}
	}
	if _, err := s.Rollback(ctx, "x", adapters.Change{}); !errors.Is(err, adapters.ErrNoPrevious) || !strings.Contains(err.Error(), all[2]) {
		t.Fatalf("%v", err)
	}
	s.opts.Keep = -1
	s.open()
	last := s.add("x", 7)
	if l := s.folders(); len(l) != 4 { // another registry is open: nobody deletes
		t.Fatalf("%d folders", len(l))
	}
	if g := s.stands("x"); g != last {
		t.Fatal(g)
	}
}

// TestFailedAdd: nothing is registered, and nothing left on the disk.
func TestFailedAdd(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t, func(o *adapters.RegistryOptions) { o.Stored, o.Limits.Rank = 12_000, 8 })
	wrong := s.random(1)
	wrong.Modules[0].Path = "model.layers.9.self_attn.q_proj"
	wrong.Modules[1].Path = "model.layers.8.self_attn.q_proj"
	high := s.random(2)
	for _, m := range high.Modules {
		m.A, m.B = adapters.F32(make([]float32, 9*m.A.Cols()), 9, m.A.Cols()), adapters.F32(make([]float32, m.B.Shape[0]*9), m.B.Shape[0], 9)
	}
	s.add("first", 5)
	for name, c := range map[string]struct {
		q    adapters.AddRequest
		is   error
		want string
	}{
		"does not fit":  {adapters.AddRequest{Adapter: wrong}, adapters.ErrInvalid, "model.layers.9.self_attn.q_proj: the model has none"},
		"names all":     {adapters.AddRequest{Adapter: wrong}, adapters.ErrInvalid, "model.layers.8.self_attn.q_proj: the model has none"},
		"rank":          {adapters.AddRequest{Adapter: high}, adapters.ErrTooLarge, "rank 9, at most 8"},
		"no source":     {adapters.AddRequest{}, adapters.ErrInvalid, "want one source"},
		"two sources":   {adapters.AddRequest{Adapter: high, Path: "/x"}, adapters.ErrInvalid, "have 2"},
		"no repository": {adapters.AddRequest{Repo: "o/m"}, adapters.ErrForbidden, "repositories"},
		"broken files":  {adapters.AddRequest{Files: []adapters.File{{Name: "adapter_config.json", Reader: strings.NewReader("{")}, {Name: "adapter_model.safetensors", Reader: strings.NewReader("x")}}}, adapters.ErrInvalid, "adapter_config.json"},
		"broken stream": {adapters.AddRequest{Files: []adapters.File{{Name: "a.gguf", Reader: failing{}}}}, errFailing, "failing"},
	} {
		c.q.Name = "x"
		if _, err := s.Add(ctx, c.q); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var err error
	for seed := uint64(10); err == nil && seed < 30; seed++ {
		_, err = s.Add(ctx, adapters.AddRequest{Name: fmt.Sprint("q", seed), Adapter: s.random(seed)})
	}
	if !errors.Is(err, adapters.ErrQuota) || !strings.Contains(err.Error(), "adapters.max_stored is 12000") {
		t.Errorf("quota: %v", err)
	}
	list, err := s.List(ctx)
	if err != nil || len(list) != len(s.folders()) || len(list) < 2 {
		t.Errorf("%d names, %d folders, %v", len(list), len(s.folders()), err)
	}
	if _, err := s.Add(ctx, adapters.AddRequest{Name: "same", Adapter: s.random(5)}); err != nil {
		t.Errorf("what is stored already needs no room: %v", err)
	}
	if left, _ := os.ReadDir(filepath.Join(s.opts.Dir, "tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestEncoder: an adapter that nothing could be generated with is not registered.
func TestEncoder(t *testing.T) {
	m := tiny(t, "bert", "")
	s := newShelf(t, func(o *adapters.RegistryOptions) { o.Bases = one{adapters.NewBase(m)} })
	a := adapterstest.Random(t, m, 2, []string{"query"}, 1, 0.1)
	if _, err := s.Add(context.Background(), adapters.AddRequest{Name: "x", Adapter: a}); !errors.Is(err, adapters.ErrInvalid) || !strings.Contains(err.Error(), "embeddings only") {
		t.Fatal(err)
	}
}

var errFailing = errors.New("failing")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errFailing }

// TestConfigure: settings and notes change, each alone.
func TestConfigure(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	one := s.add("x", 1)
	notes := "good"
	s.must(s.Configure(ctx, "x", &adapters.Settings{Stop: []string{"END"}, Pinned: true, Keys: []string{"key-1"}}, nil, adapters.Change{Expected: one}))
	e := s.must(s.Configure(ctx, "x", nil, &notes, adapters.Change{}))
	if diff := cmp.Diff(adapters.Settings{Stop: []string{"END"}, Pinned: true, Keys: []string{"key-1"}}, e.Settings); diff != "" || e.Notes != "good" {
		t.Fatalf("%s %q", diff, e.Notes)
	}
	if _, err := s.Configure(ctx, "none", nil, &notes, adapters.Change{}); !errors.Is(err, adapters.ErrNotFound) {
		t.Fatal(err)
	}
	// By generation alone, the widest rules of its names count, and nothing else.
	s.add("y", 1)
	s.must(s.Configure(ctx, "y", &adapters.Settings{System: "s", Keys: []string{"key-2"}, RequestsPerMinute: 5}, nil, adapters.Change{}))
	l, err := s.Resolve(ctx, adapters.Ref{Generation: one[:16]})
	if diff := cmp.Diff(adapters.Settings{Keys: []string{"key-1", "key-2"}}, l.Settings); err != nil || diff != "" || l.Name != "" {
		t.Fatalf("%s %v", diff, err)
	}
	l.Release()
	s.must(s.Configure(ctx, "y", &adapters.Settings{}, nil, adapters.Change{}))
	if l, err = s.Resolve(ctx, adapters.Ref{Generation: one}); err != nil || l.Settings.Keys != nil {
		t.Fatalf("%+v %v", l, err)
	}
	l.Release()
	for _, ref := range []adapters.Ref{{Generation: "deadbeef"}, {Generation: one[:12]}, {Name: "y", Generation: "sha256:00000000"}, {Name: "z"}, {Name: "z", Generation: one}, {}} {
		if _, err := s.Resolve(ctx, ref); !errors.Is(err, adapters.ErrNotFound) {
			t.Errorf("%+v: %v", ref, err)
		}
	}
}
