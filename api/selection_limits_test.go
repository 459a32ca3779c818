package api

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"graft/adapters"
	"graft/serving"
)

// testClock is a clock that stands until it is moved.
type testClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *testClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// limitsOf shows the x-ratelimit headers as limit/remaining/reset.
func limitsOf(w *httptest.ResponseRecorder, of string) string {
	h := w.Header()
	return h.Get("X-Ratelimit-Limit-"+of) + "/" + h.Get("X-Ratelimit-Remaining-"+of) + "/" + h.Get("X-Ratelimit-Reset-"+of)
}

func TestRequestsPerMinute(t *testing.T) {
	clock := &testClock{at: time.Unix(1_800_000_000, 0)}
	h, fake, registry := newChoosing(t, withKeys, func(d *Deps) { d.Now = clock.now })
	registry.put("poet", "fake", "a", adapters.Settings{RequestsPerMinute: 3})
	post := func(key, body string) *httptest.ResponseRecorder {
		return doAs(h, key, "POST", "/v1/chat/completions", ask(body))
	}
	for _, want := range []string{"3/2/20s", "3/1/40s", "3/0/1m0s"} {
		w := post("ann", `"model":"poet"`)
		if got := limitsOf(w, "Requests"); w.Code != 200 || got != want || limitsOf(w, "Tokens") != "//" {
			t.Errorf("status %d, headers %s, want %s", w.Code, got, want)
		}
	}
	asked := len(fake.Requests())
	for range 3 { // what is refused does not count
		w := post("ann", `"model":"poet@aaaaaaaa"`)
		says := wantError(t, w, 429, "rate_limit_error", "", "rate_limit_exceeded")
		if want := "Rate limit reached for the adapter 'poet' on requests per minute: limit 3. Please try again in 20s."; says != want {
			t.Errorf("message %q, want %q", says, want)
		}
		if got := limitsOf(w, "Requests"); got != "3/0/1m0s" || w.Header().Get("Retry-After") != "20" || w.Header().Get("Retry-After-Ms") != "20000" {
			t.Errorf("headers %s, %v", got, w.Header())
		}
	}
	// By whatever name: generation, mix, base:name.
	for _, body := range []string{`"adapters":[{"generation":"` + gen("a") + `"}]`, `"adapters":[{"name":"coder"},{"name":"poet"}]`, `"model":"fake:poet"`, `"model":"fake","lora":[{"id":0,"scale":1}]`} {
		if w := post("ann", body); w.Code != 429 {
			t.Errorf("%s: status %d", body, w.Code)
		}
	}
	if n := len(fake.Requests()); n != asked {
		t.Errorf("the backend was asked %d times more", n-asked)
	}
	// Other keys, other adapters and counting tokens are not concerned.
	for key, body := range map[string]string{"bob": `"model":"poet"`, "ann": `"model":"coder"`} {
		if w := post(key, body); w.Code != 200 {
			t.Errorf("%s %s: status %d", key, body, w.Code)
		}
	}
	if w := doAs(h, "ann", "POST", "/tokenize", `{"model":"poet","prompt":"x"}`); w.Code != 200 {
		t.Errorf("tokenize: status %d", w.Code)
	}
	clock.pass(19999 * time.Millisecond)
	if w := post("ann", `"model":"poet"`); w.Code != 429 || w.Header().Get("Retry-After") != "1" || w.Header().Get("Retry-After-Ms") != "1" {
		t.Errorf("status %d, %v", w.Code, w.Header())
	}
	clock.pass(time.Millisecond)
	if w := post("ann", `"model":"poet"`); w.Code != 200 {
		t.Errorf("after 20 s: status %d", w.Code)
	}
	registry.change("poet", func(e *adapters.Entry) { e.Settings.RequestsPerMinute = 60 })
	clock.pass(1012 * time.Millisecond)
	if w := post("ann", `"model":"poet","stream":true`); w.Code != 200 || limitsOf(w, "Requests") != "60/0/59.988s" {
		t.Errorf("with a new limit: status %d, %s", w.Code, limitsOf(w, "Requests"))
	}
}

func TestTokensPerMinute(t *testing.T) {
	clock := &testClock{at: time.Unix(1_800_000_000, 0)}
	h, fake, registry := newChoosing(t, func(d *Deps) { d.Now = clock.now })
	registry.put("poet", "fake", "a", adapters.Settings{TokensPerMinute: 60})
	fake.Answer = func(*serving.Request, int) string { return strings.Repeat("a b", 40) }
	post := func(more string) *httptest.ResponseRecorder {
		return do(h, "POST", "/v1/completions", `{"model":"poet","prompt":"abc","max_tokens":29`+more+`}`) // costs 30
	}
	for i, want := range []string{"60/60/0s", "60/30/30s"} {
		if w := post(""); w.Code != 200 || limitsOf(w, "Tokens") != want {
			t.Errorf("%d: status %d, %s, want %s", i, w.Code, limitsOf(w, "Tokens"), want)
		}
	}
	w := post("")
	if says := wantError(t, w, 429, "rate_limit_error", "", "rate_limit_exceeded"); !strings.Contains(says, "on tokens per minute: limit 60. Please try again in 1s.") {
		t.Errorf("message %q", says)
	}
	clock.pass(time.Second)
	if w := post(`,"n":3`); w.Code != 200 { // 88 more than there are
		t.Errorf("status %d", w.Code)
	}
	if w := post(""); w.Code != 429 || limitsOf(w, "Tokens") != "60/0/2m27s" || w.Header().Get("Retry-After") != "88" {
		t.Errorf("status %d, %s, %v", w.Code, limitsOf(w, "Tokens"), w.Header())
	}
	clock.pass(time.Hour) // no more than a minute's worth is kept
	if w := post(""); limitsOf(w, "Tokens") != "60/60/0s" {
		t.Errorf("%s", limitsOf(w, "Tokens"))
	}
	// What breaks off is paid for too: at least what was sent.
	clock.pass(time.Hour)
	fake.FailAfter = 20
	post(`,"stream":true`)
	if w := post(""); limitsOf(w, "Tokens") != "60/40/20s" {
		t.Errorf("after a broken stream: %s", limitsOf(w, "Tokens"))
	}
}

// Buckets that are full again are thrown away when there are many.
func TestBucketsAreBounded(t *testing.T) {
	var l adapterLimits
	now := time.Unix(1_800_000_000, 0)
	for i := range 3 * maxBuckets {
		b := l.of(limitKey{"", string(rune(i))}, now)
		b.requests.fill(60, now)
		b.requests.left--
		now = now.Add(10 * time.Millisecond)
	}
	if n := len(l.buckets); n > maxBuckets {
		t.Errorf("%d buckets", n)
	}
}

// An adapter that a key may not use does not exist for it: not in requests, by no
// name, not in lists, not in what errors propose.
func TestAdapterPermissions(t *testing.T) {
	h, fake, registry := newChoosing(t, withKeys)
	registry.put("poet", "fake", "a", adapters.Settings{Keys: []string{"ann"}})
	registry.put("coder", "fake", "b", adapters.Settings{Keys: []string{"key_1", "key_2"}})
	routes := []struct{ method, path, body string }{
		{"POST", "/v1/chat/completions", ask(`"model":"poet"`)},
		{"POST", "/v1/chat/completions", ask(`"model":"poet@aaaaaaaa"`)},
		{"POST", "/v1/chat/completions", ask(`"model":"fake:poet"`)},
		{"POST", "/v1/chat/completions", ask(`"adapters":[{"name":"coder"},{"name":"poet"}]`)},
		{"POST", "/v1/chat/completions", ask(`"adapters":[{"generation":"` + gen("a") + `"}]`)},
		{"POST", "/v1/chat/completions", ask(`"adapter":{"generation":"aaaaaaaa"}`)},
		{"POST", "/v1/chat/completions", ask(`"model":"fake","lora":[{"id":0,"scale":1}]`)},
		{"POST", "/v1/responses", `{"model":"poet","input":"x"}`},
		{"POST", "/tokenize", `{"model":"poet","prompt":"x"}`},
		{"POST", "/api/generate", `{"model":"poet","prompt":"x","stream":false}`},
		{"POST", "/api/show", `{"model":"poet"}`},
		{"GET", "/v1/models/poet", ""},
		{"GET", "/v1/models/poet@aaaaaaaa", ""},
	}
	if w := doAs(h, "admin", "GET", "/v1/models", ""); !strings.Contains(w.Body.String(), `"poet"`) {
		t.Errorf("not listed for an admin: %s", w.Body) // this also numbers the adapters
	}
	doAs(h, "admin", "POST", "/v1/chat/completions", ask(`"model":"fake","lora":[{"id":0,"scale":1}]`))
	for key, may := range map[string]bool{"ann": true, "bob": false, "admin": true} {
		before := len(fake.Requests())
		for _, c := range routes {
			w := doAs(h, key, c.method, c.path, c.body)
			if may != (w.Code == 200) || !may && w.Code != 404 {
				t.Errorf("%s: %s %s: status %d: %s", key, c.path, c.body, w.Code, w.Body)
			}
			_, says, _ := strings.Cut(w.Body.String(), "Did you mean")
			if _, list, _ := strings.Cut(w.Body.String(), "Available"); !may && strings.Contains(says+list, "poet") {
				t.Errorf("%s: told of it: %s", key, w.Body)
			}
		}
		for _, r := range fake.Requests()[before:] {
			if !may && (len(r.Adapters) > 0 || r.Model == "fake") {
				t.Errorf("%s: the backend was asked for %q", key, uses(r))
			}
		}
		for _, path := range []string{"/v1/models", "/api/tags"} {
			if listed := strings.Contains(doAs(h, key, "GET", path, "").Body.String(), "poet"); listed != may {
				t.Errorf("%s: listed at %s: %v", key, path, listed)
			}
		}
	}
	// The answers for what exists and what does not are the same but for the name.
	there := doAs(h, "bob", "POST", "/v1/chat/completions", ask(`"model":"poet"`)).Body.String()
	not := doAs(h, "bob", "POST", "/v1/chat/completions", ask(`"model":"poem"`)).Body.String()
	if strings.ReplaceAll(not, "poem", "poet") != there {
		t.Errorf("%s differs from %s", there, not)
	}
}
