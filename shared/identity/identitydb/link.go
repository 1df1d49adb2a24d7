package identitydb

import (
	"context"
	"fmt"
	"reflect"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// CreateLink makes a channel link with its secrets; its id and time of creation are set here. Its locations must be the
// tenant's.
func (s *Store) CreateLink(ctx context.Context, by ledgerdb.Act, l identity.Link, secrets identity.LinkSecrets) (identity.Link, error) {
	if err := s.checkLink(ctx, by.Tenant, l); err != nil {
		return l, err
	}
	var err error
	if l.ID, err = identity.NewID(identity.LinkPrefix, s.opts.Random); err != nil {
		return l, err
	}
	l.Tenant, l.CreatedAt, by.Action = by.Tenant, s.now(), "channel.create"
	if l.Sealed, err = s.seal(ctx, l, secrets); err != nil {
		return l, err
	}
	at := ref(collectionChannels, l.ID)
	return l, s.commit(ctx, by, at, ledgerdb.Create(at, l.Document()))
}

// checkLink refuses a link that breaks the rules or serves locations that are not the tenant's.
func (s *Store) checkLink(ctx context.Context, tenant string, l identity.Link) error {
	if err := l.Check(); err != nil {
		return err
	}
	named := make(identity.Locations, len(l.Locations))
	for i, at := range l.Locations {
		named[i] = at.Location
	}
	return s.ownLocations(ctx, tenant, named, "body.locations[%d].location")
}

// OpenedLink is a link with its secrets in the clear.
type OpenedLink struct {
	identity.Link
	Secrets identity.LinkSecrets
}

// Link reads a channel link as it is stored now, with its secrets.
func (s *Store) Link(ctx context.Context, tenant, id string) (OpenedLink, error) {
	if !identity.WellFormed(identity.LinkPrefix, id) {
		return OpenedLink{}, unknown("channel link")
	}
	l, err := load(ctx, s, tenant, ref(collectionChannels, id), identity.ParseLink)
	if err != nil {
		return OpenedLink{}, err
	}
	return s.openLink(ctx, l)
}

// Links reads a page of the tenant's channel links, by id, with their secrets.
func (s *Store) Links(ctx context.Context, tenant string, p Page) ([]OpenedLink, error) {
	links, err := list(ctx, s, tenant, listQuery{collectionChannels, p}, identity.ParseLink)
	if err != nil {
		return nil, err
	}
	opened := make([]OpenedLink, len(links))
	for i, l := range links {
		if opened[i], err = s.openLink(ctx, l); err != nil {
			return nil, err
		}
	}
	return opened, nil
}

func (s *Store) openLink(ctx context.Context, l identity.Link) (OpenedLink, error) {
	plain, err := s.opts.Keys.Open(ctx, l.Sealed, place(l))
	if err != nil {
		return OpenedLink{}, fmt.Errorf("open the secrets of %s: %w", l.ID, err)
	}
	secrets, err := identity.ParseLinkSecrets(plain)
	return OpenedLink{Link: l, Secrets: secrets}, err
}

// ChangeLink changes a channel link by a rule, which may be asked again when somebody else changes the same link. The
// action is the audit entry's, as in `channel.change`.
func (s *Store) ChangeLink(ctx context.Context, by ledgerdb.Act, id string, rule func(OpenedLink) (OpenedLink, error)) (OpenedLink, error) {
	if !identity.WellFormed(identity.LinkPrefix, id) {
		return OpenedLink{}, unknown("channel link")
	}
	var after OpenedLink
	err := s.change(ctx, by, ref(collectionChannels, id), func(o ledgerdb.Object) (map[string]any, []ledgerdb.Write, error) {
		l, err := identity.ParseLink(o.ID, o.Fields)
		if err != nil {
			return nil, nil, err
		}
		before, err := s.openLink(ctx, l)
		if err != nil {
			return nil, nil, err
		}
		if after, err = rule(before); err != nil {
			return nil, nil, err
		}
		if err := s.checkLink(ctx, by.Tenant, after.Link); err != nil {
			return nil, nil, err
		}
		if !reflect.DeepEqual(before.Secrets, after.Secrets) {
			if after.Sealed, err = s.seal(ctx, after.Link, after.Secrets); err != nil {
				return nil, nil, err
			}
		}
		return after.Document(), nil, nil
	})
	return after, err
}

// RemoveLink takes a channel link away, if allow lets it. Its platform is refused from then on, within a minute.
func (s *Store) RemoveLink(ctx context.Context, by ledgerdb.Act, id string, allow func(identity.Link) error) error {
	if !identity.WellFormed(identity.LinkPrefix, id) {
		return unknown("channel link")
	}
	by.Action = "channel.remove"
	return s.remove(ctx, by, ref(collectionChannels, id), func(o ledgerdb.Object) ([]ledgerdb.Write, error) {
		l, err := identity.ParseLink(o.ID, o.Fields)
		if err != nil {
			return nil, err
		}
		return nil, allow(l)
	})
}
