package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"graft/serving/servingtest"
)

// newTest is the API over a fake, with a clock that stands still and ids that count.
func newTest(t testing.TB, change ...func(*Deps)) (http.Handler, *servingtest.Fake) {
	fake := servingtest.NewFake()
	var count atomic.Int64
	d := Deps{
		Backend: fake, Options: DefaultOptions(), Version: "test",
		Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
		ID:  func(prefix string) string { return fmt.Sprintf("%s%d", prefix, count.Add(1)) },
	}
	d.Options.KeepAlive = 0
	for _, f := range change {
		f(&d)
	}
	return New(d), fake
}

func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Request-Id", "test")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func do(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(method, path, body))
	return w
}

// sameJSON compares documents, numbers as they are written.
func sameJSON(t testing.TB, got, want string) {
	t.Helper()
	if diff := cmp.Diff(parse(t, want), parse(t, got)); diff != "" {
		t.Errorf("-want +got:\n%s\ngot: %s", diff, got)
	}
}

func parse(t testing.TB, s string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %q", err, s)
	}
	if _, err := dec.Token(); err != io.EOF {
		t.Fatalf("more than one value in %q", s)
	}
	return v
}

// wantError checks the envelope and returns the message.
func wantError(t testing.TB, w *httptest.ResponseRecorder, status int, kind, param, code string) string {
	t.Helper()
	var body struct{ Error map[string]any }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("status %d: %v in %q", w.Code, err, w.Body)
	}
	want := map[string]any{"message": body.Error["message"], "type": kind, "param": nil, "code": nil}
	if param != "" {
		want["param"] = param
	}
	if code != "" {
		want["code"] = code
	}
	if w.Code != status {
		t.Errorf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	if diff := cmp.Diff(want, body.Error); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	message, _ := body.Error["message"].(string)
	if message == "" {
		t.Errorf("no message: %s", w.Body)
	}
	return message
}
