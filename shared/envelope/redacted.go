package envelope

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted, embedded, keeps a value out of every text: format verbs, JSON and logs.
type redacted struct{}

const redaction = "[redacted]"

// Format writes a placeholder, whatever the verb.
func (redacted) Format(state fmt.State, _ rune) {
	// A failed write is the printer's to notice; a formatter cannot report it.
	_, _ = io.WriteString(state, redaction)
}

// String returns a placeholder.
func (redacted) String() string { return redaction }

// GoString returns a placeholder.
func (redacted) GoString() string { return redaction }

// MarshalJSON returns a placeholder as a JSON string.
func (redacted) MarshalJSON() ([]byte, error) { return []byte(`"` + redaction + `"`), nil }

// LogValue returns a placeholder.
func (redacted) LogValue() slog.Value { return slog.StringValue(redaction) }
