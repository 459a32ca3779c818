package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"graft/serving"
)

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHeaders(t *testing.T) {
	h, _ := newTest(t, func(d *Deps) { d.ID = nil })
	for _, c := range []struct {
		id   string
		want string
	}{
		{"abc-1_2.Z", "^abc-1_2\\.Z$"},
		{"", "^req_[a-z0-9]{26}$"},
		{"a b", "^req_"},
		{"a\nb", "^req_"},
		{strings.Repeat("a", 129), "^req_"},
	} {
		r := request("POST", "/v1/chat/completions", hello)
		r.Header["X-Request-Id"] = []string{c.id}
		w := serve(h, r)
		if got := w.Header().Get("X-Request-Id"); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("id %q: got %q, want %s", c.id, got, c.want)
		}
		if got := w.Header().Get("Openai-Processing-Ms"); !regexp.MustCompile("^[0-9]+$").MatchString(got) {
			t.Errorf("openai-processing-ms %q", got)
		}
		if got := w.Header().Get("Openai-Version"); got != "2020-10-01" {
			t.Errorf("openai-version %q", got)
		}
	}
}

type keys map[string]KeyInfo

func (k keys) Check(_ context.Context, secret string) (KeyInfo, error) {
	if secret == "broken" {
		return KeyInfo{}, errors.New("disk gone")
	}
	info, ok := k[secret]
	if !ok {
		return KeyInfo{}, fmt.Errorf("key store: %w", ErrBadKey)
	}
	return info, nil
}

// Tokens belong to keys, on every route that computes; turns are taken by keys or connections.
func TestOwners(t *testing.T) {
	keyed, ofKeys := newTest(t, func(d *Deps) {
		d.Options.RequireKeys = true
		d.Keys = keys{"one": {ID: "a"}, "two": {ID: "b"}}
	})
	open, ofAll := newTest(t)
	for _, c := range []struct{ path, body string }{
		{"/v1/chat/completions", `{"model":"fake","messages":[{"role":"user","content":"x"}]}`},
		{"/v1/completions", `{"model":"fake","prompt":"x"}`},
		{"/v1/responses", `{"model":"fake","input":"x"}`},
		{"/api/chat", `{"model":"fake","messages":[{"role":"user","content":"x"}]}`},
	} {
		for key, want := range map[string][2]string{"one": {"a", "a"}, "two": {"b", "b"}, "": {"", "192.0.2.1:1234"}} {
			h, fake, r := open, ofAll, request("POST", c.path, c.body)
			if key != "" {
				h, fake = keyed, ofKeys
				r.Header.Set("Authorization", "Bearer "+key)
			}
			if w := serve(h, r); w.Code != 200 {
				t.Fatalf("%s: status %d: %s", c.path, w.Code, w.Body)
			}
			if q := latest(t, fake); q.Owner != want[0] || q.Client != want[1] {
				t.Errorf("%s with key %q: owner %q, client %q, want %q", c.path, key, q.Owner, q.Client, want)
			}
		}
	}
}

func TestKeys(t *testing.T) {
	h, _ := newTest(t, func(d *Deps) {
		d.Options.RequireKeys = true
		d.Keys = keys{"sk-good": {ID: "key_1"}}
	})
	for _, c := range []struct {
		name, header, value, path string
		status                    int
	}{
		{"none", "", "", "/v1/models", 401},
		{"good", "Authorization", "Bearer sk-good", "/v1/models", 200},
		{"good, the other header", "X-Api-Key", "sk-good", "/v1/models", 200},
		{"bad", "Authorization", "Bearer sk-bad", "/v1/models", 401},
		{"another scheme", "Authorization", "Basic sk-good", "/v1/models", 401},
		{"empty", "Authorization", "Bearer ", "/v1/models", 401},
		{"long", "Authorization", "Bearer " + strings.Repeat("x", 600), "/v1/models", 401},
		{"metrics", "", "", "/metrics", 401},
		{"health needs none", "", "", "/healthz", 200},
		{"readiness needs none", "", "", "/readyz", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request("GET", c.path, "")
			if c.header != "" {
				r.Header.Set(c.header, c.value)
			}
			w := serve(h, r)
			if c.status == 401 {
				says := wantError(t, w, 401, "authentication_error", "", "invalid_api_key")
				if none := strings.HasSuffix(c.name, "none") || c.name == "empty" || c.name == "another scheme" || c.name == "metrics"; none != strings.Contains(says, "didn't provide") {
					t.Errorf("message %q", says)
				}
				if w.Header().Get("WWW-Authenticate") == "" {
					t.Error("no WWW-Authenticate")
				}
			} else if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
		})
	}
	r := request("GET", "/v1/models", "")
	r.Header.Set("Authorization", "Bearer broken")
	wantError(t, serve(h, r), 500, "server_error", "", "internal_error")

	none, _ := newTest(t, func(d *Deps) { d.Options.RequireKeys = true })
	r = request("GET", "/v1/models", "")
	r.Header.Set("Authorization", "Bearer sk-good")
	wantError(t, serve(none, r), 401, "authentication_error", "", "invalid_api_key")
}

func TestConcurrencyOfOneKey(t *testing.T) {
	h, fake := newTest(t, func(d *Deps) {
		d.Options.RequireKeys = true
		d.Keys = keys{"one": {ID: "a", MaxConcurrent: 1}, "two": {ID: "b"}}
	})
	inside, release := make(chan struct{}), make(chan struct{})
	fake.Err = func(r *serving.Request) error {
		if r.N == 2 {
			close(inside)
			<-release
		}
		return nil
	}
	ask := func(key, body string) *httptest.ResponseRecorder {
		r := request("POST", "/v1/chat/completions", body)
		r.Header.Set("Authorization", "Bearer "+key)
		return serve(h, r)
	}
	var wg sync.WaitGroup
	wg.Go(func() { ask("one", strings.Replace(hello, "{", `{"n":2,`, 1)) })
	<-inside
	w := ask("one", hello)
	wantError(t, w, 429, "rate_limit_error", "", "rate_limit_exceeded")
	if w.Header().Get("Retry-After") != "1" || w.Header().Get("Retry-After-Ms") != "1000" {
		t.Errorf("headers %v", w.Header())
	}
	if w := ask("two", hello); w.Code != 200 {
		t.Errorf("another key: status %d", w.Code)
	}
	close(release)
	wg.Wait()
	if w := ask("one", hello); w.Code != 200 {
		t.Errorf("afterwards: status %d", w.Code)
	}
}

func TestOrigins(t *testing.T) {
	const page = "https://page.example"
	for _, c := range []struct {
		name    string
		allowed []string
		site    string // Sec-Fetch-Site
		origin  string
		status  int
		allow   string
	}{
		{"no browser", nil, "", "", 200, ""},
		{"same site", nil, "same-origin", "http://example.com", 200, ""},
		{"stranger", nil, "cross-site", page, 403, ""},
		{"old browser's stranger", nil, "", page, 403, ""},
		{"another is allowed", []string{"https://other.example"}, "cross-site", page, 403, ""},
		{"allowed", []string{page}, "cross-site", page, 200, page},
		{"all allowed", []string{"*"}, "cross-site", page, 200, page},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, fake := newTest(t, func(d *Deps) { d.Options.CORSOrigins = c.allowed })
			r := request("POST", "/v1/chat/completions", hello)
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			if c.site != "" {
				r.Header.Set("Sec-Fetch-Site", c.site)
			}
			w := serve(h, r)
			if w.Code != c.status || w.Header().Get("Access-Control-Allow-Origin") != c.allow {
				t.Errorf("status %d, headers %v", w.Code, w.Header())
			}
			if c.status == 403 {
				wantError(t, w, 403, "invalid_request_error", "", "cross_origin")
				if len(fake.Requests()) > 0 {
					t.Error("the backend was asked")
				}
			}
		})
	}
	h, _ := newTest(t, func(d *Deps) { d.Options.CORSOrigins = []string{page}; d.Options.RequireKeys = true })
	r := request("OPTIONS", "/v1/chat/completions", "")
	r.Header.Set("Origin", page)
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "authorization, content-type")
	if w := serve(h, r); w.Code != 204 || w.Header().Get("Access-Control-Allow-Headers") != "authorization, content-type" {
		t.Errorf("preflight: status %d, headers %v", w.Code, w.Header())
	}
}

func TestLog(t *testing.T) {
	for _, prompts := range []bool{false, true} {
		var log bytes.Buffer
		h, _ := newTest(t, func(d *Deps) {
			d.Logger = slog.New(slog.NewTextHandler(&log, nil))
			d.Options.LogPrompts = prompts
		})
		do(h, "POST", "/v1/chat/completions", hello)
		if got := strings.Contains(log.String(), "hello"); got != prompts {
			t.Errorf("LogPrompts %v, log: %s", prompts, &log)
		}
		for _, want := range []string{"request_id=test", "route=/v1/chat/completions", "status=200", "model=fake", "prompt_tokens=3", "completion_tokens=2"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("no %s in the log: %s", want, &log)
			}
		}
	}
}

func TestHealth(t *testing.T) {
	var down error
	h, _ := newTest(t, func(d *Deps) { d.Ready = func() error { return down } })
	sameJSON(t, do(h, "GET", "/healthz", "").Body.String(), `{"status":"ok","version":"test"}`)
	sameJSON(t, do(h, "GET", "/readyz", "").Body.String(), `{"status":"ready"}`)
	down = serving.ErrDraining
	w := do(h, "GET", "/readyz", "")
	sameJSON(t, w.Body.String(), `{"status":"unavailable","reason":"the server is shutting down"}`)
	if w.Code != 503 {
		t.Errorf("status %d", w.Code)
	}
}

func TestMetrics(t *testing.T) {
	metrics := NewMetrics(func() []EngineStats {
		return []EngineStats{{Model: "fake", Queued: 1, Running: 2, Batch: 3, KVUsed: 4, KVTotal: 5, PrefixQueries: 6, PrefixHits: 7, Preemptions: 8, Bytes: 9,
			Adapters: 10, AdapterBytes: 11, AdapterWaiting: 12, AdapterLoads: 13, AdapterEvictions: 14, AdapterFailures: 15, Drafted: 17, DraftAccepted: 16}}
	})
	h, fake := newTest(t, func(d *Deps) { d.Metrics = metrics })
	fake.Delay = time.Millisecond
	do(h, "POST", "/v1/chat/completions", hello)
	do(h, "POST", "/v1/chat/completions", strings.Replace(hello, "fake", "made-up", 1))
	do(h, "POST", "/made-up", "")
	fake.FailAfter = 1
	do(h, "POST", "/v1/chat/completions", hello)
	page := do(h, "GET", "/metrics", "").Body.String()
	for _, want := range []string{
		`graft_http_requests_total{method="POST",model="fake",route="/v1/chat/completions",status="200"} 1`,
		`graft_http_requests_total{method="POST",model="fake",route="/v1/chat/completions",status="500"} 1`,
		`graft_http_requests_total{method="POST",model="",route="/v1/chat/completions",status="404"} 1`,
		`graft_http_requests_total{method="",model="",route="unknown",status="404"} 1`,
		`graft_http_request_seconds_count{model="fake",route="/v1/chat/completions"} 2`,
		`graft_time_to_first_token_seconds_count{model="fake"} 2`,
		`graft_inter_token_seconds_count{model="fake"} 1`, // two tokens
		`graft_tokens_total{kind="prompt",model="fake"} 3`,
		`graft_tokens_total{kind="generated",model="fake"} 2`,
		`graft_queue_requests{model="fake"} 1`, `graft_running_requests{model="fake"} 2`, `graft_batch_rows{model="fake"} 3`,
		`graft_kv_blocks_used{model="fake"} 4`, `graft_kv_blocks{model="fake"} 5`, `graft_prefix_query_tokens_total{model="fake"} 6`,
		`graft_prefix_hit_tokens_total{model="fake"} 7`, `graft_preemptions_total{model="fake"} 8`, `graft_engine_bytes{model="fake"} 9`,
		`graft_adapters{model="fake"} 10`, `graft_adapter_bytes{model="fake"} 11`, `graft_adapter_waiting_requests{model="fake"} 12`,
		`graft_adapter_loads_total{model="fake"} 13`, `graft_adapter_evictions_total{model="fake"} 14`, `graft_adapter_load_failures_total{model="fake"} 15`,
		`graft_draft_tokens_total{model="fake"} 17`, `graft_draft_accepted_tokens_total{model="fake"} 16`,
		`go_goroutines `,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(page, "made-up") {
		t.Error("a client's word became a label")
	}
}
