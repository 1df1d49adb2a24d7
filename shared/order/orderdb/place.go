package orderdb

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
)

// Placement is an order on its way in.
type Placement struct {
	Order    order.Order // checked, with its guest
	Origin   order.Origin
	Act      ledgerdb.Act
	Region   string // ISO 3166 country of the location, for phone numbers without a country code
	Key      string // the Idempotency-Key, or ""
	Original []byte // what the channel sent, or nil for our own API
	Callback string // where the channel wants to hear what became of it, or ""
}

// Placed is what became of a placement.
type Placed struct {
	Record   order.Record
	Replayed bool   // it was there already; nothing was written
	Event    string // the event that was written, or ""
}

// Ahead begins to fetch what placing an order of the tenant needs, so that a cold instance does it while the order is
// read and checked.
func (s *Store) Ahead(ctx context.Context, tenant string) { s.opts.Keys.Ahead(ctx, tenant) }

// Place takes an order in, exactly once however often it is sent. Other content under the same identity is
// [fault.Conflict], with where it differs; another order under the same Idempotency-Key is [fault.Invalid]; one that says more
// than a document holds is [fault.TooLarge].
func (s *Store) Place(ctx context.Context, p Placement) (Placed, error) {
	intake, err := s.seal(ctx, p)
	if err != nil {
		return Placed{}, err
	}
	for range tries {
		receipt, err := s.opts.Ledger.Commit(ctx, p.Act, []ledgerdb.Change{intake.change}, intake.with...)
		if err == nil {
			return Placed{Record: intake.record, Event: intake.event}, nil
		}
		if !overtaken(err) {
			return Placed{}, fmt.Errorf("place order %s: %w", intake.record.ID, err)
		}
		placed, again, err := s.meet(ctx, p, intake, receipt)
		if err != nil || !again {
			return placed, err
		}
	}
	return Placed{}, fault.New(fault.Unavailable, "too many send this order at once; try again").After(time.Second)
}

// overtaken tells whether somebody else, or an earlier attempt of one's own, was at the same documents.
func overtaken(err error) bool {
	return errors.Is(err, ledgerdb.ErrExists) || errors.Is(err, ledgerdb.ErrStale) || errors.Is(err, ledgerdb.ErrContended)
}

// intake is everything that one commit writes.
type intake struct {
	record order.Record
	change ledgerdb.Change
	with   []ledgerdb.Write // the idempotency key, if any, is the last
	event  string
}

// seal prepares the commit: the order's face in plain, its guest and original under a key of its own.
func (s *Store) seal(ctx context.Context, p Placement) (*intake, error) {
	now := s.opts.Now()
	face, guest := p.Order.Split()
	record := order.Receive(p.Origin, face, now, string(p.Act.Actor.Kind))
	tenantKey, err := s.opts.Keys.Current(ctx, record.Tenant)
	if err != nil {
		return nil, fmt.Errorf("seal order %s: %w", record.ID, err)
	}
	key, err := envelope.NewDataKey(s.opts.Random)
	if err != nil {
		return nil, err
	}
	fields := record.Document()
	if fields["guest"], err = sealGuest(key, record, guest); err != nil {
		return nil, err
	}
	if err := sealCallback(key, record, p.Callback, fields); err != nil {
		return nil, err
	}
	in := &intake{record: record, change: ledgerdb.Create(ledgerdb.Ref{Collection: collectionOrders, ID: record.ID}, fields)}
	keyDoc, err := keyDocument(tenantKey, key, record, p, now)
	if err != nil {
		return nil, err
	}
	in.with = append(in.with, ledgerdb.Add(ledgerdb.Ref{Collection: collectionOrderKeys, ID: record.ID}, keyDoc))
	if p.Original != nil {
		original, err := s.originals.Seal(key, p.Original, place(record.Tenant, collectionOriginals, record.ID, "original"))
		if err != nil {
			return nil, fmt.Errorf("seal the original of order %s: %w", record.ID, err)
		}
		in.with = append(in.with, ledgerdb.Add(ledgerdb.Ref{Collection: collectionOriginals, ID: record.ID},
			map[string]any{"original": original, "expireAt": now.Add(originalLife)}))
	}
	event, id := announce(record)
	in.event = id
	in.with = append(in.with, event)
	if p.Key != "" {
		in.with = append(in.with, ledgerdb.Add(idempotencyRef(p), s.idempotency(record)))
	}
	return in, nil
}

func sealGuest(key *envelope.DataKey, r order.Record, guest order.Guest) ([]byte, error) {
	plain, err := json.Marshal(guest)
	if err != nil {
		return nil, fmt.Errorf("write the guest of order %s: %w", r.ID, err)
	}
	return key.Seal(plain, place(r.Tenant, collectionOrders, r.ID, "guest"))
}

func keyDocument(tenantKey *envelope.TenantKey, key *envelope.DataKey, r order.Record, p Placement, now time.Time) (map[string]any, error) {
	wrapped, err := tenantKey.Wrap(key, place(r.Tenant, collectionOrderKeys, r.ID, "key"))
	if err != nil {
		return nil, fmt.Errorf("wrap the key of order %s: %w", r.ID, err)
	}
	digest, err := digestOf(key, r, p.Order)
	if err != nil {
		return nil, err
	}
	doc := map[string]any{"key": wrapped, "digest": digest, "expireAt": now.Add(keyLife)}
	if c := p.Order.Customer; c != nil {
		if phone, ok := envelope.Phone(c.Phone, p.Region); ok && !c.PhoneMasked {
			doc["phone"] = tenantKey.Index(phone)
		}
		if email, ok := envelope.Email(c.Email); ok && !c.EmailMasked {
			doc["email"] = tenantKey.Index(email)
		}
	}
	return doc, nil
}

// mostContent bounds what an order says, in bytes of JSON: its document must not be larger than 1 MiB, with the places of
// its notes, and its history to come.
const mostContent = 880 << 10

// digestOf tells later whether an order that is sent again is the same, without telling what it is.
func digestOf(key *envelope.DataKey, r order.Record, o order.Order) ([]byte, error) {
	content, err := o.Canonical()
	switch {
	case err != nil:
		return nil, fmt.Errorf("digest order %s: %w", r.ID, err)
	case len(content) > mostContent:
		return nil, fault.New(fault.TooLarge, "the order says more than the hub can keep of one, %d bytes", mostContent)
	}
	return key.Digest(content, place(r.Tenant, collectionOrderKeys, r.ID, "digest")), nil
}

func (s *Store) idempotency(r order.Record) map[string]any {
	return map[string]any{"order": r.ID, "expireAt": s.opts.Now().Add(idempotencyLife)}
}

// idempotencyRef names the document of an Idempotency-Key: each credential has its own space of keys.
func idempotencyRef(p Placement) ledgerdb.Ref {
	sum := sha256.Sum256([]byte(identity.Actor.String(p.Act.Actor) + "\x00" + p.Act.Tenant + "\x00" + p.Key))
	id := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16])
	return ledgerdb.Ref{Collection: collectionIdempotency, ID: "idk_" + strings.ToLower(id)}
}

// meet decides what a placement is that found something there already. It tells whether to try again, because what was
// there has gone or expired.
func (s *Store) meet(ctx context.Context, p Placement, in *intake, receipt ledgerdb.Receipt) (placed Placed, again bool, err error) {
	refs := []ledgerdb.Ref{{Collection: collectionOrders, ID: in.record.ID}, {Collection: collectionOrderKeys, ID: in.record.ID}}
	if p.Key != "" {
		refs = append(refs, idempotencyRef(p))
	}
	found, err := s.opts.Ledger.GetAll(ctx, p.Act.Tenant, refs...)
	if err != nil {
		return Placed{}, false, fmt.Errorf("place order %s: %w", in.record.ID, err)
	}
	used := keyUse{}
	if p.Key != "" {
		used = s.use(found[2], in)
	}
	switch {
	case used.other:
		return Placed{}, false, keyReused()
	case receipt.Wrote(found[0]):
		return Placed{Record: in.record, Event: in.event}, false, nil
	case found[0].Exists():
		placed, err = s.replay(ctx, p, found[0], found[1], used.same)
		return placed, false, err
	}
	return Placed{}, true, nil
}

// keyUse says what an Idempotency-Key was used for before.
type keyUse struct{ same, other bool }

// use reads an Idempotency-Key's document. One that has expired is replaced by the next attempt.
func (s *Store) use(o ledgerdb.Object, in *intake) keyUse {
	last := len(in.with) - 1
	switch {
	case !o.Exists():
		return keyUse{}
	case expired(o, s.opts.Now()):
		in.with[last] = ledgerdb.Patch(o, s.idempotency(in.record))
		return keyUse{}
	}
	same := o.Fields["order"] == in.record.ID
	return keyUse{same: same, other: !same}
}

func keyReused() error {
	return fault.New(fault.Invalid, "the Idempotency-Key was used for other content").
		With(fault.Detail{Location: "header.Idempotency-Key", Message: "was used for other content within 24 hours"})
}

// replay answers an order that is there already.
func (s *Store) replay(ctx context.Context, p Placement, object, key ledgerdb.Object, keyUsed bool) (Placed, error) {
	stored, err := s.kept(ctx, object, key, ledgerdb.Object{})
	if err != nil {
		return Placed{}, err
	}
	placed := Placed{Record: stored.Record, Replayed: true}
	if stored.Erased(s.opts.Now()) {
		return placed, nil
	}
	dataKey, err := s.dataKey(ctx, stored)
	if err != nil {
		return Placed{}, err
	}
	digest, err := digestOf(dataKey, stored.Record, p.Order)
	if err != nil {
		return Placed{}, err
	}
	if known, _ := key.Fields["digest"].([]byte); hmac.Equal(known, digest) {
		return placed, nil
	}
	if keyUsed {
		return Placed{}, keyReused()
	}
	return Placed{}, s.conflict(ctx, stored, p.Order)
}

// mostDifferences bounds how many differing fields a conflict names.
const mostDifferences = 50

func (s *Store) conflict(ctx context.Context, stored Stored, sent order.Order) error {
	known, err := s.Whole(ctx, stored)
	if err != nil {
		return err
	}
	f := fault.New(fault.Conflict, "order %s is here already with other content", stored.ID)
	for i, at := range order.Diff(known, sent) {
		if i == mostDifferences {
			break
		}
		f = f.With(fault.Detail{Location: at, Message: "differs from the order that was taken in"})
	}
	return f
}
