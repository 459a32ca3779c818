package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"graft/adapters"
	"graft/serving"
)

const hello = `{"model":"fake","messages":[{"role":"user","content":"hello"}]}`

// Every error of a backend, in OpenAI's envelope.
func TestBackendErrors(t *testing.T) {
	for _, c := range []struct {
		err               error
		status            int
		kind, param, code string
		says              string
		retryAfter        string
	}{
		{fmt.Errorf("model x: %w", serving.ErrModelNotFound), 404, "invalid_request_error", "model", "model_not_found", "Available: fake, fake-base, fake-embed.", ""},
		{fmt.Errorf("16 waiting: %w", serving.ErrOverloaded), 429, "rate_limit_error", "", "rate_limit_exceeded", "16 waiting", "2"},
		{&serving.ContextError{Context: 100, Prompt: 90, Max: 20}, 400, "invalid_request_error", "messages", "context_length_exceeded", "100 tokens, but the request needs 110", ""},
		{fmt.Errorf("prompt: %w", serving.ErrContextLength), 400, "invalid_request_error", "messages", "context_length_exceeded", "Prompt", ""},
		{serving.ErrNoChatTemplate, 400, "invalid_request_error", "model", "no_chat_template", "/v1/completions", ""},
		{&serving.ParamError{Param: "response_format.json_schema.schema", Message: "the keyword 'not' is not supported"}, 400, "invalid_request_error", "response_format.json_schema.schema", "unsupported_value", "The keyword 'not'", ""},
		{serving.ErrUnsupported, 400, "invalid_request_error", "", "unsupported_value", "Not supported", ""},
		{serving.ErrDraining, 503, "server_error", "", "shutting_down", "shutting down", "2"},
		{serving.ErrDeadline, 504, "server_error", "", "deadline_exceeded", "deadline", ""},
		{fmt.Errorf("upstream: %w", context.DeadlineExceeded), 504, "server_error", "", "deadline_exceeded", "Upstream", ""},
		{fmt.Errorf("adapter x: %w", adapters.ErrNotFound), 404, "invalid_request_error", "model", "model_not_found", "Adapter x: there is no such adapter", ""},
		{adapters.ErrNoPath, 404, "invalid_request_error", "", "adapter_path_not_found", "at this path", ""},
		{adapters.ErrForbidden, 403, "invalid_request_error", "", "adapter_forbidden", "Not allowed", ""},
		{adapters.ErrName, 400, "invalid_request_error", "", "invalid_lora_name", "cannot be used", ""},
		{adapters.ErrExists, 409, "invalid_request_error", "", "lora_adapter_already_loaded", "taken", ""},
		{adapters.ErrMismatch, 409, "invalid_request_error", "", "lora_generation_mismatch", "another generation", ""},
		{adapters.ErrNoPrevious, 409, "invalid_request_error", "", "no_previous_generation", "go back", ""},
		{fmt.Errorf("%w: 2 tensors", adapters.ErrInvalid), 422, "invalid_request_error", "", "invalid_lora_adapter", "2 tensors", ""},
		{adapters.ErrTooLarge, 413, "invalid_request_error", "", "lora_adapter_file_too_large", "larger", ""},
		{adapters.ErrQuota, 507, "server_error", "", "lora_byte_limit_exceeded", "can be stored", ""},
		{fmt.Errorf("adapter x: %w", serving.ErrAdapter), 424, "server_error", "", "adapter_unavailable", "Adapter x", ""},
		{errors.New("secret path of a file"), 500, "server_error", "", "internal_error", "internal error (request id test)", ""},
		{context.Canceled, 500, "server_error", "", "internal_error", "internal error", ""}, // the client is still there
	} {
		t.Run(c.err.Error(), func(t *testing.T) {
			var log bytes.Buffer
			h, fake := newTest(t, func(d *Deps) { d.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			fake.Err = func(*serving.Request) error { return c.err }
			w := do(h, "POST", "/v1/chat/completions", hello)
			says := wantError(t, w, c.status, c.kind, c.param, c.code)
			if !strings.Contains(says, c.says) {
				t.Errorf("message %q, want %q in it", says, c.says)
			}
			if got := w.Header().Get("Retry-After"); got != c.retryAfter {
				t.Errorf("Retry-After %q, want %q", got, c.retryAfter)
			}
			if got, want := w.Header().Get("X-Should-Retry"), map[bool]string{true: "false"}[c.status == 504 || c.status == 409 || c.status == 507]; got != want {
				t.Errorf("X-Should-Retry %q, want %q", got, want)
			}
			if hidden, logged := c.status == 500, strings.Count(log.String(), "internal error"); (logged == 1) != hidden {
				t.Errorf("logged %d times:\n%s", logged, &log)
			}
			if strings.Contains(says, "secret") || strings.Contains(log.String(), "hello") {
				t.Errorf("a secret came out: %q, log:\n%s", says, &log)
			}
		})
	}
}

func TestUnknownModel(t *testing.T) {
	h, _ := newTest(t)
	says := wantError(t, do(h, "POST", "/v1/chat/completions", `{"model":"gpt-5","messages":[{"role":"user","content":"x"}]}`), 404, "invalid_request_error", "model", "model_not_found")
	if want := "The model 'gpt-5' does not exist. Available: fake, fake-base, fake-embed."; says != want {
		t.Errorf("got %q, want %q", says, want)
	}
	wantError(t, do(h, "GET", "/v1/models/org/gpt-5", ""), 404, "invalid_request_error", "model", "model_not_found")
}

func TestRoutes(t *testing.T) {
	h, _ := newTest(t)
	for _, c := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "/v2/models", 404, "unknown_url"},
		{"GET", "/v1/chat/completions/", 404, "unknown_url"},
		{"GET", "/v1/chat/completions", 405, "method_not_allowed"},
		{"BREW", "/v1/models", 405, "method_not_allowed"},
	} {
		w := do(h, c.method, c.path, "")
		says := wantError(t, w, c.status, "invalid_request_error", "", c.code)
		if !strings.Contains(says, c.method+" on "+c.path) && !strings.Contains(says, c.method+" "+c.path) {
			t.Errorf("message %q", says)
		}
		if c.status == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s: no Allow header", c.method, c.path)
		}
	}
}

func TestBody(t *testing.T) {
	h, fake := newTest(t, func(d *Deps) { d.Options.MaxBody = 100 })
	w := do(h, "POST", "/v1/chat/completions", `{"model":"`+strings.Repeat("x", 100)+`"}`)
	if says := wantError(t, w, 413, "invalid_request_error", "", "request_too_large"); !strings.Contains(says, "100 bytes") {
		t.Errorf("message %q", says)
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", ";;"} {
		r := request("POST", "/v1/chat/completions", hello)
		r.Header.Set("Content-Type", kind)
		wantError(t, serve(h, r), 400, "invalid_request_error", "", "invalid_content_type")
	}
	r := request("POST", "/v1/chat/completions", hello)
	r.Header.Set("Content-Encoding", "gzip")
	wantError(t, serve(h, r), 400, "invalid_request_error", "", "invalid_content_encoding")
	r = request("POST", "/v1/chat/completions", hello)
	r.Header.Set("Content-Type", "application/json; charset=UTF-8")
	if w := serve(h, r); w.Code != 200 {
		t.Errorf("UTF-8: status %d: %s", w.Code, w.Body)
	}
	if n := len(fake.Requests()); n != 1 {
		t.Errorf("%d requests passed, want 1", n)
	}
}

func TestPanic(t *testing.T) {
	var log bytes.Buffer
	h, fake := newTest(t, func(d *Deps) { d.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	fake.Err = func(*serving.Request) error { panic("boom") }
	w := do(h, "POST", "/v1/chat/completions", hello)
	if says := wantError(t, w, 500, "server_error", "", "internal_error"); strings.Contains(says, "boom") {
		t.Errorf("message %q", says)
	}
	if !strings.Contains(log.String(), "boom") || !strings.Contains(log.String(), "request_id=test") {
		t.Errorf("log: %s", &log)
	}
	fake.Err = nil
	if w := do(h, "POST", "/v1/chat/completions", hello); w.Code != 200 {
		t.Errorf("afterwards: status %d", w.Code)
	}
}
