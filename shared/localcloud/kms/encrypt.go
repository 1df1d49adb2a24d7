package kms

import (
	"context"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Encrypt seals a plaintext of at most 64 KiB under a key's primary version, or under the named version.
func (s *Server) Encrypt(_ context.Context, req *kmspb.EncryptRequest) (*kmspb.EncryptResponse, error) {
	k, number, err := s.encrypter(req.Name)
	if err != nil {
		return nil, err
	}
	if err := k.serves(kmspb.CryptoKey_ENCRYPT_DECRYPT); err != nil {
		return nil, err
	}
	v, err := k.usable(number)
	if err != nil {
		return nil, err
	}
	plainVerified, err := checkPlaintext(req)
	if err != nil {
		return nil, err
	}
	aadVerified, err := checkAssociated(req.AdditionalAuthenticatedData, req.AdditionalAuthenticatedDataCrc32C)
	if err != nil {
		return nil, err
	}
	ciphertext, err := seal(v.material, number, req.Plaintext, req.AdditionalAuthenticatedData)
	if err != nil {
		return nil, internal(err)
	}
	return &kmspb.EncryptResponse{
		Name:                    v.info.Name,
		Ciphertext:              ciphertext,
		CiphertextCrc32C:        checksum(ciphertext),
		VerifiedPlaintextCrc32C: plainVerified,
		VerifiedAdditionalAuthenticatedDataCrc32C: aadVerified,
		ProtectionLevel: v.info.ProtectionLevel,
	}, nil
}

func checkPlaintext(req *kmspb.EncryptRequest) (bool, error) {
	if err := atMost("plaintext", req.Plaintext, maxPlaintext); err != nil {
		return false, err
	}
	return verify("plaintext", req.Plaintext, req.PlaintextCrc32C)
}

// encrypter finds the key and the version to encrypt with.
func (s *Server) encrypter(name string) (*key, int, error) {
	keyName, number := name, 0
	if s.names.version.MatchString(name) {
		var err error
		if keyName, number, err = s.names.splitVersion(name); err != nil {
			return nil, 0, err
		}
	}
	if err := check(s.names.key, "name", keyName); err != nil {
		return nil, 0, err
	}
	k, err := s.lookup(keyName)
	if err != nil || number > 0 {
		return k, number, err
	}
	if err := k.serves(kmspb.CryptoKey_ENCRYPT_DECRYPT); err != nil {
		return nil, 0, err
	}
	if k.primary == 0 {
		return nil, 0, status.Errorf(codes.FailedPrecondition, "%s has no primary version.", keyName)
	}
	return k, k.primary, nil
}

// Decrypt opens what Encrypt sealed, with whichever of the key's versions sealed it.
func (s *Server) Decrypt(_ context.Context, req *kmspb.DecryptRequest) (*kmspb.DecryptResponse, error) {
	if err := check(s.names.key, "name", req.Name); err != nil {
		return nil, err
	}
	k, err := s.lookup(req.Name)
	if err != nil {
		return nil, err
	}
	if err := k.serves(kmspb.CryptoKey_ENCRYPT_DECRYPT); err != nil {
		return nil, err
	}
	if err := checkSealed(req); err != nil {
		return nil, err
	}
	number := sealedBy(req.Ciphertext)
	if number < 1 || number > len(k.versions) {
		return nil, status.Error(codes.InvalidArgument,
			"Decryption failed: verify that 'name' refers to the correct CryptoKey.")
	}
	v, err := k.usable(number)
	if err != nil {
		return nil, err
	}
	plaintext, err := open(v.material, req.Ciphertext, req.AdditionalAuthenticatedData)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "Decryption failed: %v.", err)
	}
	return &kmspb.DecryptResponse{
		Plaintext:       plaintext,
		PlaintextCrc32C: checksum(plaintext),
		UsedPrimary:     number == k.primary,
		ProtectionLevel: v.info.ProtectionLevel,
	}, nil
}

func checkSealed(req *kmspb.DecryptRequest) error {
	if err := atMost("ciphertext", req.Ciphertext, maxCiphertext); err != nil {
		return err
	}
	if _, err := verify("ciphertext", req.Ciphertext, req.CiphertextCrc32C); err != nil {
		return err
	}
	_, err := checkAssociated(req.AdditionalAuthenticatedData, req.AdditionalAuthenticatedDataCrc32C)
	return err
}

// checkAssociated tells whether associated data came with a checksum, and that it holds.
func checkAssociated(data []byte, sent *wrapperspb.Int64Value) (bool, error) {
	if err := atMost("additional_authenticated_data", data, maxAssociated); err != nil {
		return false, err
	}
	return verify("additional_authenticated_data", data, sent)
}
