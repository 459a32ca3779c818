package app

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"graft/internal/config"
)

// startTraces sends spans to a collector; nil when none is configured. Its
// Shutdown sends what is left.
func startTraces(c config.Tracing, version string) (*trace.TracerProvider, error) {
	if c.OTLPEndpoint == "" {
		return nil, nil
	}
	endpoint, err := url.JoinPath(strings.TrimSuffix(c.OTLPEndpoint, "/v1/traces"), "v1/traces")
	if err != nil {
		return nil, fmt.Errorf("tracing.otlp_endpoint: %w", err)
	}
	exporter, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return nil, fmt.Errorf("tracing.otlp_endpoint: %w", err)
	}
	return trace.NewTracerProvider(
		trace.WithBatcher(exporter),
		trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(c.SampleRatio))),
		trace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "graft"), attribute.String("service.version", version))),
	), nil
}
