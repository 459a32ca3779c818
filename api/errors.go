package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"graft/adapters"
	"graft/evalharness"
	"graft/evalharness/evals"
	"graft/serving"
	"graft/training/jobs"
)

// Types of errors, in OpenAI's words.
const (
	invalidRequest = "invalid_request_error"
	authentication = "authentication_error"
	rateLimit      = "rate_limit_error"
	serverError    = "server_error"
)

// Error is what a client is told: a status, and OpenAI's four keys. An empty
// Param or Code is null on the wire.
type Error struct {
	Status     int
	Type       string
	Message    string
	Param      string
	Code       string
	RetryAfter time.Duration // sent as a header when not 0
	NoRetry    bool          // tells OpenAI's clients not to try again by themselves
}

func (e *Error) Error() string { return e.Message }

// errorTable maps what backends and stores return to what a client is told.
// Anything else is a 500 whose message stays in the log.
var errorTable = []struct {
	is         error
	status     int
	kind, code string
	param      string
	retryAfter time.Duration
	hint       string
	noRetry    bool // OpenAI's clients repeat 409 and 5xx by themselves unless told not to
}{
	{is: serving.ErrModelNotFound, status: http.StatusNotFound, kind: invalidRequest, code: "model_not_found", param: "model"},
	{is: serving.ErrContextLength, status: http.StatusBadRequest, kind: invalidRequest, code: "context_length_exceeded", param: promptField},
	{is: serving.ErrNoChatTemplate, status: http.StatusBadRequest, kind: invalidRequest, code: "no_chat_template", param: "model",
		hint: ", so it cannot chat: it completes text, at /v1/completions"},
	{is: serving.ErrUnsupported, status: http.StatusBadRequest, kind: invalidRequest, code: "unsupported_value"},
	{is: serving.ErrOverloaded, status: http.StatusTooManyRequests, kind: rateLimit, code: "rate_limit_exceeded", retryAfter: overloadedRetry},
	{is: serving.ErrDraining, status: http.StatusServiceUnavailable, kind: serverError, code: "shutting_down", retryAfter: overloadedRetry},
	{is: serving.ErrDeadline, status: http.StatusGatewayTimeout, kind: serverError, code: "deadline_exceeded"},
	{is: context.DeadlineExceeded, status: http.StatusGatewayTimeout, kind: serverError, code: "deadline_exceeded"},
	{is: ErrBadKey, status: http.StatusUnauthorized, kind: authentication, code: "invalid_api_key"},
	{is: ErrNoResponse, status: http.StatusNotFound, kind: invalidRequest, code: "response_not_found", param: "response_id"},
	{is: errTooLarge, status: http.StatusRequestEntityTooLarge, kind: invalidRequest, code: "request_too_large"},

	{is: adapters.ErrNotFound, status: http.StatusNotFound, kind: invalidRequest, code: "model_not_found", param: "model"},
	{is: adapters.ErrNoPath, status: http.StatusNotFound, kind: invalidRequest, code: "adapter_path_not_found"},
	{is: ErrNoBlob, status: http.StatusNotFound, kind: invalidRequest, code: "blob_not_found"},
	{is: ErrDigest, status: http.StatusBadRequest, kind: invalidRequest, code: "digest_mismatch"},
	{is: adapters.ErrSource, status: http.StatusBadGateway, kind: serverError, code: "adapter_fetch_failed"},
	{is: adapters.ErrForbidden, status: http.StatusForbidden, kind: invalidRequest, code: "adapter_forbidden"},
	{is: adapters.ErrName, status: http.StatusBadRequest, kind: invalidRequest, code: "invalid_lora_name"},
	{is: adapters.ErrExists, status: http.StatusConflict, kind: invalidRequest, code: "lora_adapter_already_loaded", noRetry: true},
	{is: adapters.ErrMismatch, status: http.StatusConflict, kind: invalidRequest, code: "lora_generation_mismatch", noRetry: true},
	{is: adapters.ErrUnproven, status: http.StatusConflict, kind: invalidRequest, code: "verdict_required", noRetry: true},
	{is: evalharness.ErrEvidence, status: http.StatusUnprocessableEntity, kind: invalidRequest, code: "unproven_result"},
	{is: adapters.ErrNoPrevious, status: http.StatusConflict, kind: invalidRequest, code: "no_previous_generation", noRetry: true},
	{is: adapters.ErrInvalid, status: http.StatusUnprocessableEntity, kind: invalidRequest, code: "invalid_lora_adapter"},
	{is: adapters.ErrTooLarge, status: http.StatusRequestEntityTooLarge, kind: invalidRequest, code: "lora_adapter_file_too_large"},
	// Waiting does not make room, so not 429; the one who runs the server has to act.
	{is: adapters.ErrQuota, status: http.StatusInsufficientStorage, kind: serverError, code: "lora_byte_limit_exceeded", noRetry: true},
	// The request is right, and so is the server: what it depends on is not. A 5xx
	// would be sent again by clients, with the same end.
	{is: serving.ErrAdapter, status: http.StatusFailedDependency, kind: serverError, code: "adapter_unavailable"},

	{is: jobs.ErrNotFound, status: http.StatusNotFound, kind: invalidRequest, code: "fine_tune_not_found", param: "fine_tuning_job_id"},
	{is: jobs.ErrNoFile, status: http.StatusBadRequest, kind: invalidRequest, code: "file_not_found", param: "training_file"},
	{is: jobs.ErrState, status: http.StatusBadRequest, kind: invalidRequest, code: "invalid_job_state", param: "fine_tuning_job_id"},
	// Waiting does not help soon.
	{is: jobs.ErrFull, status: http.StatusTooManyRequests, kind: rateLimit, code: "too_many_jobs", noRetry: true},
	{is: evals.ErrNotFound, status: http.StatusNotFound, kind: invalidRequest, code: "eval_not_found", param: "eval_id"},
	{is: evals.ErrNoRun, status: http.StatusNotFound, kind: invalidRequest, code: "eval_run_not_found", param: "run_id"},
	{is: evals.ErrNoItem, status: http.StatusNotFound, kind: invalidRequest, code: "output_item_not_found", param: "output_item_id"},
	{is: evals.ErrState, status: http.StatusBadRequest, kind: invalidRequest, code: "invalid_run_state", param: "run_id"},
	{is: evals.ErrFull, status: http.StatusTooManyRequests, kind: rateLimit, code: "too_many_evals", noRetry: true},
	{is: jobs.ErrClosed, status: http.StatusServiceUnavailable, kind: serverError, code: "shutting_down", retryAfter: overloadedRetry},
}

// promptField stands for the field that holds a route's prompt.
const promptField = "the prompt"

// clientClosedRequest is nginx's status for a client that left; it is seen in
// logs and metrics only.
const clientClosedRequest = 499

// overloadedRetry is what Retry-After says when the queue is full: about the
// time of one short answer on a small machine.
const overloadedRetry = 2 * time.Second

// classify turns any error into what the client is told. promptParam is the
// field that holds this route's prompt. internal says that the error is not in
// the table, so that its text belongs in the log alone.
func classify(err error, promptParam string) (e *Error, internal bool) {
	if errors.As(err, &e) {
		return e, false
	}
	for _, row := range errorTable {
		if !errors.Is(err, row.is) {
			continue
		}
		e = &Error{Status: row.status, Type: row.kind, Code: row.code, Param: row.param, Message: sentence(err.Error()) + row.hint, RetryAfter: row.retryAfter}
		var param *serving.ParamError
		if errors.As(err, &param) {
			e.Param, e.Message = param.Param, sentence(param.Message)
		}
		if e.Param == promptField {
			e.Param = promptParam
		}
		e.NoRetry = row.noRetry || e.Status == http.StatusGatewayTimeout // it would take as long again
		return e, false
	}
	return &Error{Status: http.StatusInternalServerError, Type: serverError, Code: "internal_error", Message: "internal error"}, true
}

func sentence(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

// errorBody is OpenAI's envelope: all four keys, always.
type errorBody struct {
	Error struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	} `json:"error"`
}

func (e *Error) body() errorBody {
	var b errorBody
	b.Error.Message, b.Error.Type = e.Message, e.Type
	b.Error.Param, b.Error.Code = orNull(e.Param), orNull(e.Code)
	return b
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// modelLister is what a 404 needs to say which models there are.
type modelLister interface {
	Models(ctx context.Context) ([]serving.Model, error)
}

// maxListed bounds the names that a 404 names.
const maxListed = 20

// explain classifies err for the client of c, logs it if it is internal, and
// lists the models if one was not found.
func (s *server) explain(c *gin.Context, err error, promptParam string) *Error {
	e, internal := classify(err, promptParam)
	x := exchangeOf(c)
	switch {
	case errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil:
		e = &Error{Status: clientClosedRequest, Type: invalidRequest, Code: "client_closed_request", Message: "the client closed the connection"}
	case internal:
		s.Logger.ErrorContext(c.Request.Context(), "internal error", "request_id", x.id, "route", c.FullPath(), "error", err)
		e.Message += " (request id " + x.id + ")"
	case errors.Is(err, serving.ErrModelNotFound):
		e.Message = fmt.Sprintf("The model '%.100s' does not exist.%s", x.model, s.available(c.Request.Context(), x.key, x.model))
	}
	x.err = e
	return e
}

// available lists the models and adapters of a key, those first that asked may
// have meant; or it is empty.
func (s *server) available(ctx context.Context, key KeyInfo, asked string) string {
	names := s.names(ctx, key)
	if len(names) == 0 {
		return ""
	}
	near := didYouMean(asked, names)
	if more := len(names) - maxListed; more > 0 {
		names = append(names[:maxListed:maxListed], fmt.Sprintf("and %d more", more))
	}
	return near + " Available: " + strings.Join(names, ", ") + "."
}

// fail answers with err, in the dialect of the route.
func (s *server) fail(c *gin.Context, err error, promptParam string) {
	e := s.explain(c, err, promptParam)
	if e.Status == clientClosedRequest {
		c.Status(clientClosedRequest)
		c.Abort()
		return
	}
	if e.RetryAfter > 0 {
		seconds := (e.RetryAfter + time.Second - 1) / time.Second
		c.Header("Retry-After", strconv.FormatInt(int64(seconds), 10))
		c.Header("Retry-After-Ms", strconv.FormatInt(e.RetryAfter.Milliseconds(), 10))
	}
	if e.NoRetry {
		c.Header("X-Should-Retry", "false")
	}
	if e.Status == http.StatusUnauthorized {
		c.Header("WWW-Authenticate", `Bearer realm="graft"`)
	}
	c.Abort()
	if isOllama(c) {
		s.writeJSON(c, e.Status, ollamaError{e.Message})
		return
	}
	s.writeJSON(c, e.Status, e.body())
}

// isOllama says whether the path belongs to Ollama's API.
func isOllama(c *gin.Context) bool { return strings.HasPrefix(c.Request.URL.Path, "/api/") }

type ollamaError struct {
	Error string `json:"error"`
}
