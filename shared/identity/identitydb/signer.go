package identitydb

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	kms "cloud.google.com/go/kms/apiv1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp/kmskey"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/token"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// firstVersion is the version of the KMS key that a new hub signs with.
const firstVersion = "/cryptoKeyVersions/1"

// errNoKey says that of the published keys none signs now.
var errNoKey = errors.New("no published key signs now")

// SignerOptions are what a Signer needs; every field is required.
type SignerOptions struct {
	Ledger  *ledgerdb.Store
	KMS     *kms.KeyManagementClient
	KeyName string // of the KMS key: projects/…/locations/…/keyRings/…/cryptoKeys/…
	Now     func() time.Time
}

// Signer signs access tokens with Cloud KMS and publishes the keys for it. It is safe for concurrent use.
type Signer struct {
	opts SignerOptions
	key  kmskey.Key
	keys *PublicKeys
}

// NewSigner returns a signer. Keep one per process.
func NewSigner(opts SignerOptions) *Signer {
	return &Signer{opts: opts, key: kmskey.New(opts.KMS, opts.KeyName, "access tokens"), keys: NewPublicKeys(opts.Ledger, opts.Now)}
}

// Sign returns the access token that makes the claims. [fault.Unavailable] says that KMS or the keys cannot be reached.
func (s *Signer) Sign(ctx context.Context, c token.Claims) (string, error) {
	set, err := s.set(ctx)
	if err != nil {
		return "", err
	}
	key, ok := set.Signing(s.opts.Now())
	if !ok {
		return "", fault.New(fault.Unavailable, "access tokens cannot be signed now").Because(errNoKey)
	}
	return token.Sign(ctx, c, key.ID, func(ctx context.Context, digest [sha256.Size]byte) ([]byte, error) {
		return s.key.SignDigest(ctx, key.Version, digest)
	})
}

// Published returns the keys that verify access tokens now.
func (s *Signer) Published(ctx context.Context) (token.JWKS, error) {
	set, err := s.set(ctx)
	return set.JWKS(s.opts.Now()), err
}

// set returns the stored keys, which are created when there are none. Whoever loses that race reads the winner's.
func (s *Signer) set(ctx context.Context) (token.KeySet, error) {
	set, err := s.keys.set(ctx, keysRead)
	if !fault.Is(err, fault.NotFound) {
		return set, err
	}
	if err := s.create(ctx); err != nil && !errors.Is(err, ledgerdb.ErrExists) {
		return nil, err
	}
	s.keys.read.forget(currentKeys)
	return s.keys.set(ctx, keysRead)
}

// create publishes the first key. It fails with [ledgerdb.ErrExists] when another instance did so first.
func (s *Signer) create(ctx context.Context) error {
	version := s.opts.KeyName + firstVersion
	public, err := s.publicKey(ctx, version)
	if err != nil {
		return err
	}
	jwk, err := token.NewJWK(public)
	if err != nil {
		return err
	}
	set := token.KeySet{{JWK: jwk, Version: version, NotBefore: s.opts.Now().UTC().Truncate(time.Microsecond)}}
	fields, err := set.Document()
	if err != nil {
		return err
	}
	act := ledgerdb.Act{
		Tenant: identity.Hub, Actor: identity.Actor{Kind: identity.KindSystem, ID: "auth"}, Action: "signing_key.publish",
	}
	_, err = s.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Create(ref(collectionSigning, currentKeys), fields)})
	return err
}

// publicKey reads the public half of a key version.
func (s *Signer) publicKey(ctx context.Context, version string) (*ecdsa.PublicKey, error) {
	half, err := s.key.Public(ctx, version)
	if err != nil {
		return nil, err
	}
	public, ok := half.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("the KMS key of access tokens does not sign by ECDSA")
	}
	return public, nil
}

// kmsFailed tells a failure to look after the key's versions that passes from one that somebody must look at.
func kmsFailed(err error) error {
	switch status.Code(err) {
	case codes.NotFound, codes.PermissionDenied, codes.FailedPrecondition, codes.InvalidArgument, codes.Unauthenticated, codes.Unimplemented:
		return fmt.Errorf("the KMS key of access tokens is disabled, destroyed, missing or forbidden: %w", err)
	default:
		return fault.New(fault.Unavailable, "access tokens cannot be signed now").Because(err)
	}
}
