package adapters_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"graft/adapters"
)

// TestThousand: a thousand names take little memory, and asking for one no longer
// than it should. BenchmarkResolve and its neighbours have the figures.
func TestThousand(t *testing.T) {
	ctx := context.Background()
	s := newShelf(t)
	for seed := range uint64(10) {
		s.add(fmt.Sprint("seed-", seed), seed)
	}
	before := heap()
	for i := range 990 {
		s.must(s.Promote(ctx, fmt.Sprintf("name-%03d", i), adapters.Change{From: fmt.Sprint("seed-", i%10)}))
	}
	list, err := s.List(ctx)
	if err != nil || len(list) != 1000 || list[0].Name != "name-000" || list[999].Name != "seed-9" {
		t.Fatalf("%d names, %v", len(list), err)
	}
	if len(list[0].Report.Modules) != 0 || list[0].Report.Applied != 2 || list[500].Generation != s.random(0).Generation {
		t.Fatalf("%+v", list[500])
	}
	list = nil
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("a thousand names hold %d bytes", grown)
	}
	start := time.Now()
	for i := range 200 {
		l, err := s.Resolve(ctx, adapters.Ref{Name: fmt.Sprintf("name-%03d", i)})
		if err != nil {
			t.Fatal(err)
		}
		l.Release()
	}
	if each := time.Since(start) / 200; each > 5*time.Millisecond {
		t.Errorf("%v for each of 200 names", each)
	}
	gens, err := s.Generations(ctx)
	if err != nil || len(gens) != 10 || len(gens[0].Names) != 100 || gens[0].Retired {
		t.Fatalf("%+v %v", gens, err)
	}
}

// heap is what is held on to.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
