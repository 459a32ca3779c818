package adapters_test

import (
	"context"
	"fmt"
	"testing"

	"graft/adapters"
)

// crowd registers a thousand names, and swaps the first between two generations.
func crowd(b *testing.B) (*shelf, [2]string) {
	b.Helper()
	s := newShelf(b)
	gens := [2]string{s.add("x", 1), s.add("x", 2)}
	for i := range 1000 {
		s.add(fmt.Sprint("name-", i), uint64(i))
	}
	b.ResetTimer()
	return s, gens
}

// BenchmarkResolve leases and releases one of a thousand names.
func BenchmarkResolve(b *testing.B) {
	s, _ := crowd(b)
	for b.Loop() {
		l, err := s.Resolve(context.Background(), adapters.Ref{Name: "name-500"})
		if err != nil {
			b.Fatal(err)
		}
		l.Release()
	}
}

// BenchmarkSwap lets a name stand for another generation, disk flush included: with
// TMPDIR in memory, without.
func BenchmarkSwap(b *testing.B) {
	s, gens := crowd(b)
	i := 0
	for b.Loop() {
		if _, err := s.Promote(context.Background(), "x", adapters.Change{Generation: gens[i%2], Expected: gens[1-i%2]}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkList lists a thousand names.
func BenchmarkList(b *testing.B) {
	s, _ := crowd(b)
	for b.Loop() {
		if list, err := s.List(context.Background()); err != nil || len(list) != 1001 {
			b.Fatal(len(list), err)
		}
	}
}
