package peopledb

import (
	"context"
	"errors"
	"fmt"
	"io"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// Sessions returns the sessions of a user that are alive, oldest first.
func (p *People) Sessions(ctx context.Context, tenant, user string) ([]identity.Session, error) {
	u, err := identitydb.Load(ctx, p.store, tenant, ref(collectionUsers, user), identity.ParseUser)
	if err != nil || len(u.Sessions) == 0 {
		return nil, err
	}
	refs := make([]ledgerdb.Ref, len(u.Sessions))
	for i, id := range u.Sessions {
		refs[i] = ref(collectionSessions, id)
	}
	objects, err := p.opts.Ledger.GetAll(ctx, tenant, refs...)
	if err != nil {
		return nil, err
	}
	var alive []identity.Session
	for _, o := range objects {
		if !o.Exists() {
			continue
		}
		s, err := identity.ParseSession(o.ID, o.Fields)
		if err != nil {
			return nil, err
		}
		if s.ActiveAt(p.store.Now()) {
			alive = append(alive, s)
		}
	}
	return alive, nil
}

// EndSession ends a session of a user. One that is not theirs is [fault.NotFound].
func (p *People) EndSession(ctx context.Context, by ledgerdb.Act, user, id string) error {
	by.Action = "session.end"
	return p.changeUser(ctx, by, user, func(u *identity.User) ([]ledgerdb.Write, error) {
		after := u.WithoutSession(id)
		if len(after.Sessions) == len(u.Sessions) {
			return nil, fault.New(fault.NotFound, "there is no such session")
		}
		*u = after
		return dropSessions([]string{id}), nil
	})
}

// EndSessions ends all sessions of a user, as whoever manages people.
func (p *People) EndSessions(ctx context.Context, by By, id string) error {
	by.Action = "user.sessions_end"
	return p.changeUser(ctx, by.Act, id, func(u *identity.User) ([]ledgerdb.Write, error) {
		if err := by.mayManage(*u, u.Role); err != nil && !by.self(id) {
			return nil, err
		}
		after, ended := u.WithoutSessions("")
		*u = after
		return dropSessions(ended), nil
	})
}

// Refresh replaces a session's token. The use of one that was replaced before ends the session.
func (p *People) Refresh(ctx context.Context, text, requestID string) (Login, error) {
	parent, id, err := identity.ParseSessionToken(text)
	if err != nil {
		return Login{}, err
	}
	var salt [32]byte
	if _, err := io.ReadFull(p.opts.Random, salt[:]); err != nil {
		return Login{}, fmt.Errorf("read random bytes for a session: %w", err)
	}
	for range tries {
		l, err := p.refresh(ctx, id, parent, salt, requestID)
		if !errors.Is(err, ledgerdb.ErrStale) {
			return l, err
		}
	}
	return Login{}, fault.New(fault.Unavailable, "this session is used by many at once; try again").Because(ledgerdb.ErrStale)
}

func (p *People) refresh(ctx context.Context, id string, parent identity.Secret, salt [32]byte, requestID string) (Login, error) {
	o, err := p.opts.Ledger.FindInAllTenants(ctx, ref(collectionSessions, id))
	if err != nil {
		return Login{}, identitydb.RefusedUnless(err, "the session does not hold; log in again")
	}
	s, err := identity.ParseSession(id, o.Fields)
	if err != nil {
		return Login{}, err
	}
	if !s.ActiveAt(p.store.Now()) {
		return Login{}, identitydb.Refused("the session does not hold; log in again")
	}
	if err := p.opts.Directory.InService(ctx, s.Tenant); err != nil {
		return Login{}, err
	}
	after, child, err := s.Refresh(parent, salt, p.store.Now())
	switch {
	case errors.Is(err, identity.ErrTokenReused):
		if endErr := p.endStolen(ctx, s, requestID); endErr != nil {
			return Login{}, endErr
		}
		return Login{}, err
	case err != nil:
		return Login{}, err
	case after.Token == s.Token:
		return Login{Session: s, Token: child}, nil // somebody raced, and this is what they got
	}
	return Login{Session: after, Token: child}, p.opts.Ledger.Bookkeep(ctx, s.Tenant, ledgerdb.Patch(o, after.Document()))
}

// endStolen ends a session of which a token was used twice. The person is told.
func (p *People) endStolen(ctx context.Context, s identity.Session, requestID string) error {
	p.opts.Ledger.Refuse(ctx, ledgerdb.Refusal{
		Tenant: s.Tenant, Actor: identity.Actor{Kind: identity.KindUser, ID: s.User}, Action: "session.refresh",
		Reason: "a token was used after it had been replaced", Source: s.ID, RequestID: requestID,
	})
	act := ledgerdb.Act{
		Tenant: s.Tenant, Actor: identity.Actor{Kind: identity.KindSystem, ID: "auth"}, Action: "session.end_stolen", RequestID: requestID,
	}
	return p.changeUser(ctx, act, s.User, func(u *identity.User) ([]ledgerdb.Write, error) {
		told, err := p.notice(*u, NoticeTokenReused)
		*u = u.WithoutSession(s.ID)
		return append(dropSessions([]string{s.ID}), told...), err
	})
}
