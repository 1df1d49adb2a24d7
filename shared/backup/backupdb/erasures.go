package backupdb

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/privacy"
)

// erased is what must not come back.
type erased struct {
	ids     map[string]bool // of orders and messages whose keys and originals are deleted
	tenants map[string]bool // which were destroyed
}

// readErased reads all that must not come back.
func (r *Restorer) readErased(ctx context.Context) (erased, error) {
	all := erased{ids: map[string]bool{}, tenants: map[string]bool{}}
	err := r.opts.Erasures(ctx, func(e privacy.Erasure) {
		if e.All {
			all.tenants[e.Tenant] = true
		}
		for _, id := range slices.Concat(e.Orders, e.Messages) {
			all.ids[id] = true
		}
	})
	if err != nil {
		return all, fmt.Errorf("read the erasures: %w", err)
	}
	return all, nil
}

// names tells whether an erasure names a document.
func (e erased) names(v version, doc *firestorepb.Document) bool {
	return e.key(v.collection, v.id) || e.whole(v.collection, doc)
}

// key tells whether a document is what made an erased guest's data readable, or the data as it came.
func (e erased) key(collection, id string) bool {
	return (collection == "orderKeys" || collection == "originals") && e.ids[id]
}

// whole tells whether a document is of a destroyed tenant. The log of what happened stays, and so do the traces of what
// was deleted.
func (e erased) whole(collection string, doc *firestorepb.Document) bool {
	if collection == collectionAudit || collection == collectionTombstones {
		return false
	}
	return e.tenants[doc.GetFields()["tenant"].GetStringValue()]
}

// ErasuresIn returns what gives every erasure of a bucket. One that cannot be read stops it: nothing may be restored
// while it is not known whose data must not come back.
func ErasuresIn(b objects.Bucket) func(context.Context, func(privacy.Erasure)) error {
	return func(ctx context.Context, each func(privacy.Erasure)) error {
		names, err := b.List(ctx, privacy.ErasureFolder, "")
		if err != nil {
			return passing(err)
		}
		for _, name := range names {
			raw, err := b.Read(ctx, name)
			if err != nil {
				return passing(err)
			}
			e, err := privacy.Parse(raw)
			if err != nil || e.Object() != name {
				return fmt.Errorf("%s is no erasure; find out what it is before anything is restored: %w", name, err)
			}
			each(e)
		}
		return nil
	}
}

// forgetAtOnce is how many orders and messages are looked at by one RPC.
const forgetAtOnce = 100

// forget carries out all erasures that there are by now, also those that were made while something was brought back. Keys
// and originals that an erasure names were left out, but for the latter; an order comes back with what is left of its guest
// in it, as on the day of the backup. It may be repeated.
func (r *Restorer) forget(ctx context.Context, by ledgerdb.Act) error {
	var all []privacy.Erasure
	if err := r.opts.Erasures(ctx, func(e privacy.Erasure) { all = append(all, e) }); err != nil {
		return fmt.Errorf("read the erasures: %w", err)
	}
	for _, e := range all {
		by.Tenant = e.Tenant
		for some := range slices.Chunk(slices.Concat(e.Orders, e.Messages), forgetAtOnce) {
			if err := r.forgetSome(ctx, by, some); err != nil {
				return fmt.Errorf("carry out the erasure %s: %w", e.ID, err)
			}
		}
	}
	return nil
}

func (r *Restorer) forgetSome(ctx context.Context, by ledgerdb.Act, ids []string) error {
	collections := []string{"orders", "orderKeys", "originals"}
	var refs []ledgerdb.Ref
	for _, id := range ids {
		for _, collection := range collections {
			refs = append(refs, ledgerdb.Ref{Collection: collection, ID: id})
		}
	}
	found, err := r.opts.Ledger.GetAll(ctx, by.Tenant, refs...)
	if err != nil {
		return err
	}
	for one := range slices.Chunk(found, len(collections)) {
		if err := r.forgetOne(ctx, by, one[0], one[1:]); err != nil {
			return err
		}
	}
	return nil
}

// forgetOne deletes what is sealed, or opens it, and takes what the guest may have said out of the order's face.
func (r *Restorer) forgetOne(ctx context.Context, by ledgerdb.Act, order ledgerdb.Object, sealed []ledgerdb.Object) error {
	var gone []ledgerdb.Write
	for _, o := range sealed {
		if o.Exists() {
			gone = append(gone, ledgerdb.Drop(o.Ref))
		}
	}
	fields := maps.Clone(order.Fields)
	delete(fields, "guest")
	delete(fields, "reason")
	switch {
	case len(fields) < len(order.Fields):
		by.Action = "restore"
		_, err := r.opts.Ledger.Commit(ctx, by, []ledgerdb.Change{ledgerdb.Replace(order, fields)}, gone...)
		return err
	case len(gone) > 0:
		return r.opts.Ledger.Bookkeep(ctx, by.Tenant, gone...)
	}
	return nil
}
