package identitydb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/api/iterator"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/token"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// generated bounds how long a new key version may take to be made, and pollEvery is how often that is asked.
const (
	generated = 30 * time.Second
	pollEvery = time.Second
)

// Keys returns the stored signing keys, those that no longer sign included.
func (s *Signer) Keys(ctx context.Context) (token.KeySet, error) { return s.set(ctx) }

// Roll publishes a new signing key, which begins to sign in [token.PublishAhead]; its predecessors retire when their last
// tokens have ended. Keys that have retired are disabled in KMS and forgotten. A roll that is under way already is
// [fault.Conflict]. One that broke off can be repeated: a key version that was made and not published is used.
func (s *Signer) Roll(ctx context.Context, by ledgerdb.Act) (token.KeySet, error) {
	by.Action = "signing_key.roll"
	return s.publish(ctx, by, s.roll)
}

// Replace publishes a new signing key that signs at once, and refuses every token of its predecessors: for a key that
// somebody else may have. Instances take the old ones until they read the keys again, ten minutes at most; access tokens
// that an instance remembers end with their own time.
func (s *Signer) Replace(ctx context.Context, by ledgerdb.Act) (token.KeySet, error) {
	by.Action = "signing_key.replace"
	return s.publish(ctx, by, s.replace)
}

// publish changes the stored keys.
func (s *Signer) publish(ctx context.Context, by ledgerdb.Act, decide func(context.Context, token.KeySet) (token.KeySet, error)) (token.KeySet, error) {
	if _, err := s.set(ctx); err != nil { // creates the first
		return nil, err
	}
	by.Tenant = identity.Hub
	at := ref(collectionSigning, currentKeys)
	prior, err := s.opts.Ledger.Get(ctx, identity.Hub, at)
	if err != nil {
		return nil, err
	}
	set, err := token.ParseKeySet(prior.Fields)
	if err != nil {
		return nil, err
	}
	next, err := decide(ctx, set)
	if err != nil {
		return nil, err
	}
	fields, err := next.Document()
	if err != nil {
		return nil, err
	}
	receipt, err := s.opts.Ledger.Commit(ctx, by, []ledgerdb.Change{ledgerdb.Replace(prior, fields)})
	if errors.Is(err, ledgerdb.ErrStale) {
		err = s.explain(ctx, receipt)
	}
	s.keys.read.forget(currentKeys)
	return next, err
}

// explain tells a roll that succeeded without telling from one that another operator was faster with.
func (s *Signer) explain(ctx context.Context, receipt ledgerdb.Receipt) error {
	now, err := s.opts.Ledger.Get(ctx, identity.Hub, ref(collectionSigning, currentKeys))
	if err == nil && receipt.Wrote(now) {
		return nil
	}
	return fault.New(fault.Conflict, "somebody else rolls the signing key").Because(err)
}

// roll makes the new set for [Signer.Roll]. Versions that have retired are disabled before they are forgotten, so that
// none is ever found and used again.
func (s *Signer) roll(ctx context.Context, set token.KeySet) (token.KeySet, error) {
	now := s.opts.Now().UTC().Truncate(time.Microsecond)
	if set.Rolling(now) {
		return nil, fault.New(fault.Conflict, "a new signing key is published already and waits to begin")
	}
	next, err := s.fresh(ctx, set, now)
	return set.Roll(next, now), err
}

// replace makes the new set for [Signer.Replace].
func (s *Signer) replace(ctx context.Context, set token.KeySet) (token.KeySet, error) {
	now := s.opts.Now().UTC().Truncate(time.Microsecond)
	next, err := s.fresh(ctx, set, now)
	return set.Replace(next, now), err
}

// fresh disables what has retired and returns a key that signs nothing yet.
func (s *Signer) fresh(ctx context.Context, set token.KeySet, now time.Time) (token.PublishedKey, error) {
	for _, retired := range set.Retired(now) {
		if err := s.disable(ctx, retired.Version); err != nil {
			return token.PublishedKey{}, err
		}
	}
	version, err := s.freshVersion(ctx, set)
	if err != nil {
		return token.PublishedKey{}, err
	}
	public, err := s.publicKey(ctx, version)
	if err != nil {
		return token.PublishedKey{}, err
	}
	jwk, err := token.NewJWK(public)
	return token.PublishedKey{JWK: jwk, Version: version}, err
}

// freshVersion returns a version of the KMS key that signs nothing yet: one that an earlier roll left, or a new one.
func (s *Signer) freshVersion(ctx context.Context, set token.KeySet) (string, error) {
	versions := s.opts.KMS.ListCryptoKeyVersions(ctx, &kmspb.ListCryptoKeyVersionsRequest{Parent: s.opts.KeyName})
	for {
		v, err := versions.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return "", kmsFailed(err)
		}
		known := slices.ContainsFunc(set, func(k token.PublishedKey) bool { return k.Version == v.GetName() })
		if !known && v.GetState() == kmspb.CryptoKeyVersion_ENABLED {
			return v.GetName(), nil
		}
	}
	v, err := s.opts.KMS.CreateCryptoKeyVersion(ctx, &kmspb.CreateCryptoKeyVersionRequest{Parent: s.opts.KeyName})
	if err != nil {
		return "", kmsFailed(err)
	}
	return v.GetName(), s.awaitVersion(ctx, v)
}

// awaitVersion waits until KMS has made a version.
func (s *Signer) awaitVersion(ctx context.Context, v *kmspb.CryptoKeyVersion) error {
	ctx, cancel := context.WithTimeout(ctx, generated)
	defer cancel()
	for v.GetState() == kmspb.CryptoKeyVersion_PENDING_GENERATION {
		select {
		case <-ctx.Done():
			return fault.New(fault.Unavailable, "KMS is still making the key; repeat this in a minute").Because(ctx.Err())
		case <-time.After(pollEvery):
		}
		var err error
		if v, err = s.opts.KMS.GetCryptoKeyVersion(ctx, &kmspb.GetCryptoKeyVersionRequest{Name: v.GetName()}); err != nil {
			return kmsFailed(err)
		}
	}
	return nil
}

func (s *Signer) disable(ctx context.Context, version string) error {
	_, err := s.opts.KMS.UpdateCryptoKeyVersion(ctx, &kmspb.UpdateCryptoKeyVersionRequest{
		CryptoKeyVersion: &kmspb.CryptoKeyVersion{Name: version, State: kmspb.CryptoKeyVersion_DISABLED},
		UpdateMask:       &fieldmaskpb.FieldMask{Paths: []string{"state"}},
	})
	if err != nil {
		return fmt.Errorf("disable %s: %w", version, kmsFailed(err))
	}
	return nil
}
