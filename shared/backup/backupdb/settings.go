package backupdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/gcp/kmskey"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/ledger/sealing"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

// Settings are where a hub's backups are. Embed it in the configuration of whoever makes, checks or restores them.
type Settings struct {
	// Bucket is the bucket of hot and config, for 35 days.
	Bucket string `env:"RYGGRAD_BACKUP_BUCKET,required,notEmpty"`
	// MonthlyBucket is the bucket of the runs that are kept for a year.
	MonthlyBucket string `env:"RYGGRAD_BACKUP_MONTHLY_BUCKET,required,notEmpty"`
	// KeysBucket is the bucket of keys, for 35 days, without soft delete.
	KeysBucket string `env:"RYGGRAD_BACKUP_KEYS_BUCKET,required,notEmpty"`
	// ErasuresBucket says whose data must not come back.
	ErasuresBucket string `env:"RYGGRAD_ERASURES_BUCKET,required,notEmpty"`
	// WrappingKey is the full name of the KMS key that wraps files' keys, in a project of its own; if it is empty, it is
	// `backup` of the hub's key ring.
	WrappingKey string `env:"RYGGRAD_BACKUP_KEY"`
	// SignerVersion is the version of the KMS key `backup-manifests` that signs.
	SignerVersion int `env:"RYGGRAD_BACKUP_SIGNER_VERSION" envDefault:"1"`
	// Recipient is the public half of the offline key, to which files' keys are sealed too. Whoever makes backups needs it.
	Recipient string `env:"RYGGRAD_BACKUP_RECIPIENT"`
	// Behind is how long ago the moment of a backup is; less than the default is for a database on one machine.
	Behind time.Duration `env:"RYGGRAD_BACKUP_BEHIND" envDefault:"2m"`
}

// Buckets are the open buckets of backups.
type Buckets struct {
	Daily, Monthly, Keys, Erasures objects.Bucket
}

// Of returns the bucket that a set's runs are written to.
func (b Buckets) Of(set backup.Set) objects.Bucket {
	if set == backup.Keys {
		return b.Keys
	}
	return b.Daily
}

// Open opens the buckets of a client of storage.
func (c Settings) Open(store *objects.Client) Buckets {
	return Buckets{
		Daily: store.Bucket(c.Bucket), Monthly: store.Bucket(c.MonthlyBucket), Keys: store.Bucket(c.KeysBucket),
		Erasures: store.Bucket(c.ErasuresBucket),
	}
}

// Wrapping returns the KMS key that wraps files' keys.
func (c Settings) Wrapping(h *hub.Hub) kmskey.Key {
	name := c.WrappingKey
	if name == "" {
		name = h.Config.KeyName("backup")
	}
	return kmskey.New(h.KMS, name, "backups")
}

// Signer returns what signs a hub's manifests.
func (c Settings) Signer(h *hub.Hub) *Signer {
	return NewSigner(kmskey.New(h.KMS, h.Config.KeyName("backup-manifests"), "manifests of backups"), c.SignerVersion, h.Config.Project)
}

// Vault returns what reads a hub's backups with KMS.
func (c Settings) Vault(h *hub.Hub, b Buckets) Vault {
	return Vault{
		Project: h.Config.Project, Shelf: func(set backup.Set) Shelf { return BucketShelf(b.Of(set)) },
		Signers: c.Signer(h).Keys, Unlock: UnlockWith(c.Wrapping(h)),
	}
}

// BucketShelf reads backups in a bucket.
func BucketShelf(b objects.Bucket) Shelf { return Shelf{Read: b.Read, List: b.List} }

// budget is how long one message is worked at, before its work is sent on.
const budget = 5 * time.Minute

// Maker returns what makes a hub's backups. A transport that is not nil is used towards an emulator of the buckets.
func (c Settings) Maker(ctx context.Context, h *hub.Hub, log sealing.Settings, transport http.RoundTripper) (*Maker, error) {
	recipient, err := backup.ParseRecipient(c.Recipient)
	if err != nil {
		return nil, fmt.Errorf("configuration: RYGGRAD_BACKUP_RECIPIENT: %w", err)
	}
	if c.SignerVersion < 1 {
		return nil, errors.New("configuration: RYGGRAD_BACKUP_SIGNER_VERSION is at least 1")
	}
	documents, err := h.Documents(ctx)
	if err != nil {
		return nil, err
	}
	topic, err := h.AnnouncerOn(ctx, Topic)
	if err != nil {
		return nil, err
	}
	store, err := objects.Open(ctx, h.Config, transport)
	if err != nil {
		return nil, err
	}
	buckets := c.Open(store)
	send := func(ctx context.Context, m Message) error { return topic.Send(ctx, m) }
	return NewMaker(Options{
		Documents: documents, Project: h.Config.Project, Database: h.Config.Database, Ledger: h.Ledger,
		Buckets: buckets, Vault: c.Vault(h, buckets), Wrapping: c.Wrapping(h), Recipient: recipient, Signer: c.Signer(h),
		Checkpoint: newestCheckpoint(store.Bucket(log.HeadBucket)), Send: send, Evidence: evidencedb.New(h.Ledger),
		Now: h.Now, Log: h.Log, Budget: budget, Behind: c.Behind,
	})
}

// newestCheckpoint reads the newest signed checkpoint of the audit log; none is an empty text.
func newestCheckpoint(head objects.Bucket) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		signed, err := head.Read(ctx, tlog.CheckpointPath)
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
		return string(signed), passing(err)
	}
}
