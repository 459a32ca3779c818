package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Body is the JSON of a request.
type Body map[string]any

// With is b with more fields.
func (b Body) With(more Body) Body {
	out := Body{}
	for _, from := range []Body{b, more} {
		for k, v := range from {
			out[k] = v
		}
	}
	return out
}

// client keeps its connections: many streams go to one host.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// StatusError is an answer with a status from 400 on.
type StatusError struct {
	Status int
	Text   string // what the server said
}

func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %s", e.Status, e.Text) }

// Call sends body, nil for none, and decodes the answer into out, which may be
// nil. It returns the answer's header. Errors: StatusError.
func Call(ctx context.Context, method, url string, body Body, out any) (http.Header, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 400 {
		return nil, fmt.Errorf("%s %s: %w", method, url, &StatusError{resp.StatusCode, string(answer)})
	}
	if out == nil {
		return resp.Header, nil
	}
	return resp.Header, json.Unmarshal(answer, out)
}

// Answer is what is read of a completion.
type Answer struct {
	Choices []struct {
		Message struct{ Content string }
	}
	Usage struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
	}
	Header http.Header `json:"-"`
}

// Chat asks for one answer.
func Chat(ctx context.Context, s *Server, body Body) (Answer, error) {
	var a Answer
	header, err := Call(ctx, http.MethodPost, s.URL+"/v1/chat/completions", body, &a)
	a.Header = header
	if err == nil && len(a.Choices) == 0 {
		err = fmt.Errorf("%s: an answer without choices", s.Name)
	}
	return a, err
}

// Chats asks for all answers at once, and says how long it took until the last was there.
func Chats(ctx context.Context, s *Server, bodies []Body) ([]Answer, time.Duration, error) {
	var wg sync.WaitGroup
	answers, errs := make([]Answer, len(bodies)), make([]error, len(bodies))
	began := time.Now()
	for i, b := range bodies {
		wg.Go(func() { answers[i], errs[i] = Chat(ctx, s, b) })
	}
	wg.Wait()
	return answers, time.Since(began), errors.Join(errs...)
}

// Throughput asks for all bodies at once and returns the tokens that were
// generated per second, from the first request to the last answer.
func Throughput(ctx context.Context, s *Server, bodies []Body) (float64, error) {
	answers, took, err := Chats(ctx, s, bodies)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, a := range answers {
		total += a.Usage.Completion
	}
	return float64(total) / took.Seconds(), nil
}
