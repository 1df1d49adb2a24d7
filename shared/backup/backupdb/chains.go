package backupdb

import (
	"context"
	"errors"
	"fmt"
	"unique"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// collectionAudit holds the audit log's entries.
const collectionAudit = "audit"

// head is the newest entry of an object, as far as the log tells.
type head struct {
	tenant   string
	revision int64
	entry    ledger.Hash
	gone     bool // the entry says that the object was deleted
}

// heads are the objects of which the log tells something after the moment that they are brought back to.
type heads map[string]head

// note notes an entry.
func (h heads) note(e ledger.Entry, hash ledger.Hash) {
	if e.Outcome == ledger.Done && e.Revision > h[e.Object].revision {
		h[e.Object] = head{tenant: unique.Make(e.Tenant).Value(), revision: e.Revision, entry: hash, gone: e.After == (ledger.Hash{})}
	}
}

// noteRestored notes an entry that was restored with the hot set, if it tells of an object of another set and may be
// newer than what is restored of that one.
func (x *restoring) noteRestored(doc *firestorepb.Document) error {
	f := doc.GetFields()
	at := f["at"].GetTimestampValue().AsTime()
	collection, _, ok := cutObject(f["object"].GetStringValue())
	if !ok || x.sets[collection] != backup.Config || at.Before(x.p.Chosen[backup.Config].Add(-backup.Overlap)) {
		return nil
	}
	raw := f["bytes"].GetBytesValue()
	e, err := ledger.Parse(raw)
	if err != nil {
		return fmt.Errorf("read the entry %s: %w", doc.GetName(), err)
	}
	x.heads.note(e, ledger.HashEntry(raw))
	return nil
}

// later returns the head of an object if the log tells of a revision after this one.
func (h heads) later(object string, revision int64) (head, bool) {
	one, ok := h[object]
	return one, ok && one.revision > revision
}

// chainsAtOnce is how many chains are continued at a time.
const chainsAtOnce = 8

// chains continues the chains of hot objects, some of them at a time if there are many.
func (x *restoring) chains(ctx context.Context) error {
	for part := range max(x.parts, 1) {
		if part > 0 {
			if err := x.tail.note(ctx, part); err != nil {
				return err
			}
		}
		if err := x.continueChains(ctx, backup.Hot); err != nil {
			return err
		}
	}
	return nil
}

// continueChains writes an entry for every object of a set of which the log tells something after its moment, so that
// its chain says what became of it: it is as it was before, or it is lost.
func (x *restoring) continueChains(ctx context.Context, set backup.Set) error {
	n := int64(0)
	group, alive := errgroup.WithContext(ctx)
	group.SetLimit(chainsAtOnce)
	for object, h := range x.heads {
		collection, id, ok := cutObject(object)
		if !ok || x.sets[collection] != set || alive.Err() != nil {
			continue
		}
		group.Go(func() error {
			if err := x.continueChain(alive, ledgerdb.Ref{Collection: collection, ID: id}, h); err != nil {
				return fmt.Errorf("continue the chain of %s: %w", object, err)
			}
			return nil
		})
		if n++; n%100 == 0 {
			x.opts.Tell(Tidings{Stage: stageChains, Documents: n, Of: int64(len(x.heads))})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

func (x *restoring) continueChain(ctx context.Context, ref ledgerdb.Ref, h head) error {
	found, err := x.opts.Ledger.GetAll(ctx, h.tenant, ref, ledgerdb.TombstoneRef(ref))
	if err != nil {
		return err
	}
	change, goesOn := x.next(ref, h, found)
	if !goesOn {
		return nil
	}
	act := x.by
	act.Tenant, act.Action = h.tenant, "restore"
	_, err = x.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{change})
	if errors.Is(err, ledgerdb.ErrStale) {
		if found, lookErr := x.opts.Ledger.GetAll(ctx, h.tenant, ref, ledgerdb.TombstoneRef(ref)); lookErr != nil {
			return lookErr
		} else if max(found[0].Revision, found[1].Revision) > h.revision {
			return nil // its own work, which was not told
		}
		return fault.New(fault.Conflict, "%s is being written by somebody else; let the hub not use this database yet", ref).Because(err)
	}
	return err
}

// next returns what an object's chain goes on with: the object as it is now, or that it is missed.
func (x *restoring) next(ref ledgerdb.Ref, h head, found []ledgerdb.Object) (c ledgerdb.Change, goesOn bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now, tombstone := found[0], found[1]
	prior := now
	prior.Ref, prior.Revision, prior.Entry = ref, h.revision, h.entry
	switch deleted, _ := tombstone.Fields["object"].(string); {
	case now.Exists() && now.Revision >= h.revision, !now.Exists() && h.gone:
		return c, false
	case now.Exists():
		x.out.PutBack++
		return ledgerdb.Replace(prior, now.Fields), true
	default:
		if !x.erased.tenants[h.tenant] {
			x.out.Lost = append(x.out.Lost, ref.String())
		}
		said := deleted == ref.String() && tombstone.Revision > h.revision // before this restore broke off
		return ledgerdb.Miss(prior), !said
	}
}
