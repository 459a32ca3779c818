package bench

import (
	"cmp"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"graft/internal/model"
	"graft/serving"
	"graft/serving/native"
)

const (
	modelID = "bench"
	streams = 8
	// decodePrompt is the tokens before those that a stream generates, if no other
	// number is asked for.
	decodePrompt = 16
)

// backend is the engine, which all cases but load share.
func (b *bench) backend(ctx context.Context) (*native.Backend, error) {
	if b.engine != nil {
		return b.engine, nil
	}
	e, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	b.engine = e
	b.closers = append(b.closers, func() { e.Close(context.Background()) })
	m, _, release, err := e.WithModel(ctx, modelID)
	if err != nil {
		return nil, err
	}
	defer release()
	b.learn(m)
	return e, nil
}

// open starts an engine and loads the model. Prompts are drawn anew each time, so the
// prefix cache is of no use to them; it stays on, as in serving. Answers to them are loops that are
// easily guessed, so nothing is.
func (b *bench) open(ctx context.Context) (*native.Backend, error) {
	o := b.Engine
	o.Models = []native.Source{{
		Info: serving.Model{ID: modelID, Digest: "bench"}, // one that is given is not computed meanwhile
		Open: func(context.Context) (string, error) { return b.Model, nil },
	}}
	o.Adapters, o.Speculate = loader{}, false
	e, err := native.New(o)
	if err != nil {
		return nil, err
	}
	if err := e.Load(ctx, modelID); err != nil {
		e.Close(ctx)
		return nil, err
	}
	return e, nil
}

// request asks for tokens, greedily, after a prompt of n random tokens.
func (b *bench) request(n, tokens int, adapters ...serving.AdapterUse) *serving.Request {
	r := &serving.Request{
		Model: modelID, N: 1, MaxTokens: tokens, IgnoreEOS: true, Logprobs: -1, PromptLogprobs: -1,
		Sampling: serving.DefaultSampling(), PromptIDs: make([]int32, n), Adapters: adapters,
	}
	r.Sampling.Temperature = 0
	for i := range r.PromptIDs {
		r.PromptIDs[i] = rand.Int32N(int32(b.vocab))
	}
	return r
}

func nothing(serving.Event) error { return nil }

// learn notes what is known of the model.
func (b *bench) learn(m *model.Model) {
	w := workOf(m, b.Engine.CacheType)
	b.vocab, b.work = m.Config.Vocab, &w
}

// one measures a single stream after a prompt of depth tokens, from its first token to
// its last.
func (b *bench) one(e *native.Backend, depth int, adapters ...serving.AdapterUse) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		start := time.Now()
		r, err := e.Generate(ctx, b.request(depth, b.Tokens, adapters...), nothing)
		if err != nil {
			return sample{}, err
		}
		return sample{tokens: r.Usage.Completion - 1, seconds: (time.Since(start) - r.FirstToken).Seconds()}, nil
	}
}

// many measures eight streams from the first request to the last token.
func (b *bench) many(e *native.Backend, adapters func(i int) []serving.AdapterUse) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		var all sync.WaitGroup
		var errs [streams]error
		var tokens [streams]int
		start := time.Now()
		for i := range streams {
			req := b.request(decodePrompt, b.Tokens, adapters(i)...)
			all.Go(func() {
				r, err := e.Generate(ctx, req, nothing)
				if errs[i] = err; err == nil {
					tokens[i] = r.Usage.Completion
				}
			})
		}
		all.Wait()
		s := sample{seconds: time.Since(start).Seconds()}
		for i := range streams {
			if errs[i] != nil {
				return sample{}, errs[i]
			}
			s.tokens += tokens[i]
		}
		return s, nil
	}
}

func (b *bench) decode(ctx context.Context) ([]measurement, error) {
	e, err := b.backend(ctx)
	return []measurement{{"decode", b.one(e, cmp.Or(b.Depth, decodePrompt))}}, err
}

func (b *bench) prefill(ctx context.Context) ([]measurement, error) {
	e, err := b.backend(ctx)
	return []measurement{{"prefill", func(ctx context.Context) (sample, error) {
		r, err := e.Generate(ctx, b.request(b.Prompt, 1), nothing)
		if err != nil {
			return sample{}, err
		}
		return sample{tokens: b.Prompt, seconds: r.FirstToken.Seconds()}, nil
	}}}, err
}

func (b *bench) concurrent(ctx context.Context) ([]measurement, error) {
	e, err := b.backend(ctx)
	return []measurement{{"concurrent", b.many(e, func(int) []serving.AdapterUse { return nil })}}, err
}

func (b *bench) adapters(ctx context.Context) ([]measurement, error) {
	e, err := b.backend(ctx)
	if err != nil {
		return nil, err
	}
	one := func(int) []serving.AdapterUse { return use(0) }
	return []measurement{
		{"adapters: one stream, base", b.one(e, decodePrompt)},
		{"adapters: one stream, one adapter", b.one(e, decodePrompt, use(0)...)},
		{"adapters: eight streams, one adapter", b.many(e, one)},
		{"adapters: eight streams, eight adapters", b.many(e, use)},
	}, nil
}

// load measures a whole start, in seconds. The file is in the page cache after the
// round that warms up.
func (b *bench) load(context.Context) ([]measurement, error) {
	return []measurement{{"load to first token", func(ctx context.Context) (sample, error) {
		start := time.Now()
		e, err := b.open(ctx)
		if err != nil {
			return sample{}, err
		}
		defer e.Close(ctx)
		m, info, release, err := e.WithModel(ctx, modelID)
		if err != nil {
			return sample{}, err
		}
		defer release()
		b.learn(m)
		_, err = e.Generate(ctx, b.request(decodePrompt, 1), nothing)
		return sample{seconds: time.Since(start).Seconds(), bytes: info.Bytes}, err
	}}}, nil
}
