package identitydb

import (
	"context"
	"slices"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// mostLinks is how many channel links of a tenant are looked through for a location.
const mostLinks = 1000

// CreateLocation makes a location; its id and time of creation are set here.
func (s *Store) CreateLocation(ctx context.Context, by ledgerdb.Act, l identity.Location) (identity.Location, error) {
	if err := l.Check(); err != nil {
		return l, err
	}
	var err error
	if l.ID, err = identity.NewID(identity.LocationPrefix, s.opts.Random); err != nil {
		return l, err
	}
	l.Tenant, l.CreatedAt, by.Action = by.Tenant, s.now(), "location.create"
	at := ref(collectionLocations, l.ID)
	return l, s.commit(ctx, by, at, ledgerdb.Create(at, l.Document()))
}

// Location reads a location as it is stored now.
func (s *Store) Location(ctx context.Context, tenant, id string) (identity.Location, error) {
	if !identity.WellFormed(identity.LocationPrefix, id) {
		return identity.Location{}, unknown("location")
	}
	return load(ctx, s, tenant, ref(collectionLocations, id), identity.ParseLocation)
}

// Locations reads a page of the tenant's locations, by id.
func (s *Store) Locations(ctx context.Context, tenant string, p Page) ([]identity.Location, error) {
	return list(ctx, s, tenant, listQuery{collectionLocations, p}, identity.ParseLocation)
}

// ChangeLocation gives a location another name, zone, currency or country. Orders that are here keep theirs.
func (s *Store) ChangeLocation(ctx context.Context, by ledgerdb.Act, l identity.Location) (identity.Location, error) {
	if err := l.Check(); err != nil {
		return l, err
	}
	if !identity.WellFormed(identity.LocationPrefix, l.ID) {
		return l, unknown("location")
	}
	by.Action = "location.change"
	err := s.change(ctx, by, ref(collectionLocations, l.ID), func(o ledgerdb.Object) (map[string]any, []ledgerdb.Write, error) {
		before, err := identity.ParseLocation(o.ID, o.Fields)
		l.Tenant, l.CreatedAt = before.Tenant, before.CreatedAt
		return l.Document(), nil, err
	})
	return l, err
}

// RemoveLocation takes a location away, unless a channel link serves it, which is [fault.Conflict]: its platform would go
// on sending orders for it. A link that is made in the same moment is not seen; its platform is refused then, as for any
// location that is not here.
func (s *Store) RemoveLocation(ctx context.Context, by ledgerdb.Act, id string) error {
	if !identity.WellFormed(identity.LocationPrefix, id) {
		return unknown("location")
	}
	by.Action = "location.remove"
	return s.remove(ctx, by, ref(collectionLocations, id), func(ledgerdb.Object) ([]ledgerdb.Write, error) {
		links, err := list(ctx, s, by.Tenant, listQuery{collectionChannels, Page{Limit: mostLinks}}, identity.ParseLink)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(links, func(l identity.Link) bool { return l.Serves(id) }) {
			return nil, fault.New(fault.Conflict, "a channel link serves this location; take it out of the link first")
		}
		return nil, nil
	})
}
