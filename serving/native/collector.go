package native

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

// garbage is about how much memory may wait for the collector.
const garbage = 32 << 20 // bytes

var startGC = sync.OnceValue(func() int {
	p := debug.SetGCPercent(100)
	debug.SetGCPercent(p)
	return p
})

// tuneCollector sets how often garbage is collected, now that weights of so many
// bytes lie in Go's heap. By its own rule Go would let as much garbage gather as
// there are weights; they hold no pointers, so collecting more often costs little.
// A GOGC in the environment is the user's choice and stays.
func tuneCollector(weights int64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(collectorPercent(weights, startGC()))
}

// collectorPercent is the growth of the heap, in percent, after which it is
// collected; usual is what it is without weights.
func collectorPercent(weights int64, usual int) int {
	if weights <= garbage {
		return usual
	}
	return min(usual, max(5, int(100*garbage/weights)))
}

// loading is what a model's load may leave behind for the collector, in bytes.
const loading = 128 << 20

// held are the loads in progress during which nothing is collected.
var held struct {
	sync.Mutex
	loads int
	limit int64 // the usual one
}

// holdCollector stops collecting until release is called: of what the load of a first
// model allocates, weights of so many bytes and the tables of a tokenizer, nearly all
// stays, and each collection in between would look through it. Garbage of more than
// loading bytes is collected all the same. Where GOGC or GOMEMLIMIT are set, it does
// nothing.
func holdCollector(weights int64) (release func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	held.Lock()
	defer held.Unlock()
	if held.loads++; held.loads == 1 {
		startGC()
		held.limit = debug.SetMemoryLimit(-1)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	most := int64(m.Sys-m.HeapReleased) + loading
	debug.SetMemoryLimit(most + min(weights, math.MaxInt64-most))
	debug.SetGCPercent(-1)
	return sync.OnceFunc(func() {
		held.Lock()
		defer held.Unlock()
		if held.loads--; held.loads == 0 {
			debug.SetMemoryLimit(held.limit)
			debug.SetGCPercent(startGC())
		}
	})
}
