package native

import (
	"os"
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
