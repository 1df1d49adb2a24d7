package ledgerdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
)

// tombstoneLife is how long the trace of a deletion is kept: longer than any backup in which the document may stand.
const tombstoneLife = 400 * 24 * time.Hour

// dropLife is how long the trace of a deletion is kept that was no act: longer than any backup of changes reaches back.
const dropLife = 14 * 24 * time.Hour

// Act says who does what, and on whose request.
type Act struct {
	Tenant    string
	Actor     identity.Actor
	Behalf    *identity.Actor // who really acts, when it is somebody else
	Action    string          // as in `order.receive`
	RequestID string
}

// ActOf returns the act of a caller.
func ActOf(c identity.Caller, action, requestID string) Act {
	return Act{Tenant: c.Tenant, Actor: c.Actor, Behalf: c.Act, Action: action, RequestID: requestID}
}

// Change is what an act does to one object. Make one with [Create], [Replace], [Remove], or for a restore with [Revive] or
// [Miss].
type Change struct {
	prior  Object
	fields map[string]any
	absent bool // the object is not there, although it has a chain
}

// Create makes an object that must not exist yet.
func Create(ref Ref, fields map[string]any) Change {
	return Change{prior: Object{Ref: ref}, fields: fields}
}

// Replace gives an object that was read other fields.
func Replace(prior Object, fields map[string]any) Change { return Change{prior: prior, fields: fields} }

// Remove deletes an object that was read and leaves a tombstone, so that a restore does not bring it back.
func Remove(prior Object) Change { return Change{prior: prior} }

// Revive makes an object again that is not there; prior says where its chain ended, by its revision and entry.
func Revive(prior Object, fields map[string]any) Change {
	prior.Fields = nil
	return Change{prior: prior, fields: fields, absent: true}
}

// Miss says that an object is not there any more which should be: it was made after the moment that a restore brought
// back. Prior says where its chain ended, by its revision and entry.
func Miss(prior Object) Change {
	prior.Fields = nil
	return Change{prior: prior, absent: true}
}

// Receipt tells what an act would have written, whether or not it was.
type Receipt struct {
	Entries []ledger.Entry // one for each change, in their order
	At      time.Time      // the time in the entries
	heads   []ledger.Hash
	witness func() // tells the witness log after all; nil when Commit has
}

// Wrote tells whether the object, as read after an [ErrExists] or [ErrStale], is this very act's own work: a commit that
// succeeded without telling. The witness log then hears what Commit could not know.
func (r Receipt) Wrote(o Object) bool {
	mine := o.Exists() && o.Entry != (ledger.Hash{}) && slices.Contains(r.heads, o.Entry)
	if mine && r.witness != nil {
		r.witness()
	}
	return mine
}

// Performed tells whether an act happened although its commit did not say so, by its entries. It is for acts that leave
// nothing of their object to look at. The witness log then hears of it, as by [Receipt.Wrote].
func (s *Store) Performed(ctx context.Context, r Receipt) (bool, error) {
	found, err := s.EntriesByHash(ctx, r.heads)
	happened := err == nil && len(r.heads) > 0 && len(found) == len(r.heads)
	if happened && r.witness != nil {
		r.witness()
	}
	return happened, err
}

// Commit performs an act: all changes with an audit entry each, and the writes that go with them, or nothing of it.
// Its errors are [ErrExists], [ErrStale], and faults; one of many at once is [fault.Unavailable] because of
// [ErrContended].
func (s *Store) Commit(ctx context.Context, act Act, changes []Change, with ...Write) (Receipt, error) {
	r := Receipt{At: s.opts.Now().UTC().Truncate(time.Microsecond)}
	batch := s.batch(act.Tenant)
	for _, c := range changes {
		if err := s.add(batch, &r, act, c); err != nil {
			return r, err
		}
	}
	for _, w := range with {
		batch.write(w)
	}
	if err := batch.commit(ctx); err != nil {
		return s.doubtful(ctx, r), err
	}
	s.witness(ctx, r)
	return r, nil
}

// doubtful returns the receipt of a commit that failed, or says so: whoever finds that it did not can tell the witness.
func (s *Store) doubtful(ctx context.Context, r Receipt) Receipt {
	told := r
	r.witness = func() { s.witness(ctx, told) }
	return r
}

// add puts a change and its entry into the batch.
func (s *Store) add(b *batch, r *Receipt, act Act, c Change) error {
	doc := b.document(c.prior.Ref, c.fields)
	doc[fieldRevision] = c.prior.Revision + 1
	e, err := s.entry(act, c, r.At)
	if err != nil {
		return err
	}
	if c.fields != nil {
		if e.After, err = ledger.HashDocument(doc); err != nil {
			return err
		}
	}
	raw, err := e.Encode()
	if err != nil {
		return err
	}
	head := ledger.HashEntry(raw)
	r.Entries, r.heads = append(r.Entries, e), append(r.heads, head)
	doc[fieldEntry] = head.String()
	s.place(b, c, doc, r.At)
	b.create(Ref{collectionAudit, e.ID}, entryFields(e, raw, head))
	return nil
}

// entryFields is an entry's document: its bytes, and what it is found by. `pending` is there until the entry is sealed.
func entryFields(e ledger.Entry, raw []byte, head ledger.Hash) map[string]any {
	return map[string]any{
		"object": e.Object, "revision": e.Revision, "actor": e.Actor.String(), "action": e.Action, "at": e.At,
		fieldHash: head.String(), fieldBytes: raw, fieldPending: true,
	}
}

func (s *Store) entry(act Act, c Change, at time.Time) (ledger.Entry, error) {
	id, err := ledger.NewID(s.opts.Random)
	return ledger.Entry{
		ID: id, Tenant: act.Tenant, At: at, Actor: act.Actor, Act: act.Behalf, Action: act.Action,
		Object: c.prior.String(), Revision: c.prior.Revision + 1, Previous: c.prior.Entry,
		Outcome: ledger.Done, RequestID: act.RequestID,
	}, err
}

// place writes the changed document itself.
func (s *Store) place(b *batch, c Change, doc map[string]any, at time.Time) {
	switch {
	case c.fields == nil:
		if !c.absent {
			b.remove(c.prior)
		}
		b.put(TombstoneRef(c.prior.Ref), map[string]any{
			"object": c.prior.String(), "revision": c.prior.Revision + 1, fieldEntry: doc[fieldEntry],
			"deletedAt": at, "expireAt": at.Add(tombstoneLife),
		})
	case c.absent, c.prior.Revision == 0 && !c.prior.Exists():
		b.createWhole(c.prior.Ref, doc)
	default:
		b.replace(c.prior, doc)
	}
}

// TombstoneRef names the trace of a document's deletion.
func TombstoneRef(of Ref) Ref {
	sum := sha256.Sum256([]byte(of.String()))
	return Ref{collectionTombstones, hex.EncodeToString(sum[:])}
}

// witness tells the log, which is kept elsewhere and cannot be rewritten, that the entries were written. A line that is
// missing is a gap to look at; an entry that is missing is an alarm.
func (s *Store) witness(ctx context.Context, r Receipt) {
	for i, e := range r.Entries {
		s.opts.Log.InfoContext(ctx, "audit entry", "entry_id", e.ID, "entry_hash", r.heads[i].String(),
			"tenant", e.Tenant, "object", e.Object, "revision", e.Revision, "action", e.Action, "actor", e.Actor.String())
	}
}

// Write is a document that goes with an act, or bookkeeping. Make one with [Add], [Put], [Patch], [Hold] or
// [Drop].
type Write struct {
	ref    Ref
	fields map[string]any
	mode   mode
	prior  Object
	tenant string // whose it is, when not the act's
}

// OfHub returns the write as one of a document that belongs to no tenant, whoever acts.
func (w Write) OfHub() Write {
	w.tenant = identity.Hub
	return w
}

type mode int

const (
	modeAdd mode = iota
	modePut
	modePatch
	modeHold
	modeDrop
)

// Add writes a document that must not exist yet.
func Add(ref Ref, fields map[string]any) Write { return Write{ref: ref, fields: fields, mode: modeAdd} }

// Put writes a document, in the place of one that may be there.
func Put(ref Ref, fields map[string]any) Write { return Write{ref: ref, fields: fields, mode: modePut} }

// Patch replaces a document that was read, if nobody has changed it since.
func Patch(prior Object, fields map[string]any) Write {
	return Write{ref: prior.Ref, fields: fields, mode: modePatch, prior: prior}
}

// Hold leaves a document that was read as it is, and lets the commit happen only if nobody has changed it since. Of two
// commits that hold what the other one changes only one happens. It may be a document that acts write.
func Hold(prior Object) Write { return Write{ref: prior.Ref, mode: modeHold, prior: prior} }

// Drop deletes a document, if it is there. Of a collection that is backed up it leaves a tombstone, which the next backup
// of changes needs, and which says nothing of an act.
func Drop(ref Ref) Write { return Write{ref: ref, mode: modeDrop} }

// Bookkeep writes what is no act, all of it or nothing: attempts, marks, last uses. Its errors are those of Commit.
func (s *Store) Bookkeep(ctx context.Context, tenant string, writes ...Write) error {
	batch := s.batch(tenant)
	for _, w := range writes {
		batch.write(w)
	}
	return batch.commit(ctx)
}
