package api

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// operations are the routes that ask a model, by OpenTelemetry's names for them.
var operations = map[string]string{
	"/v1/chat/completions": "chat", "/v1/responses": "chat", "/api/chat": "chat",
	"/v1/completions": "text_completion", "/api/generate": "text_completion",
	"/v1/embeddings": "embeddings", "/api/embed": "embeddings", "/api/embeddings": "embeddings",
}

// trace makes a span of each request, under the client's traceparent if it sent
// one, with the attributes of OpenTelemetry's conventions for HTTP servers and
// generative AI. What was asked and answered is never in it.
func (s *server) trace(c *gin.Context) {
	if s.Tracer == nil {
		return
	}
	route := c.FullPath()
	if route == "" {
		return
	}
	ctx := propagation.TraceContext{}.Extract(c.Request.Context(), propagation.HeaderCarrier(c.Request.Header))
	ctx, span := s.Tracer.Start(ctx, c.Request.Method+" "+route, trace.WithSpanKind(trace.SpanKindServer))
	c.Request = c.Request.WithContext(ctx)
	defer func() { // also when a torn answer cuts the connection by a panic
		x := exchangeOf(c)
		status := c.Writer.Status()
		span.SetAttributes(attribute.String("http.request.method", c.Request.Method), attribute.String("http.route", route),
			attribute.Int("http.response.status_code", status), attribute.String("graft.request_id", x.id))
		if operation, ok := operations[route]; ok {
			span.SetAttributes(attribute.String("gen_ai.operation.name", operation), attribute.String("gen_ai.provider.name", "graft"),
				attribute.String("gen_ai.request.model", clip(x.model, 100)), attribute.String("gen_ai.response.model", x.served),
				attribute.Int("gen_ai.usage.input_tokens", x.usage.Prompt), attribute.Int("gen_ai.usage.output_tokens", x.usage.Completion),
				attribute.Float64("gen_ai.server.time_to_first_token", x.first.Seconds()))
		}
		if x.err != nil {
			span.SetAttributes(attribute.String("error.type", x.err.Code))
		}
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}()
	c.Next()
}
