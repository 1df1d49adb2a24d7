package kms_test

import (
	"strings"
	"testing"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/localcloud/kms"
)

func TestMalformedNamesAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	name := s.key(t, "k", sealing())
	for _, bad := range []string{
		"", "/", "k", name + "/", "/" + name, name + "\n", name + "/cryptoKeyVersions/", name + "/cryptoKeyVersions/0",
		name + "/cryptoKeyVersions/01", name + "/cryptoKeyVersions/-1", name + "/cryptoKeyVersions/9999999999",
		"projects/../locations/europe/keyRings/r/cryptoKeys/k", "projects/p/locations/../keyRings/r/cryptoKeys/k",
		"projects/p/locations/europe/keyRings/./cryptoKeys/k", "projects//locations/europe/keyRings/r/cryptoKeys/k",
		ringName + "/cryptoKeys/" + strings.Repeat("k", 64), strings.Repeat("x", 1<<16), name + "\x00",
	} {
		_, err := s.Encrypt(t.Context(), &kmspb.EncryptRequest{Name: bad})
		wantCode(t, err, codes.InvalidArgument)
		_, err = s.GetPublicKey(t.Context(), &kmspb.GetPublicKeyRequest{Name: bad})
		wantCode(t, err, codes.InvalidArgument)
		_, err = s.GetCryptoKey(t.Context(), &kmspb.GetCryptoKeyRequest{Name: bad})
		wantCode(t, err, codes.InvalidArgument)
	}
}

func FuzzRequests(f *testing.F) {
	f.Add(ringName+"/cryptoKeys/k", []byte{1, 0, 0, 0, 1})
	f.Add(ringName+"/cryptoKeys/k", []byte{1, 255, 255, 255, 255, 0})
	f.Add(ringName+"/cryptoKeys/k/cryptoKeyVersions/1", []byte(nil))
	f.Add(ringName+"/cryptoKeys/k/cryptoKeyVersions/1/cryptoKeyVersions/1", []byte{1})
	server, err := kms.Open(kms.Options{Now: newClock().Now})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := server.CreateKeyRing(f.Context(), &kmspb.CreateKeyRingRequest{Parent: location, KeyRingId: "r"}); err != nil {
		f.Fatal(err)
	}
	if _, err := server.CreateCryptoKey(f.Context(), &kmspb.CreateCryptoKeyRequest{
		Parent: ringName, CryptoKeyId: "k", CryptoKey: sealing()}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		_, decrypt := server.Decrypt(t.Context(), &kmspb.DecryptRequest{Name: name, Ciphertext: data})
		_, sign := server.AsymmetricSign(t.Context(), &kmspb.AsymmetricSignRequest{Name: name, Data: data})
		_, destroy := server.DestroyCryptoKeyVersion(t.Context(), &kmspb.DestroyCryptoKeyVersionRequest{Name: name + "x"})
		for _, err := range []error{decrypt, sign, destroy} {
			switch status.Code(err) {
			case codes.InvalidArgument, codes.NotFound, codes.FailedPrecondition:
			default:
				t.Errorf("%q, %x: %v", name, data, err)
			}
		}
	})
}
