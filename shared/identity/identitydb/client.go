package identitydb

import (
	"context"
	"slices"

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
