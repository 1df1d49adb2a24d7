// Package kmskey is the way to one key of Cloud KMS: signing with a version of it, reading its public halves, and
// wrapping other keys with it. Checksums are compared both ways on every call, and an answer by another version than the
// one that was asked is refused.
package kmskey

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	kms "cloud.google.com/go/kms/apiv1"
	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"ryggrad.internal/hub/shared/fault"
)

// errMangled says that a checksum of a KMS call did not match.
var errMangled = errors.New("bytes were changed between here and KMS")

// transportAttempts is how often a wrapping is tried whose bytes were changed on the way.
const transportAttempts = 2

// Key is a KMS key. It is safe for concurrent use. Its errors tell a failure that passes ([fault.Unavailable]) from one
// that somebody must look at.
type Key struct {
	client *kms.KeyManagementClient
	name   string
	what   string
}

// New returns the key of this full name, without a version. Errors name it by what it is for, as in "checkpoints".
func New(client *kms.KeyManagementClient, name, what string) Key {
	return Key{client: client, name: name, what: what}
}

// Version returns the full name of a version, from 1.
func (k Key) Version(n int) string { return fmt.Sprintf("%s/cryptoKeyVersions/%d", k.name, n) }

// Newest returns the newest version that is enabled, and when it was made. A key without one is [ErrGone].
func (k Key) Newest(ctx context.Context) (version string, madeAt time.Time, err error) {
	all := k.client.ListCryptoKeyVersions(ctx, &kmspb.ListCryptoKeyVersionsRequest{Parent: k.name})
	for {
		v, err := all.Next()
		switch {
		case errors.Is(err, iterator.Done) && version == "":
			return "", madeAt, fmt.Errorf("the KMS key of %s has no version that is enabled: %w", k.what, ErrGone)
		case errors.Is(err, iterator.Done):
			return version, madeAt, nil
		case err != nil:
			return "", madeAt, k.failed("looked at", err)
		}
		if made := v.GetCreateTime().AsTime(); v.GetState() == kmspb.CryptoKeyVersion_ENABLED && !made.Before(madeAt) {
			version, madeAt = v.GetName(), made
		}
	}
}

// Public reads the public half of a version. One that was destroyed is [ErrGone].
func (k Key) Public(ctx context.Context, version string) (crypto.PublicKey, error) {
	answer, err := k.client.GetPublicKey(ctx, &kmspb.GetPublicKeyRequest{Name: version})
	if err != nil {
		return nil, k.failed("signed", err)
	}
	if answer.GetName() != version || !matches([]byte(answer.GetPem()), answer.GetPemCrc32C()) {
		return nil, k.failed("signed", errMangled)
	}
	block, _ := pem.Decode([]byte(answer.GetPem()))
	if block == nil {
		return nil, errors.New("the KMS key's public half is not PEM")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the KMS key's public half: %w", err)
	}
	return public, nil
}

// Sign signs a message with a version whose algorithm takes whole messages, as Ed25519 does.
func (k Key) Sign(ctx context.Context, version string, message []byte) ([]byte, error) {
	answer, err := k.client.AsymmetricSign(ctx, &kmspb.AsymmetricSignRequest{
		Name: version, Data: message, DataCrc32C: checksum(message),
	})
	if err != nil {
		return nil, k.failed("signed", err)
	}
	return k.signature(answer, version, answer.GetVerifiedDataCrc32C())
}

// SignDigest signs a SHA-256 with a version whose algorithm takes one, as ECDSA on P-256 does.
func (k Key) SignDigest(ctx context.Context, version string, digest [sha256.Size]byte) ([]byte, error) {
	answer, err := k.client.AsymmetricSign(ctx, &kmspb.AsymmetricSignRequest{
		Name:         version,
		Digest:       &kmspb.Digest{Digest: &kmspb.Digest_Sha256{Sha256: digest[:]}},
		DigestCrc32C: checksum(digest[:]),
	})
	if err != nil {
		return nil, k.failed("signed", err)
	}
	return k.signature(answer, version, answer.GetVerifiedDigestCrc32C())
}

func (k Key) signature(answer *kmspb.AsymmetricSignResponse, version string, verified bool) ([]byte, error) {
	if answer.GetName() != version || !verified || !matches(answer.GetSignature(), answer.GetSignatureCrc32C()) {
		return nil, k.failed("signed", errMangled)
	}
	return answer.GetSignature(), nil
}

// Wrap encrypts a small secret with the primary version, bound to a context, and tells the version.
func (k Key) Wrap(ctx context.Context, secret, bound []byte) (wrapped []byte, version string, err error) {
	request := &kmspb.EncryptRequest{
		Name: k.name, Plaintext: secret, PlaintextCrc32C: checksum(secret),
		AdditionalAuthenticatedData: bound, AdditionalAuthenticatedDataCrc32C: checksum(bound),
	}
	for range transportAttempts {
		var answer *kmspb.EncryptResponse
		answer, err = k.client.Encrypt(ctx, request)
		if err != nil {
			return nil, "", k.failed("wrapped", err)
		}
		if answer.GetVerifiedPlaintextCrc32C() && answer.GetVerifiedAdditionalAuthenticatedDataCrc32C() &&
			matches(answer.GetCiphertext(), answer.GetCiphertextCrc32C()) {
			return answer.GetCiphertext(), answer.GetName(), nil
		}
	}
	return nil, "", k.failed("wrapped", errMangled)
}

// Unwrap decrypts what [Key.Wrap] wrapped in the same context. What any version of the key did not wrap so, or what was
// changed since, is [ErrForeign].
func (k Key) Unwrap(ctx context.Context, wrapped, bound []byte) (secret []byte, err error) {
	request := &kmspb.DecryptRequest{
		Name: k.name, Ciphertext: wrapped, CiphertextCrc32C: checksum(wrapped),
		AdditionalAuthenticatedData: bound, AdditionalAuthenticatedDataCrc32C: checksum(bound),
	}
	for range transportAttempts {
		var answer *kmspb.DecryptResponse
		answer, err = k.client.Decrypt(ctx, request)
		if err == nil && matches(answer.GetPlaintext(), answer.GetPlaintextCrc32C()) {
			return answer.GetPlaintext(), nil
		}
		if err != nil && status.Code(err) != codes.InvalidArgument {
			return nil, k.failed("unwrapped", err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	return nil, k.failed("unwrapped", errMangled)
}

// What keeps a key from being used until somebody has looked.
var (
	ErrGone    = errors.New("it is disabled, destroyed, missing or forbidden, or does not do what was asked of it")
	ErrForeign = errors.New("the key did not wrap this, or it was changed since")
)

// failed tells a failure that passes from one that somebody must look at.
func (k Key) failed(verb string, err error) error {
	switch status.Code(err) {
	case codes.NotFound, codes.PermissionDenied, codes.FailedPrecondition, codes.InvalidArgument, codes.Unauthenticated, codes.Unimplemented:
		return fmt.Errorf("the KMS key of %s: %w: %w", k.what, ErrGone, err)
	default:
		return fault.New(fault.Unavailable, "%s cannot be %s now", k.what, verb).Because(err)
	}
}

func checksum(content []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))))
}

func matches(content []byte, sum *wrapperspb.Int64Value) bool {
	return sum != nil && sum.GetValue() == checksum(content).GetValue()
}
