package identity

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// WebhookSecret is the name of the secret that signs what the channel posts. Other names are the adapters' own.
const WebhookSecret = "webhook"

// LinkSecret is one secret that a link shares with its channel: what signs its webhooks, or what logs in to its API.
// It prints as its name.
type LinkSecret struct {
	Name      string    `json:"name"` // the adapter's word for it, as in [WebhookSecret]
	Value     string    `json:"value"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"` // zero: until it is rotated
}

// String keeps the value out of messages.
func (s LinkSecret) String() string { return s.Name + "=…" }

// GoString keeps the value out of %#v.
func (s LinkSecret) GoString() string { return s.String() }

// LogValue keeps the value out of structured logs.
func (s LinkSecret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// LinkSecrets are all secrets of a link, the newest of a name last.
type LinkSecrets []LinkSecret

// Named returns the values of that name that are valid now, newest first: while a secret rotates there are two, and
// either may have signed.
func (s LinkSecrets) Named(name string, now time.Time) []string {
	var values []string
	for _, secret := range slices.Backward(s) {
		if secret.Name == name && (secret.ExpiresAt.IsZero() || now.Before(secret.ExpiresAt)) {
			values = append(values, secret.Value)
		}
	}
	return values
}

// Rotate adds a value under the name; its predecessor stays valid for the overlap, older ones end.
func (s LinkSecrets) Rotate(name, value string, overlap time.Duration, now time.Time) LinkSecrets {
	var rotated LinkSecrets
	for _, secret := range s {
		switch {
		case secret.Name != name:
			rotated = append(rotated, secret)
		case secret.ExpiresAt.IsZero():
			secret.ExpiresAt = now.Add(overlap)
			rotated = append(rotated, secret)
		}
	}
	return append(rotated, LinkSecret{Name: name, Value: value})
}

// Encode gives the bytes that are sealed into [Link.Sealed].
func (s LinkSecrets) Encode() ([]byte, error) {
	b, err := json.Marshal([]LinkSecret(s))
	if err != nil {
		return nil, fmt.Errorf("encode the link's secrets: %w", err)
	}
	return b, nil
}

// ParseLinkSecrets reads what [LinkSecrets.Encode] wrote. Its errors never hold a value.
func ParseLinkSecrets(b []byte) (LinkSecrets, error) {
	var s LinkSecrets
	if err := json.Unmarshal(b, &s, json.RejectUnknownMembers(true)); err != nil {
		return nil, errors.New("the link's secrets are no list of secrets")
	}
	return s, nil
}
