package kms

import (
	"context"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// CreateCryptoKeyVersion adds an enabled version to a key. It becomes the primary only when it is made so.
func (s *Server) CreateCryptoKeyVersion(_ context.Context, req *kmspb.CreateCryptoKeyVersionRequest) (
	*kmspb.CryptoKeyVersion, error) {
	if err := check(s.names.key, "parent", req.Parent); err != nil {
		return nil, err
	}
	number := 0
	k, err := s.change(req.Parent, func(k *key) (err error) {
		number, err = k.grow(s.time())
		return err
	})
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(k.versions[number-1].info), nil
}

// GetCryptoKeyVersion returns one version.
func (s *Server) GetCryptoKeyVersion(_ context.Context, req *kmspb.GetCryptoKeyVersionRequest) (
	*kmspb.CryptoKeyVersion, error) {
	keyName, number, err := s.names.splitVersion(req.Name)
	if err != nil {
		return nil, err
	}
	k, err := s.lookup(keyName)
	if err != nil {
		return nil, err
	}
	v, err := k.version(number)
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(v.info), nil
}

// ListCryptoKeyVersions lists a key's versions.
func (s *Server) ListCryptoKeyVersions(_ context.Context, req *kmspb.ListCryptoKeyVersionsRequest) (
	*kmspb.ListCryptoKeyVersionsResponse, error) {
	if err := check(s.names.key, "parent", req.Parent); err != nil {
		return nil, err
	}
	page, err := newPage(req)
	if err != nil {
		return nil, err
	}
	k, err := s.lookup(req.Parent)
	if err != nil {
		return nil, err
	}
	byName := map[string]*kmspb.CryptoKeyVersion{}
	for _, v := range k.versions {
		byName[v.info.Name] = v.info
	}
	names, next := page.cut(below(byName, req.Parent+"/cryptoKeyVersions/"))
	answer := &kmspb.ListCryptoKeyVersionsResponse{NextPageToken: next, TotalSize: size(k.versions)}
	for _, name := range names {
		answer.CryptoKeyVersions = append(answer.CryptoKeyVersions, proto.CloneOf(byName[name]))
	}
	return answer, nil
}

// UpdateCryptoKeyVersion enables or disables a version. Its state is all that can be updated.
func (s *Server) UpdateCryptoKeyVersion(_ context.Context, req *kmspb.UpdateCryptoKeyVersionRequest) (
	*kmspb.CryptoKeyVersion, error) {
	if paths := req.GetUpdateMask().GetPaths(); len(paths) != 1 || paths[0] != "state" {
		return nil, status.Error(codes.InvalidArgument, "The update_mask must be state.")
	}
	to := req.GetCryptoKeyVersion().GetState()
	if to != kmspb.CryptoKeyVersion_ENABLED && to != kmspb.CryptoKeyVersion_DISABLED {
		return nil, status.Errorf(codes.InvalidArgument, "A version can be enabled or disabled, not made %s.", to)
	}
	return s.changeVersion(req.GetCryptoKeyVersion().GetName(), func(k *key, v *kmspb.CryptoKeyVersion) error {
		if err := live(v); err != nil {
			return err
		}
		v.State = to
		return nil
	})
}

// DestroyCryptoKeyVersion schedules a version for destruction. Until then it can be restored, and not used.
func (s *Server) DestroyCryptoKeyVersion(_ context.Context, req *kmspb.DestroyCryptoKeyVersionRequest) (
	*kmspb.CryptoKeyVersion, error) {
	return s.changeVersion(req.Name, func(k *key, v *kmspb.CryptoKeyVersion) error {
		if err := live(v); err != nil {
			return err
		}
		v.State = kmspb.CryptoKeyVersion_DESTROY_SCHEDULED
		v.DestroyTime = timestamppb.New(s.time().Add(k.info.DestroyScheduledDuration.AsDuration()))
		return nil
	})
}

// RestoreCryptoKeyVersion saves a version from its scheduled destruction. It is disabled then.
func (s *Server) RestoreCryptoKeyVersion(_ context.Context, req *kmspb.RestoreCryptoKeyVersionRequest) (
	*kmspb.CryptoKeyVersion, error) {
	return s.changeVersion(req.Name, func(_ *key, v *kmspb.CryptoKeyVersion) error {
		if v.State != kmspb.CryptoKeyVersion_DESTROY_SCHEDULED {
			return status.Errorf(codes.FailedPrecondition,
				"%s is not scheduled for destruction, current state is: %s.", v.Name, v.State)
		}
		v.State = kmspb.CryptoKeyVersion_DISABLED
		v.DestroyTime = nil
		return nil
	})
}

// live refuses versions that are destroyed or will be.
func live(v *kmspb.CryptoKeyVersion) error {
	if v.State != kmspb.CryptoKeyVersion_ENABLED && v.State != kmspb.CryptoKeyVersion_DISABLED {
		return status.Errorf(codes.FailedPrecondition,
			"%s is not enabled or disabled, current state is: %s.", v.Name, v.State)
	}
	return nil
}

// changeVersion changes one version and returns it as it is then.
func (s *Server) changeVersion(name string, decide func(*key, *kmspb.CryptoKeyVersion) error) (
	*kmspb.CryptoKeyVersion, error) {
	keyName, number, err := s.names.splitVersion(name)
	if err != nil {
		return nil, err
	}
	k, err := s.change(keyName, func(k *key) error {
		v, err := k.version(number)
		if err != nil {
			return err
		}
		return decide(k, v.info)
	})
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(k.versions[number-1].info), nil
}
