package evalharness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"graft/internal/chat"
	"graft/serving"
)

// Endpoint is where models are asked.
type Endpoint struct {
	Name    string
	Backend serving.Backend
	// Identity stands for what the endpoint's models are: the digest of the base of
	// graft's own, the address of another server.
	Identity string
	Price    Price
	// Plain: the endpoint takes no fields beyond OpenAI's, so labels cannot be enforced.
	Plain bool
}

// ErrDead: an endpoint has not answered for so long that nothing more is asked of it.
var ErrDead = errors.New("the endpoint does not answer")

// How an endpoint that refuses or breaks off is asked again.
const (
	attempts   = 7
	firstPause = 500 * time.Millisecond
	maxPause   = 30 * time.Second
	deadAfter  = 3 // calls in a row that failed in all attempts
	// maxLater is how long an endpoint that says when to ask again is waited for.
	maxLater = 10 * time.Minute
)

// question is all that an answer depends on. Its hash is the key of the journal.
type question struct {
	Identity    string    `json:"identity"`
	Model       string    `json:"model"`
	Generation  string    `json:"generation"`
	Messages    []Message `json:"messages"`
	Raw         bool      `json:"raw,omitempty"`
	MaxTokens   int       `json:"max_tokens"`
	Temperature float64   `json:"temperature"`
	Stop        []string  `json:"stop,omitempty"`
	Choices     []string  `json:"choices,omitempty"`
	Seed        int64     `json:"seed"`
	// Schema holds the answer to a JSON schema.
	Schema json.RawMessage `json:"schema,omitempty"`
}

// request is the question as a backend takes it.
func (q *question) request() *serving.Request {
	s := serving.DefaultSampling()
	s.Temperature, s.Seed = float32(q.Temperature), &q.Seed
	r := &serving.Request{Model: q.Model, Sampling: s, N: 1, MaxTokens: q.MaxTokens, Stop: q.Stop, Logprobs: -1, PromptLogprobs: -1, Client: "evaluation"}
	if len(q.Choices) > 0 {
		r.Format = serving.Format{Type: "choice", Choice: q.Choices}
	}
	if q.Schema != nil {
		r.Format = serving.Format{Type: "json_schema", Schema: q.Schema}
	}
	if q.Raw {
		r.Prompt = q.Messages[0].Content
		return r
	}
	for _, m := range q.Messages {
		r.Messages = append(r.Messages, chat.Text(m.Role, m.Content))
	}
	return r
}

// asker asks endpoints, through a journal.
type asker struct {
	journal *Journal
	pause   func(context.Context, time.Duration) error // replaced by tests
	now     func() time.Time

	mu      sync.Mutex
	flying  map[string]*flight   // questions in progress, by key
	failing map[string]int       // calls in a row that failed, by endpoint
	until   map[string]time.Time // that an endpoint wants to be left alone
}

type flight struct {
	done chan struct{}
	e    entry
	err  error
}

func newAsker(j *Journal) *asker {
	return &asker{journal: j, pause: sleep, now: time.Now, flying: map[string]*flight{}, failing: map[string]int{}, until: map[string]time.Time{}}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// errJournal marks errors that end the run, not the answer.
type errJournal struct{ error }

func (e errJournal) Unwrap() error { return e.error }

// ask returns the answer to a question: that of the journal, or one that is in it when
// ask returns. Of two that ask the same at once, one asks the endpoint.
func (a *asker) ask(ctx context.Context, ep *Endpoint, q *question) (entry, error) {
	key := hashOf(q)
	a.mu.Lock()
	if e, ok := a.journal.get(key); ok {
		a.mu.Unlock()
		return e, nil
	}
	if f := a.flying[key]; f != nil {
		a.mu.Unlock()
		select {
		case <-f.done:
			return f.e, f.err
		case <-ctx.Done():
			return entry{}, ctx.Err()
		}
	}
	f := &flight{done: make(chan struct{})}
	a.flying[key] = f
	a.mu.Unlock()
	f.e, f.err = a.call(ctx, ep, q)
	if f.err == nil {
		f.e.Key = key
		if err := a.journal.put(f.e); err != nil {
			f.err = errJournal{err}
		}
	}
	a.mu.Lock()
	delete(a.flying, key)
	a.mu.Unlock()
	close(f.done)
	return f.e, f.err
}

// call asks until there is an answer, or an error that would come again.
func (a *asker) call(ctx context.Context, ep *Endpoint, q *question) (e entry, err error) {
	err = a.try(ctx, ep, func() (err error) {
		e, err = a.once(ctx, ep, q)
		return err
	})
	switch {
	case err == nil:
		return e, nil
	case lasting(err):
		return entry{Error: err.Error()}, nil
	}
	return entry{}, err
}

// try does what asks an endpoint, until it works, or fails in a way that no patience
// helps against.
func (a *asker) try(ctx context.Context, ep *Endpoint, do func() error) error {
	pause := firstPause
	for n := 1; ; n++ {
		a.mu.Lock()
		dead := a.failing[ep.Name] >= deadAfter
		a.mu.Unlock()
		if dead {
			return fmt.Errorf("%s: %w", ep.Name, ErrDead)
		}
		if err := a.leave(ctx, ep); err != nil {
			return err
		}
		err := do()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			a.mark(ep, false)
			return nil
		case lasting(err):
			return err
		case fatal(err):
			return fmt.Errorf("%s: %w", ep.Name, err)
		case n == attempts:
			a.mark(ep, true)
			return fmt.Errorf("%s: %w", ep.Name, err)
		}
		if later := (*serving.LaterError)(nil); errors.As(err, &later) {
			if later.After > maxLater {
				a.mark(ep, true)
				return fmt.Errorf("%s: %w: it wants to be asked again in %v: run the same command then, it goes on where it was", ep.Name, err, later.After.Round(time.Second))
			}
			a.postpone(ep, later.After)
		}
		// Half of the pause is drawn, so that those who were refused together do not come
		// back together.
		if err := a.pause(ctx, pause/2+rand.N(pause/2)); err != nil {
			return err
		}
		pause = min(2*pause, maxPause)
	}
}

// postpone leaves an endpoint alone for so long: all that ask it wait.
func (a *asker) postpone(ep *Endpoint, d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if until := a.now().Add(d); until.After(a.until[ep.Name]) {
		a.until[ep.Name] = until
	}
}

// leave waits as long as an endpoint wants to be left alone.
func (a *asker) leave(ctx context.Context, ep *Endpoint) error {
	a.mu.Lock()
	d := a.until[ep.Name].Sub(a.now())
	a.mu.Unlock()
	if d <= 0 {
		return nil
	}
	return a.pause(ctx, d)
}

func (a *asker) mark(ep *Endpoint, failed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if failed {
		a.failing[ep.Name]++
	} else {
		a.failing[ep.Name] = 0
	}
}

// lasting tells errors that are the question's: they are the arm's own failure, and
// count as an empty answer.
func lasting(err error) bool { return errors.Is(err, serving.ErrContextLength) }

// fatal tells errors that no patience helps against: they end the run.
func fatal(err error) bool {
	for _, e := range []error{serving.ErrModelNotFound, serving.ErrUnsupported, serving.ErrNoChatTemplate, serving.ErrAdapter} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (a *asker) once(ctx context.Context, ep *Endpoint, q *question) (entry, error) {
	var text strings.Builder
	var e entry
	begin := a.now()
	res, err := ep.Backend.Generate(ctx, q.request(), func(ev serving.Event) error {
		text.WriteString(ev.Text)
		if ev.Finish != "" {
			e.Finish = string(ev.Finish)
		}
		return nil
	})
	if err != nil {
		return entry{}, err
	}
	e.Output = text.String()
	e.Prompt, e.Tokens = res.Usage.Prompt, res.Usage.Completion
	e.Ms = float64(a.now().Sub(begin).Microseconds()) / 1000
	e.First = float64(res.FirstToken.Microseconds()) / 1000
	return e, nil
}

// usage is what an answer cost.
func (e *entry) usage(p Price) Usage {
	return Usage{
		Calls: 1, PromptTokens: e.Prompt, CompletionTokens: e.Tokens, Ms: e.Ms, FirstMs: e.First,
		Cost: (float64(e.Prompt)*p.Prompt + float64(e.Tokens)*p.Completion) / 1e6,
	}
}

// plus adds; FirstMs is the mean over the calls.
func (u Usage) plus(v Usage) Usage {
	if n := u.Calls + v.Calls; n > 0 {
		u.FirstMs = (u.FirstMs*float64(u.Calls) + v.FirstMs*float64(v.Calls)) / float64(n)
	}
	u.Calls += v.Calls
	u.PromptTokens += v.PromptTokens
	u.CompletionTokens += v.CompletionTokens
	u.Ms += v.Ms
	u.Cost += v.Cost
	return u
}
