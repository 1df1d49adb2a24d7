package peopledb

import (
	"context"
	"encoding/base32"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/noticedb"
	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/identity/password"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// The collections that this package writes.
const (
	collectionUsers    = "users"
	collectionSessions = "sessions"
	collectionLogins   = "logins"
	collectionAttempts = "loginAttempts"
	collectionPeppers  = "peppers"
	collectionResets   = "factorResets"
)

// tries is how often a commit is made again because somebody else changed the same.
const tries = 5

// Options are what People needs; every field but Breached is required.
type Options struct {
	Ledger    *ledgerdb.Store
	Keys      *envelopedb.Keyring
	Directory *identitydb.Directory
	Now       func() time.Time
	Random    io.Reader // cryptographic
	Log       *slog.Logger
	BaseURL   string         // the hub's public address, to which passkeys are bound
	Gate      *password.Gate // for slow hashes
	Cost      password.Cost  // of slow hashes
	// Breached tells whether a password is known from a breach. nil: nobody is asked.
	Breached func(ctx context.Context, text string) (bool, error)
}

// People keeps the people of tenants, how they prove who they are, and their sessions. It is safe for concurrent use.
type People struct {
	opts    Options
	store   *identitydb.Store
	peppers *identitydb.Reading[password.Peppers]
}

// New returns the people. Keep one per process.
func New(opts Options) *People {
	p := &People{
		opts:  opts,
		store: identitydb.New(identitydb.Options{Ledger: opts.Ledger, Keys: opts.Keys, Now: opts.Now, Random: opts.Random}),
	}
	p.peppers = identitydb.NewReading(opts.Now, peppersOutage, p.loadPeppers)
	return p
}

// Person is a user with what is sealed in it.
type Person struct {
	identity.User
	identity.Profile
}

// loginPrefix begins the id under which an address is found.
const loginPrefix = "lgn_"

// address returns the blind index of an e-mail address over the whole hub, and the id that is made of it.
func (p *People) address(ctx context.Context, email string) (index []byte, login string, err error) {
	contact, ok := envelope.Email(email)
	if !ok {
		return nil, "", fault.New(fault.Invalid, "the address cannot be read").
			With(fault.Detail{Location: "body.email", Message: "must be an e-mail address"})
	}
	key, err := p.opts.Keys.Current(ctx, identity.Hub)
	if err != nil {
		return nil, "", err
	}
	index = key.Index(contact)
	return index, loginPrefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(index)), nil
}

// seal seals what belongs to a user, for one field of it.
func (p *People) seal(ctx context.Context, u identity.User, field string, plain []byte) ([]byte, error) {
	key, err := p.opts.Keys.Current(ctx, u.Tenant)
	if err != nil {
		return nil, err
	}
	return key.Seal(plain, userPlace(u, field))
}

func (p *People) unseal(ctx context.Context, u identity.User, field string, sealed []byte) ([]byte, error) {
	plain, err := p.opts.Keys.Open(ctx, sealed, userPlace(u, field))
	if err != nil {
		return nil, fmt.Errorf("open %s of %s: %w", field, u.ID, err)
	}
	return plain, nil
}

func userPlace(u identity.User, field string) envelope.Binding {
	return envelope.Binding{Tenant: u.Tenant, Collection: collectionUsers, Document: u.ID, Field: field}
}

// open returns a user with who it is.
func (p *People) open(ctx context.Context, u identity.User) (Person, error) {
	plain, err := p.unseal(ctx, u, "sealed", u.Sealed)
	if err != nil {
		return Person{}, err
	}
	profile, err := identity.ParseProfile(plain)
	return Person{u, profile}, err
}

// personID refuses what cannot be a person's id, before the store is asked for it.
func personID(id string) error {
	if !identity.WellFormed(identity.UserPrefix, id) {
		return fault.New(fault.NotFound, "there is no such person")
	}
	return nil
}

// Person reads a user of the tenant.
func (p *People) Person(ctx context.Context, tenant, id string) (Person, error) {
	if err := personID(id); err != nil {
		return Person{}, err
	}
	u, err := identitydb.Load(ctx, p.store, tenant, ref(collectionUsers, id), identity.ParseUser)
	if err != nil {
		return Person{}, err
	}
	return p.open(ctx, u)
}

// Persons reads a page of the tenant's users, ordered by id.
func (p *People) Persons(ctx context.Context, tenant string, page identitydb.Page) ([]Person, error) {
	users, err := identitydb.List(ctx, p.store, tenant, identitydb.Part{Collection: collectionUsers, Page: page}, identity.ParseUser)
	if err != nil {
		return nil, err
	}
	out := make([]Person, len(users))
	for i, u := range users {
		if out[i], err = p.open(ctx, u); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// changeUser changes a user by a rule, which may be asked again, and writes what the rule says goes with it.
func (p *People) changeUser(ctx context.Context, by ledgerdb.Act, id string, rule func(*identity.User) ([]ledgerdb.Write, error)) error {
	if err := personID(id); err != nil {
		return err
	}
	return p.store.Change(ctx, by, ref(collectionUsers, id), func(o ledgerdb.Object) (map[string]any, []ledgerdb.Write, error) {
		u, err := identity.ParseUser(o.ID, o.Fields)
		if err != nil {
			return nil, nil, err
		}
		with, err := rule(&u)
		return u.Document(), with, err
	})
}

// notice tells the tenant's endpoints and notices about something that a person must hear of, in the same commit.
func (p *People) notice(u identity.User, kind Notice) ([]ledgerdb.Write, error) {
	id, err := identity.NewID(delivery.EventPrefix, p.opts.Random)
	e := delivery.Event{
		ID: id, Tenant: u.Tenant, Type: delivery.NoticeCreated, OccurredAt: p.store.Now(), Pending: true,
		Data: map[string]any{"notice": string(kind), "user": u.ID},
	}
	return noticedb.Writes(e), err
}

// Notice is what a person is told about.
type Notice string

// The notices.
const (
	NoticeNewDevice        Notice = "new_device"
	NoticeNewPasskey       Notice = "new_passkey"
	NoticeNewTOTP          Notice = "new_totp"
	NoticePasskeyRemoved   Notice = "passkey_removed"
	NoticePasswordReplaced Notice = "password_replaced"
	NoticeFactorsRemoved   Notice = "second_factor_removed"
	NoticeRecoveryCodes    Notice = "recovery_codes_replaced"
	NoticeRecoveryUsed     Notice = "recovery_code_used"
	NoticeTokenReused      Notice = "session_token_reused"
	NoticeRoleChanged      Notice = "role_changed"
	NoticeResetAsked       Notice = "second_factor_reset_asked"
)

// dropSessions deletes sessions' documents, which ends them at once.
func dropSessions(ids []string) []ledgerdb.Write {
	writes := make([]ledgerdb.Write, len(ids))
	for i, id := range ids {
		writes[i] = ledgerdb.Drop(ref(collectionSessions, id))
	}
	return writes
}

func ref(collection, id string) ledgerdb.Ref { return ledgerdb.Ref{Collection: collection, ID: id} }
