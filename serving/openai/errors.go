package openai

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	api "github.com/sashabaranov/go-openai"

	"graft/serving"
)

// translate makes an error of serving of what the client met.
func translate(ctx context.Context, model string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var e *api.APIError
	if !errors.As(err, &e) {
		var r *api.RequestError
		if !errors.As(err, &r) {
			return fmt.Errorf("asking the endpoint: %w", err)
		}
		e = &api.APIError{HTTPStatusCode: r.HTTPStatusCode, Message: fmt.Sprintf("%s: %.200s", r.HTTPStatus, r.Body)}
	}
	code, _ := e.Code.(string)
	param := ""
	if e.Param != nil {
		param = *e.Param
	}
	switch status := e.HTTPStatusCode; {
	case status == http.StatusNotFound || code == "model_not_found":
		return fmt.Errorf("%w: %s", serving.ErrModelNotFound, e.Message)
	case code == "no_chat_template":
		return fmt.Errorf("%w: %s", serving.ErrNoChatTemplate, e.Message)
	case code == "context_length_exceeded" || tooLong.MatchString(e.Message):
		return contextError(e.Message)
	case status == http.StatusTooManyRequests:
		return fmt.Errorf("%w: %s", serving.ErrOverloaded, e.Message)
	case status == http.StatusServiceUnavailable:
		return fmt.Errorf("%w: the endpoint is not ready: %s", serving.ErrOverloaded, e.Message)
	case status == http.StatusGatewayTimeout:
		return fmt.Errorf("%w: %s", serving.ErrDeadline, e.Message)
	case status == http.StatusBadRequest || status == http.StatusUnprocessableEntity:
		return &serving.ParamError{Param: param, Message: e.Message}
	}
	return fmt.Errorf("the endpoint of model %q answered with status %d: %s", model, e.HTTPStatusCode, e.Message)
}

var (
	tooLong = regexp.MustCompile(`(?i)maximum context length|context size|exceeds the (available|model's) context`)
	numbers = regexp.MustCompile(`\d+`)
)

// contextError takes the numbers out of the messages of OpenAI, vLLM and graft:
// the context first, then what was asked for, then its parts.
func contextError(message string) error {
	var n []int
	for _, s := range numbers.FindAllString(message, 4) {
		if v, err := strconv.Atoi(s); err == nil {
			n = append(n, v)
		}
	}
	e := &serving.ContextError{}
	switch len(n) {
	case 0, 1:
		return fmt.Errorf("%w: %s", serving.ErrContextLength, message)
	case 4:
		e.Context, e.Prompt, e.Max = n[0], n[2], n[3]
	default:
		e.Context, e.Prompt = n[0], n[1]
	}
	return e
}
