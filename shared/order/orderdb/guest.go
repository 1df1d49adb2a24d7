package orderdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// ByPhone returns the ids of the tenant's orders whose guest left the phone number, at most limit.
func (s *Store) ByPhone(ctx context.Context, tenant string, phone envelope.Contact, limit int) ([]string, error) {
	return s.byContact(ctx, tenant, "phone", phone, limit)
}

// ByEmail returns the ids of the tenant's orders whose guest left the e-mail address, at most limit.
func (s *Store) ByEmail(ctx context.Context, tenant string, email envelope.Contact, limit int) ([]string, error) {
	return s.byContact(ctx, tenant, "email", email, limit)
}

// byContact looks a guest up by the blind index. What a platform masked was never indexed, and what was erased or has
// expired is not found.
func (s *Store) byContact(ctx context.Context, tenant, field string, c envelope.Contact, limit int) ([]string, error) {
	key, err := s.opts.Keys.Newest(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("look a guest up: %w", err)
	}
	if key == nil { // the tenant never had an order
		return nil, nil
	}
	index := key.Index(c)
	found, err := s.opts.Ledger.List(ctx, s.opts.Ledger.Query(tenant, collectionOrderKeys).Where(field, "==", index).
		OrderBy(firestore.DocumentID, firestore.Asc).Limit(limit))
	if err != nil {
		return nil, fmt.Errorf("look a guest up: %w", err)
	}
	var ids []string
	for _, o := range found {
		one, err := s.kept(ctx, ledgerdb.Object{Ref: o.Ref, Tenant: o.Tenant}, o, ledgerdb.Object{})
		if err != nil {
			return nil, err
		}
		if !one.Erased(s.opts.Now()) {
			ids = append(ids, o.ID)
		}
	}
	return ids, nil
}

// together is how many orders are read by one RPC, with their originals of up to 1 MiB each.
const together = 20

// LoadAll reads orders of the tenant, with what the channel sent. Those that are not there are left out.
func (s *Store) LoadAll(ctx context.Context, tenant string, ids []string) ([]Stored, error) {
	var all []Stored
	for some := range slices.Chunk(ids, together) {
		found, err := s.opts.Ledger.GetAll(ctx, tenant, parts(some...)...)
		if err != nil {
			return nil, fmt.Errorf("load orders: %w", err)
		}
		for one := range slices.Chunk(found, len(partsOf())) {
			if !one[0].Exists() {
				continue
			}
			stored, err := s.kept(ctx, one[0], one[1], one[2])
			if err != nil {
				return nil, err
			}
			all = append(all, stored)
		}
	}
	return all, nil
}

// partsOf are the collections that an order's own data is in.
func partsOf() []string {
	return []string{collectionOrders, collectionOrderKeys, collectionOriginals}
}

func parts(ids ...string) []ledgerdb.Ref {
	var refs []ledgerdb.Ref
	for _, id := range ids {
		for _, collection := range partsOf() {
			refs = append(refs, ledgerdb.Ref{Collection: collection, ID: id})
		}
	}
	return refs
}

// KeptUntil is when the guest's data expires; zero when it is not there any more.
func (s Stored) KeptUntil() time.Time {
	at, there := s.key.Fields["expireAt"].(time.Time)
	if !there {
		return time.Time{}
	}
	return at.Add(-s.guestSooner)
}

// HasOriginal tells whether what the channel sent was read and is there.
func (s Stored) HasOriginal(now time.Time) bool {
	return s.original.Exists() && !expired(s.original, now.Add(s.originalSooner)) && !s.Erased(now)
}

// Original opens what the channel sent, of an order from [Store.LoadAll]. There being none is [fault.NotFound].
func (s *Store) Original(ctx context.Context, o Stored) ([]byte, error) {
	if !o.HasOriginal(s.opts.Now()) {
		return nil, fault.New(fault.NotFound, "what the channel sent is not kept any more")
	}
	key, err := s.dataKey(ctx, o)
	if err != nil {
		return nil, err
	}
	sealed, _ := o.original.Fields["original"].([]byte)
	content, err := s.originals.Open(key, sealed, place(o.Tenant, collectionOriginals, o.ID, "original"))
	if err != nil {
		return nil, fmt.Errorf("open the original of order %s: %w", o.ID, err)
	}
	return content, nil
}

// Erase forgets an order's guest for good: the key, with it the replay digest and the blind indexes, what the channel sent,
// the sealed guest itself, and the reason of the last change, which somebody may have typed. The order's face stays. It
// tells whether there was anything left to erase; erasing again changes nothing.
func (s *Store) Erase(ctx context.Context, act ledgerdb.Act, id string) (erased bool, err error) {
	for range tries {
		found, err := s.opts.Ledger.GetAll(ctx, act.Tenant, parts(id)...)
		if err != nil {
			return false, fmt.Errorf("erase order %s: %w", id, err)
		}
		if !found[0].Exists() || forgotten(found) {
			return erased, s.dropParts(ctx, act.Tenant, found)
		}
		fields := maps.Clone(found[0].Fields)
		for _, name := range append(sealedFields(), "reason") {
			delete(fields, name)
		}
		_, err = s.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Replace(found[0], fields)},
			ledgerdb.Drop(ledgerdb.Ref{Collection: collectionOrderKeys, ID: id}), ledgerdb.Drop(ledgerdb.Ref{Collection: collectionOriginals, ID: id}))
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, ledgerdb.ErrStale) && !errors.Is(err, ledgerdb.ErrContended) {
			return false, fmt.Errorf("erase order %s: %w", id, err)
		}
		erased = true // by this very commit, if nothing is left the next time
	}
	return false, fault.New(fault.Unavailable, "too many change this order at once; try again").After(time.Second)
}

// forgotten tells whether nothing of the guest is left.
func forgotten(found []ledgerdb.Object) bool {
	_, guest := found[0].Fields["guest"]
	_, reason := found[0].Fields["reason"]
	return !guest && !reason && !found[1].Exists() && !found[2].Exists()
}

// dropParts deletes what is left of an order that is not there itself.
func (s *Store) dropParts(ctx context.Context, tenant string, found []ledgerdb.Object) error {
	var writes []ledgerdb.Write
	for _, o := range found[1:] {
		if o.Exists() {
			writes = append(writes, ledgerdb.Drop(o.Ref))
		}
	}
	if len(writes) == 0 {
		return nil
	}
	if err := s.opts.Ledger.Bookkeep(ctx, tenant, writes...); err != nil {
		return fmt.Errorf("erase what is left of an order: %w", err)
	}
	return nil
}
