package peopledb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	// passkeyPrefix begins a passkey's id.
	passkeyPrefix = "psk_"
	// mostPasskeys is how many a person may have.
	mostPasskeys = 20

	forProof  = "proof"
	forEnroll = "enroll"
)

// holder is a person as the WebAuthn library wants to see one. The authenticator is told the address and the name, which
// it shows; the handle that it keeps is the hub's own id.
type holder struct {
	person  Person
	records []webauthn.Credential
}

// WebAuthnID returns the handle.
func (h holder) WebAuthnID() []byte { return []byte(h.person.ID) }

// WebAuthnName returns the address.
func (h holder) WebAuthnName() string { return h.person.Email }

// WebAuthnDisplayName returns the name.
func (h holder) WebAuthnDisplayName() string { return h.person.Name }

// WebAuthnCredentials returns the passkeys.
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.records }

// relying returns the hub as a relying party: passkeys are bound to its address, and the person must be verified by the
// authenticator, not only be there.
func (p *People) relying() (*webauthn.WebAuthn, error) {
	at, err := url.Parse(p.opts.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("read the hub's address: %w", err)
	}
	w, err := webauthn.New(&webauthn.Config{
		RPID: at.Hostname(), RPDisplayName: totpIssuer, RPOrigins: []string{p.opts.BaseURL},
		AttestationPreference:  protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{UserVerification: protocol.VerificationRequired},
	})
	if err != nil {
		return nil, fault.New(fault.Conflict, "passkeys need the hub to have a name of its own").Because(err)
	}
	return w, nil
}

func (p *People) holder(ctx context.Context, u identity.User) (holder, error) {
	who, err := p.open(ctx, u)
	if err != nil {
		return holder{}, err
	}
	h := holder{person: who}
	for _, k := range u.Passkeys {
		var record webauthn.Credential
		if err := json.Unmarshal(k.Record, &record); err != nil {
			return h, fmt.Errorf("read passkey %s: %w", k.ID, err)
		}
		h.records = append(h.records, record)
	}
	return h, nil
}

// PasskeyToProve returns what a browser needs to prove one of the person's passkeys: PublicKeyCredentialRequestOptions.
func (p *People) PasskeyToProve(ctx context.Context, own Own) (any, error) {
	return p.challenge(ctx, own, forProof, func(w *webauthn.WebAuthn, h holder) (any, *webauthn.SessionData, error) {
		if len(h.records) == 0 {
			return nil, nil, fault.New(fault.Conflict, "this person has no passkey")
		}
		options, state, err := w.BeginLogin(h, webauthn.WithUserVerification(protocol.VerificationRequired))
		if err != nil {
			return nil, nil, err
		}
		return options.Response, state, nil
	})
}

// PasskeyToAdd returns what a browser needs to make a passkey: PublicKeyCredentialCreationOptions.
func (p *People) PasskeyToAdd(ctx context.Context, own Own) (any, error) {
	return p.challenge(ctx, own, forEnroll, func(w *webauthn.WebAuthn, h holder) (any, *webauthn.SessionData, error) {
		if len(h.records) >= mostPasskeys {
			return nil, nil, fault.New(fault.Conflict, "there are %d passkeys already; remove one first", mostPasskeys)
		}
		options, state, err := w.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.records).CredentialDescriptors()))
		if err != nil {
			return nil, nil, err
		}
		return options.Response, state, nil
	})
}

// begin asks the library for a challenge.
type begin func(*webauthn.WebAuthn, holder) (options any, state *webauthn.SessionData, err error)

// challenge keeps a challenge with the session that it is for, in the place of an earlier one.
func (p *People) challenge(ctx context.Context, own Own, purpose string, ask begin) (any, error) {
	m, err := p.moment(ctx, own)
	if err != nil {
		return nil, err
	}
	w, err := p.relying()
	if err != nil {
		return nil, err
	}
	h, err := p.holder(ctx, m.user)
	if err != nil {
		return nil, err
	}
	options, state, err := ask(w, h)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("keep a challenge: %w", err)
	}
	m.session.Challenge = identity.Challenge{State: raw, For: purpose, ExpiresAt: p.store.Now().Add(enrollWithin)}
	err = p.opts.Ledger.Bookkeep(ctx, m.user.Tenant, ledgerdb.Patch(m.sessionObject, m.session.Document()))
	if errors.Is(err, ledgerdb.ErrStale) {
		return nil, fault.New(fault.Unavailable, "this session is used by many at once; try again").Because(err)
	}
	return options, err
}

// ceremony takes the challenge that the answer must be to.
func (p *People) ceremony(ctx context.Context, m *moment, purpose string) (*webauthn.WebAuthn, holder, webauthn.SessionData, error) {
	var state webauthn.SessionData
	c := m.session.Challenge
	if c.For != purpose || !p.store.Now().Before(c.ExpiresAt) {
		return nil, holder{}, state, fault.New(fault.Conflict, "no passkey is waited for, or for too long; ask for options first")
	}
	if err := json.Unmarshal(c.State, &state); err != nil {
		return nil, holder{}, state, fmt.Errorf("read a challenge: %w", err)
	}
	w, err := p.relying()
	if err != nil {
		return nil, holder{}, state, err
	}
	h, err := p.holder(ctx, m.user)
	return w, h, state, err
}

// ProvePasskey takes a passkey's answer as the second factor of a login, or as a repeated proof. The answer is the JSON of
// a PublicKeyCredential. An answer is good once, and one of a copied passkey is refused.
func (p *People) ProvePasskey(ctx context.Context, own Own, answer []byte) (Login, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return Login{}, unreadable(err)
	}
	return p.prove(ctx, own, "session.passkey", func(m *moment) ([]ledgerdb.Write, error) {
		w, h, state, err := p.ceremony(ctx, m, forProof)
		if err != nil {
			return nil, err
		}
		record, err := w.ValidateLogin(h, state, parsed)
		if err != nil || record.Authenticator.CloneWarning {
			return nil, wrong(err)
		}
		i := slices.IndexFunc(m.user.Passkeys, func(k identity.Passkey) bool { return slices.Equal(k.Key, record.ID) })
		if i < 0 {
			return nil, wrong(nil)
		}
		m.user.Passkeys = slices.Clone(m.user.Passkeys)
		if m.user.Passkeys[i].Record, err = json.Marshal(record); err != nil {
			return nil, fmt.Errorf("keep a passkey: %w", err)
		}
		m.user.Passkeys[i].UsedAt = p.store.Now()
		m.proven()
		return nil, nil
	})
}

// AddPasskey keeps the passkey that a browser made. It ends the person's other sessions.
func (p *People) AddPasskey(ctx context.Context, own Own, name string, answer []byte) (Login, string, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Login{}, "", unreadable(err)
	}
	id, err := identity.NewID(passkeyPrefix, p.opts.Random)
	if err != nil {
		return Login{}, "", err
	}
	l, err := p.prove(ctx, own, "passkey.add", func(m *moment) ([]ledgerdb.Write, error) {
		w, h, state, err := p.ceremony(ctx, m, forEnroll)
		if err != nil {
			return nil, err
		}
		record, err := w.CreateCredential(h, state, parsed)
		if err != nil {
			return nil, wrong(err)
		}
		raw, err := json.Marshal(record)
		if err != nil {
			return nil, fmt.Errorf("keep a passkey: %w", err)
		}
		m.user.Passkeys = append(slices.Clone(m.user.Passkeys), identity.Passkey{
			ID: id, Key: record.ID, Record: raw, Name: name, AddedAt: p.store.Now(),
		})
		m.next = identity.Complete
		return p.endOthers(m, NoticeNewPasskey)
	})
	return l, id, err
}

// RemovePasskey forgets a passkey, unless it is the last second factor of somebody who must have one. It ends the person's
// other sessions.
func (p *People) RemovePasskey(ctx context.Context, own Own, id string) error {
	by := own.act("passkey.remove")
	return p.changeUser(ctx, by, own.Caller.Actor.ID, func(u *identity.User) ([]ledgerdb.Write, error) {
		left := slices.DeleteFunc(slices.Clone(u.Passkeys), func(k identity.Passkey) bool { return k.ID == id })
		if len(left) == len(u.Passkeys) {
			return nil, fault.New(fault.NotFound, "there is no such passkey")
		}
		u.Passkeys = left
		if !u.HasSecondFactor() && u.Role.NeedsSecondFactor() {
			return nil, fault.New(fault.Conflict, "this is the last second factor; add another one first")
		}
		return p.endSessions(u, own.Caller.Credential, NoticePasskeyRemoved)
	})
}

// unreadable says that an answer is not what browsers send. The library's own text may repeat it.
func unreadable(error) error {
	return fault.New(fault.Invalid, "the passkey's answer cannot be read").
		With(fault.Detail{Location: "body.credential", Message: "must be the JSON of a PublicKeyCredential"})
}
