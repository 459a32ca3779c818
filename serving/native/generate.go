package native

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"graft/internal/chat"
	"graft/internal/tokenizer"
	"graft/serving"
)

// Generate answers a request.
func (b *Backend) Generate(ctx context.Context, req *serving.Request, emit func(serving.Event) error) (*serving.Result, error) {
	if !req.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, req.Deadline, serving.ErrDeadline)
		defer cancel()
	}
	ctx, cancel := context.WithCancel(ctx) // the engine lets go of what we leave
	defer cancel()
	in, release, err := b.models.acquire(ctx, req.Model)
	if err != nil {
		return nil, err
	}
	defer release()
	if in.engine.encoder {
		return nil, &serving.ParamError{Param: "model", Message: fmt.Sprintf("model %q makes embeddings only", in.info.ID)}
	}
	set, err := setOf(req.Adapters)
	if err != nil {
		return nil, err
	}
	j, err := in.newJob(ctx, req, set)
	if err != nil {
		return nil, err
	}
	j.submitted = b.opts.Now()
	if err := in.lease(ctx, j, set); err != nil {
		return nil, err
	}
	if err := in.engine.submit(j); err != nil {
		if j.lease != nil {
			j.lease()
		}
		return nil, err
	}
	if err := in.deliver(ctx, j, req, emit); err != nil {
		return nil, err
	}
	return &serving.Result{
		Usage: j.usage(), Prompt: in.promptScores(j), Fingerprint: in.print.with(set, req.Template),
		QueueTime: j.queued, FirstToken: j.first,
	}, nil
}

// lease brings the adapters of j into memory. The engine lets go of them when it
// closes j.
func (in *instance) lease(ctx context.Context, j *job, set adapterSet) error {
	if set == nil {
		return nil
	}
	adapters, release, err := in.adapters.acquire(ctx, set.generations())
	if err != nil {
		return err
	}
	weighted := set.weighted(adapters)
	for _, a := range j.answers {
		a.seq.adapters = weighted
	}
	j.lease = release
	return nil
}

// newJob checks a request and makes the job of it.
func (in *instance) newJob(ctx context.Context, req *serving.Request, set adapterSet) (*job, error) {
	if err := in.check(req); err != nil {
		return nil, err
	}
	if len(req.Adapters) > 0 {
		if err := in.takesAdapters(); err != nil {
			return nil, err
		}
	}
	p, err := in.promptOf(req)
	if err != nil {
		return nil, err
	}
	limit, err := in.room(len(p.ids), req.MaxTokens)
	if err != nil {
		return nil, err
	}
	constrain, err := in.constraintFor(req, &p)
	if err != nil {
		return nil, err
	}
	seed := rand.Int64()
	if req.Sampling.Seed != nil {
		seed = *req.Sampling.Seed
	}
	j := &job{ctx: ctx, out: newMailbox(), prompt: p.ids, text: p.text, promptTop: req.PromptLogprobs}
	n := max(req.N, 1, req.BestOf)
	key := in.cacheKey(limit, set)
	var predicted []int32
	if req.Prediction != "" {
		ids := in.tok.Encode(req.Prediction, tokenizer.EncodeOptions{})
		predicted = slices.Concat(p.ids[max(0, len(p.ids)-mostMatch):], ids[:min(len(ids), in.context)])
	}
	for i := range n {
		a := &answer{job: j, index: i, sampler: newSampler(req.Sampling, seed, i, p.ids), stream: in.newStream(req, &p)}
		a.sampler.logprobs, a.sampler.scored = req.Logprobs, n > max(req.N, 1)
		if constrain != nil {
			a.sampler.constraint = constrain()
		}
		a.seq = sequence{client: req.Client, owner: req.Owner, key: key, ids: slices.Clone(p.ids), prompt: len(p.ids), limit: limit, deadline: req.Deadline}
		a.drafter = drafter{predicted: predicted, ends: a.stream.ends}
		if i == 0 && req.PromptLogprobs >= 0 {
			a.seq.scoreTo = len(p.ids) - 1
		}
		j.answers = append(j.answers, a)
	}
	return j, nil
}

// check refuses what no model can do.
func (in *instance) check(req *serving.Request) error {
	for id := range req.Sampling.LogitBias {
		if id < 0 || int(id) >= in.vocab {
			return badID("logit_bias", id, in.vocab)
		}
	}
	switch s := req.Sampling; {
	case !(s.Temperature >= 0) || math.IsInf(float64(s.Temperature), 0):
		return &serving.ParamError{Param: "temperature", Message: "temperature must be 0 or above"}
	case !(s.TopP >= 0 && s.TopP <= 1):
		return &serving.ParamError{Param: "top_p", Message: "top_p must be between 0 and 1"}
	case !(s.MinP >= 0 && s.MinP <= 1):
		return &serving.ParamError{Param: "min_p", Message: "min_p must be between 0 and 1"}
	case !(s.RepetitionPenalty > 0):
		return &serving.ParamError{Param: "repetition_penalty", Message: "repetition_penalty must be above 0"}
	case req.BestOf > 0 && req.BestOf < req.N:
		return &serving.ParamError{Param: "best_of", Message: "best_of must not be less than n"}
	}
	return nil
}

func (in *instance) newStream(req *serving.Request, p *prompt) *stream {
	decoder := in.tok.NewDecoder(true)
	if !p.chat {
		decoder.Continue()
	}
	stops := slices.DeleteFunc(slices.Clone(req.Stop), func(s string) bool { return s == "" }) // would end every answer
	s := &stream{decoder: decoder, stops: stopFinder{stops: stops}, oneCall: !req.ParallelTools}
	if !req.IgnoreEOS {
		s.ends = slices.Clone(in.tok.EOG())
	}
	s.ends = append(s.ends, req.StopIDs...)
	if req.Logprobs >= 0 {
		s.bytes = in.tok.Bytes
	}
	if tools := toolsFor(req); p.chat && (len(tools) > 0 || p.dialect.Reasons()) {
		s.markers, s.thinking = p.markers, p.reasoning
		s.parser = p.dialect.Parser(chat.ParserOptions{Tools: tools, Reasoning: true, InReasoning: p.reasoning})
	}
	return s
}

// deliver emits the events of j as they come: before the first of each answer
// the echo of the prompt, and with BestOf only those of the best, at the end.
func (in *instance) deliver(ctx context.Context, j *job, req *serving.Request, emit func(serving.Event) error) error {
	begun := make([]bool, len(j.answers))
	echo := func(e serving.Event) error {
		if req.Echo && !begun[e.Index] {
			begun[e.Index] = true
			if err := emit(serving.Event{Index: e.Index, Text: j.text, Tokens: in.promptScores(j)}); err != nil {
				return err
			}
		}
		return emit(e)
	}
	n := max(req.N, 1)
	if len(j.answers) == n {
		return j.wait(ctx, echo)
	}
	events := make([][]serving.Event, len(j.answers))
	if err := j.wait(ctx, func(e serving.Event) error {
		events[e.Index] = append(events[e.Index], e)
		return nil
	}); err != nil {
		return err
	}
	best := slices.Clone(j.answers)
	slices.SortStableFunc(best, func(a, b *answer) int { return cmp.Compare(b.meanLogprob(), a.meanLogprob()) })
	for i, a := range best[:n] {
		for _, e := range events[a.index] {
			e.Index = i
			if err := echo(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *answer) meanLogprob() float64 { return a.logprob / float64(max(a.stream.generated, 1)) }

// promptScores are the log-probabilities of the prompt's tokens, nil when nobody
// asked for them.
func (in *instance) promptScores(j *job) []serving.TokenLogprob {
	if j.promptTop < 0 {
		return nil
	}
	out := []serving.TokenLogprob{{ID: j.prompt[0], Bytes: in.tok.Bytes(j.prompt[0]), First: true}}
	for _, t := range j.scores {
		t.Bytes = in.tok.Bytes(t.ID)
		t.Top = slices.Clone(t.Top)
		for i := range t.Top {
			t.Top[i].Bytes = in.tok.Bytes(t.Top[i].ID)
		}
		out = append(out, t)
	}
	return out
}
