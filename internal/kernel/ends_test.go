package kernel

import (
	"sync"
	"testing"
)

// Whoever takes from the front has the numbers from the first on, and whoever takes from the
// back those from the last on; there are as many in vain as one likes.
func TestEnds(t *testing.T) {
	var e ends
	for _, c := range []struct{ first, n int }{{0, 0}, {0, 1}, {1, 1}, {1, 2}, {0, 5}, {1, 100}} {
		e.set(c.first, c.n)
		front, back := c.first, c.n-1
		for k := 0; ; k++ {
			if any := e.any(); any != (front <= back) {
				t.Fatalf("%d to %d: any is %v with %d to %d left", c.first, c.n, any, front, back)
			}
			want := front
			if k%3 > 0 {
				want = back
			}
			i, ok := e.take(k%3 == 0)
			if ok != (front <= back) || ok && i != want {
				t.Fatalf("%d to %d: take has %d, %v; want %d", c.first, c.n, i, ok, want)
			}
			if !ok {
				break
			}
			if k%3 == 0 {
				front++
			} else {
				back--
			}
		}
		for range 1000 {
			if i, ok := e.take(false); ok {
				t.Fatalf("%d in vain", i)
			}
		}
	}
}

// Each number is taken once, by however many at the same time.
func TestEndsOnce(t *testing.T) {
	const n = 10000
	var e ends
	var taken [n]int32
	e.set(0, n)
	var all [4][]int
	var wait sync.WaitGroup
	for w := range all {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for {
				i, ok := e.take(w == 0)
				if !ok {
					return
				}
				all[w] = append(all[w], i)
			}
		}()
	}
	wait.Wait()
	for w := range all {
		for _, i := range all[w] {
			taken[i]++
		}
	}
	for i, k := range taken {
		if k != 1 {
			t.Fatalf("%d is taken %d times", i, k)
		}
	}
}
