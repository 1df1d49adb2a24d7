package envelopedb

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
)

const (
	collection   = "tenantKeys"
	fieldTenant  = "tenant"
	fieldMonth   = "month"
	fieldWrapped = "wrapped"
	fieldIndex   = "index"
	fieldVersion = "kmsVersion"
)

// errUnwritten says that a new key was not written, as far as is known: another instance was first, or the answer was
// lost. Reading again tells.
var errUnwritten = errors.New("the new key was not written")

// errNotFirst says that the tenant has got a key meanwhile.
var errNotFirst = errors.New("another instance was first")

func (k *Keyring) document(id envelope.KeyID) *firestore.DocumentRef {
	return k.opts.Firestore.Collection(collection).Doc(id.String())
}

// load reads a key that exists.
func (k *Keyring) load(ctx context.Context, id envelope.KeyID) (*envelope.TenantKey, error) {
	snapshot, err := k.document(id).Get(ctx)
	if status.Code(err) == codes.NotFound {
		return nil, ErrNoKey
	}
	if err != nil {
		return nil, storeFailed(err)
	}
	wrapped, index := bytesAt(snapshot, fieldWrapped), bytesAt(snapshot, fieldIndex)
	keyset, err := k.unwrapKeyset(ctx, id.Tenant, wrapped)
	if err != nil {
		return nil, err
	}
	defer clear(keyset)
	key, err := envelope.OpenTenantKey(id, keyset, index)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return key, nil
}

// bytesAt returns the bytes of a field, and none where there are none: nothing opens then.
func bytesAt(snapshot *firestore.DocumentSnapshot, field string) []byte {
	value, err := snapshot.DataAt(field)
	if err != nil {
		return nil
	}
	content, _ := value.([]byte)
	return content
}

func (k *Keyring) loadOrCreate(ctx context.Context, id envelope.KeyID) (key *envelope.TenantKey, err error) {
	for range createAttempts {
		key, err = k.load(ctx, id)
		if !errors.Is(err, ErrNoKey) {
			return key, err
		}
		key, err = k.create(ctx, id)
		if !errors.Is(err, errUnwritten) {
			return key, err
		}
	}
	return nil, err
}

// create writes a new key. It fails with [errUnwritten] where reading again may help.
func (k *Keyring) create(ctx context.Context, id envelope.KeyID) (*envelope.TenantKey, error) {
	earlier, err := k.Newest(ctx, id.Tenant)
	if err != nil {
		return nil, err
	}
	key, err := envelope.NewTenantKey(id, earlier)
	if err != nil {
		return nil, err
	}
	fields, err := k.fields(ctx, key)
	if err != nil {
		return nil, err
	}
	if earlier == nil {
		err = k.createFirst(ctx, id, fields)
	} else {
		_, err = k.document(id).Create(ctx, fields)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnwritten, storeFailed(err))
	}
	return key, nil
}

// fields returns the document of a new key.
func (k *Keyring) fields(ctx context.Context, key *envelope.TenantKey) (map[string]any, error) {
	index, err := key.SealedIndex()
	if err != nil {
		return nil, err
	}
	keyset, err := key.Keyset()
	if err != nil {
		return nil, err
	}
	defer clear(keyset)
	wrapped, version, err := k.wrapKeyset(ctx, key.ID().Tenant, keyset)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		fieldTenant: key.ID().Tenant, fieldMonth: key.ID().Month, fieldWrapped: wrapped, fieldIndex: index,
		fieldVersion: version, "createdAt": firestore.ServerTimestamp, "updatedAt": firestore.ServerTimestamp,
	}, nil
}

// Newest returns the tenant's key of the newest month there is, which may lie ahead, and nil for a tenant without keys. It
// makes none. It fails like [Keyring.Load].
func (k *Keyring) Newest(ctx context.Context, tenant string) (*envelope.TenantKey, error) {
	found, err := k.newestOf(tenant).Documents(ctx).GetAll()
	if err != nil {
		return nil, storeFailed(err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	id, err := envelope.ParseKeyID(found[0].Ref.ID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return k.Load(ctx, tenant, id)
}

func (k *Keyring) newestOf(tenant string) firestore.Query {
	return k.opts.Firestore.Collection(collection).Where(fieldTenant, "==", tenant).
		OrderBy(fieldMonth, firestore.Desc).Limit(1)
}

// createFirst writes a tenant's first key, unless the tenant has got another one meanwhile, with an index key of its own.
func (k *Keyring) createFirst(ctx context.Context, id envelope.KeyID, fields map[string]any) error {
	return k.opts.Firestore.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		found, err := tx.Documents(k.newestOf(id.Tenant)).GetAll()
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return errNotFirst
		}
		return tx.Create(k.document(id), fields)
	})
}

// storeFailed says what a failure of Firestore means: come again, or something is set up wrongly.
func storeFailed(err error) error {
	if passing(err) {
		return fault.New(fault.Unavailable, "encryption keys are out of reach").Because(err)
	}
	return fmt.Errorf("read or write a tenant key: %w", err)
}

// passing tells a failure to reach or finish from a definite answer.
func passing(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Internal, codes.Aborted,
		codes.Canceled, codes.Unknown:
		return true
	default:
		return false
	}
}
