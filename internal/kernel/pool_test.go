package kernel

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// tally counts how often each chunk was computed.
type tally []atomic.Int32

func (c tally) Do(i int) { c[i].Add(1) }

func (c tally) check(t *testing.T) {
	t.Helper()
	for i := range c {
		if n := c[i].Load(); n != 1 {
			t.Fatalf("chunk %d of %d was computed %d times", i, len(c), n)
		}
	}
}

func TestPoolRunsEachChunkOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 8} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			p := NewPool(workers)
			defer p.Close()
			for n := range 70 {
				for range 20 {
					c := make(tally, n)
					p.Run(n, c)
					c.check(t)
				}
				if n%10 == 0 { // let the workers fall asleep
					time.Sleep(3 * spinFor)
				}
			}
		})
	}
}

func TestNilPoolRunsInTheCaller(t *testing.T) {
	var p *Pool
	c := make(tally, 5)
	p.Run(len(c), c)
	c.check(t)
	if p.Workers() != 1 {
		t.Errorf("a nil pool has %d workers, want 1", p.Workers())
	}
	p.Close()
}

// plain writes memory without any synchronisation: the race detector sees it if
// Run returned early or a worker came late.
type plain struct{ x []int }

func (s *plain) Do(i int) { s.x[i]++ }

func TestPoolPublishesMemory(t *testing.T) {
	p := NewPool(4)
	defer p.Close()
	s := &plain{make([]int, 9)}
	for round := range 2000 {
		p.Run(len(s.x), s)
		for i, v := range s.x {
			if v != round+1 {
				t.Fatalf("round %d: chunk %d was counted %d times", round, i, v)
			}
		}
	}
}

type failing struct {
	tally
	at map[int]any
}

func (f failing) Do(i int) {
	f.tally.Do(i)
	if v, ok := f.at[i]; ok {
		panic(v)
	}
}

func TestPoolRaisesPanicsInTheCaller(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	boom := errors.New("boom")
	for _, at := range []map[int]any{{0: boom}, {49: boom}, {3: boom, 4: boom, 30: boom}} {
		c := failing{make(tally, 50), at}
		func() {
			defer func() {
				e, ok := recover().(*TaskPanic)
				if !ok || e.Value != boom || !strings.Contains(e.Error(), "failing.Do") {
					t.Errorf("recovered %v, want boom and the stack of Do", e)
				}
			}()
			p.Run(50, c)
		}()
		c.check(t)
	}
	c := make(tally, 50) // and the pool still works
	p.Run(50, c)
	c.check(t)
}

type nested struct {
	p     *Pool
	inner []tally
}

func (n nested) Do(i int) { n.p.Run(len(n.inner[i]), n.inner[i]) }

func TestPoolRunInsideRun(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	n := nested{p, make([]tally, 20)}
	for i := range n.inner {
		n.inner[i] = make(tally, 10)
	}
	p.Run(len(n.inner), n)
	for _, c := range n.inner {
		c.check(t)
	}
}

func TestPoolSharedByTwoCallers(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 500 {
				c := make(tally, 17)
				p.Run(len(c), c)
				c.check(t)
			}
		})
	}
	wg.Wait()
}

// held is a task whose first chunk waits until all the others are done.
type held struct {
	others atomic.Int32
	n      int
}

func (h *held) Do(i int) {
	if i > 0 {
		h.others.Add(1)
		return
	}
	for h.others.Load() < int32(h.n-1) {
		runtime.Gosched()
	}
}

func TestPoolTakesOverFromASlowWorker(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	for range 50 {
		h := &held{n: 40}
		ended := make(chan struct{})
		go func() { p.Run(h.n, h); close(ended) }()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("the free worker left chunks to the one that was held up")
		}
	}
}

func TestPoolCloseEndsWorkers(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		p := NewPool(8)
		c := make(tally, 30)
		p.Run(len(c), c)
		p.Close()
		p.Close() // harmless
	}
	for range 100 { // a goroutine is still counted for a moment after its last defer
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after Close", before, runtime.NumGoroutine())
}

func TestPoolRunDoesNotAllocate(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	s := &plain{make([]int, 16)}
	if n := testing.AllocsPerRun(500, func() { p.Run(len(s.x), s) }); n != 0 {
		t.Errorf("%v allocations for each Run", n)
	}
}

func BenchmarkPoolRun(b *testing.B) {
	for _, n := range []int{2, 16} {
		b.Run(fmt.Sprintf("chunks=%d", n), func(b *testing.B) {
			p := NewPool(2)
			defer p.Close()
			s := &plain{make([]int, n)}
			for b.Loop() {
				p.Run(n, s)
			}
		})
	}
}

// BenchmarkCores is how long a line of memory takes from one core to another and back, as
// words of the pool and all results do. On a virtual machine it changes by the minute: cores
// may share a cache or not.
func BenchmarkCores(b *testing.B) {
	if runtime.GOMAXPROCS(0) < 2 {
		b.Skip("one core")
	}
	var ball atomic.Int64
	var other sync.WaitGroup
	other.Go(func() {
		for at := int64(1); ; at += 2 {
			for ball.Load() != at {
				if ball.Load() < 0 {
					return
				}
			}
			ball.Store(at + 1)
		}
	})
	at := int64(0)
	for b.Loop() {
		ball.Store(at + 1)
		for at += 2; ball.Load() != at; {
		}
	}
	ball.Store(-1)
	other.Wait()
}
