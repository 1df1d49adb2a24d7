package peopledb

import (
	"context"
	"errors"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/password"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// By is somebody who manages people: who they are, and as what. An operator manages as an owner does.
type By struct {
	ledgerdb.Act
	Role identity.Role
}

// self tells whether somebody manages themselves.
func (b By) self(id string) bool { return b.Actor == identity.Actor{Kind: identity.KindUser, ID: id} }

func (b By) mayManage(u identity.User, becomes identity.Role) error {
	switch {
	case b.self(u.ID):
		return fault.New(fault.Forbidden, "nobody does this to themselves; ask another owner or admin")
	case !b.Role.MayManage(u.Role) || !b.Role.MayManage(becomes):
		return fault.New(fault.Forbidden, "only an owner manages owners")
	}
	return nil
}

// CreateUser makes a person of the act's tenant, with an initial password that is returned and kept nowhere. The address
// must be nobody else's in the whole hub; one that is taken is [fault.Conflict].
func (p *People) CreateUser(ctx context.Context, by By, profile identity.Profile, role identity.Role) (identity.User, string, error) {
	if err := profile.Check(role); err != nil {
		return identity.User{}, "", err
	}
	if !by.Role.MayManage(role) {
		return identity.User{}, "", fault.New(fault.Forbidden, "only an owner manages owners")
	}
	index, login, err := p.address(ctx, profile.Email)
	if err != nil {
		return identity.User{}, "", err
	}
	u := identity.User{Tenant: by.Tenant, Role: role, CreatedAt: p.store.Now(), EmailIndex: index}
	if u.ID, err = identity.NewID(identity.UserPrefix, p.opts.Random); err != nil {
		return u, "", err
	}
	initial, err := p.initial(ctx, &u)
	if err != nil {
		return u, "", err
	}
	plain, err := profile.Encode()
	if err != nil {
		return u, "", err
	}
	if u.Sealed, err = p.seal(ctx, u, "sealed", plain); err != nil {
		return u, "", err
	}
	at := ref(collectionUsers, u.ID)
	by.Action = "user.create"
	err = p.store.Commit(ctx, by.Act, ledgerdb.Create(at, u.Document()), at,
		ledgerdb.Add(ref(collectionLogins, login), map[string]any{"user": u.ID}))
	if errors.Is(err, ledgerdb.ErrExists) {
		return u, "", fault.New(fault.Conflict, "the address belongs to somebody already").
			With(fault.Detail{Location: "body.email", Message: "is taken"}).Because(err)
	}
	return u, initial, err
}

// initial gives a user an initial password.
func (p *People) initial(ctx context.Context, u *identity.User) (text string, err error) {
	if text, err = password.Initial(p.opts.Random); err != nil {
		return "", err
	}
	now := p.store.Now()
	u.Password = identity.Password{Initial: true, SetAt: now, ExpiresAt: now.Add(identity.InitialPasswordLife)}
	u.Password.Hash, err = p.hash(ctx, text)
	return text, err
}

// UserChange is what is changed of a person; nil stays.
type UserChange struct {
	Role     *identity.Role
	Disabled *bool
}

// ChangeUser gives a person another role, or disables or enables them. It ends all of their sessions. Nobody changes
// themselves, and only owners change owners, who must still be one when the change is made: so an owner is always left,
// also of two who unmake each other at once.
func (p *People) ChangeUser(ctx context.Context, by By, id string, change UserChange) (Person, error) {
	if change.Role != nil && !change.Role.Known() {
		return Person{}, fault.New(fault.Invalid, "the change breaks the rules").
			With(fault.Detail{Location: "body.role", Message: "is not a role"})
	}
	if change == (UserChange{}) {
		return Person{}, fault.New(fault.Invalid, "the change changes nothing; name a role or whether the person is disabled")
	}
	by.Action = "user.change"
	var after identity.User
	err := p.changeUser(ctx, by.Act, id, func(u *identity.User) ([]ledgerdb.Write, error) {
		becomes := u.Role
		if change.Role != nil {
			becomes = *change.Role
		}
		if err := by.mayManage(*u, becomes); err != nil {
			return nil, err
		}
		owned := u.Owns()
		u.Role = becomes
		if change.Disabled != nil {
			u.Disabled = *change.Disabled
		}
		writes, err := p.endSessions(u, "", NoticeRoleChanged)
		after = *u
		if err != nil || !owned || u.Owns() {
			return writes, err
		}
		held, err := p.holdOwner(ctx, by)
		return append(writes, held...), err
	})
	if err != nil {
		return Person{}, err
	}
	return p.open(ctx, after)
}

// holdOwner lets a commit happen only while whoever acts is an owner. Operators are none, and can make one.
func (p *People) holdOwner(ctx context.Context, by By) ([]ledgerdb.Write, error) {
	if by.Actor.Kind == identity.KindOperator {
		return nil, nil
	}
	o, err := p.opts.Ledger.Get(ctx, by.Tenant, ref(collectionUsers, by.Actor.ID))
	if err != nil {
		return nil, err
	}
	u, err := identity.ParseUser(o.ID, o.Fields)
	if err == nil && !u.Owns() {
		err = fault.New(fault.Forbidden, "only an owner manages owners")
	}
	return []ledgerdb.Write{ledgerdb.Hold(o)}, err
}

// endSessions ends all sessions of a user but one, and tells the person why.
func (p *People) endSessions(u *identity.User, but string, why Notice) ([]ledgerdb.Write, error) {
	told, err := p.notice(*u, why)
	after, ended := u.WithoutSessions(but)
	*u = after
	return append(dropSessions(ended), told...), err
}

// ResetPassword replaces a person's password by an initial one, which is returned and kept nowhere. Their second factor
// stays, their sessions end.
func (p *People) ResetPassword(ctx context.Context, by By, id string) (string, error) {
	var fresh identity.User
	initial, err := p.initial(ctx, &fresh)
	if err != nil {
		return "", err
	}
	by.Action = "user.initial_password"
	return initial, p.changeUser(ctx, by.Act, id, func(u *identity.User) ([]ledgerdb.Write, error) {
		if err := by.mayManage(*u, u.Role); err != nil {
			return nil, err
		}
		u.Password = fresh.Password
		return p.endSessions(u, "", NoticePasswordReplaced)
	})
}

// RemoveSecondFactor takes away all second factors of somebody who lost them. Only another owner, or the operators after
// their delay, can. Their sessions end, and so does what operators agreed on: it must not be done again to factors that the
// person adds later.
func (p *People) RemoveSecondFactor(ctx context.Context, by By, id string) error {
	return p.removeFactors(ctx, by, id, func(ledgerdb.Object) error { return nil })
}

// removeFactors takes them away together with what operators agreed on, which is shown to the rule each time it is tried.
// Each has its entry.
func (p *People) removeFactors(ctx context.Context, by By, id string, rule func(agreed ledgerdb.Object) error) error {
	if by.Role != identity.Owner {
		return fault.New(fault.Forbidden, "only an owner takes a second factor away")
	}
	if err := personID(id); err != nil {
		return err
	}
	by.Action = "user.second_factor_remove"
	for range tries {
		err := p.tryRemoveFactors(ctx, by, id, rule)
		if !errors.Is(err, ledgerdb.ErrStale) {
			return err
		}
	}
	return fault.New(fault.Unavailable, "this person is being changed by others; try again").Because(ledgerdb.ErrStale)
}

func (p *People) tryRemoveFactors(ctx context.Context, by By, id string, rule func(agreed ledgerdb.Object) error) error {
	found, err := p.opts.Ledger.GetAll(ctx, by.Tenant, ref(collectionUsers, id), ref(collectionResets, id))
	if err != nil {
		return err
	}
	if !found[0].Exists() {
		return fault.New(fault.NotFound, "there is no such person")
	}
	u, err := identity.ParseUser(id, found[0].Fields)
	if err != nil {
		return err
	}
	if err := by.mayManage(u, u.Role); err != nil {
		return err
	}
	if err := rule(found[1]); err != nil {
		return err
	}
	u.TOTP, u.Passkeys, u.Recovery = identity.TOTP{}, nil, nil
	with, err := p.endSessions(&u, "", NoticeFactorsRemoved)
	if err != nil {
		return err
	}
	changes := []ledgerdb.Change{ledgerdb.Replace(found[0], u.Document())}
	if found[1].Exists() {
		changes = append(changes, ledgerdb.Remove(found[1]))
	}
	receipt, err := p.opts.Ledger.Commit(ctx, by.Act, changes, with...)
	if !errors.Is(err, ledgerdb.ErrStale) {
		return err
	}
	if done, readErr := p.opts.Ledger.Performed(ctx, receipt); readErr != nil || done {
		return readErr // it may have succeeded without telling
	}
	return err
}
