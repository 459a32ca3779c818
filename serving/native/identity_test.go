package native

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"graft/internal/chat"
	"graft/internal/kernel"
	"graft/internal/kernel/kerneltest"
	"graft/serving"
)

// identityRequests are answers that differ in everything that a request can ask.
func identityRequests() []*serving.Request {
	var out []*serving.Request
	seed := int64(7)
	for i, text := range []string{
		"Hello there, tell me about the sea.",
		"Hello there, tell me about the sea. Name a colour. Once upon a time there was a colour that nobody could name. What is two and two? Please answer: yes or no.",
		"a",
		"one two three four five six seven eight nine ten 0123456789 one two three four five six seven eight nine ten",
	} {
		for _, sampled := range []bool{false, true} {
			req := greedy("tiny")
			req.Messages = []chat.Message{chat.Text("user", text)}
			req.MaxTokens, req.IgnoreEOS, req.Logprobs = 40, true, 2
			if sampled {
				req.Sampling = serving.Sampling{Temperature: 0.9, TopP: 0.95, TopK: 50, RepetitionPenalty: 1.1, PresencePenalty: 0.2, Seed: &seed}
			}
			if i == 1 && !sampled {
				req.PromptLogprobs = 1
			}
			out = append(out, req)
		}
	}
	return out
}

// outcome is what must not change: text, tokens and their log-probabilities, to
// the last bit.
type outcome struct {
	Text   string
	Tokens []serving.TokenLogprob
	Prompt []serving.TokenLogprob
}

func outcomeOf(c *collected, i int) outcome { return outcome{c.text[i], c.tokens[i], c.Result.Prompt} }

// The same request gives the same bits: in any chunks, among strangers, with the
// prefix cache cold, warm or off, whatever is guessed, and preempted or not; in every format of the
// cache, and by every path of the kernels.
func TestIdentities(t *testing.T) {
	best := kernel.Impl()
	kerneltest.EachImpl(t, func(t *testing.T) {
		reqs := identityRequests()
		if testing.Short() && kernel.Impl() != best {
			t.Skip("slow")
		}
		if kernel.Impl() != best { // the portable path is slow: less will do
			t.Run("F16", func(t *testing.T) { identities(t, kernel.F16, reqs[2:6]) })
			return
		}
		if testing.Short() { // the race detector looks for other things
			t.Run("F16", func(t *testing.T) { identities(t, kernel.F16, reqs) })
			return
		}
		for _, typ := range []kernel.Type{kernel.F32, kernel.F16, kernel.BF16, kernel.Q8_0} {
			t.Run(typ.String(), func(t *testing.T) { identities(t, typ, reqs) })
		}
	})
}

func identities(t *testing.T, typ kernel.Type, reqs []*serving.Request) {
	with := func(change func(*Options)) *Backend {
		o := tinyOptions(t)
		o.CacheType = typ
		change(&o)
		return newBackend(t, o)
	}
	plain := with(func(o *Options) { o.NoCache, o.Threads, o.Speculate = true, 1, false })
	want := make([]outcome, len(reqs))
	for i, req := range reqs {
		want[i] = outcomeOf(mustGenerate(t, plain, req), 0)
	}
	check := func(t *testing.T, b *Backend, i int) {
		t.Helper()
		c, err := generate(t, b, reqs[i])
		if err != nil {
			t.Error(err)
			return
		}
		if diff := cmp.Diff(want[i], outcomeOf(c, 0)); diff != "" {
			t.Errorf("request %d (-alone +got):\n%s", i, diff)
		}
	}
	for _, rows := range []int{2, 5, 33} {
		t.Run(fmt.Sprintf("chunks of %d", rows), func(t *testing.T) {
			b := with(func(o *Options) { o.NoCache = true; o.StepTokens = rows })
			for i := range reqs {
				check(t, b, i)
			}
		})
	}
	t.Run("cache cold and warm", func(t *testing.T) {
		b := with(func(*Options) {})
		for range 2 {
			for i := range reqs {
				check(t, b, i)
			}
		}
		if s := b.Stats()[0]; s.PrefixHitTokens == 0 {
			t.Error("nothing was found in the prefix cache")
		}
	})
	t.Run("among strangers", func(t *testing.T) {
		b := with(func(o *Options) { o.StepTokens, o.MixedTokens = 70, 20 })
		var wg sync.WaitGroup
		for range 3 {
			for i := range reqs {
				wg.Go(func() { check(t, b, i) })
			}
		}
		wg.Wait()
	})
	t.Run("guessed", func(t *testing.T) {
		// A clock that stands still tells nothing of what guesses cost, so they stay cheap.
		b := with(func(o *Options) { o.Now = func() time.Time { return time.Time{} } })
		var before serving.Usage
		for i, req := range reqs {
			for _, prediction := range []string{want[i].Text, want[i].Text[:len(want[i].Text)/2] + " and " + want[i].Text[len(want[i].Text)/2:]} {
				hinted := *req
				hinted.Prediction = prediction
				c := mustGenerate(t, b, &hinted)
				if diff := cmp.Diff(want[i], outcomeOf(c, 0)); diff != "" {
					t.Errorf("request %d (-alone +got):\n%s", i, diff)
				}
				before.Add(c.Usage)
			}
		}
		if s := b.Stats()[0]; before.Accepted == 0 || before.Rejected == 0 || s.DraftAccepted < int64(before.Accepted) {
			t.Errorf("%+v, %+v: some guesses should be right, and some wrong", before, s)
		}
	})
	t.Run("preempted", func(t *testing.T) {
		b := with(func(o *Options) {
			o.CacheBytes = 14 * spec(t, typ).BlockBytes() // 14 blocks of 16: little more than one request
			o.NoCache = true
		})
		// Who is preempted depends on who comes when: requests that end before the next
		// one begins want no one's room.
		for round := 0; round == 0 || b.Stats()[0].Preemptions == 0; round++ {
			if round == 50 {
				t.Fatal("nothing was preempted")
			}
			var wg sync.WaitGroup
			for range 2 {
				for i := range reqs {
					wg.Go(func() { check(t, b, i) })
				}
			}
			wg.Wait()
		}
	})
	t.Run("several answers", func(t *testing.T) {
		b := with(func(*Options) {})
		for i, req := range reqs {
			many := *req
			many.N = 3
			c := mustGenerate(t, b, &many)
			if diff := cmp.Diff(want[i], outcomeOf(c, 0)); diff != "" {
				t.Errorf("request %d, first of three (-alone +got):\n%s", i, diff)
			}
			again := mustGenerate(t, plain, &many)
			if diff := cmp.Diff(again.tokens, c.tokens); diff != "" {
				t.Errorf("request %d, three without and with prefix cache:\n%s", i, diff)
			}
			if sampled := req.Sampling.Temperature > 0; sampled == (c.text[0] == c.text[1]) {
				t.Errorf("request %d: answers %q, sampled %v", i, c.text, sampled)
			}
		}
	})
}

func spec(t *testing.T, typ kernel.Type) interface{ BlockBytes() int64 } {
	t.Helper()
	b := newBackend(t, tinyOptions(t))
	if err := b.Load(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	s := b.models.loaded()[0].model.CacheSpec(typ, 16, 1)
	return &s
}
