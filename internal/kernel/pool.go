package kernel

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Task is work cut into chunks that may be computed in any order and at the same
// time. What chunk i writes must depend on i alone, never on who computes it.
type Task interface {
	Do(i int)
}

// spinFor bounds how long a worker looks for the next task, and a caller for the
// last chunk, before sleeping. It covers the pauses between the operations of one
// forward pass and is short enough not to be seen in an idle server.
const spinFor = 50 * time.Microsecond

// yieldAfter is how long a worker computes before it offers its core to others: the
// system takes it away every few milliseconds where somebody else wants it, and if that
// is in the middle of a chunk, all wait until the worker is back. Between tasks nobody
// does.
const yieldAfter = 300 * time.Microsecond

// Pool is a fixed set of workers that share out the chunks of one task at a time.
// The caller of Run is one of them. A nil Pool computes everything in the caller.
//
// Chunks are handed out one by one, to whoever is free, from the first on to the caller of Run and
// from the last on to the others: when a neighbour holds up a core, the others take over what is left.
// Run waits for chunks, not for workers, so one that has not been given a core delays nobody.
type Pool struct {
	workers int
	spin    bool // there is a core for every worker
	busy    atomic.Bool
	counted int64    // what done was before the task
	_       [64]byte // the words below are written by all cores; keep them apart

	// Whoever sees left has the rest with it.
	left ends
	task Task

	_       [64]byte
	done    atomic.Int64 // chunks that others than the caller of Run have done, of all tasks
	_       [64]byte
	waiting atomic.Bool  // the caller sleeps on last
	parked  atomic.Int32 // workers that sleep on wake and have no token there
	closing atomic.Bool
	_       [64]byte
	wake    chan struct{}
	last    chan struct{}
	ended   sync.WaitGroup
	mu      sync.Mutex
	failed  *TaskPanic
}

// NewPool starts workers-1 goroutines; the caller of Run is the last worker.
// Fewer than 1 worker means as many as Go may run at a time.
func NewPool(workers int) *Pool {
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	p := &Pool{
		workers: workers,
		spin:    workers <= min(runtime.GOMAXPROCS(0), runtime.NumCPU()),
		wake:    make(chan struct{}, workers),
		last:    make(chan struct{}, 1),
	}
	p.ended.Add(workers - 1)
	for range workers - 1 {
		go p.serve()
	}
	return p
}

// Workers is how many goroutines compute, the caller of Run included; 1 for a nil Pool.
func (p *Pool) Workers() int {
	if p == nil {
		return 1
	}
	return p.workers
}

// Run calls t.Do(i) once for every i in [0, n) and returns when all are done. It
// allocates nothing. A panic in a chunk is raised again here, as *TaskPanic, once
// the other chunks are done.
//
// A pool serves one goroutine at a time, the owner of the engine. A Run that
// meets another one (or is called from within a task) computes by itself.
func (p *Pool) Run(n int, t Task) {
	if n <= 0 {
		return
	}
	if p == nil || p.workers == 1 || n == 1 || !p.busy.CompareAndSwap(false, true) {
		for i := range n {
			t.Do(i)
		}
		return
	}
	p.task = t
	p.left.set(1, n) // from here on workers take chunks; the first is the caller's
	p.rouse(n - 1)
	own, again := p.work(0, true)
	for more := 0; again; own += more {
		more, again = p.work(-1, true)
	}
	p.await(p.counted + int64(n-own))
	p.counted += int64(n - own)
	p.task = nil
	failed := p.failed
	p.failed = nil
	p.busy.Store(false)
	if failed != nil {
		panic(failed)
	}
}

// Close ends the workers and waits for them. Nothing may run, or be run later.
func (p *Pool) Close() {
	if p == nil || p.closing.Swap(true) {
		return
	}
	p.rouse(p.workers)
	p.ended.Wait()
}

// TaskPanic is what a task panicked with, and where.
type TaskPanic struct {
	Value any
	Stack []byte
}

func (e *TaskPanic) Error() string {
	return fmt.Sprintf("panic in a kernel task: %v\n%s", e.Value, e.Stack)
}

// rouse wakes up to n sleeping workers.
func (p *Pool) rouse(n int) {
	for range n {
		if !p.claimSleeper() {
			return
		}
		p.wake <- struct{}{} // has room: one slot for each worker
	}
}

func (p *Pool) claimSleeper() bool {
	for {
		s := p.parked.Load()
		if s == 0 {
			return false
		}
		if p.parked.CompareAndSwap(s, s-1) {
			return true
		}
	}
}

// work computes chunk i, unless that is -1, and takes chunks until none is left. It
// returns how many it did; again: the last panicked, and there may be more.
//
// Whoever is given a chunk by left owns one of the current task, even one who had come for an
// earlier task: task is read after that, and it stays until the chunk is counted.
func (p *Pool) work(i int, caller bool) (chunks int, again bool) {
	held := i >= 0
	defer func() {
		if held { // Do did not return
			p.fail(recover())
			chunks, again = chunks+1, true
		}
	}()
	if held {
		p.task.Do(i)
		held, chunks = false, 1
	}
	for {
		i, ok := p.left.take(caller)
		if !ok {
			return chunks, false
		}
		held = true
		p.task.Do(i)
		held = false
		chunks++
	}
}

func (p *Pool) fail(value any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = &TaskPanic{value, debug.Stack()}
	}
}

// count counts chunks of a worker that is not the caller. The caller may begin another
// task then.
func (p *Pool) count(chunks int) {
	if chunks == 0 {
		return
	}
	p.done.Add(int64(chunks))
	if p.waiting.Load() && p.waiting.CompareAndSwap(true, false) {
		select {
		case p.last <- struct{}{}:
		default:
		}
	}
}

// await returns when the others have done n chunks, of all tasks. A token in last may
// stem from an earlier task, or from one of several workers, hence the loop.
func (p *Pool) await(n int64) {
	for !p.spinUntil(func() bool { return p.done.Load() == n }) {
		p.waiting.Store(true)
		if p.done.Load() == n {
			p.waiting.Store(false)
			return
		}
		<-p.last
	}
}

// serve is the life of one worker: work, look for more for a while, sleep.
func (p *Pool) serve() {
	defer p.ended.Done()
	since := time.Now()
	for !p.closing.Load() {
		for again := true; again; {
			var chunks int
			chunks, again = p.work(-1, false)
			p.count(chunks)
		}
		if time.Since(since) > yieldAfter {
			yieldCore()
			since = time.Now()
		}
		if p.spinUntil(func() bool { return p.left.any() || p.closing.Load() }) {
			continue
		}
		p.parked.Add(1)
		if (p.left.any() || p.closing.Load()) && p.claimSleeper() {
			continue // stood up again before anyone sent a token
		}
		<-p.wake
	}
}

// spinUntil polls ready for spinFor and reports whether it came true. Without a
// core for every worker it polls twice and gives the core away in between.
func (p *Pool) spinUntil(ready func() bool) bool {
	if ready() {
		return true
	}
	if !p.spin {
		runtime.Gosched()
		return ready()
	}
	start := time.Now()
	for {
		for range 16 {
			pause()
			if ready() {
				return true
			}
		}
		if time.Since(start) > spinFor {
			return false
		}
	}
}
