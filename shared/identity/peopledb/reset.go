package peopledb

import (
	"context"
	"errors"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// AskReset begins the removal of somebody's second factors by operators. The person is told.
func (p *People) AskReset(ctx context.Context, by ledgerdb.Act, user string) error {
	if err := personID(user); err != nil {
		return err
	}
	o, err := p.opts.Ledger.Get(ctx, by.Tenant, ref(collectionUsers, user))
	if err != nil {
		return err
	}
	u, err := identity.ParseUser(user, o.Fields)
	if err != nil {
		return err
	}
	told, err := p.notice(u, NoticeResetAsked)
	if err != nil {
		return err
	}
	by.Action = "user.second_factor_reset_ask"
	at := ref(collectionResets, user)
	r := identity.Reset{User: user, AskedBy: by.Actor, AskedAt: p.store.Now()}
	// Whoever takes the factors away at the same time must see that it was asked.
	err = p.store.Commit(ctx, by, ledgerdb.Create(at, r.Document()), at, append(told, ledgerdb.Hold(o))...)
	switch {
	case errors.Is(err, ledgerdb.ErrExists):
		return fault.New(fault.Conflict, "this was asked already").Because(err)
	case errors.Is(err, ledgerdb.ErrStale):
		return fault.New(fault.Unavailable, "this person is being changed by others; try again").Because(err)
	}
	return err
}

// AgreeReset lets another operator agree.
func (p *People) AgreeReset(ctx context.Context, by ledgerdb.Act, user string) error {
	if err := personID(user); err != nil {
		return err
	}
	by.Action = "user.second_factor_reset_agree"
	return p.store.Change(ctx, by, ref(collectionResets, user), func(o ledgerdb.Object) (map[string]any, []ledgerdb.Write, error) {
		r, err := identity.ParseReset(o.ID, o.Fields)
		if err != nil {
			return nil, nil, err
		}
		r, err = r.Agree(by.Actor, p.store.Now())
		return r.Document(), nil, err
	})
}

// DoReset removes the second factors a day after two operators agreed.
func (p *People) DoReset(ctx context.Context, by By, user string) error {
	return p.removeFactors(ctx, by, user, func(agreed ledgerdb.Object) error {
		if !agreed.Exists() {
			return fault.New(fault.NotFound, "nobody has asked for this")
		}
		r, err := identity.ParseReset(agreed.ID, agreed.Fields)
		if err != nil {
			return err
		}
		return r.Ready(p.store.Now())
	})
}

// CancelReset forgets that it was asked, because it must not be done.
func (p *People) CancelReset(ctx context.Context, by ledgerdb.Act, user string) error {
	if err := personID(user); err != nil {
		return err
	}
	by.Action = "user.second_factor_reset_close"
	return p.store.Remove(ctx, by, ref(collectionResets, user))
}
