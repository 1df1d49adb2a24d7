package gcp

import (
	"context"
	"errors"
	"fmt"

	metricexporter "github.com/GoogleCloudPlatform/opentelemetry-operations-go/exporter/metric"
	traceexporter "github.com/GoogleCloudPlatform/opentelemetry-operations-go/exporter/trace"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// traceShare is the share of requests that are traced when the caller does not decide.
const traceShare = 0.05

// StartTelemetry sends traces and metrics to Google Cloud's own services, and does nothing beside emulators. The
// function it returns flushes them and stops.
func StartTelemetry(ctx context.Context, cfg Config) (stop func(context.Context) error, err error) {
	if !cfg.InCloud() {
		return func(context.Context) error { return nil }, nil
	}
	spans, err := traceexporter.New(traceexporter.WithProjectID(cfg.Project), traceexporter.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("open the trace exporter: %w", err)
	}
	points, err := metricexporter.New(metricexporter.WithProjectID(cfg.Project))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the metric exporter: %w", err), spans.Shutdown(ctx))
	}
	res := resource.NewSchemaless(attribute.String("service.name", cfg.Service))
	tracer := trace.NewTracerProvider(
		trace.WithBatcher(spans), trace.WithResource(res),
		trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(traceShare))))
	meter := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(points)), metric.WithResource(res))
	otel.SetTracerProvider(tracer)
	otel.SetMeterProvider(meter)
	return func(ctx context.Context) error {
		return errors.Join(tracer.Shutdown(ctx), meter.Shutdown(ctx))
	}, nil
}
