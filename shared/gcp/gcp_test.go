package gcp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/gcp"
)

type config struct {
	gcp.Config
	Workers int    `env:"WORKERS" envDefault:"4"`
	Secret  string `env:"SECRET,required"`
}

func TestConfigurationTellsEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	_, err := gcp.Load[config](gcp.Env{"WORKERS": "hunter2", "GOOGLE_CLOUD_PROJECT": ""})
	if err == nil {
		t.Fatal("a bad configuration was taken")
	}
	for _, name := range []string{"GOOGLE_CLOUD_PROJECT", "RYGGRAD_KEY_RING", "RYGGRAD_BASE_URL", "SECRET", "Workers"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a value is told: %v", err)
	}
}

func TestConfigurationHasItsDefaults(t *testing.T) {
	t.Parallel()
	c, err := gcp.Load[config](gcp.Env{
		"GOOGLE_CLOUD_PROJECT": "p", "RYGGRAD_KEY_RING": "projects/p/locations/europe/keyRings/r", "RYGGRAD_BASE_URL": "https://hub.test", "SECRET": "s",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Workers != 4 || c.Database != "(default)" || !c.InCloud() || c.KeyName("k") != "projects/p/locations/europe/keyRings/r/cryptoKeys/k" {
		t.Errorf("configuration is %+v", c.Config)
	}
}

func TestLogLinesAreCloudLoggings(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := gcp.NewLogger(&out, "p", slog.LevelInfo).With("function", "test")
	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
	}))
	log.WarnContext(ctx, "something is odd", "order", "ord_1")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"severity": "WARNING", "message": "something is odd", "order": "ord_1", "function": "test",
		"logging.googleapis.com/trace":         "projects/p/traces/01000000000000000000000000000000",
		"logging.googleapis.com/spanId":        "0200000000000000",
		"logging.googleapis.com/trace_sampled": true,
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
}

// TestClientsOfOneConnectionCloseIt holds the two clients of Firestore to one connection, which is closed once.
func TestClientsOfOneConnectionCloseIt(t *testing.T) {
	t.Parallel()
	c := gcp.Open(gcp.Config{Project: "p", Database: "(default)", FirestoreHost: "127.0.0.1:1", KMSHost: "127.0.0.1:1", PubSubHost: "127.0.0.1:1"})
	db, err := c.Firestore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if commits, err := c.Commits(t.Context()); err != nil || commits == nil {
		t.Fatal(err)
	}
	if _, err := c.Publisher(t.Context(), "events"); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := db.Doc("a/b").Get(t.Context()); status.Code(err) != codes.Canceled {
		t.Errorf("after it a read gives %v, want that the connection is closed", err)
	}
}

func TestTelemetryIsSilentBesideEmulators(t *testing.T) {
	t.Parallel()
	stop, err := gcp.StartTelemetry(t.Context(), gcp.Config{FirestoreHost: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(t.Context()); err != nil {
		t.Error(err)
	}
}
