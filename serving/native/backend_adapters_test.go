package native

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"graft/adapters"
	"graft/adapters/adapterstest"
	"graft/internal/chat"
	"graft/internal/model"
	"graft/serving"
	"graft/serving/servingtest"
)

// tinyAdapters loads adapters of the tiny model, as the application does.
type tinyAdapters struct {
	t     testing.TB
	store map[string]*adapters.Adapter
	names []string // generations of the adapters by number
	bytes map[string]int64
	mu    sync.Mutex
	loads int
}

// newTinyAdapters has three adapters, which change answers a good deal.
func newTinyAdapters(t testing.TB) *tinyAdapters {
	t.Helper()
	m, err := model.Load("testdata/tiny", model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	l := &tinyAdapters{t: t, store: map[string]*adapters.Adapter{}, bytes: map[string]int64{}}
	for seed, targets := range [][]string{nil, {"q_proj", "v_proj", "down_proj"}, {"k_proj", "o_proj", "up_proj"}} {
		a := adapterstest.Random(t, m, 4<<seed, targets, uint64(seed+1), 0.6)
		l.store[a.Generation] = a
		l.names = append(l.names, a.Generation)
		c, err := fit(m, a)
		if err != nil {
			t.Fatal(err)
		}
		l.bytes[a.Generation] = c.Bytes
	}
	return l
}

func (l *tinyAdapters) AdapterBytes(_ context.Context, generation string) (int64, error) {
	n, ok := l.bytes[generation]
	if !ok {
		return 0, adapters.ErrNotFound
	}
	return n, nil
}

func (l *tinyAdapters) LoadAdapter(_ context.Context, _ string, m *model.Model, generation string) (*model.Adapter, error) {
	a := l.store[generation]
	if a == nil {
		return nil, adapters.ErrNotFound
	}
	l.mu.Lock()
	l.loads++
	l.mu.Unlock()
	return fit(m, a)
}

func fit(m *model.Model, a *adapters.Adapter) (*model.Adapter, error) {
	b, err := adapters.NewBase(m).Fit(a)
	if err != nil {
		return nil, err
	}
	return b.Compile()
}

// use is a set of adapters, by their numbers, with a weight for each.
func (l *tinyAdapters) use(weights ...float32) []serving.AdapterUse {
	var out []serving.AdapterUse
	for i, w := range weights {
		if w != 0 {
			out = append(out, serving.AdapterUse{Generation: l.names[i], Weight: w})
		}
	}
	return out
}

func adapterOptions(t testing.TB) (Options, *tinyAdapters) {
	o, l := tinyOptions(t), newTinyAdapters(t)
	o.Adapters = l
	return o, l
}

func TestBackendWithAdaptersConforms(t *testing.T) {
	o, l := adapterOptions(t)
	b := newBackend(t, o)
	s := servingtest.Subject{Chat: "tiny", Seeds: true, IgnoreEOS: true, N: true, Logprobs: true, Adapter: l.names[0]}
	servingtest.Run(t, s, func(*testing.T) serving.Backend { return b })
}

// adapterRequests are requests with the base and with sets of adapters, some
// sampled, whose prompts are equal.
func adapterRequests(l *tinyAdapters) []*serving.Request {
	var out []*serving.Request
	seed := int64(7)
	for i, uses := range [][]serving.AdapterUse{
		nil, l.use(1), l.use(0, 1), l.use(0.5), l.use(0, 0, 1), l.use(1, 1), l.use(1, 0.5), l.use(-1, 0, 2),
	} {
		req := greedy("tiny")
		req.Messages = []chat.Message{chat.Text("user", "Hello there, tell me about the sea. Name a colour. Once upon a time there was a colour.")}
		req.MaxTokens, req.IgnoreEOS, req.Logprobs, req.Adapters = 50, true, 2, uses
		if i%3 == 2 {
			req.Sampling = serving.Sampling{Temperature: 0.9, TopP: 0.95, RepetitionPenalty: 1.1, Seed: &seed}
			req.N = 2
		}
		out = append(out, req)
	}
	return out
}

// The same request gives the same bits with the same adapters: alone and among
// others, with the prefix cache cold and warm, in chunks, preempted, and while
// adapters come and go for want of room. Each set has a fingerprint of its own.
func TestAdapterIdentities(t *testing.T) {
	o, l := adapterOptions(t)
	plainOptions := o
	plainOptions.NoCache, plainOptions.Threads = true, 1
	plain := newBackend(t, plainOptions)
	reqs := adapterRequests(l)
	want := make([]outcome, len(reqs))
	prints := make([]string, len(reqs))
	for i, req := range reqs {
		c := mustGenerate(t, plain, req)
		want[i], prints[i] = outcomeOf(c, 0), c.Fingerprint
		for k := range i {
			if want[k].Text == want[i].Text || prints[k] == prints[i] {
				t.Errorf("sets %d and %d: %q (%s) and %q (%s)", k, i, want[k].Text, prints[k], want[i].Text, prints[i])
			}
		}
	}
	m := plain.models.loaded()[0].model
	spec := m.CacheSpec(o.CacheType, o.BlockTokens, 1)
	var all int64 // blocks of the three adapters
	for _, r := range plain.Residents() {
		all += (r.Bytes + spec.BlockBytes() - 1) / spec.BlockBytes()
	}
	for name, change := range map[string]func(*Options){
		"prefix cache": func(*Options) {},
		"chunks":       func(o *Options) { o.StepTokens, o.MixedTokens = 40, 10 },
		"preempted": func(o *Options) {
			o.NoCache, o.Context = true, 112 // 7 blocks
			o.AdapterBytes = all * spec.BlockBytes()
			o.CacheBytes = o.AdapterBytes + 9*spec.BlockBytes()
		},
		"little room": func(o *Options) { o.AdapterBytes = (all - 1) * spec.BlockBytes() },
	} {
		t.Run(name, func(t *testing.T) {
			o := o
			change(&o)
			b := newBackend(t, o)
			var wg sync.WaitGroup
			for range 3 {
				for i, req := range reqs {
					wg.Go(func() {
						c, err := generate(t, b, req)
						if err != nil {
							t.Error(err)
							return
						}
						if diff := cmp.Diff(want[i], outcomeOf(c, 0)); diff != "" || c.Fingerprint != prints[i] {
							t.Errorf("set %d, fingerprint %s and %s (-alone +got):\n%s", i, prints[i], c.Fingerprint, diff)
						}
					})
				}
			}
			wg.Wait()
			s := b.Stats()[0]
			t.Logf("%d hits of %d, %d preemptions, adapters %+v", s.PrefixHitTokens, s.PromptTokens, s.Preemptions, s.Adapters)
			if name == "prefix cache" && s.PrefixHitTokens == 0 || name == "preempted" && s.Preemptions == 0 || name == "little room" && s.Adapters.Evictions == 0 {
				t.Errorf("%+v: it did not come to what was to be tested", s)
			}
			for _, r := range b.Residents() {
				if r.Leases != 0 {
					t.Errorf("%+v at the end", r)
				}
			}
		})
	}
}

// slow makes each token take a while.
type slow struct{ on atomic.Bool }

func (s *slow) FirstToken(time.Duration) {}

func (s *slow) NextToken(time.Duration) {
	if s.on.Load() {
		time.Sleep(2 * time.Millisecond)
	}
}

// An adapter that is unloaded, and loaded for others, in the middle of an answer
// changes nothing of it.
func TestBackendSwapMidStream(t *testing.T) {
	o, l := adapterOptions(t)
	wait := &slow{}
	o.Observer = func(string) Observer { return wait }
	b := newBackend(t, o)
	reqs := adapterRequests(l)
	req, other := reqs[1], reqs[4]
	want, wantOther := mustGenerate(t, b, req).text[0], mustGenerate(t, b, other).text[0]
	wait.on.Store(true)
	var wg sync.WaitGroup
	var once sync.Once
	got := ""
	if _, err := b.Generate(t.Context(), req, func(e serving.Event) error {
		got += e.Text
		once.Do(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if err := b.Unload(ctx, l.names[0]); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("unloaded in the middle: %v", err)
			}
			wg.Go(func() {
				if err := b.Unload(t.Context(), l.names[0]); err != nil {
					t.Error(err)
				}
			})
			for _, q := range []*serving.Request{other, req} {
				wg.Go(func() {
					c, err := generate(t, b, q)
					if err != nil || c.text[0] != want && c.text[0] != wantOther {
						t.Errorf("%q, %v", c.text[0], err)
					}
				})
			}
		})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if got != want {
		t.Errorf("%q, undisturbed %q", got, want)
	}
}

// What a request gets wrong is told by its field; what cannot be had is ErrAdapter.
func TestBackendAdapterErrors(t *testing.T) {
	o, l := adapterOptions(t)
	o.Models = append(o.Models, o.Models[0])
	o.Models[3].Info.ID = "small"
	b := newBackend(t, o)
	bad := adapterRequests(l)[1]
	bad.Adapters = []serving.AdapterUse{{Generation: "sha256:none", Weight: 1}}
	if _, err := generate(t, b, bad); !errors.Is(err, serving.ErrAdapter) || !errors.Is(err, adapters.ErrNotFound) || !strings.Contains(err.Error(), "sha256:none") {
		t.Errorf("%v", err)
	}
	var p *serving.ParamError
	if err := b.Warm(t.Context(), "tinybert", l.names[0]); !errors.As(err, &p) || p.Param != "adapters" {
		t.Errorf("an encoder: %v", err)
	}
	bad.Model, bad.Messages, bad.Prompt = "tinybert", nil, "the sea"
	if _, err := generate(t, b, bad); !errors.As(err, &p) {
		t.Errorf("an encoder: %v", err)
	}
	o.AdapterBytes = o.CacheBytes
	if err := newBackend(t, o).Load(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "adapters.memory") {
		t.Errorf("adapters take all memory: %v", err)
	}
}

// n, best_of, an emit that fails, a context that ends: leases return to 0.
func TestBackendAdapterLeases(t *testing.T) {
	o, l := adapterOptions(t)
	wait := &slow{}
	o.Observer = func(string) Observer { return wait }
	b := newBackend(t, o)
	leases := func() (n int) {
		for _, r := range b.Residents() {
			n += r.Leases
		}
		return n
	}
	req := adapterRequests(l)[6]
	req.N, req.BestOf, req.Sampling.Temperature = 2, 4, 1
	mustGenerate(t, b, req)
	if n := leases(); n != 0 {
		t.Errorf("%d leases after an answer", n)
	}
	req.BestOf = 0
	if _, err := b.Generate(t.Context(), req, func(serving.Event) error { return errors.New("no more") }); err == nil {
		t.Error("no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	long := *req
	long.MaxTokens = 160
	wait.on.Store(true) // it is not over before this goroutine hears of its first token
	if _, err := b.Generate(ctx, &long, func(serving.Event) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	wait.on.Store(false)
	waitFor(t, "leases to end", func() bool { return leases() == 0 })
	req.Deadline = time.Now().Add(-time.Second)
	if _, err := generate(t, b, req); !errors.Is(err, serving.ErrDeadline) {
		t.Errorf("%v", err)
	}
	waitFor(t, "leases to end", func() bool { return leases() == 0 })
	if s := b.Stats()[0]; s.Adapters.Resident != 2 || s.Adapters.Waiting != 0 || s.BlocksLent == 0 {
		t.Errorf("stats %+v", s)
	}
}

// The memory of adapters is a part of that for keys and values, and a sequence has
// room beside them.
func TestAdapterBlocks(t *testing.T) {
	o := DefaultOptions()
	o.BlockTokens = 16
	if n := o.adapterBlocks(1000, 100, 10); n != 0 {
		t.Errorf("%d blocks for no adapters", n)
	}
	o.Adapters = &tinyAdapters{}
	for _, c := range []struct {
		bytes          int64
		total, context int
		want           int
	}{
		{0, 1000, 16 * 100, 500},  // half
		{0, 1000, 16 * 600, 400},  // what the context leaves
		{0, 1000, 16 * 1600, 125}, // an eighth at least
		{2005, 1000, 100, 200},
		{9999, 1000, 100, 999},
	} {
		o.AdapterBytes = c.bytes
		if n := o.adapterBlocks(c.total, c.context, 10); n != c.want {
			t.Errorf("%d bytes of %d blocks, context %d: %d blocks, want %d", c.bytes, c.total, c.context, n, c.want)
		}
	}
	o, _ = adapterOptions(t)
	b := newBackend(t, o)
	if err := b.Load(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	in := b.models.loaded()[0]
	if room := (in.engine.Stats().BlocksTotal - in.adapterBlocks) * o.BlockTokens; in.context > room {
		t.Errorf("a context of %d, and room for %d", in.context, room)
	}
}

// A request's template takes the place of the model's, also where there is none,
// and for counting tokens; a bad one is told by its field.
func TestRequestTemplate(t *testing.T) {
	b := newBackend(t, tinyOptions(t))
	const template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
	for _, model := range []string{"tiny", "tiny-base"} {
		req := greedy(model)
		req.Messages, req.Template, req.MaxTokens = []chat.Message{chat.Text("user", "Hello")}, template, 8
		got := mustGenerate(t, b, req)
		same := greedy(model)
		same.Prompt, same.MaxTokens = "[user] Hello\n[assistant]", 8
		tok, err := b.Tokenize(t.Context(), &serving.TokenizeRequest{Model: model, Messages: req.Messages, Template: template, AddGenerationPrompt: true})
		if err != nil {
			t.Fatal(err)
		}
		plain, err := b.Tokenize(t.Context(), &serving.TokenizeRequest{Model: model, Prompt: same.Prompt})
		if err != nil || !slices.Equal(tok.IDs, plain.IDs) {
			t.Errorf("%v is not the text of the template: %v, %v", tok.IDs, plain.IDs, err)
		}
		if want := mustGenerate(t, b, same); got.text[0] != strings.TrimPrefix(want.text[0], " ") && got.text[0] != want.text[0] || got.Usage.Prompt != len(plain.IDs) {
			t.Errorf("%q of %d tokens, want %q of %d", got.text[0], got.Usage.Prompt, want.text[0], len(plain.IDs))
		}
		var p *serving.ParamError
		req.Template = "{% for m in messages %}"
		if _, err := generate(t, b, req); !errors.As(err, &p) || p.Param != "chat_template" {
			t.Errorf("%v", err)
		}
		if _, err := b.Tokenize(t.Context(), &serving.TokenizeRequest{Model: model, Messages: req.Messages, Template: req.Template}); !errors.As(err, &p) || p.Param != "chat_template" {
			t.Errorf("%v", err)
		}
	}
	in := b.models.loaded()[0]
	for i := range 3 * maxTemplates {
		if _, err := in.formatFor(fmt.Sprintf("%d{{ messages[0].content }}", i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(in.templates.byKey); n != maxTemplates || len(in.templates.order) != n {
		t.Errorf("%d templates are kept, %d in order", n, len(in.templates.order))
	}
	if a, _ := in.formatFor(fmt.Sprintf("%d{{ messages[0].content }}", 3*maxTemplates-1)); a != in.templates.byKey[in.templates.order[maxTemplates-1]] {
		t.Error("the latest template is compiled anew")
	}
}
