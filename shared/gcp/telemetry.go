package gcp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/metric"
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

// StartTelemetry sends traces and metrics to Google Cloud's own services, and does nothing beside emulators. The
// function it returns flushes them and stops.
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
	points, err := otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithEndpoint(telemetryAddress),
		otlpmetricgrpc.WithTLSCredentials(secure), otlpmetricgrpc.WithDialOption(grpc.WithPerRPCCredentials(tokens)))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the metric exporter: %w", err), spans.Shutdown(ctx))
	}
	return provide(cfg, spans, points), nil
}

// provide makes the exporters the process's own.
func provide(cfg Config, spans trace.SpanExporter, points metric.Exporter) (stop func(context.Context) error) {
	res := resource.NewSchemaless(
		attribute.String("service.name", cfg.Service), attribute.String("gcp.project_id", cfg.Project))
	tracer := trace.NewTracerProvider(
		trace.WithBatcher(spans), trace.WithResource(res),
		trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(traceShare))))
	meter := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(points)), metric.WithResource(res))
	otel.SetTracerProvider(tracer)
	otel.SetMeterProvider(meter)
	return func(ctx context.Context) error {
		return errors.Join(tracer.Shutdown(ctx), meter.Shutdown(ctx))
	}
}
