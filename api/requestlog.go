package api

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// observe counts and logs each request at its end. What was asked and answered
// is never logged, unless Options.LogPrompts says so.
func (s *server) observe(c *gin.Context) {
	s.Metrics.inFlight.Inc()
	defer func() { // also when a torn answer cuts the connection by a panic
		s.Metrics.inFlight.Dec()
		route, method := c.FullPath(), c.Request.Method
		if route == "" {
			route, method = "unknown", "" // both would be the client's words
		}
		x := exchangeOf(c)
		s.Metrics.done(route, method, c.Writer.Status(), x)
		s.log(c, route, x)
	}()
	c.Next()
}

func (s *server) log(c *gin.Context, route string, x *exchange) {
	status := c.Writer.Status()
	level := slog.LevelInfo
	switch {
	case route == "/healthz" || route == "/readyz" || route == "/metrics":
		level = slog.LevelDebug
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("request_id", x.id), slog.String("method", c.Request.Method), slog.String("route", route),
		slog.Int("status", status), slog.Float64("ms", milliseconds(time.Since(x.start))), slog.Int("bytes", max(c.Writer.Size(), 0)),
	}
	if x.key.ID != "" {
		attrs = append(attrs, slog.String("key", x.key.ID))
	}
	if x.model != "" {
		attrs = append(attrs, slog.String("model", clip(x.model, 100)), slog.Bool("stream", x.stream))
	}
	if x.adapter != "" {
		attrs = append(attrs, slog.String("adapter", clip(x.adapter, 1000)))
	}
	if x.usage.Prompt > 0 {
		attrs = append(attrs, slog.Int("prompt_tokens", x.usage.Prompt), slog.Int("cached_tokens", x.usage.Cached),
			slog.Int("completion_tokens", x.usage.Completion), slog.Float64("first_token_ms", milliseconds(x.first)))
	}
	if x.err != nil {
		attrs = append(attrs, slog.String("error_code", x.err.Code), slog.String("param", x.err.Param))
	}
	if x.body != nil {
		attrs = append(attrs, slog.String("body", string(x.body)))
	}
	s.Logger.LogAttrs(c.Request.Context(), level, "request", attrs...)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
