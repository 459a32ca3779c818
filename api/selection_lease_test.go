package api

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"graft/adapters"
	"graft/serving"
	"graft/serving/servingtest"
)

// Each request takes its leases once and gives them back once, however it ends:
// whole, in a stream, with several answers or prompts, refused, broken, or by a
// panic. newChoosing checks that none is left.
func TestLeasesAreReleased(t *testing.T) {
	const mix = `"adapters":[{"name":"poet"},{"name":"coder"}]`
	panics := func(*serving.Request) error { panic("boom") }
	refuses := func(*serving.Request) error { return serving.ErrOverloaded }
	for _, c := range []struct {
		name, path, body string
		taken            int
		prepare          func(*servingtest.Fake)
	}{
		{"whole", "/v1/chat/completions", ask(`"model":"poet"`), 1, nil},
		{"mix", "/v1/chat/completions", ask(mix), 2, nil},
		{"n", "/v1/chat/completions", ask(`"model":"poet","n":5`), 1, nil},
		{"stream n", "/v1/chat/completions", ask(`"model":"poet","n":5,"stream":true`), 1, nil},
		{"prompts", "/v1/completions", `{"model":"poet","prompt":["a","b","c"],"n":2}`, 1, nil},
		{"stream prompts", "/v1/completions", `{"model":"poet","prompt":["a","b","c"],"stream":true}`, 1, nil},
		{"response", "/v1/responses", `{"model":"poet","input":"a"}`, 1, nil},
		{"stream response", "/v1/responses", `{"model":"poet","input":"a","stream":true}`, 1, nil},
		{"ollama", "/api/chat", `{"model":"poet","messages":[{"role":"user","content":"a"}]}`, 1, nil},
		{"ollama load", "/api/generate", `{"model":"poet"}`, 1, nil},
		{"tokenize", "/tokenize", `{"model":"poet","prompt":"a"}`, 1, nil},
		{"tokenizer_info", "/tokenizer_info?model=poet", "", 1, nil},
		{"count", "/v1/responses/input_tokens", `{"model":"poet","input":"a"}`, 1, nil},
		{"embeddings", "/v1/embeddings", `{"model":"poet","input":"a"}`, 1, nil},
		{"ollama embed", "/api/embed", `{"model":"poet","input":"a"}`, 1, nil},
		{"card", "/v1/models/poet@aaaaaaaa", "", 1, nil},
		{"bad field", "/v1/chat/completions", ask(`"model":"poet","top_p":7`), 1, nil},
		{"second is unknown", "/v1/chat/completions", ask(`"adapters":[{"name":"poet"},{"name":"poem"}]`), 1, nil},
		{"second has another base", "/v1/chat/completions", ask(`"adapters":[{"name":"poet"},{"name":"other"}]`), 2, nil},
		{"two ways", "/v1/chat/completions", ask(`"model":"poet","adapter":"coder"`), 1, nil},
		{"wrong base", "/v1/chat/completions", ask(`"model":"fake-base:poet"`), 1, nil},
		{"no such response", "/v1/responses", `{"model":"poet","input":"a","previous_response_id":"resp_0"}`, 1, nil},
		{"refused", "/v1/chat/completions", ask(`"model":"poet"`), 1, func(f *servingtest.Fake) { f.Err = refuses }},
		{"refused prompts", "/v1/completions", `{"model":"poet","prompt":["a","b"]}`, 1, func(f *servingtest.Fake) { f.Err = refuses }},
		{"broken stream", "/v1/chat/completions", ask(`"model":"poet","stream":true`), 1, func(f *servingtest.Fake) { f.FailAfter = 1 }},
		{"panic", "/v1/chat/completions", ask(mix), 2, func(f *servingtest.Fake) { f.Err = panics }},
		{"panic in a stream", "/v1/responses", `{"model":"poet","input":"a","stream":true}`, 1, func(f *servingtest.Fake) { f.Err = panics }},
		{"panic of a prompt", "/v1/completions", `{"model":"poet","prompt":["a","b","c"]}`, 1, func(f *servingtest.Fake) { f.Err = panics }},
		{"panic in ollama", "/api/chat", `{"model":"poet","messages":[{"role":"user","content":"a"}]}`, 1, func(f *servingtest.Fake) { f.Err = panics }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, fake, registry := newChoosing(t)
			if c.prepare != nil {
				c.prepare(fake)
			}
			var held atomic.Int64 // prompts of one request run side by side
			held.Store(-1)
			if before := fake.Err; true {
				fake.Err = func(r *serving.Request) error {
					_, n := registry.counts()
					held.Store(int64(n))
					if before != nil {
						return before(r)
					}
					return nil
				}
			}
			method := "POST"
			if c.body == "" {
				method = "GET"
			}
			do(h, method, c.path, c.body)
			if taken, _ := registry.counts(); taken != c.taken {
				t.Errorf("%d leases were taken, want %d", taken, c.taken)
			}
			if n := held.Load(); n >= 0 && n != int64(c.taken) {
				t.Errorf("%d leases were held while it was answered, want %d", n, c.taken)
			}
		})
	}
}

// A client that leaves in the middle lets go too, and the lease is there as long
// as the backend works.
func TestLeaseOfLeavingClient(t *testing.T) {
	for _, body := range []string{ask(`"model":"poet","stream":true,"n":3`), ask(`"model":"poet"`)} {
		h, fake, registry := newChoosing(t)
		fake.Delay = 5 * time.Millisecond
		fake.Answer = func(*serving.Request, int) string { return strings.Repeat("word ", 2000) }
		ended := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() { ended <- struct{}{} }()
			h.ServeHTTP(w, r)
		}))
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, "POST", server.URL+"/v1/chat/completions", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		if strings.Contains(body, "stream") {
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if got := res.Header.Get("X-Graft-Adapter"); got != "poet@"+gen("a") { // before the answer has ended
				t.Errorf("x-graft-adapter %q", got)
			}
			_, _ = bufio.NewReader(res.Body).ReadString('\n')
			if _, open := registry.counts(); open != 1 {
				t.Errorf("%d leases are held in the middle of a stream", open)
			}
			cancel()
			res.Body.Close()
		} else {
			time.AfterFunc(30*time.Millisecond, cancel)
			if _, err := http.DefaultClient.Do(req); err == nil {
				t.Error("no error")
			}
		}
		<-ended
		cancel()
		server.Close()
		if _, open := registry.counts(); open != 0 || fake.Running() != 0 {
			t.Errorf("%d leases are left, %d generations run", open, fake.Running())
		}
	}
}

// Many requests at once, while the name is given other generations and is
// deleted: each is answered by what it chose, or not at all.
func TestLeasesWhileNamesChange(t *testing.T) {
	h, _, registry := newChoosing(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 30 {
				w := do(h, "POST", "/v1/completions", `{"model":"poet","prompt":["a","b"],"n":2}`)
				header := w.Header().Get("X-Graft-Adapter")
				if w.Code != 200 && w.Code != 404 || w.Code == 200 && !strings.Contains(w.Body.String(), strings.TrimPrefix(header, "poet@")) {
					t.Errorf("status %d, header %q: %s", w.Code, header, w.Body)
				}
			}
		})
		wg.Go(func() {
			for range 30 {
				registry.put("poet", "fake", fmt.Sprintf("%x", i), adapters.Settings{})
				_ = registry.Delete(t.Context(), "poet", adapters.Change{})
			}
		})
	}
	wg.Wait()
}
