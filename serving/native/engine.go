package native

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"graft/internal/kernel"
	"graft/internal/model"
	"graft/serving"
)

// runner computes passes of one model.
type runner interface {
	// Step returns the logits of the rows in b.Logits, [len(b.Logits), V]
	// row-major, valid until the next pass. The caller may overwrite them.
	Step(b *model.Batch) ([]float32, error)
	// Hidden returns the last hidden states of all rows, [len(b.IDs), D].
	Hidden(b *model.Batch) (model.Value, error)
	// NewPooler makes a vector of the hidden states of one text.
	NewPooler() *model.Pooler
}

// Observer is told about latencies as they are measured, on the engine's
// goroutine: it must be quick.
type Observer interface {
	FirstToken(time.Duration) // from submission to the first token of a request
	NextToken(time.Duration)  // between two tokens of one answer
}

// engine runs the jobs of one model. One goroutine owns everything in it but the
// channels and the latest stats.
type engine struct {
	in   chan message
	done chan struct{} // closed when the goroutine has ended
	last atomic.Pointer[Stats]

	run      runner
	encoder  bool // computes embeddings only, each text in one pass, without a cache
	pool     *kernel.Pool
	observer Observer // nil: none
	now      func() time.Time

	sched    *scheduler
	jobs     []*job       // not closed
	embeds   []*embedding // not done, next in turn first
	draining bool
	cut      <-chan struct{} // when draining: ends what still runs

	stats Stats
	plan  []chunk
	batch model.Batch
	picks picks
	spec  *speculation // nil: no token is guessed
}

// message is what the engine's goroutine is asked to do.
type message struct {
	job   *job       // add it
	embed *embedding // the same
	lend  *lending   // take blocks out of the cache
	back  []int32    // blocks that were lent
	drain bool       // take no more
	cut   <-chan struct{}
}

// Stats is the state of an engine after its latest step. Counts of tokens and
// preemptions are since the start.
type Stats struct {
	Waiting, Running int // sequences
	BatchRows        int // rows of the latest step
	BlocksUsed       int // held by sequences
	BlocksCached     int // idle, but their contents may serve again
	BlocksLent       int // whose memory adapters have
	BlocksTotal      int
	Steps            int64
	PromptTokens     int64 // of jobs that were begun
	PrefixHitTokens  int64 // of these, found in the prefix cache
	GeneratedTokens  int64
	DraftTokens      int64 // guesses that were computed
	DraftAccepted    int64 // of these, right
	Preemptions      int64
}

// newEngine starts the goroutine; drain ends it.
func newEngine(run runner, encoder bool, p policy, b *blocks, pool *kernel.Pool, observer Observer, now func() time.Time) *engine {
	e := &engine{
		in: make(chan message), done: make(chan struct{}),
		run: run, encoder: encoder, pool: pool, observer: observer, now: now,
		sched: newScheduler(p, b),
	}
	if p.speculate {
		e.spec = &speculation{}
	}
	e.publish()
	go e.loop()
	return e
}

// submit hands j over; from then on its mailbox tells what becomes of it.
func (e *engine) submit(j *job) error {
	select {
	case e.in <- message{job: j}:
		return nil
	case <-e.done:
		return serving.ErrDraining
	case <-j.ctx.Done():
		return context.Cause(j.ctx)
	}
}

// drain takes no more jobs, waits for those there are until ctx ends, then ends
// them with ErrDraining, and stops the goroutine.
func (e *engine) drain(ctx context.Context) {
	select {
	case e.in <- message{drain: true, cut: ctx.Done()}:
	case <-e.done:
	}
	<-e.done
}

// Stats of the latest step.
func (e *engine) Stats() Stats { return *e.last.Load() }

func (e *engine) loop() {
	defer close(e.done)
	for !e.draining || !e.idle() {
		if err := guarded(e.turn); err != nil {
			e.rebuild(err)
		}
	}
}

// turn takes one message or does one step; without work it waits for a message.
func (e *engine) turn() error {
	if e.idle() {
		e.handle(<-e.in)
		return nil
	}
	select {
	case m := <-e.in:
		e.handle(m)
		return nil
	case <-e.cut:
		for _, j := range slices.Clone(e.jobs) {
			e.fail(j, serving.ErrDraining)
		}
		for _, x := range slices.Clone(e.embeds) {
			e.endEmbedding(x, serving.ErrDraining)
		}
		return nil
	default:
	}
	e.sweep()
	e.stats.BatchRows = 0
	if !e.sched.idle() {
		e.step()
		e.stats.BatchRows = len(e.batch.IDs)
	}
	if len(e.embeds) > 0 {
		e.embedStep()
		e.stats.BatchRows += len(e.batch.IDs)
	}
	e.publish()
	return nil
}

func (e *engine) idle() bool { return e.sched.idle() && len(e.embeds) == 0 }

// rebuild goes on after an error of the engine's own, outside the computation:
// everybody gets it, and the scheduler starts anew with an empty cache.
func (e *engine) rebuild(err error) {
	for _, j := range e.jobs {
		j.close(err)
	}
	for _, x := range e.embeds {
		x.table = table{}
		x.err = err
		close(x.done)
	}
	e.jobs, e.embeds = nil, nil
	old := e.sched
	e.sched = newScheduler(old.policy, old.blocks.renewed())
	e.sched.owed = old.owed
	e.sched.settle()
	e.publish()
}

func (e *engine) handle(m message) {
	switch {
	case m.drain:
		e.draining, e.cut = true, m.cut
	case m.embed != nil && (e.draining || len(e.embeds) >= e.sched.policy.queue):
		m.embed.err = serving.ErrOverloaded
		if e.draining {
			m.embed.err = serving.ErrDraining
		}
		close(m.embed.done)
	case m.embed != nil:
		e.embeds = append(e.embeds, m.embed)
	case m.lend != nil:
		e.sched.lend(m.lend)
		e.publish()
	case m.back != nil:
		e.sched.takeBack(m.back)
		e.publish()
	case e.draining:
		m.job.close(serving.ErrDraining)
	default:
		e.add(m.job)
	}
}

func (e *engine) add(j *job) {
	seqs := make([]*sequence, len(j.answers))
	for i, a := range j.answers {
		if e.spec != nil {
			a.drafter.past = e.spec.pasts.get(a.seq.owner, a.seq.key)
		}
		a.seq.answer = a
		seqs[i] = &a.seq
	}
	displaced, err := e.sched.add(seqs)
	if err != nil {
		j.close(err)
		return
	}
	j.open = len(j.answers)
	e.jobs = append(e.jobs, j)
	if displaced != nil {
		e.fail(displaced.answer.job, serving.ErrOverloaded)
	}
	e.publish()
}

// sweep ends the jobs whose callers have left or whose deadline has passed.
func (e *engine) sweep() {
	for _, j := range slices.Clone(e.jobs) {
		if j.ctx.Err() != nil {
			e.fail(j, context.Cause(j.ctx))
		}
	}
	for _, x := range slices.Clone(e.embeds) {
		if x.ctx.Err() != nil {
			e.endEmbedding(x, context.Cause(x.ctx))
		}
	}
	for _, q := range e.sched.expired(e.now()) {
		e.fail(q.answer.job, serving.ErrDeadline)
	}
}

// fail ends a job with an error. Ending one that has ended does nothing.
func (e *engine) fail(j *job, err error) {
	for _, a := range j.answers {
		if a.seq.state != stateEnded {
			e.sched.end(&a.seq)
		}
	}
	e.close(j, err)
}

func (e *engine) close(j *job, err error) {
	e.jobs = slices.DeleteFunc(e.jobs, func(x *job) bool { return x == j })
	j.close(err)
}

// publish makes the state known to Stats.
func (e *engine) publish() {
	s := e.stats
	b := e.sched.blocks
	s.Waiting, s.Running = e.sched.waiting(), len(e.sched.running)
	s.BlocksUsed, s.BlocksCached, s.BlocksLent, s.BlocksTotal = b.used(), b.idle, b.lent, len(b.meta)
	s.Preemptions = int64(e.sched.preemptions)
	e.last.Store(&s)
}

// PanicError is a panic inside a step, given to the requests that were in it.
type PanicError struct {
	Value any
	Stack []byte
}

func (p *PanicError) Error() string {
	return fmt.Sprintf("the engine met an error of its own: %v\n%s", p.Value, p.Stack)
}

// guarded calls f and returns what it panics with as an error.
func guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{v, debug.Stack()}
		}
	}()
	return f()
}
