package identitydb

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// Page asks for a part of a list that is ordered by id.
type Page struct {
	After string // the last id of the page before; "" at the beginning
	Limit int
}

// list reads a page of the tenant's documents of a collection.
func list[T any](ctx context.Context, s *Store, tenant string, q listQuery, parse func(string, map[string]any) (T, error)) ([]T, error) {
	return listBy(ctx, s, s.opts.Ledger.Query(tenant, q.collection), q.page, parse)
}

// listBy reads a page of what a query finds.
func listBy[T any](ctx context.Context, s *Store, query firestore.Query, p Page, parse func(string, map[string]any) (T, error)) ([]T, error) {
	query = query.OrderBy(firestore.DocumentID, firestore.Asc).Limit(p.Limit)
	if p.After != "" {
		query = query.StartAfter(p.After)
	}
	objects, err := s.opts.Ledger.List(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read a list: %w", err)
	}
	out := make([]T, len(objects))
	for i, o := range objects {
		if out[i], err = parse(o.ID, o.Fields); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type listQuery struct {
	collection string
	page       Page
}

// load reads one of the tenant's documents; what is missing or another tenant's is [fault.NotFound].
func load[T any](ctx context.Context, s *Store, tenant string, at ledgerdb.Ref, parse func(string, map[string]any) (T, error)) (T, error) {
	o, err := s.opts.Ledger.Get(ctx, tenant, at)
	if err != nil {
		var none T
		return none, err
	}
	return parse(o.ID, o.Fields)
}

// remove deletes an object, if allow lets it, with what goes along. It is done when the object is gone, by whomever.
func (s *Store) remove(ctx context.Context, by ledgerdb.Act, at ledgerdb.Ref, allow func(ledgerdb.Object) ([]ledgerdb.Write, error)) error {
	for range attempts {
		prior, err := s.opts.Ledger.Get(ctx, by.Tenant, at)
		if err != nil {
			return err
		}
		with, err := allow(prior)
		if err != nil {
			return err
		}
		receipt, err := s.opts.Ledger.Commit(ctx, by, []ledgerdb.Change{ledgerdb.Remove(prior)}, with...)
		if !errors.Is(err, ledgerdb.ErrStale) {
			return err
		}
		if _, gone := s.opts.Ledger.Get(ctx, by.Tenant, at); fault.Is(gone, fault.NotFound) {
			if mine, err := s.opts.Ledger.Performed(ctx, receipt); mine || err != nil {
				return err // by this very commit, which succeeded without telling
			}
			return gone
		}
	}
	return fault.New(fault.Unavailable, "this is being changed by others; try again").Because(ledgerdb.ErrStale)
}
