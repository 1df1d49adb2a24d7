package functions_test

import (
	"log/slog"
	"os"
	"testing"

	"ryggrad.internal/hub/shared/gcp"
)

// TestMain keeps the functions' log lines out of the tests' output, and those of one trace for the test that follows it.
func TestMain(m *testing.M) {
	slog.SetDefault(gcp.NewLogger(&followed, "p", slog.LevelInfo))
	os.Exit(m.Run())
}
