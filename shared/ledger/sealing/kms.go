package sealing

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync"

	kms "cloud.google.com/go/kms/apiv1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/gcp/kmskey"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

// KMSKey signs checkpoints with a version of a KMS key. It is safe for concurrent use.
type KMSKey struct {
	key     kmskey.Key
	version int
	origin  string

	mu   sync.Mutex
	keys tlog.Keys
}

// NewKMSKey returns a key of the log by this name that signs with a version, from 1, of the KMS key of this full name.
func NewKMSKey(client *kms.KeyManagementClient, name string, version int, origin string) *KMSKey {
	return &KMSKey{key: kmskey.New(client, name, "checkpoints"), version: version, origin: origin}
}

// Keys returns the public keys of the version that signs and of those before it which still exist. They are read once.
func (k *KMSKey) Keys(ctx context.Context) (tlog.Keys, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys != nil {
		return k.keys, nil
	}
	var keys tlog.Keys
	for version := k.version; version > 0; version-- {
		key, err := k.public(ctx, version)
		if version < k.version && status.Code(err) == codes.FailedPrecondition {
			continue // it was destroyed; what it signed is behind checkpoints of its successors
		}
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	k.keys = keys
	return keys, nil
}

func (k *KMSKey) public(ctx context.Context, version int) (string, error) {
	half, err := k.key.Public(ctx, k.key.Version(version))
	if err != nil {
		return "", err
	}
	public, ok := half.(ed25519.PublicKey)
	if !ok {
		return "", errors.New("the KMS key of checkpoints does not sign by Ed25519")
	}
	return tlog.Key(k.origin, public)
}

// Sign signs a note's text.
func (k *KMSKey) Sign(ctx context.Context, message []byte) ([]byte, error) {
	return k.key.Sign(ctx, k.key.Version(k.version), message)
}
