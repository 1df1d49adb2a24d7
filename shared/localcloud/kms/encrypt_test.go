package kms_test

import (
	"bytes"
	"hash/crc32"
	"testing"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func crc(data []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))))
}

func TestEncryptAndDecryptWithChecksums(t *testing.T) {
	t.Parallel()
	s := start(t)
	name := s.key(t, "k", sealing())
	plaintext, aad := []byte("guest"), []byte("tenant")
	sealed, err := s.Encrypt(t.Context(), &kmspb.EncryptRequest{Name: name,
		Plaintext: plaintext, PlaintextCrc32C: crc(plaintext),
		AdditionalAuthenticatedData: aad, AdditionalAuthenticatedDataCrc32C: crc(aad)})
	if err != nil {
		t.Fatal(err)
	}
	if !sealed.VerifiedPlaintextCrc32C || !sealed.VerifiedAdditionalAuthenticatedDataCrc32C {
		t.Errorf("checksums that were sent are not said to be verified: %v", sealed)
	}
	if sealed.CiphertextCrc32C.GetValue() != crc(sealed.Ciphertext).Value {
		t.Error("the ciphertext's checksum is wrong")
	}
	if sealed.Name != name+"/cryptoKeyVersions/1" || bytes.Contains(sealed.Ciphertext, plaintext) {
		t.Errorf("sealed by %s as %x", sealed.Name, sealed.Ciphertext)
	}
	opened, err := s.Decrypt(t.Context(), &kmspb.DecryptRequest{Name: name,
		Ciphertext: sealed.Ciphertext, CiphertextCrc32C: sealed.CiphertextCrc32C,
		AdditionalAuthenticatedData: aad, AdditionalAuthenticatedDataCrc32C: crc(aad)})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(opened.Plaintext, plaintext) || opened.PlaintextCrc32C.GetValue() != crc(plaintext).Value {
		t.Errorf("opened %q with checksum %v", opened.Plaintext, opened.PlaintextCrc32C)
	}
	if !opened.UsedPrimary || opened.ProtectionLevel != kmspb.ProtectionLevel_SOFTWARE {
		t.Errorf("used primary %v at level %v", opened.UsedPrimary, opened.ProtectionLevel)
	}
}

func TestEncryptSaysNothingIsVerifiedWithoutChecksums(t *testing.T) {
	t.Parallel()
	s := start(t)
	sealed := s.seal(t, s.key(t, "k", sealing()), "guest", "tenant")
	if sealed.VerifiedPlaintextCrc32C || sealed.VerifiedAdditionalAuthenticatedDataCrc32C {
		t.Errorf("verified without a checksum: %v", sealed)
	}
}

func TestTheSamePlaintextIsSealedDifferentlyEachTime(t *testing.T) {
	t.Parallel()
	s := start(t)
	name := s.key(t, "k", sealing())
	if bytes.Equal(s.seal(t, name, "guest", "").Ciphertext, s.seal(t, name, "guest", "").Ciphertext) {
		t.Error("two ciphertexts of one plaintext are the same")
	}
}

func TestEncryptRefuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	name := s.key(t, "k", sealing())
	signer := s.key(t, "s", signing(kmspb.CryptoKeyVersion_EC_SIGN_P256_SHA256))
	large := bytes.Repeat([]byte("x"), 64<<10+1)
	for title, c := range map[string]struct {
		req  *kmspb.EncryptRequest
		want codes.Code
	}{
		"a plaintext that does not fit its checksum": {
			&kmspb.EncryptRequest{Name: name, Plaintext: []byte("a"), PlaintextCrc32C: crc([]byte("b"))}, codes.InvalidArgument},
		"associated data that does not fit its checksum": {
			&kmspb.EncryptRequest{Name: name, AdditionalAuthenticatedDataCrc32C: crc([]byte("b"))}, codes.InvalidArgument},
		"more than 64 KiB of plaintext":       {&kmspb.EncryptRequest{Name: name, Plaintext: large}, codes.InvalidArgument},
		"more than 64 KiB of associated data": {&kmspb.EncryptRequest{Name: name, AdditionalAuthenticatedData: large}, codes.InvalidArgument},
		"a key that is not there":             {&kmspb.EncryptRequest{Name: ringName + "/cryptoKeys/x"}, codes.NotFound},
		"a version that is not there":         {&kmspb.EncryptRequest{Name: name + "/cryptoKeyVersions/2"}, codes.NotFound},
		"a key that signs":                    {&kmspb.EncryptRequest{Name: signer}, codes.FailedPrecondition},
		"a version of a key that signs":       {&kmspb.EncryptRequest{Name: signer + "/cryptoKeyVersions/1"}, codes.FailedPrecondition},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			_, err := s.Encrypt(t.Context(), c.req)
			wantCode(t, err, c.want)
		})
	}
}

func TestDecryptRefuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	name, other := s.key(t, "k", sealing()), s.key(t, "other", sealing())
	sealed := s.seal(t, name, "guest", "tenant").Ciphertext
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	future := bytes.Clone(sealed)
	future[4] = 9
	for title, c := range map[string]struct {
		name string
		data []byte
		aad  string
		want codes.Code
	}{
		"other associated data":             {name, sealed, "another", codes.InvalidArgument},
		"a flipped bit":                     {name, flipped, "tenant", codes.InvalidArgument},
		"a ciphertext of another key":       {other, sealed, "tenant", codes.InvalidArgument},
		"a version that is not there":       {name, future, "tenant", codes.InvalidArgument},
		"nothing":                           {name, nil, "tenant", codes.InvalidArgument},
		"a cut header":                      {name, sealed[:3], "tenant", codes.InvalidArgument},
		"a header alone":                    {name, sealed[:5], "tenant", codes.InvalidArgument},
		"a version's name instead of a key": {name + "/cryptoKeyVersions/1", sealed, "tenant", codes.InvalidArgument},
		"a key that is not there":           {ringName + "/cryptoKeys/x", sealed, "tenant", codes.NotFound},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			_, err := s.unseal(t, c.name, c.data, c.aad)
			wantCode(t, err, c.want)
		})
	}
	t.Run("a ciphertext that does not fit its checksum", func(t *testing.T) {
		t.Parallel()
		_, err := s.Decrypt(t.Context(), &kmspb.DecryptRequest{Name: name, Ciphertext: sealed,
			AdditionalAuthenticatedData: []byte("tenant"), CiphertextCrc32C: crc(flipped)})
		wantCode(t, err, codes.InvalidArgument)
	})
}

func TestRotationKeepsOldCiphertextsReadable(t *testing.T) {
	t.Parallel()
	s := start(t)
	name := s.key(t, "k", sealing())
	old := s.seal(t, name, "guest", "").Ciphertext
	v, err := s.CreateCryptoKeyVersion(t.Context(), &kmspb.CreateCryptoKeyVersionRequest{Parent: name})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.seal(t, name, "guest", "").Name; got != name+"/cryptoKeyVersions/1" {
		t.Errorf("sealed by %s before the new version is primary", got)
	}
	_, err = s.UpdateCryptoKeyPrimaryVersion(t.Context(), &kmspb.UpdateCryptoKeyPrimaryVersionRequest{
		Name: name, CryptoKeyVersionId: "2"})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.seal(t, name, "guest", "").Name; got != v.Name {
		t.Errorf("sealed by %s, want the primary %s", got, v.Name)
	}
	opened, err := s.unseal(t, name, old, "")
	if err != nil || string(opened.Plaintext) != "guest" || opened.UsedPrimary {
		t.Errorf("an old ciphertext opens as %v, %v", opened, err)
	}
}
