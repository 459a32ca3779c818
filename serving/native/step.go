package native

import (
	"cmp"
	"context"
	"slices"

	"graft/internal/model"
	"graft/serving"
)

// step computes what the scheduler planned and hands out the tokens.
func (e *engine) step() {
	e.plan = e.sched.next(e.plan)
	now := e.now()
	for _, c := range e.plan {
		if j := c.seq.answer.job; !j.begun {
			j.begun, j.queued = true, now.Sub(j.submitted)
			e.stats.PromptTokens += int64(len(j.prompt))
			e.stats.PrefixHitTokens += int64(c.seq.cached)
		}
	}
	e.stats.Steps++
	together(e.plan)
	learns, begun := e.spec != nil && e.speculate(e.plan), e.now()
	e.compute(e.plan)
	if learns {
		e.spec.pace.learn(len(e.batch.IDs), e.now().Sub(begun))
	}
	clear(e.plan) // an adapter that leaves is not to be kept by the last step it was in
	clear(e.batch.Segs[:cap(e.batch.Segs)])
}

// together brings the chunks of each set of adapters side by side, so that a pass
// reads an adapter once. The order of chunks changes no number.
func together(plan []chunk) {
	if slices.ContainsFunc(plan, func(c chunk) bool { return c.seq.adapters != nil }) {
		slices.SortStableFunc(plan, func(a, b chunk) int { return cmp.Compare(a.seq.key, b.seq.key) })
	}
}

// compute runs one pass over chunks. When the pass breaks, every chunk is tried
// by itself, so that only the request that breaks it is lost: what was written to
// the cache is written again, and nothing has been sampled yet.
func (e *engine) compute(chunks []chunk) {
	e.gather(chunks)
	var logits []float32
	err := guarded(func() (err error) {
		logits, err = e.run.Step(&e.batch)
		return err
	})
	switch {
	case err == nil:
		e.spread(chunks, logits)
	case len(chunks) == 1:
		e.fail(chunks[0].seq.answer.job, err)
	default:
		for _, c := range chunks {
			if c.seq.state == stateRunning {
				e.compute([]chunk{c})
			}
		}
	}
}

// gather makes the batch of a pass.
func (e *engine) gather(chunks []chunk) {
	b := &e.batch
	b.IDs, b.Segs, b.Logits = b.IDs[:0], b.Segs[:0], b.Logits[:0]
	for _, c := range chunks {
		q := c.seq
		b.Segs = append(b.Segs, model.Segment{Row: len(b.IDs), Len: c.n + len(c.draft), Past: q.computed, Limit: q.limit, Blocks: q.table.blocks, Adapters: q.adapters})
		b.IDs = append(b.IDs, q.ids[q.computed:q.computed+c.n]...)
		r := len(b.IDs) - c.logits
		b.IDs = append(b.IDs, c.draft...)
		for ; r < len(b.IDs); r++ {
			b.Logits = append(b.Logits, int32(r))
		}
	}
}

// pick is what is done with one row of logits: score the token of the prompt at that place, or (prompt 0)
// sample the next token; and the one after it as long as the guess before its row
// was right.
type pick struct {
	answer *answer
	logits []float32 // [1 + len(draft), V]
	draft  []int32
	prompt int
	tok    serving.TokenLogprob // of the prompt
	err    error
}

// picks are the rows of one pass, shared out among the workers.
type picks []pick

// Do computes one pick.
func (p *picks) Do(i int) {
	x := &(*p)[i]
	x.err = guarded(func() (err error) {
		if x.prompt > 0 {
			j := x.answer.job
			x.tok, err = score(x.logits, j.prompt[x.prompt], j.promptTop)
		} else {
			err = x.sample()
		}
		return err
	})
}

// sample leaves what it samples with the answer.
func (x *pick) sample() error {
	a := x.answer
	a.sampled = a.sampled[:0]
	width := len(x.logits) / (1 + len(x.draft))
	for i := 0; ; i++ {
		tok, err := a.sampler.next(x.logits[i*width : (i+1)*width])
		if err != nil {
			return err
		}
		a.sampled = append(a.sampled, tok)
		if i == len(x.draft) || tok.ID != x.draft[i] || a.sampler.done() {
			return nil
		}
	}
}

// spread advances the sequences by what was computed, and turns the logits
// [rows, V] into tokens and events.
func (e *engine) spread(chunks []chunk, logits []float32) {
	e.picks = e.picks[:0]
	width := 0
	if n := len(e.batch.Logits); n > 0 {
		width = len(logits) / n
	}
	for _, c := range chunks {
		q := c.seq
		samples := c.samples() && len(q.ids) < q.limit
		place := q.computed + c.n - c.logits // of the chunk's first row with logits
		for range c.logits {
			rows := 1
			if place == q.computed+c.n-1 {
				rows += len(c.draft)
			}
			p := pick{answer: q.answer, logits: logits[:rows*width], draft: c.draft[:rows-1]}
			logits = logits[rows*width:]
			place++ // of the token that this row predicts
			switch {
			case place < q.prompt && place <= q.scoreTo:
				p.prompt = place
				e.picks = append(e.picks, p)
			case place == len(q.ids) && samples:
				e.picks = append(e.picks, p)
			}
		}
	}
	e.pool.Run(len(e.picks), &e.picks)
	for _, c := range chunks {
		e.sched.computed(c)
	}
	for i := range e.picks {
		e.take(&e.picks[i])
		e.picks[i] = pick{}
	}
	for _, c := range chunks { // those that were to be scored only
		if q := c.seq; q.state == stateRunning && q.computed == len(q.ids) {
			e.end(q.answer, serving.Event{Finish: serving.FinishLength})
		}
	}
}

// take records the outcome of one row.
func (e *engine) take(p *pick) {
	a := p.answer
	switch {
	case a.seq.state != stateRunning: // its job failed in another row
	case p.prompt > 0 && p.err == nil:
		a.job.scores = append(a.job.scores, p.tok)
	case p.prompt > 0:
		e.fail(a.job, p.err)
	default:
		a.drafter.learn(a.sampled)
		e.stats.DraftTokens += int64(len(p.draft))
		for i, tok := range a.sampled {
			if i > 0 {
				e.stats.DraftAccepted++
				a.drafter.accept()
				e.sched.guessed(&a.seq)
			}
			complete := i == len(a.sampled)-1 && a.sampler.done()
			if e.sampled(a, tok, complete); a.seq.state != stateRunning {
				return
			}
		}
		if p.err != nil {
			e.fail(a.job, p.err)
		}
	}
}

// sampled takes the next token of a; complete says that its constraint allows no more.
func (e *engine) sampled(a *answer, tok serving.TokenLogprob, complete bool) {
	q, j := &a.seq, a.job
	e.stats.GeneratedTokens++
	e.observe(a)
	a.logprob += tok.Logprob
	q.ids = append(q.ids, tok.ID)
	last := len(q.ids) == q.limit
	event := a.stream.push(tok, last, complete)
	if event.Finish != "" {
		e.end(a, event)
		return
	}
	if !empty(&event) {
		event.Index = a.index
		j.out.put(event)
	}
}

// end sends the last event of an answer, and closes the job after its last.
func (e *engine) end(a *answer, event serving.Event) {
	if p := a.drafter.past; p != nil {
		p.add(a.seq.ids, a.seq.prompt)
	}
	e.sched.end(&a.seq)
	event.Index = a.index
	a.job.out.put(event)
	if a.job.open--; a.job.open == 0 {
		e.close(a.job, nil)
	}
}

func (e *engine) observe(a *answer) {
	now := e.now()
	j := a.job
	if j.first == 0 {
		j.first = now.Sub(j.submitted)
		if e.observer != nil {
			e.observer.FirstToken(j.first)
		}
	}
	if !a.last.IsZero() && e.observer != nil {
		e.observer.NextToken(now.Sub(a.last))
	}
	a.last = now
}

// wait emits the events of j until it is closed.
func (j *job) wait(ctx context.Context, emit func(serving.Event) error) error {
	for {
		events, open, err := j.out.take(ctx)
		for _, e := range events {
			if err := emit(e); err != nil {
				return err
			}
		}
		if !open {
			return err
		}
	}
}
