package envelopedb

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	"cloud.google.com/go/kms/apiv1/kmspb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
)

// rewrapAtOnce is how many documents are rewrapped at the same time.
const rewrapAtOnce = 8

// Prepare makes the tenant's key of the month that holds t, unless there is one, and tells whether it did. So the first
// order of a month waits for nothing. It fails like [Keyring.Current].
func (k *Keyring) Prepare(ctx context.Context, tenant string, t time.Time) (made bool, err error) {
	id := envelope.KeyIDAt(tenant, t)
	_, err = k.document(id).Get(ctx)
	if err == nil {
		return false, nil
	}
	if status.Code(err) != codes.NotFound {
		return false, storeFailed(err)
	}
	if _, err := k.loadOrCreate(ctx, id); err != nil {
		return false, fmt.Errorf("prepare tenant key %s: %w", id, err)
	}
	return true, nil
}

// Version is a version of the KMS key that wraps tenant keys.
type Version struct {
	Name   string // its full name
	MadeAt time.Time
}

// Primary returns the version that KMS wraps with now. It fails with [fault.Unavailable] or [ErrKeyUnusable].
func (k *Keyring) Primary(ctx context.Context) (Version, error) {
	key, err := k.opts.KMS.GetCryptoKey(ctx, &kmspb.GetCryptoKeyRequest{Name: k.opts.KeyName})
	if err != nil {
		return Version{}, kmsFailed(err, ErrKeyUnusable)
	}
	if key.GetPrimary() == nil || key.GetPrimary().GetState() != kmspb.CryptoKeyVersion_ENABLED {
		return Version{}, fmt.Errorf("%w: its primary version is not enabled", ErrKeyUnusable)
	}
	return Version{Name: key.GetPrimary().GetName(), MadeAt: key.GetPrimary().GetCreateTime().AsTime()}, nil
}

// Number returns the number of a version's name, and 0 for a name that has none.
func Number(version string) int64 {
	_, number, _ := strings.Cut(version, "/cryptoKeyVersions/")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Progress tells how far a rewrap is. Its zero value begins one.
type Progress struct {
	Seen      int    `json:"seen"`
	Rewrapped int    `json:"rewrapped"`
	Failed    int    `json:"failed"` // keys that do not open: somebody must look
	Lowest    int64  `json:"lowest"` // number of the lowest version under which a key still is
	After     string `json:"after"`  // id of the last key that was seen; "" at the beginning
	Done      bool   `json:"done,omitzero"`
}

// Rewrap goes on over the keys of all tenants, at most limit of them, and wraps those under other versions than the primary
// one anew. The tenant key itself, and so everything sealed by it, stays as it is. A key that does not open is logged,
// counted and left as it is. It may be repeated and may run twice at once; it fails with [fault.Unavailable], and then
// nothing is lost but the progress since p.
func (k *Keyring) Rewrap(ctx context.Context, primary Version, p Progress, limit int) (Progress, error) {
	q := k.opts.Firestore.Collection(collection).OrderBy(firestore.DocumentID, firestore.Asc).Limit(limit)
	if p.After != "" {
		q = q.StartAfter(p.After)
	}
	found, err := q.Documents(ctx).GetAll()
	if err != nil {
		return p, storeFailed(err)
	}
	versions, faults := make([]string, len(found)), make([]error, len(found))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(rewrapAtOnce)
	for i, snapshot := range found {
		group.Go(func() error {
			versions[i], faults[i] = k.rewrap(within, primary, snapshot)
			if fault.Is(faults[i], fault.Unavailable) {
				return faults[i]
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return p, err
	}
	for i, snapshot := range found {
		p = p.count(snapshot, versions[i], faults[i])
		if faults[i] != nil {
			k.opts.Log.ErrorContext(ctx, "tenant key cannot be rewrapped", "tenant_key", snapshot.Ref.ID, "error", faults[i])
		}
	}
	p.Done = len(found) < limit
	return p, nil
}

// count adds one key that was seen.
func (p Progress) count(snapshot *firestore.DocumentSnapshot, version string, err error) Progress {
	before, _ := snapshot.Data()[fieldVersion].(string)
	p.Seen++
	p.After = snapshot.Ref.ID
	switch {
	case err != nil:
		p.Failed++
	case version != before:
		p.Rewrapped++
	}
	if n := Number(version); p.Lowest == 0 || n < p.Lowest {
		p.Lowest = n
	}
	return p
}

// rewrap wraps one key under the primary version, and returns under which it is.
func (k *Keyring) rewrap(ctx context.Context, primary Version, snapshot *firestore.DocumentSnapshot) (string, error) {
	version, _ := snapshot.Data()[fieldVersion].(string)
	if version == primary.Name {
		return version, nil
	}
	id, err := envelope.ParseKeyID(snapshot.Ref.ID)
	if err != nil {
		return version, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	keyset, err := k.unwrapKeyset(ctx, id.Tenant, bytesAt(snapshot, fieldWrapped))
	if err != nil {
		return version, err
	}
	defer clear(keyset)
	// What does not open is not wrapped anew: the old bytes may be all that is left to find out why.
	if _, err := envelope.OpenTenantKey(id, keyset, bytesAt(snapshot, fieldIndex)); err != nil {
		return version, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	wrapped, now, err := k.wrapKeyset(ctx, id.Tenant, keyset)
	if err != nil {
		return version, err
	}
	_, err = snapshot.Ref.Update(ctx, []firestore.Update{
		{Path: fieldWrapped, Value: wrapped}, {Path: fieldVersion, Value: now}, {Path: "updatedAt", Value: firestore.ServerTimestamp},
	}, firestore.LastUpdateTime(snapshot.UpdateTime))
	if status.Code(err) == codes.FailedPrecondition {
		return k.versionOf(ctx, snapshot.Ref)
	}
	if err != nil {
		return version, storeFailed(err)
	}
	return now, nil
}

// versionOf reads under which version a key is that somebody else, or this very run without knowing it, has rewrapped.
func (k *Keyring) versionOf(ctx context.Context, ref *firestore.DocumentRef) (string, error) {
	snapshot, err := ref.Get(ctx)
	if err != nil {
		return "", storeFailed(err)
	}
	version, ok := snapshot.Data()[fieldVersion].(string)
	if !ok {
		return "", fmt.Errorf("%w: it names no version", ErrCorrupt)
	}
	return version, nil
}
