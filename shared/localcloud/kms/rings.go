package kms

import (
	"context"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// CreateKeyRing adds an empty ring to a location. Rings can never be deleted.
func (s *Server) CreateKeyRing(_ context.Context, req *kmspb.CreateKeyRingRequest) (*kmspb.KeyRing, error) {
	if err := check(s.names.location, "parent", req.Parent); err != nil {
		return nil, err
	}
	if err := check(s.names.id, "key_ring_id", req.KeyRingId); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ring := &kmspb.KeyRing{Name: req.Parent + "/keyRings/" + req.KeyRingId, CreateTime: timestamppb.New(s.time())}
	if s.rings[ring.Name] != nil {
		return nil, status.Errorf(codes.AlreadyExists, "KeyRing %s already exists.", ring.Name)
	}
	if err := s.store.saveRing(ring); err != nil {
		return nil, internal(err)
	}
	s.rings[ring.Name] = ring
	return proto.CloneOf(ring), nil
}

// GetKeyRing returns one ring.
func (s *Server) GetKeyRing(_ context.Context, req *kmspb.GetKeyRingRequest) (*kmspb.KeyRing, error) {
	if err := check(s.names.ring, "name", req.Name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ring := s.rings[req.Name]
	if ring == nil {
		return nil, status.Errorf(codes.NotFound, "KeyRing %s not found.", req.Name)
	}
	return proto.CloneOf(ring), nil
}

// ListKeyRings lists a location's rings by name.
func (s *Server) ListKeyRings(_ context.Context, req *kmspb.ListKeyRingsRequest) (*kmspb.ListKeyRingsResponse, error) {
	if err := check(s.names.location, "parent", req.Parent); err != nil {
		return nil, err
	}
	page, err := newPage(req)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := below(s.rings, req.Parent+"/keyRings/")
	names, next := page.cut(all)
	answer := &kmspb.ListKeyRingsResponse{NextPageToken: next, TotalSize: size(all)}
	for _, name := range names {
		answer.KeyRings = append(answer.KeyRings, proto.CloneOf(s.rings[name]))
	}
	return answer, nil
}
