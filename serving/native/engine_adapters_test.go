package native

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"graft/internal/model"
	"graft/serving"
)

// leasedRig is an engine with adapters, whose memory is that of its blocks: 10
// bytes each.
type leasedRig struct {
	*rig
	adapters *residency
	loader   *fakeLoader
	pins     pins
}

func newLeasedRig(t testing.TB, o rigOptions, budget int, sizes map[string]int64) *leasedRig {
	r := &leasedRig{loader: newFakeLoader(sizes)}
	r.rig = newRig(t, o)
	r.adapters = newResidency(residencyEnv{
		budget: budget, blockBytes: 10, queue: 1000, size: r.loader.AdapterBytes,
		load: func(ctx context.Context, g string) (*model.Adapter, error) {
			return r.loader.LoadAdapter(ctx, "m", nil, g)
		},
		lend: r.engine.lend, giveBack: r.engine.giveBack, free: func([]int32) {},
		pinned: r.pins.has, now: time.Now,
	})
	t.Cleanup(r.adapters.drain) // before the engine's
	return r
}

// with answers a by adapters, as Generate does.
func (r *leasedRig) with(ctx context.Context, a ask, uses []serving.AdapterUse, emit func(serving.Event) error) (*reply, error) {
	set, err := setOf(uses)
	if err != nil {
		return nil, err
	}
	if set != nil {
		adapters, release, err := r.adapters.acquire(ctx, set.generations())
		if err != nil {
			return nil, err
		}
		a.adapters, a.lease = set.weighted(adapters), release
	}
	return r.do(ctx, a, emit)
}

// oracle is what with must answer.
func (r *leasedRig) oracle(a ask, uses []serving.AdapterUse) *reply {
	set, _ := setOf(uses)
	a.adapters = nil
	for _, u := range set {
		a.adapters = append(a.adapters, model.Weighted{Adapter: &model.Adapter{Generation: u.Generation}, Weight: u.Weight})
	}
	return alone(r.run, a)
}

// lent are the blocks that the engine counts as lent. It must be idle.
func (r *leasedRig) lent() []int32 {
	var out []int32
	for i := range r.engine.sched.blocks.meta {
		if r.engine.sched.blocks.meta[i].lent {
			out = append(out, int32(i))
		}
	}
	return out
}

// settled waits until nothing is under way, and holds books and engine to each other.
func (r *leasedRig) settled(t *testing.T) {
	t.Helper()
	waitFor(t, "everything to end", func() bool {
		s, a := r.engine.Stats(), r.adapters.Stats()
		r.adapters.mu.Lock()
		defer r.adapters.mu.Unlock()
		return s.Running == 0 && s.Waiting == 0 && a.Waiting == 0 && r.adapters.coming == 0 && s.BlocksLent == r.adapters.used &&
			!slices.ContainsFunc(r.adapters.all, func(x *resident) bool { return x.leases > 0 || x.adapter == nil })
	})
	r.adapters.drain()
	r.engine.drain(cancelled()) // its state may be read from now on
	if err := r.adapters.books(r.lent()); err != nil {
		t.Error(err)
	}
}

// Whatever comes in whatever order (cancelled while it loads, queues or runs,
// past its deadline, failing, unloaded, pinned, evicted, the engine rebuilt): the
// answers are right, nobody waits for ever, and at the end nothing is leased and
// every block is accounted for.
func TestAdaptersRandom(t *testing.T) {
	var evictions, preemptions, failures, answers atomic.Int64
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 21))
			sizes := map[string]int64{}
			for g := 'a'; g < 'h'; g++ {
				sizes[string(g)] = int64(1 + rnd.IntN(35))
			}
			const blocks, budget = 30, 10 // a sequence takes 60/3 at most
			r := newLeasedRig(t, rigOptions{
				size: 3, blocks: blocks, noCache: rnd.IntN(4) == 0,
				policy: policy{rows: 2 + rnd.IntN(40), mixedRows: rnd.IntN(30), logits: 1 + rnd.IntN(20), running: 1 + rnd.IntN(10), queue: 1000},
			}, budget, sizes)
			r.run.panics = 38 // a token that breaks the model
			r.loader.wrong["g"] = func() error { panic("not today") }
			fire := errors.New("fire")
			var loads atomic.Int32
			r.loader.wrong["f"] = func() error {
				if loads.Add(1)%2 == 0 {
					return fire
				}
				return nil
			}
			var wg sync.WaitGroup
			for range 12 {
				seed := rnd.Uint64()
				wg.Go(func() {
					rnd := rand.New(rand.NewPCG(seed, 3))
					for range 12 {
						a := randomAsk(rnd)
						a.adapters = nil
						if rnd.IntN(12) == 0 {
							a.prompt[rnd.IntN(len(a.prompt))] = 38
						}
						if rnd.IntN(8) == 0 {
							a.deadline = time.Now().Add(time.Duration(rnd.IntN(2000)) * time.Microsecond)
						}
						var uses []serving.AdapterUse
						for range rnd.IntN(4) {
							uses = append(uses, serving.AdapterUse{Generation: string(rune('a' + rnd.IntN(8))), Weight: float32(1+rnd.IntN(3)) / 2})
						}
						switch rnd.IntN(12) {
						case 0:
							ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(500))*time.Microsecond)
							_ = r.adapters.unload(ctx, string(rune('a'+rnd.IntN(8))))
							cancel()
						case 1:
							g := string(rune('a' + rnd.IntN(3)))
							r.pins.put(g, rnd.IntN(3) == 0)
							r.adapters.pinsChanged()
						}
						ctx, cancel := context.WithCancel(t.Context())
						left := -1
						switch rnd.IntN(4) {
						case 0:
							left = rnd.IntN(10)
						case 1:
							time.AfterFunc(time.Duration(rnd.IntN(1500))*time.Microsecond, cancel)
						}
						got, err := r.with(ctx, a, uses, func(serving.Event) error {
							if left--; left == 0 {
								cancel()
							}
							return nil
						})
						cancel()
						var p *PanicError
						switch {
						case err == nil:
							answers.Add(1)
							if diff := cmp.Diff(r.oracle(a, uses), got, ignoreCached, cmpopts.EquateEmpty()); diff != "" {
								t.Errorf("%+v by %v (-want +got):\n%s", a, uses, diff)
							}
						case errors.Is(err, context.Canceled) || errors.Is(err, serving.ErrAdapter) || errors.As(err, &p):
						case errors.Is(err, serving.ErrDeadline) && !a.deadline.IsZero():
						default:
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			evictions.Add(r.adapters.Stats().Evictions)
			preemptions.Add(r.engine.Stats().Preemptions)
			failures.Add(r.adapters.Stats().Failures)
			r.settled(t)
		})
	}
	t.Logf("%d answers, %d evictions, %d preemptions, %d loads failed", answers.Load(), evictions.Load(), preemptions.Load(), failures.Load())
	if answers.Load() < 100 || evictions.Load() < 50 || preemptions.Load() < 10 || failures.Load() < 10 {
		t.Error("too little happened to show anything")
	}
}

// A request in progress keeps its generation to the last token, whatever is
// unloaded and loaded meanwhile, and its tokens are those of an undisturbed run.
func TestAdaptersSwapMidStream(t *testing.T) {
	r := newLeasedRig(t, rigOptions{blocks: 60}, 12, abc())
	use := func(g string) []serving.AdapterUse { return []serving.AdapterUse{{Generation: g, Weight: 1}} }
	a := ask{prompt: ids("a long story"), max: 60, top: 2}
	step := make(chan struct{})
	var free atomic.Bool
	r.run.before = func(*model.Batch) {
		if !free.Load() {
			<-step
		}
	}
	type result struct {
		*reply
		err error
	}
	done := make(chan result, 1)
	go func() {
		out, err := r.with(t.Context(), a, use("a"), nil)
		done <- result{out, err}
	}()
	for range 5 {
		step <- struct{}{}
	}
	gone := make(chan error, 1)
	go func() { gone <- r.adapters.unload(t.Context(), "a") }()
	waitFor(t, "the unload", func() bool { r.adapters.mu.Lock(); defer r.adapters.mu.Unlock(); return r.adapters.all[0].leaving })
	free.Store(true)
	close(step)
	for _, g := range []string{"b", "a", "d", "e", "c", "a"} {
		other := ask{prompt: ids("a long story"), max: 4}
		got, err := r.with(t.Context(), other, use(g), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r.oracle(other, use(g)), got, ignoreCached, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s:\n%s", g, diff)
		}
		if g == "e" {
			_ = r.adapters.unload(t.Context(), "e")
		}
	}
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	if diff := cmp.Diff(r.oracle(a, use("a")), got.reply, ignoreCached, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the swap changed the stream:\n%s", diff)
	}
	if err := <-gone; err != nil {
		t.Error(err)
	}
	if n := r.loader.loaded("a"); n != 2 {
		t.Errorf("%d loads of a, want 2", n)
	}
	r.settled(t)
}

// Equal prompts under the base, one adapter, another and other weights share no
// block; under the same set they do, in whatever order it was asked for.
func TestAdaptersShareNoBlocks(t *testing.T) {
	r := newLeasedRig(t, rigOptions{blocks: 100}, 12, abc())
	use := func(g string, w float32) serving.AdapterUse { return serving.AdapterUse{Generation: g, Weight: w} }
	a := ask{prompt: ids("the same prompt each time"), max: 3}
	for i, uses := range [][]serving.AdapterUse{
		nil, {use("a", 1)}, {use("b", 1)}, {use("a", 0.5)}, {use("a", 1), use("b", 1)}, {use("a", 1), use("b", 0.5)},
	} {
		slices.Reverse(uses)
		first, err := r.with(t.Context(), a, uses, nil)
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(uses)
		again, err := r.with(t.Context(), a, uses, nil)
		if err != nil {
			t.Fatal(err)
		}
		if first.Usage.Cached != 0 || again.Usage.Cached != 24 {
			t.Errorf("%d %v: %d tokens cached at first, %d then; want 0 and 24", i, uses, first.Usage.Cached, again.Usage.Cached)
		}
		for _, got := range []*reply{first, again} {
			if diff := cmp.Diff(r.oracle(a, uses), got, ignoreCached, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%v:\n%s", uses, diff)
			}
		}
	}
	r.settled(t)
}

// More adapters than fit, and the base, all at once, beyond every cap: all are
// answered. While one loads, others are not kept waiting.
func TestAdaptersMix(t *testing.T) {
	sizes := map[string]int64{}
	for g := 'a'; g <= 'z'; g++ {
		sizes[string(g)] = 25
	}
	r := newLeasedRig(t, rigOptions{blocks: 40, policy: policy{rows: 16, mixedRows: 8, logits: 8, running: 3, queue: 100}}, 8, sizes)
	gate := make(chan struct{})
	r.loader.gates["z"] = gate
	late := make(chan error, 1)
	go func() {
		_, err := r.with(t.Context(), ask{prompt: ids("late"), max: 4}, []serving.AdapterUse{{Generation: "z", Weight: 1}}, nil)
		late <- err
	}()
	waitFor(t, "the load of z", func() bool { return r.loader.loaded("z") == 1 })
	var wg sync.WaitGroup
	for i := range 50 {
		var uses []serving.AdapterUse
		if i > 0 {
			uses = []serving.AdapterUse{{Generation: string(rune('a' + i%25)), Weight: 1}}
		}
		wg.Go(func() {
			a := ask{prompt: []int32{int32(i), 1, 2, 3, 4, 5}, max: 10}
			got, err := r.with(t.Context(), a, uses, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if diff := cmp.Diff(r.oracle(a, uses), got, ignoreCached, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%v:\n%s", uses, diff)
			}
		})
	}
	wg.Wait() // while z still loads
	close(gate)
	if err := <-late; err != nil {
		t.Error(err)
	}
	r.settled(t)
}

// When the engine is built anew, adapters stay, and so does their memory.
func TestAdaptersRebuild(t *testing.T) {
	r := newLeasedRig(t, rigOptions{}, 12, abc())
	uses := []serving.AdapterUse{{Generation: "e", Weight: 1}}
	r.run.before = func(*model.Batch) {
		if r.run.steps == 3 {
			r.engine.sched.running[0].table.blocks = []int32{1 << 20}
		}
	}
	_, err := r.with(t.Context(), ask{prompt: ids("abcdefghi"), max: 30}, uses, nil)
	var p *PanicError
	if !errors.As(err, &p) {
		t.Fatalf("%v, want a PanicError", err)
	}
	a := ask{prompt: ids("abc"), max: 5}
	got, err := r.with(t.Context(), a, uses, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.oracle(a, uses), got, ignoreCached, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	if n := r.loader.loaded("e"); n != 1 {
		t.Errorf("%d loads", n)
	}
	if s := r.engine.Stats(); s.BlocksLent != 3 {
		t.Errorf("%d blocks are lent, want 3", s.BlocksLent)
	}
	r.settled(t)
}

// Chunks of one set are side by side, whoever came first.
func TestAdaptersTogether(t *testing.T) {
	r := newRig(t, rigOptions{})
	var worst atomic.Int32
	gate := make(chan struct{})
	r.run.before = func(b *model.Batch) {
		<-gate
		seen := map[int32]bool{}
		last := int32(-1)
		for _, s := range b.Segs {
			if k := salt(s.Adapters); k != last {
				if seen[k] {
					worst.Add(1)
				}
				seen[k], last = true, k
			}
		}
	}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			a := ask{prompt: []int32{int32(i), 1, 2}, max: 10, adapters: testSets[i%len(testSets)]}
			if diff := cmp.Diff(alone(r.run, a), r.must(a), ignoreCached, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
	waitFor(t, "the first step", func() bool { r.run.mu.Lock(); defer r.run.mu.Unlock(); return r.run.steps > 0 })
	time.Sleep(20 * time.Millisecond) // let the others queue up, so that they share batches
	close(gate)
	wg.Wait()
	if n := worst.Load(); n > 0 {
		t.Errorf("a set was in two places of a batch %d times", n)
	}
}

// What an adapter held is let go of when it leaves, although the engine has
// nothing to do since.
func TestAdaptersMemoryIsFreed(t *testing.T) {
	r := newLeasedRig(t, rigOptions{}, 12, abc())
	if _, err := r.with(t.Context(), ask{prompt: ids("abc"), max: 5}, []serving.AdapterUse{{Generation: "a", Weight: 1}}, nil); err != nil {
		t.Fatal(err)
	}
	r.adapters.mu.Lock()
	freed := make(chan struct{})
	runtime.AddCleanup(r.adapters.open["a"].adapter, func(c chan struct{}) { close(c) }, freed)
	r.adapters.mu.Unlock()
	if err := r.adapters.unload(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the adapter to be freed", func() bool {
		runtime.GC()
		select {
		case <-freed:
			return true
		default:
			return false
		}
	})
}

// Planning and gathering a step of many sets allocates nothing.
func TestAdaptersStepDoesNotAllocate(t *testing.T) {
	e := &engine{sched: newScheduler(policy{rows: 32, mixedRows: 32, logits: 32, running: 16, queue: 16}, newBlocks(400, 16, noCopy))}
	for i := range 12 {
		q := &sequence{ids: make([]int32, 3, 4000), prompt: 3, limit: 4000, adapters: testSets[i%len(testSets)]}
		q.key = keyOf(q.adapters)
		q.table.blocks = make([]int32, 0, 250)
		if _, err := e.sched.add([]*sequence{q}); err != nil {
			t.Fatal(err)
		}
	}
	e.sched.blocks.noCache = true // what is entered into the index is kept
	step := func() {
		e.plan = e.sched.next(e.plan)
		together(e.plan)
		e.gather(e.plan)
		for _, c := range e.plan {
			samples := c.samples()
			e.sched.computed(c)
			if samples {
				c.seq.ids = append(c.seq.ids, 1)
			}
		}
	}
	for range 20 {
		step()
	}
	if n := testing.AllocsPerRun(200, step); n != 0 || len(e.plan) != 12 {
		t.Errorf("%v allocations for each step of %d rows", n, len(e.plan))
	}
}
