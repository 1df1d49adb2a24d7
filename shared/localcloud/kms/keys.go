package kms

import (
	"context"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// CreateCryptoKey adds a key to a ring, with a first version unless the request skips it. Keys can never be deleted.
func (s *Server) CreateCryptoKey(_ context.Context, req *kmspb.CreateCryptoKeyRequest) (*kmspb.CryptoKey, error) {
	if err := check(s.names.ring, "parent", req.Parent); err != nil {
		return nil, err
	}
	if err := check(s.names.id, "crypto_key_id", req.CryptoKeyId); err != nil {
		return nil, err
	}
	k, err := s.newKey(req)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rings[req.Parent] == nil {
		return nil, status.Errorf(codes.NotFound, "KeyRing %s not found.", req.Parent)
	}
	if s.keys[k.info.Name] != nil {
		return nil, status.Errorf(codes.AlreadyExists, "CryptoKey %s already exists.", k.info.Name)
	}
	if err := s.keep(k); err != nil {
		return nil, err
	}
	return k.describe(), nil
}

func (s *Server) newKey(req *kmspb.CreateCryptoKeyRequest) (*key, error) {
	from := req.CryptoKey
	if from == nil {
		return nil, status.Error(codes.InvalidArgument, "The crypto_key is required.")
	}
	if from.ImportOnly {
		return nil, status.Error(codes.Unimplemented, "imported keys are not part of this server")
	}
	k := &key{info: &kmspb.CryptoKey{
		Name:                     req.Parent + "/cryptoKeys/" + req.CryptoKeyId,
		Purpose:                  from.Purpose,
		CreateTime:               timestamppb.New(s.time()),
		NextRotationTime:         from.NextRotationTime,
		RotationSchedule:         from.RotationSchedule,
		VersionTemplate:          proto.CloneOf(from.VersionTemplate),
		Labels:                   from.Labels,
		DestroyScheduledDuration: from.DestroyScheduledDuration,
	}}
	if err := normalise(k.info); err != nil {
		return nil, err
	}
	if req.SkipInitialVersionCreation {
		return k, nil
	}
	number, err := k.grow(s.time())
	if err != nil {
		return nil, internal(err)
	}
	if k.info.Purpose == kmspb.CryptoKey_ENCRYPT_DECRYPT {
		k.primary = number
	}
	return k, nil
}

// GetCryptoKey returns one key with its primary version.
func (s *Server) GetCryptoKey(_ context.Context, req *kmspb.GetCryptoKeyRequest) (*kmspb.CryptoKey, error) {
	if err := check(s.names.key, "name", req.Name); err != nil {
		return nil, err
	}
	k, err := s.lookup(req.Name)
	if err != nil {
		return nil, err
	}
	return k.describe(), nil
}

// ListCryptoKeys lists a ring's keys by name.
func (s *Server) ListCryptoKeys(_ context.Context, req *kmspb.ListCryptoKeysRequest) (
	*kmspb.ListCryptoKeysResponse, error) {
	if err := check(s.names.ring, "parent", req.Parent); err != nil {
		return nil, err
	}
	page, err := newPage(req)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rings[req.Parent] == nil {
		return nil, status.Errorf(codes.NotFound, "KeyRing %s not found.", req.Parent)
	}
	all := below(s.keys, req.Parent+"/cryptoKeys/")
	names, next := page.cut(all)
	answer := &kmspb.ListCryptoKeysResponse{NextPageToken: next, TotalSize: size(all)}
	for _, name := range names {
		k, err := s.find(name)
		if err != nil {
			return nil, err
		}
		answer.CryptoKeys = append(answer.CryptoKeys, k.describe())
	}
	return answer, nil
}

// UpdateCryptoKey changes a key's labels, rotation schedule or version template.
func (s *Server) UpdateCryptoKey(_ context.Context, req *kmspb.UpdateCryptoKeyRequest) (*kmspb.CryptoKey, error) {
	if err := check(s.names.key, "crypto_key.name", req.GetCryptoKey().GetName()); err != nil {
		return nil, err
	}
	if len(req.GetUpdateMask().GetPaths()) == 0 {
		return nil, status.Error(codes.InvalidArgument, "The update_mask is required.")
	}
	k, err := s.change(req.CryptoKey.Name, func(k *key) error {
		return k.update(req.CryptoKey, req.UpdateMask.Paths)
	})
	if err != nil {
		return nil, err
	}
	return k.describe(), nil
}

// UpdateCryptoKeyPrimaryVersion makes an enabled version the one that Encrypt uses.
func (s *Server) UpdateCryptoKeyPrimaryVersion(_ context.Context, req *kmspb.UpdateCryptoKeyPrimaryVersionRequest) (
	*kmspb.CryptoKey, error) {
	if err := check(s.names.key, "name", req.Name); err != nil {
		return nil, err
	}
	_, number, err := s.names.splitVersion(req.Name + "/cryptoKeyVersions/" + req.CryptoKeyVersionId)
	if err != nil {
		return nil, err
	}
	k, err := s.change(req.Name, func(k *key) error {
		if err := k.serves(kmspb.CryptoKey_ENCRYPT_DECRYPT); err != nil {
			return err
		}
		_, err := k.usable(number)
		k.primary = number
		return err
	})
	if err != nil {
		return nil, err
	}
	return k.describe(), nil
}
