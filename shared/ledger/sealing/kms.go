package sealing

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
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
	gone []int // versions that cannot be read any more
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
	var gone []int
	for version := k.version; version > 0; version-- {
		key, err := k.public(ctx, version)
		if version < k.version && status.Code(err) == codes.FailedPrecondition {
			gone = append(gone, version) // what it signed is behind checkpoints of its successors
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("version %d of the key: %w", version, err)
		}
		keys = append(keys, key)
	}
	k.keys, k.gone = keys, gone
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

// Explain says of a checkpoint that none of [KMSKey.Keys] signed which version did, or which may have, and what to do. It
// says nothing where the key knows nothing of it.
func (k *KMSKey) Explain(ctx context.Context, signed []byte) string {
	for version := k.version + 1; ; version++ {
		key, err := k.public(ctx, version)
		if status.Code(err) == codes.FailedPrecondition {
			continue // it is disabled or destroyed
		}
		if err != nil {
			break // there is no later one
		}
		if _, err := (tlog.Keys{key}).Open(signed); err == nil {
			return fmt.Sprintf("version %d of the key signed it, and RYGGRAD_CHECKPOINT_KEY_VERSION names version %d, an earlier one: name the newest again",
				version, k.version)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.gone) == 0 {
		return ""
	}
	return fmt.Sprintf("versions %v of the key are disabled or destroyed: enable them until version %d has signed; what is destroyed is verified with its public key, which the log keeps",
		k.gone, k.version)
}

// Sign signs a note's text.
func (k *KMSKey) Sign(ctx context.Context, message []byte) ([]byte, error) {
	return k.key.Sign(ctx, k.key.Version(k.version), message)
}
