package identitydb

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/assertion"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/webhook"
)

// signingPrefix begins the id of a secret that signs requests.
const signingPrefix = "sec_"

// Rotation asks for a new secret of a client.
type Rotation struct {
	Client  string
	Kind    identity.SecretKind
	Overlap time.Duration       // how long the former one of this kind goes on
	Key     assertion.ClientKey // the client's new public key, where that is the kind
}

// Rotated is a client's new secret, to be shown once.
type Rotated struct {
	ID    string
	Value string // "" of a public key, whose secret half only the client has
}

// RotateSecret gives a client a new secret, or takes its new public key.
func (s *Store) RotateSecret(ctx context.Context, by ledgerdb.Act, r Rotation) (Rotated, error) {
	if !identity.WellFormed(identity.ClientPrefix, r.Client) {
		return Rotated{}, unknown("client")
	}
	out, successor, err := s.successor(ctx, by.Tenant, r)
	if err != nil {
		return out, err
	}
	successor.CreatedAt = s.now()
	by.Action = "client.rotate_secret"
	return out, s.ChangeClient(ctx, by, r.Client, func(c identity.Client) (identity.Client, error) {
		if slices.ContainsFunc(c.Credentials(r.Kind), func(k identity.Credential) bool { return k.ID == successor.ID }) {
			return c, fault.New(fault.Conflict, "this key is registered already")
		}
		return c.Rotate(r.Kind, successor, r.Overlap)
	})
}

func (s *Store) successor(ctx context.Context, tenant string, r Rotation) (Rotated, identity.Credential, error) {
	switch r.Kind {
	case identity.KindClientSecret:
		return s.drawn(identity.NewClientSecret(s.opts.Random))
	case identity.KindAPIKey:
		return s.drawn(identity.NewAPIKey(s.opts.Random))
	case identity.KindSigningSecret:
		return s.signingSecret(ctx, tenant, r.Client)
	case identity.KindPublicKey:
		return publicKey(r.Key)
	default:
		return Rotated{}, identity.Credential{}, fault.New(fault.Invalid, "there is no such kind of secret")
	}
}

func (s *Store) drawn(secret identity.Secret, err error) (Rotated, identity.Credential, error) {
	if err != nil {
		return Rotated{}, identity.Credential{}, err
	}
	return Rotated{ID: secret.ID(), Value: secret.Reveal()}, identity.NewCredential(secret, s.now()), nil
}

func (s *Store) signingSecret(ctx context.Context, tenant, client string) (Rotated, identity.Credential, error) {
	id, err := identity.NewID(signingPrefix, s.opts.Random)
	if err != nil {
		return Rotated{}, identity.Credential{}, err
	}
	secret, err := webhook.NewSecret(s.opts.Random)
	if err != nil {
		return Rotated{}, identity.Credential{}, err
	}
	key, err := s.opts.Keys.Current(ctx, tenant)
	if err != nil {
		return Rotated{}, identity.Credential{}, err
	}
	text := secret.Reveal()
	sealed, err := key.Seal([]byte(text), signingPlace(tenant, client, id))
	return Rotated{ID: id, Value: text}, identity.Credential{ID: id, Hash: sha256.Sum256([]byte(text)), Sealed: sealed}, err
}

// signingPlace is where a client's signing secret is sealed for.
func signingPlace(tenant, client, secret string) envelope.Binding {
	return envelope.Binding{Tenant: tenant, Collection: collectionClients, Document: client, Field: "signing." + secret}
}

func publicKey(jwk assertion.ClientKey) (Rotated, identity.Credential, error) {
	key, err := assertion.NewKey(jwk)
	if err != nil {
		return Rotated{}, identity.Credential{}, err
	}
	text, err := json.Marshal(jwk)
	if err != nil {
		return Rotated{}, identity.Credential{}, fmt.Errorf("keep a public key: %w", err)
	}
	return Rotated{ID: key.Thumbprint}, identity.Credential{ID: key.Thumbprint, Hash: sha256.Sum256(text), Public: string(text)}, nil
}
