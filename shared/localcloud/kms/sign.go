package kms

import (
	"context"
	"crypto/sha256"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// AsymmetricSign signs a SHA-256 digest or the data that it is made of (P-256), or data of at most 64 KiB (Ed25519).
func (s *Server) AsymmetricSign(_ context.Context, req *kmspb.AsymmetricSignRequest) (
	*kmspb.AsymmetricSignResponse, error) {
	v, err := s.signer(req.Name)
	if err != nil {
		return nil, err
	}
	digestVerified, err := verify("digest", req.Digest.GetSha256(), req.DigestCrc32C)
	if err != nil {
		return nil, err
	}
	dataVerified, err := verify("data", req.Data, req.DataCrc32C)
	if err != nil {
		return nil, err
	}
	input, err := signed(req, v.info.Algorithm)
	if err != nil {
		return nil, err
	}
	signature, err := sign(v.material, input)
	if err != nil {
		return nil, internal(err)
	}
	return &kmspb.AsymmetricSignResponse{
		Name:                 v.info.Name,
		Signature:            signature,
		SignatureCrc32C:      checksum(signature),
		VerifiedDigestCrc32C: digestVerified,
		VerifiedDataCrc32C:   dataVerified,
		ProtectionLevel:      v.info.ProtectionLevel,
	}, nil
}

// signed returns what the algorithm is to sign: the digest where it takes one, else the data itself.
func signed(req *kmspb.AsymmetricSignRequest, algorithm kmspb.CryptoKeyVersion_CryptoKeyVersionAlgorithm) ([]byte, error) {
	if (req.Digest == nil) == (len(req.Data) == 0) {
		return nil, status.Error(codes.InvalidArgument, "Exactly one of digest and data must be given.")
	}
	if err := atMost("data", req.Data, maxSigned); err != nil {
		return nil, err
	}
	if algorithm == ed {
		if req.Digest != nil {
			return nil, status.Errorf(codes.InvalidArgument, "Algorithm %s signs data, not a digest.", algorithm)
		}
		return req.Data, nil
	}
	if req.Digest == nil {
		digest := sha256.Sum256(req.Data)
		return digest[:], nil
	}
	if len(req.Digest.GetSha256()) != sha256.Size {
		return nil, status.Errorf(codes.InvalidArgument, "Algorithm %s signs a SHA-256 digest of %d bytes.",
			algorithm, sha256.Size)
	}
	return req.Digest.GetSha256(), nil
}

// signer returns an enabled version of a signing key.
func (s *Server) signer(name string) (version, error) {
	keyName, number, err := s.names.splitVersion(name)
	if err != nil {
		return version{}, err
	}
	k, err := s.lookup(keyName)
	if err != nil {
		return version{}, err
	}
	if err := k.serves(kmspb.CryptoKey_ASYMMETRIC_SIGN); err != nil {
		return version{}, err
	}
	return k.usable(number)
}

// GetPublicKey returns the public half of an enabled signing version, as PEM.
func (s *Server) GetPublicKey(_ context.Context, req *kmspb.GetPublicKeyRequest) (*kmspb.PublicKey, error) {
	switch req.PublicKeyFormat {
	case kmspb.PublicKey_PUBLIC_KEY_FORMAT_UNSPECIFIED, kmspb.PublicKey_PEM:
	default:
		return nil, status.Errorf(codes.Unimplemented, "format %s is not part of this server", req.PublicKeyFormat)
	}
	v, err := s.signer(req.Name)
	if err != nil {
		return nil, err
	}
	public, err := publicPEM(v.material)
	if err != nil {
		return nil, internal(err)
	}
	return &kmspb.PublicKey{
		Name:            v.info.Name,
		Pem:             string(public),
		PemCrc32C:       checksum(public),
		Algorithm:       v.info.Algorithm,
		ProtectionLevel: v.info.ProtectionLevel,
		PublicKeyFormat: kmspb.PublicKey_PEM,
		PublicKey:       &kmspb.ChecksummedData{Data: public, Crc32CChecksum: checksum(public)},
	}, nil
}
