package envelope_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"ryggrad.internal/hub/shared/envelope"
)

func TestSecretsNeverPrint(t *testing.T) {
	t.Parallel()
	secret := []byte("0123456789abcdefghijklmnopqrstuv")
	data, err := envelope.NewDataKey(bytes.NewReader(secret))
	if err != nil {
		t.Fatal(err)
	}
	tenant := newTenantKey(t, october, nil)
	contact := email(t, "0123456789abcdefghijklmnopqrstuv@example.com")
	for name, value := range map[string]any{
		"a data key": data, "a data key by value": *data, "a tenant key": tenant, "a tenant key by value": *tenant,
		"a contact": contact, "a pointer to a contact": &contact,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, text := range printed(t, value) {
				if !strings.Contains(text, "[redacted]") {
					t.Errorf("%q does not say that it is redacted", text)
				}
				for _, leak := range []string{string(secret), hex.EncodeToString(secret), fmt.Sprintf("%d", secret), "48 49 50"} {
					if strings.Contains(text, leak) {
						t.Errorf("%q holds the secret", text)
					}
				}
			}
		})
	}
}

func printed(t *testing.T, value any) []string {
	t.Helper()
	var out []string
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		out = append(out, fmt.Sprintf(format, value))
	}
	text, err := json.Marshal(map[string]any{"key": value})
	if err != nil {
		t.Fatal(err)
	}
	var asJSON, asText bytes.Buffer
	slog.New(slog.NewJSONHandler(&asJSON, nil)).Info("a key", "key", value)
	slog.New(slog.NewTextHandler(&asText, nil)).Info("a key", "key", value)
	return append(out, string(text), asJSON.String(), asText.String(), fmt.Sprint(struct{ V any }{value}))
}
