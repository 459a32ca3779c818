package adapters_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"graft/adapters"
	"graft/adapters/adapterstest"
	"graft/internal/model"
	"graft/internal/store"
)

// TestMain lets the test program be a process that adds adapters until it is
// killed: see TestKilled.
func TestMain(m *testing.M) {
	if dir := os.Getenv("GRAFT_TEST_REGISTRY"); dir != "" {
		fmt.Fprintln(os.Stderr, addForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func addForEver(dir string) error {
	ctx := context.Background()
	m, err := model.Load(filepath.Join("..", "internal", "model", "testdata", "llama"), model.Options{Workers: 1})
	if err != nil {
		return err
	}
	st, err := store.Open(ctx, dir)
	if err != nil {
		return err
	}
	r, err := adapters.OpenRegistry(ctx, adapters.RegistryOptions{Store: st, Dir: filepath.Join(dir, "adapters"), Bases: one{adapters.NewBase(m)}, Keep: 1})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	start := uint64(time.Now().UnixNano())
	for i := range uint64(1_000_000) {
		a := adapterstest.Random(&testing.T{}, m, 2, []string{"q_proj"}, start+i, 0.1)
		if _, err := r.Add(ctx, adapters.AddRequest{Name: fmt.Sprint("x", i%3), Adapter: a, Replace: true}); err != nil {
			return err
		}
	}
	return errors.New("it was not killed")
}

// TestKilled kills a process that adds adapters, again and again. What it had
// registered is whole, and nothing else is left once the registry was opened.
func TestKilled(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	s.Close()
	registered := 0
	for round := range 6 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "GRAFT_TEST_REGISTRY="+filepath.Dir(s.opts.Dir))
		errs := new(strings.Builder)
		cmd.Stderr = errs
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 10)); err != nil {
			t.Fatalf("%v: %s", err, errs)
		}
		time.Sleep(time.Duration(20+37*round) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		r := s.open()
		list, err := r.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if a, err := r.Open(ctx, e.Generation); err != nil || a.Generation != e.Generation {
				t.Errorf("round %d: %s: %v", round, e.Name, err)
			}
		}
		stored, err := r.Generations(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(s.folders()); len(stored) > 0 && n != len(stored) {
			t.Errorf("round %d: %d generations in %d folders", round, len(stored), n)
		}
		if left, _ := os.ReadDir(filepath.Join(s.opts.Dir, "tmp")); len(left) > 0 {
			t.Errorf("round %d: left behind: %v", round, left)
		}
		registered += len(list)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if registered == 0 {
		t.Error("nothing was registered before the processes were killed")
	}
	if left, _ := os.ReadDir(filepath.Join(s.opts.Dir, "processes")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestDamagedFile: a stored file that has changed is never served, and adding the
// adapter again mends it.
func TestDamagedFile(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	g := s.add("x", 1)
	path := filepath.Join(s.folders()[0], "adapter_model.safetensors")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(ctx, g); err == nil || !strings.Contains(err.Error(), filepath.Dir(path)) || !strings.Contains(err.Error(), "changed after") {
		t.Fatalf("%v", err)
	}
	s.add("x", 1)
	if _, err := s.Open(ctx, g); err != nil {
		t.Fatalf("added again: %v", err)
	}
	if err := os.RemoveAll(s.folders()[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(ctx, g); err == nil || !strings.Contains(err.Error(), "adapter_config.json") {
		t.Fatalf("%v", err)
	}
	if _, err := s.Open(ctx, "sha256:"+strings.Repeat("0", 64)); !errors.Is(err, adapters.ErrNotFound) {
		t.Fatalf("%v", err)
	}
}

// TestOtherProcess: what another process has done is seen at once, and what it
// leases is not deleted.
func TestOtherProcess(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	server := s.Registry
	g := s.add("x", 1)
	other := s.open()
	l, err := other.Resolve(ctx, adapters.Ref{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Delete(ctx, "x", adapters.Change{}); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Resolve(ctx, adapters.Ref{Name: "x"}); !errors.Is(err, adapters.ErrNotFound) {
		t.Fatalf("deleted elsewhere: %v", err)
	}
	if _, err := other.Open(ctx, g); err != nil {
		t.Fatalf("leased, deleted elsewhere: %v", err)
	}
	list, err := server.Generations(ctx)
	if err != nil || len(list) != 1 || !list[0].Retired || list[0].Generation != g {
		t.Fatalf("%+v %v", list, err)
	}
	l.Release()
	other.Close()
	s.Registry = server
	s.add("y", 2)
	if err := server.Delete(ctx, "y", adapters.Change{}); err != nil || len(s.folders()) != 0 {
		t.Fatalf("alone again: %v, %d folders", err, len(s.folders()))
	}
}

// TestOldFolders: a new store beside folders of an old one deletes none of them.
func TestOldFolders(t *testing.T) {
	s := newShelf(t)
	s.add("x", 1)
	s.Close()
	s.opts.Store = openStore(t, t.TempDir())
	s.open()
	if n := len(s.folders()); n != 1 {
		t.Fatalf("%d folders", n)
	}
	s.add("x", 2)
	s.Close()
	s.open()
	if n := len(s.folders()); n != 1 {
		t.Fatalf("%d folders", n)
	}
}

// TestHistoryOfDeleted: it is kept for a while.
func TestHistoryOfDeleted(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	s.add("gone", 1)
	s.add("here", 1)
	if err := s.Delete(ctx, "gone", adapters.Change{By: "key-1"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]int{{89, 2}, {91, 0}} {
		days, want := c[0], c[1]
		s.Close()
		s.opts.Now = func() time.Time { return time.Now().Add(time.Duration(days) * 24 * time.Hour) }
		s.open()
		h, err := s.History(ctx, "gone")
		if len(h) != want || (err == nil) != (want > 0) || want > 0 && (h[0].Action != "delete" || h[0].By != "key-1") {
			t.Errorf("after %d days: %+v %v", days, h, err)
		}
		if h, err := s.History(ctx, "here"); len(h) != 1 || err != nil {
			t.Errorf("after %d days: %+v %v", days, h, err)
		}
	}
}

// TestChurn resolves and opens while names are replaced, promoted, rolled back and
// deleted: what was resolved is there until it is released.
func TestChurn(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t, func(o *adapters.RegistryOptions) { o.Keep = -1 })
	s.add("x", 0)
	var stop atomic.Bool
	var opened atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				l, err := s.Resolve(ctx, adapters.Ref{Name: "x"})
				if errors.Is(err, adapters.ErrNotFound) {
					continue // deleted, not added again yet
				}
				if err != nil {
					t.Error(err)
					return
				}
				if a, err := s.Open(ctx, l.Generation); err != nil || a.Generation != l.Generation {
					t.Errorf("leased %s: %v", l.Generation, err)
				}
				opened.Add(1)
				l.Release()
				time.Sleep(100 * time.Microsecond) // or the writer hardly gets a turn on few cores
			}
		})
	}
	for seed := range uint64(30) {
		s.add("x", 1+seed%3)
		switch seed % 5 {
		case 2:
			if err := s.Delete(ctx, "x", adapters.Change{}); err != nil {
				t.Error(err)
			}
		case 4:
			s.add("x", 100+seed, stage)
			s.must(s.Promote(ctx, "x", adapters.Change{}))
		}
	}
	stop.Store(true)
	wg.Wait()
	if err := s.Delete(ctx, "x", adapters.Change{}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if n := len(s.folders()); n != 0 || opened.Load() < 5 {
		t.Errorf("%d folders are left, %d were opened", n, opened.Load())
	}
}
