package api

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"graft/serving"
)

func TestTrace(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	tracer := trace.NewTracerProvider(trace.WithSpanProcessor(spans)).Tracer("graft")
	h, fake := newTest(t, func(d *Deps) { d.Tracer = tracer })
	r := request("POST", "/v1/chat/completions", hello)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	serve(h, r)
	fake.Err = func(*serving.Request) error { panic("boom") }
	do(h, "POST", "/v1/chat/completions", hello)
	do(h, "GET", "/nowhere", "")

	ended := spans.Ended()
	if len(ended) != 2 {
		t.Fatalf("%d spans", len(ended))
	}
	span := ended[0]
	if span.Name() != "POST /v1/chat/completions" || span.SpanContext().TraceID().String() != "0af7651916cd43dd8448eb211c80319c" || span.Parent().SpanID().String() != "b7ad6b7169203331" {
		t.Errorf("span %s under %s, trace %s", span.Name(), span.Parent().SpanID(), span.SpanContext().TraceID())
	}
	got := map[string]string{}
	for _, a := range span.Attributes() {
		got[string(a.Key)] = a.Value.String()
	}
	for key, want := range map[string]string{
		"http.request.method": "POST", "http.route": "/v1/chat/completions", "http.response.status_code": "200", "graft.request_id": "test",
		"gen_ai.operation.name": "chat", "gen_ai.request.model": "fake", "gen_ai.response.model": "fake",
		"gen_ai.usage.input_tokens": "3", "gen_ai.usage.output_tokens": "2",
	} {
		if got[key] != want {
			t.Errorf("%s: got %q, want %q", key, got[key], want)
		}
	}
	for key, value := range got {
		if strings.Contains(value, "hello") {
			t.Errorf("%s holds the prompt: %q", key, value)
		}
	}
	if ended[1].Status().Code != codes.Error {
		t.Errorf("a panic has status %v", ended[1].Status())
	}
}
