package keys

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	kms "cloud.google.com/go/kms/apiv1"
	framework "github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/kmskey"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity/identitydb"
)

func init() { framework.HTTP("keys", gcp.Serve("keys", BuildKeys)) }

type config struct {
	gcp.Config
	// RewrapPerMessage is how many tenant keys are rewrapped before the rest is left to another message.
	RewrapPerMessage int `env:"RYGGRAD_REWRAP_PER_MESSAGE" envDefault:"2000"`
	// BackupKey is the full name of the KMS key that wraps backups, when it is not the hub's own `backup`.
	BackupKey string `env:"RYGGRAD_BACKUP_KEY"`
	// DiskKeys are the full names of the KMS keys with which Google encrypts what the hub stores, where it has such keys.
	DiskKeys []string `env:"RYGGRAD_DISK_KEYS"`
}

// others are the keys of which this function only tells the age, by their short names.
func (c config) others(client *kms.KeyManagementClient) map[string]kmskey.Key {
	full := map[string]string{
		"audit-checkpoints": c.KeyName("audit-checkpoints"), "backup-manifests": c.KeyName("backup-manifests"),
		"backup": cmp.Or(c.BackupKey, c.KeyName("backup")),
	}
	for _, key := range c.DiskKeys {
		full[key[strings.LastIndex(key, "/")+1:]] = key
	}
	all := map[string]kmskey.Key{}
	for name, key := range full {
		all[name] = kmskey.New(client, key, name)
	}
	return all
}

// BuildKeys makes the function.
func BuildKeys(ctx context.Context, env gcp.Env) (http.Handler, error) {
	cfg, err := gcp.Load[config](env)
	if err != nil {
		return nil, err
	}
	h, err := hub.Open(ctx, cfg.Config, slog.Default())
	if err != nil {
		return nil, err
	}
	own, err := h.AnnouncerOn(ctx, "keys")
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	k := &keeper{
		others: cfg.others(h.KMS),
		store:  h.Identities(), public: identitydb.NewPublicKeys(h.Ledger, h.Now), ledger: h.Ledger, keys: h.Keys,
		evidence: evidencedb.New(h.Ledger), perMessage: cfg.RewrapPerMessage, now: h.Now, log: h.Log,
		send: own.Send,
	}
	return h.Subscriber("keys", k.look)
}
