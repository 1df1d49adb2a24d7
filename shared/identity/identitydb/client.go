package identitydb

import (
	"context"
	"slices"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// Issued is a new client with its credentials, to be shown once.
type Issued struct {
	Client       identity.Client
	ClientSecret identity.Secret
	APIKey       identity.Secret
}

// CreateClient makes a client with a client secret and an API key; its id, its time of creation and its credentials are
// set here. Its locations and its channel link must be the tenant's.
func (s *Store) CreateClient(ctx context.Context, by ledgerdb.Act, c identity.Client) (Issued, error) {
	c.Tenant, c.CreatedAt, by.Action = by.Tenant, s.now(), "client.create"
	if err := c.Check(c.CreatedAt); err != nil {
		return Issued{}, err
	}
	c.Scopes = identity.NewScopes(c.Scopes...)
	if err := s.ownLocations(ctx, by.Tenant, c.Locations, "body.locations[%d]"); err != nil {
		return Issued{}, err
	}
	if err := s.ownLink(ctx, by.Tenant, c.Channel); err != nil {
		return Issued{}, err
	}
	out, err := s.issue(c)
	if err != nil {
		return Issued{}, err
	}
	at := ref(collectionClients, out.Client.ID)
	return out, s.commit(ctx, by, at, ledgerdb.Create(at, out.Client.Document()), keyWrites(identity.Client{}, out.Client)...)
}

func (s *Store) issue(c identity.Client) (out Issued, err error) {
	if c.ID, err = identity.NewID(identity.ClientPrefix, s.opts.Random); err != nil {
		return out, err
	}
	if out.ClientSecret, err = identity.NewClientSecret(s.opts.Random); err != nil {
		return out, err
	}
	if out.APIKey, err = identity.NewAPIKey(s.opts.Random); err != nil {
		return out, err
	}
	c.Secrets = identity.Credentials{identity.NewCredential(out.ClientSecret, c.CreatedAt)}
	c.Keys = identity.Credentials{identity.NewCredential(out.APIKey, c.CreatedAt)}
	out.Client = c
	return out, nil
}

// ChangeClient changes a client by a rule, which may be asked again when somebody else changes the same client. The
// action is the audit entry's, as in `client.disable`.
func (s *Store) ChangeClient(ctx context.Context, by ledgerdb.Act, id string, rule func(identity.Client) (identity.Client, error)) error {
	if !identity.WellFormed(identity.ClientPrefix, id) {
		return unknown("client")
	}
	return s.change(ctx, by, ref(collectionClients, id), func(o ledgerdb.Object) (map[string]any, []ledgerdb.Write, error) {
		before, err := identity.ParseClient(o.ID, o.Fields)
		if err != nil {
			return nil, nil, err
		}
		after, err := rule(before)
		if err != nil {
			return nil, nil, err
		}
		return after.Document(), keyWrites(before, after), nil
	})
}

// Client reads a client as it is stored now.
func (s *Store) Client(ctx context.Context, tenant, id string) (identity.Client, error) {
	if !identity.WellFormed(identity.ClientPrefix, id) {
		return identity.Client{}, unknown("client")
	}
	return load(ctx, s, tenant, ref(collectionClients, id), identity.ParseClient)
}

// Clients reads a page of the tenant's clients, by id.
func (s *Store) Clients(ctx context.Context, tenant string, p Page) ([]identity.Client, error) {
	return list(ctx, s, tenant, listQuery{collectionClients, p}, identity.ParseClient)
}

// LastUses tells when each of the API keys was last used, to the hour; one that never was is missing.
func (s *Store) LastUses(ctx context.Context, tenant string, keys identity.Credentials) (map[string]time.Time, error) {
	refs := make([]ledgerdb.Ref, len(keys))
	for i, k := range keys {
		refs[i] = ref(collectionKeys, k.ID)
	}
	found, err := s.opts.Ledger.GetAll(ctx, tenant, refs...)
	if err != nil {
		return nil, err
	}
	uses := map[string]time.Time{}
	for _, o := range found {
		if at, used := o.Fields["lastUsedAt"].(time.Time); used {
			uses[o.ID] = at
		}
	}
	return uses, nil
}

// RemoveClient ends a client with all its credentials. Every instance has forgotten it within a minute.
func (s *Store) RemoveClient(ctx context.Context, by ledgerdb.Act, id string) error {
	if !identity.WellFormed(identity.ClientPrefix, id) {
		return unknown("client")
	}
	by.Action = "client.remove"
	return s.remove(ctx, by, ref(collectionClients, id), func(o ledgerdb.Object) ([]ledgerdb.Write, error) {
		c, err := identity.ParseClient(o.ID, o.Fields)
		return keyWrites(c, identity.Client{}), err
	})
}

// RemoveSecret ends one of a client's secrets before its time.
func (s *Store) RemoveSecret(ctx context.Context, by ledgerdb.Act, client, secret string) error {
	by.Action = "client.remove_secret"
	return s.ChangeClient(ctx, by, client, func(c identity.Client) (identity.Client, error) { return c.Without(secret) })
}

// keyWrites keeps the look-up of API keys in step with what the client lists.
func keyWrites(before, after identity.Client) []ledgerdb.Write {
	var writes []ledgerdb.Write
	for _, k := range after.Keys {
		if !lists(before.Keys, k.ID) {
			writes = append(writes, ledgerdb.Add(ref(collectionKeys, k.ID), map[string]any{"client": after.ID}))
		}
	}
	for _, k := range before.Keys {
		if !lists(after.Keys, k.ID) {
			writes = append(writes, ledgerdb.Drop(ref(collectionKeys, k.ID)))
		}
	}
	return writes
}

func lists(keys identity.Credentials, id string) bool {
	return slices.ContainsFunc(keys, func(k identity.Credential) bool { return k.ID == id })
}

func (s *Store) ownLink(ctx context.Context, tenant, link string) error {
	if link == "" {
		return nil
	}
	_, err := s.opts.Ledger.Get(ctx, tenant, ref(collectionChannels, link))
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Invalid, "the channel link is unknown").
			With(fault.Detail{Location: "body.channel", Message: "is not a channel link of this tenant"})
	}
	return err
}
