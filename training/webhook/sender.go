package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"graft/internal/store"
)

// When webhooks are tried, and when they are given up.
const (
	attemptTime = 15 * time.Second // one attempt, until the answer has come
	firstRetry  = 5 * time.Second  // then four times as long each time
	lastRetry   = 6 * time.Hour    // but no longer
	kept        = 72 * time.Hour   // as OpenAI does
	lastWords   = 3 * time.Second  // that attempts have when the process ends
	restTime    = time.Second      // that those have which came meanwhile
	mostAnswer  = 64 << 10         // bytes that are read of an answer
	onePage     = 32               // webhooks read at a time
	afterError  = 5 * time.Second  // of the store
)

// Options of a Sender. Store is needed.
type Options struct {
	Store     *store.Store
	Endpoints map[string]Key   // by URL; what is kept for others is given up
	Agent     string           // User-Agent
	Client    *http.Client     // nil: one that follows no redirects
	Logger    *slog.Logger     // nil: nothing is logged
	Now       func() time.Time // nil: time.Now
}

// Sender delivers webhooks. One process has it at a time.
type Sender struct {
	o    Options
	wake chan struct{} // holds one: there is something to send
}

// New makes a sender. Nothing is sent before Run.
func New(o Options) *Sender {
	if o.Client == nil {
		// A redirect counts as a failure: the administrator has named the endpoint.
		o.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Sender{o, make(chan struct{}, 1)}
}

// Wake tells that there is something new to send. It never waits.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run sends what is there and what comes until ctx ends; then what is due has a last
// moment.
func (s *Sender) Run(ctx context.Context) error {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, cancel) })()
	for {
		next, err := s.round(sending)
		if ctx.Err() != nil {
			return s.rest(ctx)
		}
		var due <-chan time.Time
		switch {
		case err != nil:
			s.o.Logger.Error("webhooks", "error", err.Error())
			due = time.After(afterError)
		case !next.IsZero():
			due = time.After(next.Sub(s.o.Now()))
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-due:
		}
	}
}

// rest sends what came while the last round waited for an endpoint.
func (s *Sender) rest(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restTime)
	defer cancel()
	if _, err := s.round(ctx); err != nil && ctx.Err() == nil {
		s.o.Logger.Error("webhooks", "error", err.Error())
	}
	return nil
}

// round sends all that is due, and says when something will be; zero: there is nothing.
func (s *Sender) round(ctx context.Context) (next time.Time, err error) {
	failing := map[string]*time.Time{} // when endpoints that have failed are tried again
	for ctx.Err() == nil {
		list, err := s.o.Store.DueWebhooks(ctx, s.o.Now(), onePage)
		if err != nil {
			return next, err
		}
		if len(list) == 0 {
			return s.o.Store.NextWebhook(ctx)
		}
		byURL := map[string][]store.Webhook{}
		for _, w := range list {
			byURL[w.URL] = append(byURL[w.URL], w)
			if failing[w.URL] == nil {
				failing[w.URL] = &time.Time{}
			}
		}
		errs := make(chan error, len(byURL))
		for address, list := range byURL {
			go func() { errs <- s.deliver(ctx, address, list, failing[address]) }()
		}
		for range byURL { // a slow endpoint holds others up for one attempt
			err = errors.Join(err, <-errs)
		}
		if err != nil {
			return next, err
		}
	}
	return next, nil
}

// deliver tries the webhooks of an endpoint one after another, and notes what has come of
// it. When one fails the others wait with it, until failing. The error is the store's.
func (s *Sender) deliver(ctx context.Context, address string, list []store.Webhook, failing *time.Time) error {
	key, ok := s.o.Endpoints[address]
	for _, w := range list {
		log := s.o.Logger.With("id", w.ID, "endpoint", endpoint(address), "attempts", w.Attempts)
		var err error
		switch {
		case !ok:
			log.Warn("a webhook is given up: its endpoint is not in training.webhooks any more")
			err = s.o.Store.DropWebhook(ctx, w.ID)
		case !failing.IsZero():
			err = s.o.Store.DelayWebhook(ctx, w.ID, w.Attempts, *failing)
		default:
			gone, failed := s.post(ctx, w, key)
			if ctx.Err() != nil {
				return nil // the process ends: this was no attempt
			}
			next := s.o.Now().Add(delay(w.Attempts))
			switch {
			case failed == nil:
				log.Info("a webhook was delivered")
				err = s.o.Store.DropWebhook(ctx, w.ID)
			case gone || next.Sub(w.Created) > kept:
				log.Error("a webhook is given up", "error", failed.Error())
				err = s.o.Store.DropWebhook(ctx, w.ID)
			default:
				log.Warn("a webhook was not delivered, and will be tried again", "next", next.UTC().Format(time.RFC3339), "error", failed.Error())
				*failing = next
				err = s.o.Store.DelayWebhook(ctx, w.ID, w.Attempts+1, next)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// endpoint is a URL as it may be logged: paths of webhooks can be secrets.
func endpoint(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "…"
	}
	return u.Scheme + "://" + u.Host
}

// delay is how long to wait after an attempt when so many were made before it.
func delay(attempts int) time.Duration {
	d := firstRetry
	for range attempts {
		if d *= 4; d >= lastRetry {
			return lastRetry
		}
	}
	return d
}

// post makes one attempt. gone tells that the endpoint wants no more.
func (s *Sender) post(ctx context.Context, w store.Webhook, key Key) (gone bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, strings.NewReader(w.Body))
	if err != nil {
		return false, err
	}
	now := s.o.Now()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", s.o.Agent)
	r.Header.Set("webhook-id", w.ID)
	r.Header.Set("webhook-timestamp", stamp(now))
	r.Header.Set("webhook-signature", key.sign(w.ID, now, []byte(w.Body)))
	resp, err := s.o.Client.Do(r)
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err // without the address
	}
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, mostAnswer) // so that the connection can be used again
	if resp.StatusCode/100 == 2 {
		return false, nil
	}
	return resp.StatusCode == http.StatusGone, fmt.Errorf("the answer is %s", resp.Status)
}
