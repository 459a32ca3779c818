package openai

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"graft/serving"
)

// laterKey is where a request's context has a *time.Duration for Retry-After.
type laterKey struct{}

// noteLater keeps what a refusal says of when to ask again: seconds, or a date.
// (RFC 9110, 10.2.3)
func noteLater(ctx context.Context, resp *http.Response) {
	dst, ok := ctx.Value(laterKey{}).(*time.Duration)
	if !ok || resp == nil || resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return
	}
	text := resp.Header.Get("Retry-After")
	const most = 1 << 31 // seconds
	if n, err := strconv.ParseFloat(text, 64); err == nil && n > 0 && n < most {
		*dst = time.Duration(n * float64(time.Second))
	} else if at, err := http.ParseTime(text); err == nil {
		*dst = max(0, time.Until(at))
	}
}

// later adds it to an error.
func later(after time.Duration, err error) error {
	if err == nil || after <= 0 {
		return err
	}
	return &serving.LaterError{After: after, Err: err}
}
