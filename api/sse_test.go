package api

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"graft/serving"
)

const streamHello = `{"model":"fake","stream":true,"messages":[{"role":"user","content":"hello"}]}`

func post(t *testing.T, ctx context.Context, url, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// Each chunk must arrive before the next is made.
func TestStreamFlushes(t *testing.T) {
	h, fake := newTest(t)
	fake.Answer = func(*serving.Request, int) string { return "abcdefghi" }
	fake.Delay = 20 * time.Millisecond
	srv := httptest.NewServer(h)
	defer srv.Close()
	res := post(t, t.Context(), srv.URL+"/v1/chat/completions", streamHello)
	lines := bufio.NewScanner(res.Body)
	var arrivals []time.Time
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data: {") {
			arrivals = append(arrivals, time.Now())
		}
	}
	if n := len(arrivals); n != 5 { // role, 3 tokens, finish
		t.Fatalf("%d chunks", n)
	}
	if spread := arrivals[4].Sub(arrivals[0]); spread < 50*time.Millisecond {
		t.Errorf("all chunks came within %v", spread)
	}
}

// A client that leaves, streaming or not, cancels its generation.
func TestDisconnect(t *testing.T) {
	for _, body := range []string{streamHello, hello} {
		h, fake := newTest(t)
		fake.Delay = time.Hour
		srv := httptest.NewServer(h)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			r, _ := http.NewRequestWithContext(ctx, "POST", srv.URL+"/v1/chat/completions", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			if res, err := http.DefaultClient.Do(r); err == nil {
				res.Body.Close()
			}
		}()
		wait(t, "the generation to begin", func() bool { return fake.Running() == 1 })
		cancel()
		wait(t, "the generation to end", func() bool { return fake.Running() == 0 })
		srv.Close()
	}
}

func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 500 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}

func TestKeepAlive(t *testing.T) {
	h, fake := newTest(t, func(d *Deps) { d.Options.KeepAlive = 10 * time.Millisecond })
	fake.Delay = 45 * time.Millisecond
	srv := httptest.NewServer(h)
	defer srv.Close()
	body, err := io.ReadAll(post(t, t.Context(), srv.URL+"/v1/chat/completions", streamHello).Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(body), ": keep-alive\n\n: keep-alive\n\n") || !strings.HasSuffix(string(body), "data: [DONE]\n\n") {
		t.Errorf("got %s", body)
	}

	// An error after a comment has gone out can no longer be a status.
	fake.Err = func(*serving.Request) error { time.Sleep(30 * time.Millisecond); return serving.ErrOverloaded }
	res := post(t, t.Context(), srv.URL+"/v1/chat/completions", streamHello)
	body, _ = io.ReadAll(res.Body)
	_, event, _ := strings.Cut(string(body), "data: ")
	if res.StatusCode != 200 || strings.Contains(string(body), "[DONE]") {
		t.Errorf("status %d, body %s", res.StatusCode, body)
	}
	sameJSON(t, event, `{"error":{"message":"The queue is full","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}`)
}

func TestErrorInStream(t *testing.T) {
	h, fake := newTest(t)
	fake.FailAfter = 1
	body := do(h, "POST", "/v1/chat/completions", streamHello).Body.String()
	events := strings.Split(strings.TrimSpace(body), "\n\n")
	sameJSON(t, strings.TrimPrefix(events[len(events)-1], "data: "), `{"error":{"message":"internal error (request id test)","type":"server_error","param":null,"code":"internal_error"}}`)
	if len(events) != 3 || strings.Contains(body, "[DONE]") {
		t.Errorf("got %s", body)
	}
}

// A panic in the middle cuts the connection: the client must not take what it
// has for a whole answer.
func TestPanicInStream(t *testing.T) {
	h, fake := newTest(t)
	fake.Answer = func(_ *serving.Request, index int) string {
		if index == 1 {
			panic("boom")
		}
		return "x"
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	res := post(t, t.Context(), srv.URL+"/v1/chat/completions", strings.Replace(streamHello, "{", `{"n":2,`, 1))
	if body, err := io.ReadAll(res.Body); err == nil || len(body) == 0 {
		t.Errorf("read %q, error %v; want a torn body", body, err)
	}
}
