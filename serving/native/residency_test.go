package native

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"graft/serving"
)

// abc are adapters of 1 to 3 blocks.
func abc() map[string]int64 {
	return map[string]int64{"a": 10, "b": 10, "c": 10, "d": 15, "e": 30, "x": 31}
}

// Requests for an adapter that is being loaded wait for that one load.
func TestResidencyLoadsOnce(t *testing.T) {
	h := newHouse(t, 3, abc())
	gate := make(chan struct{})
	h.loader.gates["a"] = gate
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { h.take("a")() })
	}
	ctx, cancel := context.WithCancel(t.Context())
	got, _ := h.begin(ctx, "a")
	waitFor(t, "all to wait", func() bool { return h.Stats().Waiting == 11 })
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for a load ends with %v, want %v", err, context.Canceled)
	}
	close(gate)
	wg.Wait()
	h.settled()
	if n := h.loader.loaded("a"); n != 1 {
		t.Errorf("%d loads", n)
	}
	if s := h.Stats(); s != (AdapterStats{Resident: 1, Bytes: 10, Loads: 1}) {
		t.Errorf("stats %+v", s)
	}
}

// Whoever was used least recently goes first, and nobody who is used or pinned.
func TestResidencyEvicts(t *testing.T) {
	h := newHouse(t, 3, abc())
	h.take("a")()
	h.take("b")()
	h.take("c")()
	h.take("a")()
	h.wantState("a0 b0 c0")
	h.take("d")() // two blocks: b and c go
	h.wantState("a0 d0")
	h.pins.put("a", true)
	h.take("c")()
	h.wantState("a0 c0") // not a, which is pinned though older
	held := h.take("c")
	h.take("b")()
	h.wantState("a0 b0 c1")
	h.take("c")()
	held()
	h.settled()
	if s := h.Stats(); s.Evictions != 3 || s.Loads != 6 {
		t.Errorf("stats %+v", s)
	}
}

// An adapter that can never fit is refused at once, with what to change.
func TestResidencyTooLarge(t *testing.T) {
	h := newHouse(t, 3, abc())
	h.take("a")()
	h.pins.put("a", true)
	for _, c := range []struct{ letters, want string }{
		{"x", "adapters.memory"},
		{"de", "these 2 adapters"},
		{"e", "pinned"},
		{"n", errNoAdapter.Error()},
	} {
		_, _, err := h.acquire(t.Context(), strings.Split(c.letters, ""))
		if !errors.Is(err, serving.ErrAdapter) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.letters, err, c.want)
		}
	}
	h.wantState("a0")
	h.pins.put("a", false)
	h.take("e")()
	h.wantState("e0")
	h.settled()
}

// An error of a load goes to all that wait for it, and the next request tries again.
func TestResidencyLoadErrors(t *testing.T) {
	fire := errors.New("the disk is on fire")
	for name, c := range map[string]struct {
		wrong func() error
		want  func(err error) bool
	}{
		"error": {func() error { return fire }, func(err error) bool { return errors.Is(err, fire) }},
		"panic": {func() error { panic("ouch") }, func(err error) bool { var p *PanicError; return errors.As(err, &p) }},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 3, abc())
			gate := make(chan struct{})
			h.loader.gates["a"], h.loader.wrong["a"] = gate, c.wrong
			var errs []chan error
			for range 4 {
				got, _ := h.begin(t.Context(), "a")
				errs = append(errs, got)
			}
			waitFor(t, "all to wait", func() bool { return h.Stats().Waiting == 4 })
			close(gate)
			for _, got := range errs {
				if err := <-got; !errors.Is(err, serving.ErrAdapter) || !c.want(err) {
					t.Errorf("%v", err)
				}
			}
			h.settled()
			h.loader.set(func() { delete(h.loader.wrong, "a") })
			h.take("a")()
			h.settled()
			if s := h.Stats(); s.Failures != 1 || s.Loads != 1 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// Of what was announced, only what is needed stays taken.
func TestResidencyGivesBack(t *testing.T) {
	h := newHouse(t, 3, abc())
	h.loader.memory["e"] = 12
	h.slow = make(chan struct{})
	goOn := sync.OnceFunc(func() { close(h.slow) })
	t.Cleanup(goOn)
	h.take("e")()
	got, release := h.begin(t.Context(), "a")
	waitFor(t, "a to wait", func() bool { return h.queued() == 1 })
	h.wantState("e0") // it has to wait a little, and nobody has to go for it
	goOn()
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	release()
	h.wantState("a0 e0")
	h.settled()
}

// An adapter that is larger than announced is loaded once more, when there is room
// for it, by one of those who wait.
func TestResidencyLarger(t *testing.T) {
	h := newHouse(t, 3, abc())
	h.loader.memory["a"], h.loader.memory["b"] = 25, 31
	var wg sync.WaitGroup
	h.take("c")()
	for range 5 {
		wg.Go(func() { h.take("a")() })
	}
	wg.Wait()
	h.settled()
	if s := h.Stats(); h.state() != "a0" || h.loader.loaded("a") != 2 || s.Failures != 0 {
		t.Errorf("residents %s, %d loads, stats %+v", h.state(), h.loader.loaded("a"), s)
	}
	if _, _, err := h.acquire(t.Context(), []string{"b"}); !errors.Is(err, serving.ErrAdapter) || !strings.Contains(err.Error(), "adapters.memory") {
		t.Errorf("%v", err)
	}
	h.take("a")()
	h.settled()
}

// While somebody waits for room, those that are in the way are closed to
// newcomers: one slot, and requests for a without a pause.
func TestResidencyNoStarvation(t *testing.T) {
	h := newHouse(t, 1, abc())
	first := h.take("a")
	gotB, releaseB := h.begin(t.Context(), "b")
	waitFor(t, "b to wait", func() bool { return h.state() == "a1-" })
	gotA, releaseA := h.begin(t.Context(), "a") // a newcomer: after b
	waitFor(t, "a to wait", func() bool { return h.queued() == 2 })
	select {
	case <-gotA:
		t.Fatal("a newcomer gets what is closed")
	case <-gotB:
		t.Fatal("b is there while a is in use")
	default:
	}
	first()
	if err := <-gotB; err != nil {
		t.Fatal(err)
	}
	waitFor(t, "b to be closed for a", func() bool { return h.state() == "b1-" })
	releaseB()
	if err := <-gotA; err != nil {
		t.Fatal(err)
	}
	releaseA()
	h.settled()
}

// Hot traffic: whoever else asks gets in after a bounded number of its answers.
func TestResidencyHotTraffic(t *testing.T) {
	h := newHouse(t, 1, abc())
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	served := 0
	for range 4 { // at any time some request for a is in progress
		wg.Go(func() {
			for ctx.Err() == nil {
				release := h.take("a")
				mu.Lock()
				served++
				mu.Unlock()
				time.Sleep(time.Millisecond)
				release()
			}
		})
	}
	waitFor(t, "traffic", func() bool { mu.Lock(); defer mu.Unlock(); return served > 20 })
	for range 5 {
		got, release := h.begin(t.Context(), "b")
		waitFor(t, "b to queue", func() bool { return h.queued() > 0 || h.loader.loaded("b") > 0 })
		mu.Lock()
		before := served
		mu.Unlock()
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		between := served - before
		mu.Unlock()
		// Those that waited before b, once each, and those in progress.
		if between > 8 {
			t.Errorf("%d answers of a came before b", between)
		}
		release()
		mu.Lock()
		before = served
		mu.Unlock()
		waitFor(t, "a to go on", func() bool { mu.Lock(); defer mu.Unlock(); return served > before+8 })
	}
	stop()
	wg.Wait()
	h.settled()
}

// When the one who waits leaves, what was closed for it opens again.
func TestResidencyReopens(t *testing.T) {
	h := newHouse(t, 1, abc())
	first := h.take("a")
	ctx, cancel := context.WithCancel(t.Context())
	gotB, _ := h.begin(ctx, "b")
	waitFor(t, "b to wait", func() bool { return h.state() == "a1-" })
	gotA, releaseA := h.begin(t.Context(), "a")
	waitFor(t, "a to wait", func() bool { return h.queued() == 2 })
	cancel()
	if err := <-gotB; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := <-gotA; err != nil {
		t.Error(err)
	}
	h.wantState("a2")
	releaseA()
	first()
	h.settled()
	if n := h.loader.loaded("a"); n != 1 {
		t.Errorf("%d loads of a", n)
	}

	// So does what the next one has already, while that waits for the rest.
	h = newHouse(t, 3, abc())
	first, second := h.take("a"), h.take("d")
	ctx, cancel = context.WithCancel(t.Context())
	gotB, _ = h.begin(ctx, "b")
	waitFor(t, "b to wait", func() bool { return h.state() == "a1- d1" })
	got, release := h.begin(t.Context(), "ac")
	waitFor(t, "a and c to wait", func() bool { return h.queued() == 2 })
	cancel()
	<-gotB
	h.wantState("a2 d1-")
	h.take("a")()
	second()
	if err := <-got; err != nil {
		t.Error(err)
	}
	release()
	first()
	h.settled()
}

// Sets are taken at once: two that overlap never wait for each other.
func TestResidencySets(t *testing.T) {
	h := newHouse(t, 2, abc())
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			release := h.take([]string{"ab", "bc", "ac", "a", "d"}[i%5])
			time.Sleep(time.Duration(i%3) * 100 * time.Microsecond)
			release()
		})
	}
	wg.Wait()
	h.settled()
}

// Unload: those that have it keep it, newcomers load it anew.
func TestResidencyUnload(t *testing.T) {
	h := newHouse(t, 2, abc())
	if err := h.unload(t.Context(), "a"); err != nil {
		t.Errorf("one that is not in memory: %v", err)
	}
	old := h.take("a")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if err := h.unload(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it is in use: %v", err)
	}
	h.wantState("a1!")
	h.take("a")()
	h.wantState("a0 a1!")
	done := make(chan error)
	go func() { done <- h.unload(t.Context(), "a") }()
	waitFor(t, "the new one to go", func() bool { return h.state() == "a1!" })
	old()
	if err := <-done; err != nil {
		t.Error(err)
	}
	h.wantState("")
	if n := h.loader.loaded("a"); n != 2 {
		t.Errorf("%d loads", n)
	}
	// While it loads, for somebody and for nobody.
	for _, leave := range []bool{false, true} {
		gate := make(chan struct{})
		h.loader.set(func() { h.loader.gates["b"] = gate })
		ctx, cancel := context.WithCancel(t.Context())
		got, release := h.begin(ctx, "b")
		waitFor(t, "the load", func() bool { return h.state() == "b1" })
		go func() { done <- h.unload(t.Context(), "b") }()
		waitFor(t, "the unload", func() bool { return h.state() == "b1!" })
		if leave {
			cancel()
			if err := <-got; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		close(gate)
		if !leave {
			if err := <-got; err != nil {
				t.Error(err)
			}
			h.wantState("b1!")
			release()
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		cancel()
		h.wantState("")
	}
	h.settled()
}

// A load that everybody left stays, for the next one, and can be evicted.
func TestResidencyAbandoned(t *testing.T) {
	h := newHouse(t, 1, abc())
	gate := make(chan struct{})
	h.loader.gates["a"] = gate
	ctx, cancel := context.WithCancel(t.Context())
	got, _ := h.begin(ctx, "a")
	waitFor(t, "the load", func() bool { return h.state() == "a1" })
	cancel()
	<-got
	gotB, releaseB := h.begin(t.Context(), "b")
	waitFor(t, "b to wait", func() bool { return h.state() == "a0-" })
	close(gate)
	if err := <-gotB; err != nil {
		t.Error(err)
	}
	releaseB()
	h.wantState("b0")
	h.settled()
}

func TestResidencyOverload(t *testing.T) {
	h := newHouse(t, 1, abc())
	h.env.queue = 2
	first := h.take("a")
	var releases []func()
	for i := range 2 {
		got, release := h.begin(t.Context(), "b")
		waitFor(t, "the queue", func() bool { return h.queued() == i+1 })
		releases = append(releases, func() { <-got; release() })
	}
	if _, _, err := h.acquire(t.Context(), []string{"b"}); !errors.Is(err, serving.ErrOverloaded) {
		t.Errorf("%v, want %v", err, serving.ErrOverloaded)
	}
	first()
	for _, r := range releases {
		r()
	}
	h.settled()
}

func TestResidencyDrain(t *testing.T) {
	h := newHouse(t, 1, abc())
	h.loader.gates["a"] = make(chan struct{}) // never opened
	loading, _ := h.begin(t.Context(), "a")
	waitFor(t, "the load", func() bool { return h.state() == "a1" })
	queued, _ := h.begin(t.Context(), "b")
	waitFor(t, "the queue", func() bool { return h.queued() == 1 })
	h.drain()
	for _, got := range []chan error{loading, queued} {
		if err := <-got; !errors.Is(err, serving.ErrDraining) {
			t.Errorf("%v, want %v", err, serving.ErrDraining)
		}
	}
	if _, _, err := h.acquire(t.Context(), []string{"c"}); !errors.Is(err, serving.ErrDraining) {
		t.Errorf("%v, want %v", err, serving.ErrDraining)
	}
	waitFor(t, "the leases to end", func() bool { return h.state() == "" })
}

func TestAdapterSet(t *testing.T) {
	use := func(g string, w float32) serving.AdapterUse { return serving.AdapterUse{Generation: g, Weight: w} }
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	keys := map[string]string{} // key -> what has it
	for _, same := range [][][]serving.AdapterUse{
		{nil, {}, {use("a", 0)}, {use("a", 1), use("a", -1)}},
		{{use("a", 1)}, {use("a", 0.5), use("a", 0.5)}, {use("b", 0), use("a", 1)}},
		{{use("a", 0.5)}},
		{{use("b", 1)}},
		{{use("a", 1), use("b", 2)}, {use("b", 2), use("a", 1)}},
		{{use("a", 2), use("b", 1)}},
		{{use("a*3f800000;1:b", 1)}}, // what a key looks like is no key
		{{use("1:a*3f800000;", 1)}},
	} {
		var want string
		for i, uses := range same {
			set, err := setOf(uses)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				want = set.key()
				if other, ok := keys[want]; ok {
					t.Errorf("%v has the key of %s", uses, other)
				}
				keys[want] = fmt.Sprint(uses)
			} else if set.key() != want {
				t.Errorf("%v and %v have other keys", uses, same[0])
			}
		}
	}
	for _, uses := range [][]serving.AdapterUse{{use("a", nan)}, {use("a", inf)}, {use("a", inf), use("a", -inf)}, {use("a", 3e38), use("a", 3e38)}, {use("", 1)}} {
		_, err := setOf(uses)
		var p *serving.ParamError
		if !errors.As(err, &p) || p.Param != "adapters" {
			t.Errorf("%v: %v", uses, err)
		}
	}
}
