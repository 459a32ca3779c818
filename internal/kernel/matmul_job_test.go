package kernel

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestQueue: whoever takes, all of a queue is taken once; pieces are a third of what is
// left, within what is allowed, and single in the end.
func TestQueue(t *testing.T) {
	var q queue
	q.set(1, 2, 200)
	var sizes []int
	next := 100
	for lo, hi := q.take(1, 30); lo < hi; lo, hi = q.take(1, 30) {
		if lo != next {
			t.Fatalf("a piece begins at %d, want %d", lo, next)
		}
		next = hi
		sizes = append(sizes, hi-lo)
	}
	if next != 200 || sizes[0] != 30 || sizes[1] != 23 || sizes[len(sizes)-1] != 1 || len(sizes) > 16 {
		t.Errorf("pieces %v up to %d", sizes, next)
	}
	q.set(0, 1, 10000)
	taken := make([]atomic.Int32, 10000)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for lo, hi := q.take(7, 7); lo < hi; lo, hi = q.take(7, 7) {
				for i := lo; i < hi; i++ {
					taken[i].Add(1)
				}
			}
		})
	}
	all.Wait()
	for i := range taken {
		if n := taken[i].Load(); n != 1 {
			t.Fatalf("%d was taken %d times", i, n)
		}
	}
}
