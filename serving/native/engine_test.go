package native

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"graft/internal/model"
	"graft/serving"
)

var ignoreCached = cmpopts.IgnoreFields(serving.Usage{}, "Cached", "Accepted", "Rejected")

// testSets are adapters in all that tells them apart.
var testSets = func() [][]model.Weighted {
	a, b := &model.Adapter{Generation: "sha256:a"}, &model.Adapter{Generation: "sha256:b"}
	return [][]model.Weighted{nil, nil, {{Adapter: a, Weight: 1}}, {{Adapter: b, Weight: 1}}, {{Adapter: a, Weight: 0.5}}, {{Adapter: a, Weight: 1}, {Adapter: b, Weight: 1}}}
}()

func randomAsk(rnd *rand.Rand) ask {
	a := ask{client: string(rune('a' + rnd.IntN(3))), max: 1 + rnd.IntN(20), n: 1 + rnd.IntN(3), seed: rnd.Int64(), top: rnd.IntN(3), score: rnd.IntN(4) == 0, ends: []int32{7}}
	for range 1 + rnd.IntN(40) {
		a.prompt = append(a.prompt, int32(rnd.IntN(2))) // two tokens: beginnings are often shared
	}
	if rnd.IntN(2) == 0 {
		opt := serving.Sampling{Temperature: 1, TopP: 0.9, TopK: 30, MinP: 0.01, RepetitionPenalty: 1.1, FrequencyPenalty: 0.1}
		a.opt = &opt
	}
	if rnd.IntN(10) == 0 {
		a.max = -1
	}
	a.adapters = testSets[rnd.IntN(len(testSets))]
	return a
}

// guessed is what a's first answer will be, with some tokens wrong, missing or too many.
func guessed(rnd *rand.Rand, f *fakeRunner, a ask) []int32 {
	a.top = 1
	var out []int32
	for _, tok := range alone(f, a).Tokens[0] {
		switch rnd.IntN(12) {
		case 0:
			out = append(out, int32(rnd.IntN(f.vocab)))
		case 1:
			out = append(out, int32(rnd.IntN(f.vocab)), tok.ID)
		case 2:
		default:
			out = append(out, tok.ID)
		}
	}
	return out
}

// Every request gets exactly what it gets alone without an engine, whatever the
// budgets, the strangers in its batches, the state of the prefix cache, what is guessed, and
// however often it is preempted.
func TestEngineLikeAlone(t *testing.T) {
	preempted, cached, drafted, accepted := int64(0), int64(0), int64(0), int64(0)
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 11))
			size := 1 + rnd.IntN(5)
			r := newRig(t, rigOptions{
				size: size, blocks: 64/size + 1 + rnd.IntN(60)/size, noCache: rnd.IntN(4) == 0,
				policy: policy{rows: 2 + rnd.IntN(60), mixedRows: rnd.IntN(30), logits: 1 + rnd.IntN(20), running: 1 + rnd.IntN(10), queue: 1000, speculate: rnd.IntN(3) > 0},
			})
			r.run.eog = 7
			var wg sync.WaitGroup
			for range 25 {
				a := randomAsk(rnd)
				if rnd.IntN(4) > 0 {
					a.predict = guessed(rnd, r.run, a)
				}
				wg.Go(func() {
					got, err := r.do(t.Context(), a, nil)
					if err != nil {
						t.Errorf("%+v: %v", a, err)
						return
					}
					want := alone(r.run, a)
					if diff := cmp.Diff(want, got, ignoreCached, cmpopts.EquateEmpty()); diff != "" {
						t.Errorf("%+v differs from alone (-want +got):\n%s", a, diff)
					}
				})
			}
			wg.Wait()
			s := r.engine.Stats()
			preempted += s.Preemptions
			cached += s.PrefixHitTokens
			drafted, accepted = drafted+s.DraftTokens, accepted+s.DraftAccepted
		})
	}
	t.Logf("%d preemptions, %d cached tokens, of %d guesses %d right", preempted, cached, drafted, accepted)
	if preempted < 20 || cached < 20 || accepted < 200 || drafted-accepted < 200 {
		t.Error("too few to show anything")
	}
}

func TestEnginePromptComputedOnce(t *testing.T) {
	r := newRig(t, rigOptions{})
	prompt := ids(strings.Repeat("abcdefgh", 3)) // 24 tokens, 6 blocks
	out := r.must(ask{prompt: prompt, n: 4, max: 1})
	// The first computes 24 rows; each other finds 23, of which three are copied, and computes one.
	if want := 24 + 3; r.run.rows != want {
		t.Errorf("%d rows computed, want %d", r.run.rows, want)
	}
	if out.Usage.Cached != 0 || r.must(ask{prompt: prompt, max: 1}).Usage.Cached != 23 {
		t.Errorf("cached %d, want 0 at first and 23 the second time", out.Usage.Cached)
	}
}

func TestEngineCancel(t *testing.T) {
	r := newRig(t, rigOptions{blocks: 4000})
	r.run.before = func(*model.Batch) { time.Sleep(time.Millisecond) }
	ctx, cancel := context.WithCancel(t.Context())
	events := 0
	_, err := r.do(ctx, ask{prompt: ids("abc"), max: 5000, n: 2}, func(serving.Event) error {
		if events++; events == 5 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want canceled", err)
	}
	waitFor(t, "the blocks to come back", func() bool { return r.engine.Stats().BlocksUsed == 0 })
	if _, err := r.do(t.Context(), ask{prompt: ids("abc"), max: 5000}, func(e serving.Event) error { return errors.New("no more") }); err == nil || err.Error() != "no more" {
		t.Errorf("%v, want the error of emit", err)
	}
	waitFor(t, "the blocks to come back", func() bool { return r.engine.Stats().BlocksUsed == 0 })
	if n := r.engine.Stats().GeneratedTokens; n > 2000 {
		t.Errorf("%d tokens were generated for nobody", n)
	}
}

func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 10 s for %s", what)
		}
	}
}

func TestEngineDeadline(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.run.before = func(*model.Batch) { time.Sleep(time.Millisecond) }
	_, err := r.do(t.Context(), ask{prompt: ids("abc"), max: 200, deadline: time.Now().Add(10 * time.Millisecond)}, nil)
	if !errors.Is(err, serving.ErrDeadline) {
		t.Errorf("%v, want %v", err, serving.ErrDeadline)
	}
}

func TestEngineOverload(t *testing.T) {
	r := newRig(t, rigOptions{policy: policy{rows: 8, mixedRows: 8, logits: 8, running: 1, queue: 2}})
	gate := make(chan struct{})
	r.run.before = func(*model.Batch) { <-gate }
	results := make(chan error, 4)
	ask1 := func(client string) {
		_, err := r.do(t.Context(), ask{client: client, prompt: ids("abc"), max: 1}, nil)
		results <- err
	}
	go ask1("x")
	waitFor(t, "the first step", func() bool { r.run.mu.Lock(); defer r.run.mu.Unlock(); return r.run.steps == 1 })
	for range 3 {
		go ask1("x")
	}
	close(gate)
	refused := 0
	for range 4 {
		if err := <-results; errors.Is(err, serving.ErrOverloaded) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if refused > 1 {
		t.Errorf("%d refused", refused)
	}
}

// A request that breaks the computation takes nobody else down with it.
func TestEnginePanicAndNaN(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.run.panics, r.run.nan = 38, 39
	var wg sync.WaitGroup
	var broken, bad atomic.Int32
	gate := make(chan struct{})
	r.run.before = func(*model.Batch) { <-gate }
	for i := range 12 {
		wg.Go(func() {
			a := ask{prompt: []int32{int32(i), 1, 2, 3, 4}, max: 12, opt: &serving.Sampling{TopP: 1, RepetitionPenalty: 1, LogitBias: map[int32]float32{38: -100, 39: -100}}}
			switch i {
			case 3:
				a.prompt[2] = 38
			case 7:
				a.prompt[4] = 39
			}
			got, err := r.do(t.Context(), a, nil)
			var p *PanicError
			switch {
			case errors.As(err, &p):
				broken.Add(1)
			case errors.Is(err, errNotANumber):
				bad.Add(1)
			case err != nil:
				t.Error(err)
			default:
				if diff := cmp.Diff(alone(r.run, a), got, ignoreCached, cmpopts.EquateEmpty()); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
	waitFor(t, "the first step", func() bool { r.run.mu.Lock(); defer r.run.mu.Unlock(); return r.run.steps > 0 })
	for range 20 { // let the others queue up, so that they share batches
		time.Sleep(time.Millisecond)
	}
	close(gate)
	wg.Wait()
	if broken.Load() != 1 || bad.Load() != 1 {
		t.Errorf("%d panics and %d NaN reported, want 1 and 1", broken.Load(), bad.Load())
	}
}

// An error in the engine itself ends what is there and leaves a working engine.
func TestEngineRebuild(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.run.before = func(*model.Batch) {
		if r.run.steps == 3 {
			r.engine.sched.running[0].table.blocks = []int32{1 << 20} // only the next commit or release can notice
		}
	}
	_, err := r.do(t.Context(), ask{prompt: ids("abcdefghi"), max: 30}, nil)
	var p *PanicError
	if !errors.As(err, &p) {
		t.Fatalf("%v, want a PanicError", err)
	}
	if got := r.must(ask{prompt: ids("abc"), max: 5}); got.Usage.Completion != 5 {
		t.Errorf("%+v", got)
	}
}

func TestEngineDrain(t *testing.T) {
	r := newRig(t, rigOptions{})
	started := make(chan struct{})
	var once sync.Once
	r.run.before = func(*model.Batch) { time.Sleep(time.Millisecond); once.Do(func() { close(started) }) }
	done := make(chan error, 1)
	go func() {
		_, err := r.do(context.Background(), ask{prompt: ids("abc"), max: 30}, nil)
		done <- err
	}()
	<-started
	r.engine.drain(context.Background()) // no deadline: everything finishes
	if err := <-done; err != nil {
		t.Errorf("a running request was cut: %v", err)
	}
	if _, err := r.do(t.Context(), ask{prompt: ids("abc"), max: 1}, nil); !errors.Is(err, serving.ErrDraining) {
		t.Errorf("%v, want %v", err, serving.ErrDraining)
	}
}

func TestEngineDrainDeadline(t *testing.T) {
	r := newRig(t, rigOptions{})
	started := make(chan struct{})
	var once sync.Once
	r.run.before = func(*model.Batch) { time.Sleep(time.Millisecond); once.Do(func() { close(started) }) }
	done := make(chan error, 1)
	go func() {
		_, err := r.do(context.Background(), ask{prompt: ids("abc"), max: 200}, nil)
		done <- err
	}()
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	r.engine.drain(ctx)
	if err := <-done; !errors.Is(err, serving.ErrDraining) {
		t.Errorf("%v, want %v", err, serving.ErrDraining)
	}
}

// A reader that does not read holds up nobody, and still gets everything.
func TestEngineSlowReader(t *testing.T) {
	r := newRig(t, rigOptions{})
	release := make(chan struct{})
	slow := make(chan *reply, 1)
	a := ask{prompt: ids("slow"), max: 60}
	go func() {
		out, err := r.do(context.Background(), a, func(serving.Event) error { <-release; return nil })
		if err != nil {
			t.Error(err)
		}
		slow <- out
	}()
	for i := range 5 {
		r.must(ask{prompt: ids(fmt.Sprint("quick", i)), max: 60})
	}
	waitFor(t, "the slow one's computation to end", func() bool { return r.engine.Stats().Running == 0 })
	close(release)
	if diff := cmp.Diff(alone(r.run, a).Text, (<-slow).Text); diff != "" {
		t.Error(diff)
	}
}

type latencies struct{ first, next int }

func (l *latencies) FirstToken(time.Duration) { l.first++ }
func (l *latencies) NextToken(time.Duration)  { l.next++ }

func TestEngineObserverAndStats(t *testing.T) {
	l := &latencies{}
	r := newRig(t, rigOptions{observer: l})
	r.must(ask{prompt: ids("abcdefghi"), max: 5, n: 2})
	r.must(ask{prompt: ids("abcdefghi"), max: 3})
	// An answer reaches its reader before the step that made it is counted.
	waitFor(t, "the last step to be counted", func() bool { return r.engine.Stats().Running == 0 })
	s := r.engine.Stats()
	if l.first != 2 || l.next != 4+4+2 {
		t.Errorf("%d first tokens and %d gaps, want 2 and 10", l.first, l.next)
	}
	want := Stats{BlocksTotal: 64, PromptTokens: 18, PrefixHitTokens: 8, GeneratedTokens: 13, Steps: s.Steps, BlocksCached: s.BlocksCached, BatchRows: 1}
	if diff := cmp.Diff(want, s); diff != "" || s.BlocksCached < 2 {
		t.Errorf("stats %s", diff)
	}
}

// Many streams at once, most of which are cut off at random: nothing stays.
func TestEngineLeaks(t *testing.T) {
	before := runtime.NumGoroutine()
	r := newRig(t, rigOptions{blocks: 200, policy: policy{rows: 64, mixedRows: 64, logits: 64, running: 32, queue: 1000}})
	rnd := rand.New(rand.NewPCG(8, 9))
	var wg sync.WaitGroup
	for range 64 {
		seed := rnd.Uint64()
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, 1))
			for range 12 {
				a := randomAsk(rnd)
				ctx, cancel := context.WithCancel(t.Context())
				left := rnd.IntN(30)
				_, err := r.do(ctx, a, func(serving.Event) error {
					if left--; left == 0 {
						cancel()
					}
					return nil
				})
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	waitFor(t, "all to end", func() bool {
		s := r.engine.Stats()
		return s.Running == 0 && s.Waiting == 0 && s.BlocksUsed == 0
	})
	r.close()
	waitFor(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}

// An idle engine does nothing at all.
func TestEngineIdle(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.must(ask{prompt: ids("abc"), max: 2})
	steps := r.run.steps
	time.Sleep(20 * time.Millisecond)
	if r.run.steps != steps {
		t.Errorf("%d steps while idle", r.run.steps-steps)
	}
}

func TestEngineStops(t *testing.T) {
	r := newRig(t, rigOptions{})
	a := ask{prompt: ids("hello"), max: 40, top: 1}
	whole := alone(r.run, a)
	stop := whole.Text[0][10:13]
	a.stops = []string{stop}
	got := r.must(a)
	end := strings.Index(whole.Text[0], stop)
	if got.Text[0] != whole.Text[0][:end] || got.Finish[0] != serving.FinishStop || len(got.Tokens[0]) != end || got.Usage.Completion != end+3 {
		t.Errorf("got %q %s with %d tokens, %d counted; want %q", got.Text[0], got.Finish[0], len(got.Tokens[0]), got.Usage.Completion, whole.Text[0][:end])
	}
}

func TestEngineConstraint(t *testing.T) {
	r := newRig(t, rigOptions{})
	got := r.must(ask{prompt: ids("hello"), max: 30, limit: only{3, 5}})
	if strings.Trim(got.Text[0], "df") != "" || !slices.Contains([]rune(got.Text[0]), 'd') {
		t.Errorf("got %q, want d and f only", got.Text[0])
	}
}
