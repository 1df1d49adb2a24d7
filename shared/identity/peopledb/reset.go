package peopledb

import (
	"context"
	"errors"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// AskReset begins the removal of somebody's second factors by operators. The person is told.
func (p *People) AskReset(ctx context.Context, by ledgerdb.Act, user string) error {
	if err := personID(user); err != nil {
		return err
	}
	u, err := identitydb.Load(ctx, p.store, by.Tenant, ref(collectionUsers, user), identity.ParseUser)
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
	err = p.store.Commit(ctx, by, ledgerdb.Create(at, r.Document()), at, told...)
	if errors.Is(err, ledgerdb.ErrExists) {
		return fault.New(fault.Conflict, "this was asked already").Because(err)
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
	if err := personID(user); err != nil {
		return err
	}
	return p.removeFactors(ctx, by, user, func() (ledgerdb.Write, error) {
		o, err := p.opts.Ledger.Get(ctx, by.Tenant, ref(collectionResets, user))
		if err != nil {
			return ledgerdb.Write{}, err
		}
		r, err := identity.ParseReset(o.ID, o.Fields)
		if err == nil {
			err = r.Ready(p.store.Now())
		}
		return ledgerdb.DropRead(o), err // whoever cancels it in the meantime is first
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
