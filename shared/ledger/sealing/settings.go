package sealing

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/hub"
)

// Settings are where a hub's log is. Embed it in the configuration of whoever seals, serves or verifies.
type Settings struct {
	// LogBucket is the bucket in which the log's objects are created.
	LogBucket string `env:"RYGGRAD_AUDIT_BUCKET,required,notEmpty"`
	// HeadBucket is the bucket in which the newest checkpoint is replaced.
	HeadBucket string `env:"RYGGRAD_CHECKPOINT_BUCKET,required,notEmpty"`
	// LogOrigin is the log's name in its checkpoints and keys, for ever; if it is empty, it is the hub's address with
	// /log, without the scheme.
	LogOrigin string `env:"RYGGRAD_LOG_ORIGIN"`
	// KeyVersion is the version of the KMS key `audit-checkpoints` that signs.
	KeyVersion int `env:"RYGGRAD_CHECKPOINT_KEY_VERSION" envDefault:"1"`
	// Witnesses are who signs the checkpoints too: `address key`, several by commas.
	Witnesses string `env:"RYGGRAD_WITNESSES"`
}

// Origin returns the log's name.
func (c Settings) Origin(baseURL string) string {
	if c.LogOrigin != "" {
		return c.LogOrigin
	}
	_, host, _ := strings.Cut(baseURL, "://")
	return host + "/log"
}

// Key returns what signs the log's checkpoints, and knows the keys that did.
func (c Settings) Key(h *hub.Hub) *KMSKey {
	return NewKMSKey(h.KMS, h.Config.KeyName("audit-checkpoints"), c.KeyVersion, c.Origin(h.Config.BaseURL))
}

// Open returns the sealer of a hub. A transport that is not nil is used towards an emulator of the buckets.
func (c Settings) Open(ctx context.Context, h *hub.Hub, transport http.RoundTripper) (*Sealer, error) {
	witnesses, err := ParseWitnesses(c.Witnesses)
	if err != nil {
		return nil, err
	}
	if c.KeyVersion < 1 {
		return nil, errors.New("configuration: RYGGRAD_CHECKPOINT_KEY_VERSION is at least 1")
	}
	store, err := objects.Open(ctx, h.Config, transport)
	if err != nil {
		return nil, err
	}
	return New(Options{
		Ledger: h.Ledger, Log: store.Bucket(c.LogBucket), Head: store.Bucket(c.HeadBucket), Origin: c.Origin(h.Config.BaseURL),
		Key: c.Key(h), Witnesses: witnesses, Logger: h.Log,
	}), nil
}
