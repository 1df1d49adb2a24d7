package kmskey_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"testing"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp/kmskey"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

func TestBothKindsOfKeysSign(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t)
	message := []byte("a note\n")
	notes := kmskey.New(cloud.KMS(t), cloud.Key("audit-checkpoints"), "checkpoints")
	half, err := notes.Public(t.Context(), notes.Version(1))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := notes.Sign(t.Context(), notes.Version(1), message)
	if err != nil || !ed25519.Verify(half.(ed25519.PublicKey), message, signature) {
		t.Errorf("Ed25519: %v", err)
	}
	tokens := kmskey.New(cloud.KMS(t), cloud.Key("access-tokens"), "access tokens")
	if half, err = tokens.Public(t.Context(), tokens.Version(1)); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(message)
	signature, err = tokens.SignDigest(t.Context(), tokens.Version(1), digest)
	if err != nil || !ecdsa.VerifyASN1(half.(*ecdsa.PublicKey), digest[:], signature) {
		t.Errorf("ECDSA: %v", err)
	}
}

func TestASecretOpensOnlyInItsContext(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t)
	key := kmskey.New(cloud.KMS(t), cloud.Key("tenant-keys"), "files")
	wrapped, version, err := key.Wrap(t.Context(), []byte("secret"), []byte("here"))
	if err != nil || version != key.Version(1) {
		t.Fatalf("wrapped by %s: %v", version, err)
	}
	if got, err := key.Unwrap(t.Context(), wrapped, []byte("here")); err != nil || !bytes.Equal(got, []byte("secret")) {
		t.Errorf("opened %q, %v", got, err)
	}
	if _, err := key.Unwrap(t.Context(), wrapped, []byte("there")); !errors.Is(err, kmskey.ErrForeign) {
		t.Errorf("in another context: %v", err)
	}
	wrapped[len(wrapped)-1] ^= 1
	if _, err := key.Unwrap(t.Context(), wrapped, []byte("here")); !errors.Is(err, kmskey.ErrForeign) {
		t.Errorf("changed: %v", err)
	}
}

func TestFailuresThatPassAreToldFromOthers(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t)
	key := kmskey.New(cloud.KMS(t, cloud.DialOptions()...), cloud.Key("audit-checkpoints"), "checkpoints")
	for code, wanted := range map[codes.Code]fault.Kind{
		codes.Aborted: fault.Unavailable, codes.ResourceExhausted: fault.Unavailable, codes.PermissionDenied: fault.Internal, codes.NotFound: fault.Internal,
	} {
		cloud.Faults.Set(wire.Always("/google.cloud.kms.v1.KeyManagementService/AsymmetricSign", wire.Fault{Before: status.Error(code, "no")}))
		_, err := key.Sign(t.Context(), key.Version(1), []byte("x"))
		if err == nil || fault.KindOf(err) != wanted {
			t.Errorf("%s is %v: %v", code, fault.KindOf(err), err)
		}
	}
	cloud.Faults.Set(nil)
	_, err := cloud.KMS(t).DestroyCryptoKeyVersion(t.Context(), &kmspb.DestroyCryptoKeyVersionRequest{Name: key.Version(1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := key.Sign(t.Context(), key.Version(1), []byte("x")); !errors.Is(err, kmskey.ErrGone) {
		t.Errorf("a destroyed version: %v", err)
	}
}
