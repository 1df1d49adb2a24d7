package kms_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc/codes"
)

const (
	p256 = kmspb.CryptoKeyVersion_EC_SIGN_P256_SHA256
	ed   = kmspb.CryptoKeyVersion_EC_SIGN_ED25519
)

func sha(digest [32]byte) *kmspb.Digest {
	return &kmspb.Digest{Digest: &kmspb.Digest_Sha256{Sha256: digest[:]}}
}

// public returns a version's public key, having checked what came with it.
func (s service) public(t *testing.T, version string) any {
	t.Helper()
	answer, err := s.GetPublicKey(t.Context(), &kmspb.GetPublicKeyRequest{Name: version})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Name != version || answer.PemCrc32C.GetValue() != crc([]byte(answer.Pem)).Value {
		t.Errorf("public key of %s with checksum %v", answer.Name, answer.PemCrc32C)
	}
	block, rest := pem.Decode([]byte(answer.Pem))
	if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		t.Fatalf("not one PEM block of a public key: %q", answer.Pem)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestP256SignsDigestsAndData(t *testing.T) {
	t.Parallel()
	s := start(t)
	version := s.key(t, "k", signing(p256)) + "/cryptoKeyVersions/1"
	data := []byte("claims")
	digest := sha256.Sum256(data)
	for name, req := range map[string]*kmspb.AsymmetricSignRequest{
		"a digest": {Name: version, Digest: sha(digest), DigestCrc32C: crc(digest[:])},
		"data":     {Name: version, Data: data, DataCrc32C: crc(data)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signed, err := s.AsymmetricSign(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			public, ok := s.public(t, version).(*ecdsa.PublicKey)
			if !ok || !ecdsa.VerifyASN1(public, digest[:], signed.Signature) {
				t.Error("the signature does not verify")
			}
			if signed.SignatureCrc32C.GetValue() != crc(signed.Signature).Value || signed.Name != version {
				t.Errorf("signed by %s with checksum %v", signed.Name, signed.SignatureCrc32C)
			}
			if signed.VerifiedDigestCrc32C != (req.Digest != nil) || signed.VerifiedDataCrc32C != (req.Data != nil) {
				t.Errorf("verified: digest %v, data %v", signed.VerifiedDigestCrc32C, signed.VerifiedDataCrc32C)
			}
		})
	}
}

func TestEd25519SignsData(t *testing.T) {
	t.Parallel()
	s := start(t)
	version := s.key(t, "k", signing(ed)) + "/cryptoKeyVersions/1"
	data := []byte("checkpoint")
	signed, err := s.AsymmetricSign(t.Context(), &kmspb.AsymmetricSignRequest{Name: version, Data: data, DataCrc32C: crc(data)})
	if err != nil {
		t.Fatal(err)
	}
	public, ok := s.public(t, version).(ed25519.PublicKey)
	if !ok || !ed25519.Verify(public, data, signed.Signature) {
		t.Error("the signature does not verify")
	}
	if !signed.VerifiedDataCrc32C {
		t.Error("a checksum that was sent is not said to be verified")
	}
}

func TestAsymmetricSignRefuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	ec := s.key(t, "ec", signing(p256)) + "/cryptoKeyVersions/1"
	edwards := s.key(t, "ed", signing(ed)) + "/cryptoKeyVersions/1"
	sealer := s.key(t, "sealer", sealing()) + "/cryptoKeyVersions/1"
	digest := sha256.Sum256([]byte("x"))
	for title, c := range map[string]struct {
		req  *kmspb.AsymmetricSignRequest
		want codes.Code
	}{
		"neither digest nor data":     {&kmspb.AsymmetricSignRequest{Name: ec}, codes.InvalidArgument},
		"both digest and data":        {&kmspb.AsymmetricSignRequest{Name: ec, Digest: sha(digest), Data: []byte("x")}, codes.InvalidArgument},
		"a digest for Ed25519":        {&kmspb.AsymmetricSignRequest{Name: edwards, Digest: sha(digest)}, codes.InvalidArgument},
		"a digest of another hash":    {&kmspb.AsymmetricSignRequest{Name: ec, Digest: &kmspb.Digest{Digest: &kmspb.Digest_Sha384{Sha384: digest[:]}}}, codes.InvalidArgument},
		"a digest of the wrong size":  {&kmspb.AsymmetricSignRequest{Name: ec, Digest: &kmspb.Digest{Digest: &kmspb.Digest_Sha256{Sha256: []byte("x")}}}, codes.InvalidArgument},
		"a digest without its hash":   {&kmspb.AsymmetricSignRequest{Name: ec, Digest: &kmspb.Digest{}}, codes.InvalidArgument},
		"a wrong digest checksum":     {&kmspb.AsymmetricSignRequest{Name: ec, Digest: sha(digest), DigestCrc32C: crc(nil)}, codes.InvalidArgument},
		"a wrong data checksum":       {&kmspb.AsymmetricSignRequest{Name: edwards, Data: []byte("x"), DataCrc32C: crc(nil)}, codes.InvalidArgument},
		"a key's name":                {&kmspb.AsymmetricSignRequest{Name: ringName + "/cryptoKeys/ec", Digest: sha(digest)}, codes.InvalidArgument},
		"a version that is not there": {&kmspb.AsymmetricSignRequest{Name: ringName + "/cryptoKeys/ec/cryptoKeyVersions/7", Digest: sha(digest)}, codes.NotFound},
		"a key that is not there":     {&kmspb.AsymmetricSignRequest{Name: ringName + "/cryptoKeys/no/cryptoKeyVersions/1", Digest: sha(digest)}, codes.NotFound},
		"a key that encrypts":         {&kmspb.AsymmetricSignRequest{Name: sealer, Digest: sha(digest)}, codes.FailedPrecondition},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			_, err := s.AsymmetricSign(t.Context(), c.req)
			wantCode(t, err, c.want)
		})
	}
}

func TestGetPublicKeyRefusesAKeyThatEncrypts(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, err := s.GetPublicKey(t.Context(), &kmspb.GetPublicKeyRequest{Name: s.key(t, "k", sealing()) + "/cryptoKeyVersions/1"})
	wantCode(t, err, codes.FailedPrecondition)
}
