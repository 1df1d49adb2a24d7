package backupdb

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/gcp/kmskey"
)

// Signer signs a project's manifests with a version of a KMS key. It is safe for concurrent use.
type Signer struct {
	key     kmskey.Key
	version int
	project string

	mu   sync.Mutex
	keys []string
}

// NewSigner returns a signer with a version, from 1, of a key.
func NewSigner(key kmskey.Key, version int, project string) *Signer {
	return &Signer{key: key, version: version, project: project}
}

// Keys returns the texts of the public keys of the version that signs, first, and of those before it which still exist.
// They are read once.
func (s *Signer) Keys(ctx context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys != nil {
		return s.keys, nil
	}
	var keys []string
	for version := s.version; version > 0; version-- {
		half, err := s.key.Public(ctx, s.key.Version(version))
		if version < s.version && status.Code(err) == codes.FailedPrecondition {
			continue // it was destroyed; nothing that it signed is kept any more
		}
		if err != nil {
			return nil, err
		}
		public, ok := half.(ed25519.PublicKey)
		if !ok {
			return nil, errors.New("the KMS key of manifests does not sign by Ed25519")
		}
		text, err := note.NewEd25519VerifierKey(backup.SignerName(s.project), public)
		if err != nil {
			return nil, err
		}
		keys = append(keys, text)
	}
	s.keys = keys
	return keys, nil
}

// Sign signs a manifest.
func (s *Signer) Sign(ctx context.Context, m backup.Manifest) ([]byte, error) {
	keys, err := s.Keys(ctx)
	if err != nil {
		return nil, err
	}
	return m.Sign(keys[0], func(message []byte) ([]byte, error) { return s.key.Sign(ctx, s.key.Version(s.version), message) })
}
