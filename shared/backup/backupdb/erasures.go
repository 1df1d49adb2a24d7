package backupdb

import (
	"context"
	"fmt"
	"slices"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/gcp/objects"
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
