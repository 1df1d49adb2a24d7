package sealing

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"

	kms "cloud.google.com/go/kms/apiv1"
	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

// errMangled says that a checksum of a KMS call did not match.
var errMangled = errors.New("bytes were changed between here and KMS")

// KMSKey signs checkpoints with a version of a KMS key. It is safe for concurrent use.
type KMSKey struct {
	client  *kms.KeyManagementClient
	name    string
	version int
	origin  string

	mu   sync.Mutex
	keys tlog.Keys
}

// NewKMSKey returns a key of the log by this name that signs with a version, from 1, of the KMS key of this full name.
func NewKMSKey(client *kms.KeyManagementClient, name string, version int, origin string) *KMSKey {
	return &KMSKey{client: client, name: name, version: version, origin: origin}
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
		key, err := k.key(ctx, version)
		if version < k.version && status.Code(err) == codes.FailedPrecondition {
			continue // it was destroyed; what it signed is behind checkpoints of its successors
		}
		if err != nil {
			return nil, kmsFailed(err)
		}
		keys = append(keys, key)
	}
	k.keys = keys
	return keys, nil
}

func (k *KMSKey) versionName(version int) string {
	return fmt.Sprintf("%s/cryptoKeyVersions/%d", k.name, version)
}

func (k *KMSKey) key(ctx context.Context, version int) (string, error) {
	answer, err := k.client.GetPublicKey(ctx, &kmspb.GetPublicKeyRequest{Name: k.versionName(version)})
	if err != nil {
		return "", err
	}
	if answer.GetName() != k.versionName(version) || !matches([]byte(answer.GetPem()), answer.GetPemCrc32C()) {
		return "", errMangled
	}
	block, _ := pem.Decode([]byte(answer.GetPem()))
	if block == nil {
		return "", errors.New("the KMS key's public half is not PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("read the KMS key's public half: %w", err)
	}
	public, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return "", fmt.Errorf("the KMS key signs by %s, not by Ed25519", answer.GetAlgorithm())
	}
	return tlog.Key(k.origin, public)
}

// Sign signs a note's text.
func (k *KMSKey) Sign(ctx context.Context, message []byte) ([]byte, error) {
	version := k.versionName(k.version)
	answer, err := k.client.AsymmetricSign(ctx, &kmspb.AsymmetricSignRequest{
		Name: version, Data: message, DataCrc32C: checksum(message),
	})
	if err != nil {
		return nil, kmsFailed(err)
	}
	if answer.GetName() != version || !answer.GetVerifiedDataCrc32C() || !matches(answer.GetSignature(), answer.GetSignatureCrc32C()) {
		return nil, kmsFailed(errMangled)
	}
	return answer.GetSignature(), nil
}

// kmsFailed tells a failure that passes from one that somebody must look at.
func kmsFailed(err error) error {
	switch status.Code(err) {
	case codes.NotFound, codes.PermissionDenied, codes.FailedPrecondition, codes.InvalidArgument, codes.Unauthenticated, codes.Unimplemented:
		return fmt.Errorf("the KMS key of checkpoints is disabled, destroyed, missing or forbidden: %w", err)
	default:
		return fault.New(fault.Unavailable, "checkpoints cannot be signed now").Because(err)
	}
}

func checksum(content []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))))
}

func matches(content []byte, sum *wrapperspb.Int64Value) bool {
	return sum != nil && sum.GetValue() == checksum(content).GetValue()
}
