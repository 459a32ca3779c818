package api

import (
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"graft/serving"
)

// adapterLimits counts what each key asks of each adapter that has limits. Both
// kinds are buckets that hold a minute's worth and fill up evenly. A request
// takes one from the first at once. Tokens are known when the answer has ended,
// so the second may fall below zero, and then refuses until it is back: what is
// answered in a minute is right on average, not for requests at the same time.
type adapterLimits struct {
	mu      sync.Mutex
	buckets map[limitKey]*limitBuckets
	sweep   int // number of buckets at which full ones are looked for again
}

type limitKey struct{ key, adapter string }

type limitBuckets struct{ requests, tokens bucket }

// bucket holds what is left of a limit.
type bucket struct {
	limit, left float64
	at          time.Time // of left
}

// fill brings the bucket to now, under a limit that may have changed.
func (b *bucket) fill(limit int, now time.Time) {
	n := float64(limit)
	if b.at.IsZero() {
		b.left = n
	} else if passed := now.Sub(b.at); passed > 0 {
		b.left += n * passed.Minutes()
	}
	b.limit, b.left, b.at = n, min(b.left, n), now
}

// empty says whether there is none left; a part of a billionth is rounding.
func (b *bucket) empty() bool { return b.left < 1-1e-9 }

// until is how long it takes to have n.
func (b *bucket) until(n float64) time.Duration {
	if b.left >= n || b.limit == 0 {
		return 0
	}
	return time.Duration(math.Ceil((n - b.left) / b.limit * float64(time.Minute)))
}

// maxBuckets is when full buckets, which say nothing, are thrown away.
const maxBuckets = 4096

func (l *adapterLimits) of(k limitKey, now time.Time) *limitBuckets {
	b, ok := l.buckets[k]
	if ok {
		return b
	}
	if l.buckets == nil {
		l.buckets = map[limitKey]*limitBuckets{}
	}
	if len(l.buckets) >= max(maxBuckets, l.sweep) {
		for key, old := range l.buckets {
			old.requests.fill(int(old.requests.limit), now)
			old.tokens.fill(int(old.tokens.limit), now)
			if old.requests.left == old.requests.limit && old.tokens.left == old.tokens.limit {
				delete(l.buckets, key)
			}
		}
		l.sweep = 2 * len(l.buckets)
	}
	b = &limitBuckets{}
	l.buckets[k] = b
	return b
}

// admit counts a request against the limits of the adapters that it chose, all
// or none, and tells the client in OpenAI's headers what is left, of the adapter
// that has the least. Without keys all clients share.
func (s *server) admit(c *gin.Context, sel *selection) error {
	left, refused := s.take(exchangeOf(c).key.ID, sel)
	limitHeaders(c, "Requests", left.requests)
	limitHeaders(c, "Tokens", left.tokens)
	if refused != nil {
		return refused
	}
	return nil
}

// least are the buckets that have the least left, as they were; nil: no limit.
type least struct{ requests, tokens *bucket }

// take is admit for a key.
func (s *server) take(key string, sel *selection) (left least, refused *Error) {
	l, now := &s.limits, s.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	var requests, tokens *bucket
	var counted []*bucket
	refuse := func(u used, per string, b *bucket) {
		if wait := b.until(1); refused == nil || wait > refused.RetryAfter {
			refused = &Error{Status: 429, Type: rateLimit, Code: "rate_limit_exceeded", RetryAfter: wait,
				Message: fmt.Sprintf("Rate limit reached for the adapter '%s' on %s per minute: limit %.0f. Please try again in %s.", u.title(), per, b.limit, shortest(wait))}
		}
	}
	for _, u := range sel.used {
		rpm, tpm := u.Settings.RequestsPerMinute, u.Settings.TokensPerMinute
		if rpm <= 0 && tpm <= 0 {
			continue
		}
		b := l.of(limitKey{key, u.title()}, now)
		if rpm > 0 {
			b.requests.fill(rpm, now)
			counted = append(counted, &b.requests)
			if b.requests.empty() {
				refuse(u, "requests", &b.requests)
			}
			if requests == nil || b.requests.left < requests.left {
				requests = &b.requests
			}
		}
		if tpm > 0 {
			b.tokens.fill(tpm, now)
			if b.tokens.empty() {
				refuse(u, "tokens", &b.tokens)
			}
			if tokens == nil || b.tokens.left < tokens.left {
				tokens = &b.tokens
			}
		}
	}
	if refused == nil {
		for _, b := range counted {
			b.left--
		}
		sel.admitted = true
	}
	return least{copied(requests), copied(tokens)}, refused
}

func copied(b *bucket) *bucket {
	if b == nil {
		return nil
	}
	c := *b
	return &c
}

// limitHeaderNames are OpenAI's.
const limitHeaderNames = "X-Ratelimit-Limit-Requests, X-Ratelimit-Remaining-Requests, X-Ratelimit-Reset-Requests, X-Ratelimit-Limit-Tokens, X-Ratelimit-Remaining-Tokens, X-Ratelimit-Reset-Tokens"

func limitHeaders(c *gin.Context, of string, b *bucket) {
	if b == nil {
		return
	}
	c.Header("X-Ratelimit-Limit-"+of, strconv.Itoa(int(b.limit)))
	c.Header("X-Ratelimit-Remaining-"+of, strconv.Itoa(int(max(b.left, 0))))
	c.Header("X-Ratelimit-Reset-"+of, shortest(b.until(b.limit)).String())
}

// shortest is d without digits that nobody needs: 12ms, 1.5s, 6m0s.
func shortest(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}

// charge takes the tokens of a request from the limits of its adapters.
func (s *server) charge(c *gin.Context, sel *selection) {
	x := exchangeOf(c)
	x.mu.Lock()
	cost := costOf(x.usage) + x.torn
	x.mu.Unlock()
	s.spend(x.key.ID, sel, cost)
}

// spend is charge for a key.
func (s *server) spend(key string, sel *selection, cost int) {
	if !sel.admitted {
		return
	}
	sel.admitted = false
	l, now := &s.limits, s.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, u := range sel.used {
		if tpm := u.Settings.TokensPerMinute; tpm > 0 {
			b := l.of(limitKey{key, u.title()}, now)
			b.tokens.fill(tpm, now)
			b.tokens.left -= float64(cost)
		}
	}
}

func costOf(u serving.Usage) int { return u.Prompt + u.Completion }
