package gcp

import (
	"context"
	"io"
	"log"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// NewLogger returns a logger whose lines Cloud Logging understands: one JSON object a line with `severity`, `message`,
// `time`, and the trace of the context that a line was logged with, so that the console shows a request's lines
// together. See https://cloud.google.com/logging/docs/structured-logging.
func NewLogger(w io.Writer, project string, level slog.Leveler) *slog.Logger {
	h := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: forCloudLogging})
	return slog.New(traced{Handler: h, project: project})
}

// SetLogger makes log the process's own. What libraries print through the standard library's package log is dropped: it
// can hold what a stranger sent, such as a body that a receiver of webhooks sends back unasked.
func SetLogger(logger *slog.Logger) {
	slog.SetDefault(logger)
	log.SetFlags(0)
	log.SetOutput(io.Discard)
}

func forCloudLogging(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.MessageKey:
		a.Key = "message"
	case slog.LevelKey:
		level, ok := a.Value.Any().(slog.Level)
		if ok {
			a = slog.String("severity", severity(level)) //nolint:sloglint // this is where it is made
		}
	}
	return a
}

func severity(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "ERROR"
	case l >= slog.LevelWarn:
		return "WARNING"
	case l >= slog.LevelInfo:
		return "INFO"
	default:
		return "DEBUG"
	}
}

// The names under which Cloud Logging looks for a line's trace.
const (
	keyTrace   = "logging.googleapis.com/trace"
	keySpan    = "logging.googleapis.com/spanId"
	keySampled = "logging.googleapis.com/trace_sampled"
)

// traced adds the context's trace and span to every line.
type traced struct {
	slog.Handler
	project string
}

func (t traced) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		r.AddAttrs(
			slog.String(keyTrace, "projects/"+t.project+"/traces/"+sc.TraceID().String()), //nolint:sloglint // Cloud Logging names it
			slog.String(keySpan, sc.SpanID().String()),                                    //nolint:sloglint // Cloud Logging names it
			slog.Bool(keySampled, sc.IsSampled()),                                         //nolint:sloglint // Cloud Logging names it
		)
	}
	return t.Handler.Handle(ctx, r)
}

func (t traced) WithAttrs(attrs []slog.Attr) slog.Handler {
	return traced{Handler: t.Handler.WithAttrs(attrs), project: t.project}
}

func (t traced) WithGroup(name string) slog.Handler {
	return traced{Handler: t.Handler.WithGroup(name), project: t.project}
}
