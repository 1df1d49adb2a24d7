package gcp

import (
	"context"
	"crypto/tls"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/oauth"
)

// telemetryAddress is Google Cloud's OTLP endpoint, https://cloud.google.com/stackdriver/docs/reference/telemetry/overview.
const telemetryAddress = "telemetry.googleapis.com:443"

// traceShare is the share of requests that are traced when the caller does not decide.
const traceShare = 0.05

// StartTelemetry sends traces to Google Cloud's own service, and does nothing beside emulators. The function it returns
// flushes them and stops.
func StartTelemetry(ctx context.Context, cfg Config) (stop func(context.Context) error, err error) {
	if !cfg.InCloud() {
		return func(context.Context) error { return nil }, nil
	}
	tokens, err := oauth.NewApplicationDefault(ctx, "https://www.googleapis.com/auth/cloud-platform")
	if err != nil {
		return nil, fmt.Errorf("find credentials for telemetry: %w", err)
	}
	secure := credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	spans, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(telemetryAddress),
		otlptracegrpc.WithTLSCredentials(secure), otlptracegrpc.WithDialOption(grpc.WithPerRPCCredentials(tokens)))
	if err != nil {
		return nil, fmt.Errorf("open the trace exporter: %w", err)
	}
	return provide(cfg, spans), nil
}

// provide makes the exporter the process's own.
func provide(cfg Config, spans trace.SpanExporter) (stop func(context.Context) error) {
	res := resource.NewSchemaless(
		attribute.String("service.name", cfg.Service), attribute.String("gcp.project_id", cfg.Project))
	tracer := trace.NewTracerProvider(
		trace.WithBatcher(spans), trace.WithResource(res),
		trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(traceShare))))
	otel.SetTracerProvider(tracer)
	return tracer.Shutdown
}
