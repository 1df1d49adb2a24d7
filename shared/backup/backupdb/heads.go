package backupdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
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
		h[e.Object] = head{tenant: e.Tenant, revision: e.Revision, entry: hash, gone: e.After == (ledger.Hash{})}
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
	for _, object := range slices.Sorted(maps.Keys(x.heads)) {
		collection, id, ok := cutObject(object)
		if !ok || x.sets[collection] != set {
			continue
		}
		if err := x.continueChain(ctx, ledgerdb.Ref{Collection: collection, ID: id}, x.heads[object]); err != nil {
			return fmt.Errorf("continue the chain of %s: %w", object, err)
		}
		if n++; n%100 == 0 {
			x.opts.Tell(Tidings{Stage: stageChains, Documents: n, Of: int64(len(x.heads))})
		}
	}
	return nil
}

func (x *restoring) continueChain(ctx context.Context, ref ledgerdb.Ref, h head) error {
	found, err := x.opts.Ledger.GetAll(ctx, h.tenant, ref, ledgerdb.TombstoneRef(ref))
	if err != nil {
		return err
	}
	now, tombstone := found[0], found[1]
	prior := now
	prior.Ref, prior.Revision, prior.Entry = ref, h.revision, h.entry
	var change ledgerdb.Change
	switch deleted, _ := tombstone.Fields["object"].(string); {
	case now.Exists() && now.Revision >= h.revision:
		return nil
	case now.Exists():
		x.out.PutBack++
		change = ledgerdb.Replace(prior, now.Fields)
	case h.gone:
		return nil
	default:
		if !x.erased.tenants[h.tenant] {
			x.out.Lost = append(x.out.Lost, ref.String())
		}
		if deleted == ref.String() && tombstone.Revision > h.revision {
			return nil // it was said before this restore broke off
		}
		change = ledgerdb.Miss(prior)
	}
	act := x.by
	act.Tenant, act.Action = h.tenant, "restore"
	_, err = x.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{change})
	if errors.Is(err, ledgerdb.ErrStale) {
		return fault.New(fault.Conflict, "%s is being written by somebody else; let the hub not use this database yet", ref).Because(err)
	}
	return err
}

// config writes what nobody can call without, last. What was changed after its moment comes back disabled, for a person
// to confirm: a secret that was withdrawn must not be good again.
func (x *restoring) config(ctx context.Context) error {
	if err := x.set(ctx, backup.Config); err != nil {
		return err
	}
	altered := func(collection, id string) bool { return x.altered[collection+"/"+id] }
	if x.p.Stage == stageConfig {
		if err := x.compareWith(ctx, altered, backup.Config); err != nil {
			return err
		}
	}
	if x.p.Choice.part() {
		return nil
	}
	return x.continueChains(ctx, backup.Config)
}

// disabling says how an object of a collection is disabled. One whose field is empty does not come back at all.
type disabling struct {
	field string
	value bool
}

func disablings() map[string]disabling {
	return map[string]disabling{
		"clients": {"disabled", true}, "users": {"disabled", true}, "channels": {"enabled", false},
		"supportGrants": {}, "factorResets": {},
	}
}

// changedLater looks whether an object of the config set was changed after its moment, and disables it then, as it does
// with every credential where that is not asked, since only a part is restored. It tells
// whether the object was changed, and whether it comes back.
func (x *restoring) changedLater(collection, id string, doc *firestorepb.Document) (changed, comes bool) {
	object := collection + "/" + id
	if x.sets[collection] != backup.Config {
		return false, true
	}
	d, credential := disablings()[collection]
	if _, later := x.heads.later(object, doc.GetFields()["revision"].GetIntegerValue()); !later && (!credential || !x.p.Choice.part()) {
		return false, true
	}
	x.altered[object] = true
	switch {
	case !credential:
		return true, true
	case d.field == "":
		return true, false
	}
	if doc.GetFields()[d.field].GetBooleanValue() != d.value {
		doc.Fields[d.field] = &firestorepb.Value{ValueType: &firestorepb.Value_BooleanValue{BooleanValue: d.value}}
		x.out.Disabled = append(x.out.Disabled, Disabled{Object: object, Tenant: doc.GetFields()["tenant"].GetStringValue()})
	}
	return true, true
}

// Disabled is a credential that came back disabled.
type Disabled struct {
	Object string `json:"object"`
	Tenant string `json:"tenant"`
}

// Confirm enables credentials again that a restore disabled: those that are named, or all. It returns the ones that it
// enabled; one that somebody has changed since stays as it is.
func (r *Restorer) Confirm(ctx context.Context, by ledgerdb.Act, id string, objects []string) ([]string, error) {
	o, err := r.opts.Ledger.Get(ctx, identity.Hub, ledgerdb.Ref{Collection: collectionRestores, ID: id})
	if err != nil {
		return nil, err
	}
	enabled := []string{}
	list, _ := o.Fields["disabled"].([]any)
	for _, one := range list {
		f, _ := one.(map[string]any)
		object, _ := f["object"].(string)
		tenant, _ := f["tenant"].(string)
		if len(objects) > 0 && !slices.Contains(objects, object) {
			continue
		}
		done, err := r.confirm(ctx, by, object, tenant)
		if err != nil {
			return enabled, fmt.Errorf("confirm %s: %w", object, err)
		}
		if done {
			enabled = append(enabled, object)
		}
	}
	return enabled, nil
}

func (r *Restorer) confirm(ctx context.Context, by ledgerdb.Act, object, tenant string) (bool, error) {
	collection, id, ok := cutObject(object)
	d := disablings()[collection]
	if !ok || d.field == "" {
		return false, fault.New(fault.Invalid, "it is no credential")
	}
	o, err := r.opts.Ledger.Get(ctx, tenant, ledgerdb.Ref{Collection: collection, ID: id})
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if value, _ := o.Fields[d.field].(bool); value != d.value {
		return false, nil
	}
	fields := maps.Clone(o.Fields)
	fields[d.field] = !d.value
	by.Tenant, by.Action = tenant, "restore.confirm"
	_, err = r.opts.Ledger.Commit(ctx, by, []ledgerdb.Change{ledgerdb.Replace(o, fields)})
	return err == nil, err
}
