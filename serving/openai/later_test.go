package openai

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"graft/internal/chat"
	"graft/serving"
)

// What a refusal says of when to come back is in the error; other errors say nothing.
func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		status    int
		header    string
		low, high time.Duration
	}{
		{429, "7", 7 * time.Second, 7 * time.Second}, {429, "0.25", 250 * time.Millisecond, 250 * time.Millisecond}, {503, "3", 3 * time.Second, 3 * time.Second},
		{429, time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), 59 * time.Minute, time.Hour},
		{429, time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), 0, 0}, {429, "", 0, 0}, {429, "-5", 0, 0}, {429, "NaN", 0, 0}, {429, "1e300", 0, 0}, {500, "7", 0, 0},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", c.header)
			http.Error(w, `{"error":{"message":"slow down"}}`, c.status)
		}))
		req := &serving.Request{Model: "m", Messages: []chat.Message{chat.Text("user", "x")}, Sampling: serving.DefaultSampling(), N: 1, Logprobs: -1, PromptLogprobs: -1}
		_, err := New(Options{BaseURL: s.URL}).Generate(t.Context(), req, func(serving.Event) error { return nil })
		s.Close()
		later := &serving.LaterError{}
		if !errors.As(err, &later) {
			later.After = 0
		}
		if later.After < c.low || later.After > c.high || errors.Is(err, serving.ErrOverloaded) != (c.status != 500) {
			t.Errorf("%d %q: after %v, %v", c.status, c.header, later.After, err)
		}
	}
}
