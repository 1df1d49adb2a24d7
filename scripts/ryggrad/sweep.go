package main

import (
	"context"
	"fmt"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// sweep reads every document of a tenant in a collection, page by page, by its id. It reads the whole collection, because
// not every one has an index by tenant alone: right for what an operator does once in a tenant's life, and for nothing
// else.
func sweep(ctx context.Context, h *hub.Hub, tenant, collection string, each func([]ledgerdb.Object) error) error {
	after := ""
	for {
		q := h.Ledger.QueryAllTenants(collection).OrderBy(firestore.DocumentID, firestore.Asc).Limit(pageSize)
		if after != "" {
			q = q.StartAfter(after)
		}
		page, err := h.Ledger.List(ctx, q)
		if err != nil {
			return fmt.Errorf("read %s: %w", collection, err)
		}
		var theirs []ledgerdb.Object
		for _, o := range page {
			if after = o.ID; o.Tenant == tenant {
				theirs = append(theirs, o)
			}
		}
		if len(theirs) > 0 {
			if err := each(theirs); err != nil {
				return err
			}
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

// collectionsIn lists the collections of backup sets.
func collectionsIn(sets ...string) ([]string, error) {
	all, err := shared.Collections()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, set := range sets {
		for _, c := range all {
			if c.Backup == set {
				names = append(names, c.Name)
			}
		}
	}
	return names, nil
}
