package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"graft/internal/store"
)

// secretText is that of the specification's example, made longer.
const secretText = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// TestSign: the vector that the reference libraries of Standard Webhooks are tested with.
func TestSign(t *testing.T) {
	key, err := ParseSecret(secretText)
	if err != nil {
		t.Fatal(err)
	}
	got := key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	bytes := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for secret, ok := range map[string]bool{
		"whsec_" + bytes(24): true, "whsec_" + bytes(64): true, "whsec_" + bytes(23): false, "whsec_" + bytes(65): false,
		"": false, "whsec_": false, bytes(32): false, "whsec_" + strings.Repeat("!", 40): false,
	} {
		if _, err := ParseSecret(secret); (err == nil) != ok || err != nil && len(secret) > 10 && strings.Contains(err.Error(), secret[6:]) {
			t.Errorf("%q: %v", secret, err)
		}
	}
	if text := fmt.Sprint(key); strings.Contains(text, "MfKQ") || text != "whsec_…" {
		t.Errorf("a key is printed as %s", text)
	}
}

// attempt is a request that an endpoint got.
type attempt struct{ id, stamp, body string }

// target is an endpoint that answers by a list of states, the last one for ever.
type target struct {
	*httptest.Server
	mu   sync.Mutex
	seen []attempt
}

// newTarget checks each signature by the specification's words, not by our code.
func newTarget(t *testing.T, states ...int) *target {
	t.Helper()
	e := &target{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		a := attempt{r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), string(body)}
		raw, _ := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
		mac := hmac.New(sha256.New, raw)
		mac.Write([]byte(a.id + "." + a.stamp + "." + a.body))
		version, signature, _ := strings.Cut(r.Header.Get("webhook-signature"), ",")
		if got, err := base64.StdEncoding.DecodeString(signature); err != nil || version != "v1" || !hmac.Equal(got, mac.Sum(nil)) {
			t.Errorf("signature %q of %+v: %v", r.Header.Get("webhook-signature"), a, err)
		}
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.URL.Path != "/hook" {
			t.Errorf("%s %s of %s", r.Method, r.URL, r.Header.Get("Content-Type"))
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.seen = append(e.seen, a)
		state := states[min(len(e.seen), len(states))-1]
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(state)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *target) attempts() []attempt {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.seen)
}

// desk is a store with a clock that is moved by hand.
type desk struct {
	*store.Store
	now time.Time
}

func openDesk(t *testing.T, dir string, now time.Time) *desk {
	t.Helper()
	s, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &desk{s, now}
}

func (d *desk) sender(t *testing.T, urls ...string) *Sender {
	t.Helper()
	key, err := ParseSecret(secretText)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Store: d.Store, Endpoints: map[string]Key{}, Agent: "test", Now: func() time.Time { return d.now }}
	for _, url := range urls {
		o.Endpoints[url] = key
	}
	return New(o)
}

func (d *desk) add(t *testing.T, id, url string) {
	t.Helper()
	err := d.ChangeJobs(t.Context(), func(tx store.JobsTx) error {
		return tx.AddWebhook(t.Context(), store.Webhook{ID: id, URL: url, Body: `{"id":"` + id + `"}`, Created: d.now})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// left is what is still to be sent.
func (d *desk) left(t *testing.T) (ids []string) {
	t.Helper()
	list, err := d.DueWebhooks(t.Context(), d.now.Add(1000*time.Hour), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range list {
		ids = append(ids, w.ID)
	}
	return ids
}

func round(t *testing.T, s *Sender) time.Time {
	t.Helper()
	next, err := s.round(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// TestRetries: what fails is tried again later and later, with the same id and body and
// the time of the attempt, by another process too; what has come is not.
func TestRetries(t *testing.T) {
	e := newTarget(t, 500, 302, 429, 204)
	url, dir, start := e.URL+"/hook", t.TempDir(), time.Unix(1_800_000_000, 0)
	d := openDesk(t, dir, start)
	d.add(t, "wh_1", url)
	var waits []time.Duration
	for range 3 {
		next := round(t, d.sender(t, url))
		waits = append(waits, next.Sub(d.now))
		d.now = next.Add(-time.Millisecond)
		if again := round(t, d.sender(t, url)); !again.Equal(next) {
			t.Errorf("too early: %v, then %v", next, again)
		}
		d.Close()
		d = openDesk(t, dir, next)
	}
	if want := []time.Duration{5 * time.Second, 20 * time.Second, 80 * time.Second}; !slices.Equal(waits, want) {
		t.Errorf("waits of %v, want %v", waits, want)
	}
	if next := round(t, d.sender(t, url)); !next.IsZero() || len(d.left(t)) > 0 {
		t.Errorf("delivered, and then due at %v: %v", next, d.left(t))
	}
	var want []attempt
	for _, after := range []int64{0, 5, 25, 105} {
		want = append(want, attempt{"wh_1", strconv.FormatInt(start.Unix()+after, 10), `{"id":"wh_1"}`})
	}
	if got := e.attempts(); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestGivenUp: after three days, when the endpoint says that it is gone, and when it is
// not in the configuration any more.
func TestGivenUp(t *testing.T) {
	dead, gone := newTarget(t, 500), newTarget(t, 410)
	d := openDesk(t, t.TempDir(), time.Unix(1_800_000_000, 0))
	start := d.now
	d.add(t, "wh_dead", dead.URL+"/hook")
	d.add(t, "wh_gone", gone.URL+"/hook")
	d.add(t, "wh_old", "http://127.0.0.1:1/hook")
	s := d.sender(t, dead.URL+"/hook", gone.URL+"/hook")
	next := round(t, s)
	if got := d.left(t); !slices.Equal(got, []string{"wh_dead"}) || len(gone.attempts()) != 1 {
		t.Fatalf("left %v, %d attempts at the one that is gone", got, len(gone.attempts()))
	}
	for !next.IsZero() {
		if wait := next.Sub(d.now); wait > lastRetry {
			t.Fatalf("a wait of %v", wait)
		}
		d.now = next
		next = round(t, s)
	}
	if after := d.now.Sub(start); after < kept-lastRetry || after > kept || len(dead.attempts()) < 15 || len(d.left(t)) > 0 {
		t.Errorf("given up after %v and %d attempts, left %v", after, len(dead.attempts()), d.left(t))
	}
}

// TestOrder: while an endpoint fails, what is for it waits, and is then told in order; what
// is for others goes on.
func TestOrder(t *testing.T) {
	bad, good := newTarget(t, 500, 200), newTarget(t, 200)
	d := openDesk(t, t.TempDir(), time.Unix(1_800_000_000, 0))
	for i := range onePage + 3 { // more than are read at a time
		d.add(t, fmt.Sprintf("wh_bad%02d", i), bad.URL+"/hook")
	}
	d.add(t, "wh_good", good.URL+"/hook")
	s := d.sender(t, bad.URL+"/hook", good.URL+"/hook")
	next := round(t, s)
	if len(bad.attempts()) > 2 || len(good.attempts()) != 1 || next.IsZero() {
		t.Fatalf("%d attempts at the one that fails, %d at the other", len(bad.attempts()), len(good.attempts()))
	}
	d.now = next
	if next := round(t, s); !next.IsZero() {
		t.Errorf("left %v, due at %v", d.left(t), next)
	}
}

// TestRun: a webhook goes out when the sender is woken; one that comes as the process ends
// has a last moment, even while an attempt is being made; and an endpoint that never answers holds nothing up for long.
func TestRun(t *testing.T) {
	e := newTarget(t, 200)
	stuck, entered := make(chan struct{}), make(chan struct{}, 10)
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	defer close(stuck)
	d := openDesk(t, t.TempDir(), time.Now())
	s := d.sender(t, e.URL+"/hook", slow.URL+"/hook")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	d.add(t, "wh_1", e.URL+"/hook")
	s.Wake()
	await := func(n int) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); len(e.attempts()) < n; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d attempts, want %d", len(e.attempts()), n)
			}
		}
	}
	await(1)
	d.add(t, "wh_slow", slow.URL+"/hook")
	s.Wake()
	<-entered
	d.add(t, "wh_2", e.URL+"/hook")
	began := time.Now()
	cancel() // nobody has woken it
	if err := <-done; err != nil || time.Since(began) > lastWords+2*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	await(2)
	if got := d.left(t); !slices.Equal(got, []string{"wh_slow"}) {
		t.Errorf("left %v", got)
	}
	if list, err := d.DueWebhooks(t.Context(), d.now, 1); err != nil || list[0].Attempts != 0 {
		t.Errorf("an attempt that the end of the process broke off counts: %+v %v", list, err)
	}
}
