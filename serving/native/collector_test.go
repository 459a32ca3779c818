package native

import (
	"runtime/debug"
	"testing"
)

func TestCollectorPercent(t *testing.T) {
	for _, c := range []struct {
		weights int64
		want    int
	}{{0, 100}, {garbage, 100}, {2 * garbage, 50}, {8 * garbage, 12}, {1000 * garbage, 5}} {
		if got := collectorPercent(c.weights, 100); got != c.want {
			t.Errorf("%d bytes of weights: %d %%, want %d", c.weights, got, c.want)
		}
	}
	if got := collectorPercent(8*garbage, 10); got != 10 {
		t.Errorf("where Go is set to 10 %%: %d", got)
	}
}

// TestHoldCollector: collecting stops for loads, also for several at a time, and is
// afterwards as it was.
func TestHoldCollector(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	settings := func() [2]int64 {
		p := debug.SetGCPercent(-1)
		debug.SetGCPercent(p)
		return [2]int64{int64(p), debug.SetMemoryLimit(-1)}
	}
	usual := settings()
	one, two := holdCollector(1<<20), holdCollector(1<<20)
	one()
	one()
	if s := settings(); s[0] != -1 || s[1] >= usual[1] || s[1] < loading {
		t.Errorf("%d %% and at most %d bytes while a model loads", s[0], s[1])
	}
	two()
	if s := settings(); s != usual {
		t.Errorf("%v afterwards, %v before", s, usual)
	}
	t.Setenv("GOGC", "50")
	defer holdCollector(1 << 20)()
	if s := settings(); s != usual {
		t.Errorf("%v although the environment has settings, want %v", s, usual)
	}
}
