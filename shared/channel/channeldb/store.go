package channeldb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// The collections that this package writes.
const (
	collectionMessages  = "messages"
	collectionKeys      = "orderKeys"
	collectionOriginals = "originals"
)

// life is how long a message is kept, at most: a tenant's retention is compared when its bytes are read.
const life = identity.MessageDays * 24 * time.Hour

// mostOriginal bounds the bytes of a message as they are stored, compressed and sealed: a document holds 1 MiB with all
// that stands beside them. Only what is no text comes near it, since requests are not larger.
const mostOriginal = 1<<20 - 2<<10

// Options are what a Store needs; every field but Retention is required.
type Options struct {
	Ledger *ledgerdb.Store
	Keys   *envelopedb.Keyring
	Now    func() time.Time
	Random io.Reader

	// Retention tells for how long a tenant has messages' bytes kept. Without it, all tenants keep them as long as the hub
	// does.
	Retention func(ctx context.Context, tenant string) (identity.Retention, error)
}

// Store keeps messages. It is safe for concurrent use.
type Store struct {
	opts      Options
	originals *envelope.Originals
}

// New returns a Store.
func New(opts Options) *Store { return &Store{opts: opts, originals: envelope.NewOriginals()} }

// Stored is a message as read.
type Stored struct {
	channel.Kept

	object ledgerdb.Object
	key    ledgerdb.Object
	bytes  ledgerdb.Object
}

// Keep keeps a message with its bytes, as an act, and writes what goes with it. One that is here already is left as it
// is, whatever became of it since; then it is not fresh, and nothing was written. What no document holds is
// [fault.TooLarge].
func (s *Store) Keep(ctx context.Context, act ledgerdb.Act, k channel.Kept, body []byte, with ...ledgerdb.Write) (fresh bool, err error) {
	fields, sealed, err := s.seal(ctx, k, body)
	if err != nil {
		return false, err
	}
	receipt, err := s.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Create(ref(k.ID), fields)}, append(sealed, with...)...)
	if !errors.Is(err, ledgerdb.ErrExists) {
		return err == nil, err
	}
	there, err := s.opts.Ledger.Get(ctx, k.Tenant, ref(k.ID))
	return err == nil && receipt.Wrote(there), err
}

// Note keeps a message with its bytes where there is nothing to do. One that is here already is left as it is.
func (s *Store) Note(ctx context.Context, k channel.Kept, body []byte) error {
	fields, sealed, err := s.seal(ctx, k, body)
	if err != nil {
		return err
	}
	err = s.opts.Ledger.Bookkeep(ctx, k.Tenant, append(sealed, ledgerdb.Add(ref(k.ID), fields))...)
	if errors.Is(err, ledgerdb.ErrExists) {
		return nil
	}
	return err
}

// seal prepares a message's documents.
func (s *Store) seal(ctx context.Context, k channel.Kept, body []byte) (map[string]any, []ledgerdb.Write, error) {
	expires := s.opts.Now().Add(life)
	tenantKey, err := s.opts.Keys.Current(ctx, k.Tenant)
	if err != nil {
		return nil, nil, fmt.Errorf("seal message %s: %w", k.ID, err)
	}
	key, err := envelope.NewDataKey(s.opts.Random)
	if err != nil {
		return nil, nil, err
	}
	wrapped, err := tenantKey.Wrap(key, place(k, collectionKeys, "key"))
	if err != nil {
		return nil, nil, fmt.Errorf("wrap the key of message %s: %w", k.ID, err)
	}
	original, err := s.originals.Seal(key, body, place(k, collectionOriginals, "original"))
	if err != nil {
		return nil, nil, fmt.Errorf("seal message %s: %w", k.ID, err)
	}
	if len(original) > mostOriginal {
		return nil, nil, fault.New(fault.TooLarge, "the message is larger than the hub can keep, %d bytes when compressed", mostOriginal)
	}
	fields := k.Document()
	fields["expireAt"] = expires
	return fields, []ledgerdb.Write{
		ledgerdb.Add(ledgerdb.Ref{Collection: collectionKeys, ID: k.ID}, map[string]any{"key": wrapped, "expireAt": expires}),
		ledgerdb.Add(ledgerdb.Ref{Collection: collectionOriginals, ID: k.ID}, map[string]any{"original": original, "expireAt": expires}),
	}, nil
}

// Load reads a message of the tenant. A missing one is [fault.NotFound].
func (s *Store) Load(ctx context.Context, tenant, id string) (Stored, error) {
	if !identity.WellFormed(channel.KeptPrefix, id) {
		return Stored{}, fault.New(fault.NotFound, "there is no message by this id")
	}
	found, err := s.opts.Ledger.GetAll(ctx, tenant, ref(id), ledgerdb.Ref{Collection: collectionKeys, ID: id}, ledgerdb.Ref{Collection: collectionOriginals, ID: id})
	if err != nil {
		return Stored{}, fmt.Errorf("load message %s: %w", id, err)
	}
	if !found[0].Exists() || s.expired(found[0]) {
		return Stored{}, fault.New(fault.NotFound, "there is no message by this id")
	}
	stored, err := parse(found[0])
	stored.key, stored.bytes = found[1], found[2]
	return stored, err
}

// expired compares the time too, because Firestore deletes late.
func (s *Store) expired(o ledgerdb.Object) bool {
	at, ok := o.Fields["expireAt"].(time.Time)
	return ok && !s.opts.Now().Before(at)
}

// Body opens a message's bytes. Those of one whose key is gone are [fault.NotFound].
func (s *Store) Body(ctx context.Context, m Stored) ([]byte, error) {
	wrapped, _ := m.key.Fields["key"].([]byte)
	sealed, _ := m.bytes.Fields["original"].([]byte)
	kept, err := s.keeps(ctx, m)
	if err != nil {
		return nil, err
	}
	if !kept || len(wrapped) == 0 || len(sealed) == 0 {
		return nil, fault.New(fault.NotFound, "what the message said was erased")
	}
	id, err := envelope.SealedBy(wrapped)
	if err != nil {
		return nil, fmt.Errorf("key of message %s: %w", m.ID, err)
	}
	tenantKey, err := s.opts.Keys.Load(ctx, m.Tenant, id)
	if err != nil {
		return nil, fmt.Errorf("key of message %s: %w", m.ID, err)
	}
	key, err := tenantKey.Unwrap(wrapped, place(m.Kept, collectionKeys, "key"))
	if err != nil {
		return nil, fmt.Errorf("key of message %s: %w", m.ID, err)
	}
	body, err := s.originals.Open(key, sealed, place(m.Kept, collectionOriginals, "original"))
	if err != nil {
		return nil, fmt.Errorf("open message %s: %w", m.ID, err)
	}
	return body, nil
}

// keeps tells whether the tenant still has a message's bytes kept.
func (s *Store) keeps(ctx context.Context, m Stored) (bool, error) {
	at, ok := m.key.Fields["expireAt"].(time.Time)
	if !ok || s.opts.Retention == nil {
		return ok && s.opts.Now().Before(at), nil
	}
	r, err := s.opts.Retention(ctx, m.Tenant)
	if err != nil {
		return false, fmt.Errorf("retention of message %s: %w", m.ID, err)
	}
	_, _, sooner := r.Sooner()
	return s.opts.Now().Before(at.Add(-sooner)), nil
}

// Settle says what became of a message that was read. Whoever comes second finds [ledgerdb.ErrStale].
func (s *Store) Settle(ctx context.Context, act ledgerdb.Act, m Stored, state channel.KeptState, order string) error {
	return s.Save(ctx, act, m, m.Settle(state, order, s.opts.Now()))
}

// Save writes what a message that was read is now, as [Store.Settle] does.
func (s *Store) Save(ctx context.Context, act ledgerdb.Act, m Stored, now channel.Kept) error {
	fields := now.Document()
	fields["expireAt"] = m.object.Fields["expireAt"]
	_, err := s.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Replace(m.object, fields)})
	if err != nil {
		return fmt.Errorf("settle message %s: %w", m.ID, err)
	}
	return nil
}

func parse(o ledgerdb.Object) (Stored, error) {
	k, err := channel.ParseKept(o.ID, o.Fields)
	k.Tenant = o.Tenant
	return Stored{Kept: k, object: o}, err
}

func ref(id string) ledgerdb.Ref { return ledgerdb.Ref{Collection: collectionMessages, ID: id} }

func place(k channel.Kept, collection, field string) envelope.Binding {
	return envelope.Binding{Tenant: k.Tenant, Collection: collection, Document: k.ID, Field: field}
}
