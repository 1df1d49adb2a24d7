package identitydb

import (
	"context"
	"errors"
	"time"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// session returns the person who presents a session's token. It asks the store every time, by one read: whatever ends a
// session deletes its document, so it ends at once and everywhere.
func (a *Authenticator) session(ctx context.Context, text string) (identity.Caller, error) {
	token, id, err := identity.ParseSessionToken(text)
	if err != nil {
		return identity.Caller{}, err
	}
	o, err := a.opts.Ledger.FindInAllTenants(ctx, ref(collectionSessions, id))
	if err != nil {
		return identity.Caller{}, refusedUnless(err, "the session does not hold; log in again")
	}
	s, err := identity.ParseSession(id, o.Fields)
	if err != nil {
		return identity.Caller{}, err
	}
	now := a.opts.Now()
	if known := s.Knows(token, now); known != identity.TokenLive && known != identity.TokenRacing || !s.ActiveAt(now) {
		return identity.Caller{}, refused("the session does not hold; log in again")
	}
	a.seen(ctx, o, s, now)
	return s.Caller(now), nil
}

// seen writes down that a session is in use. Whether it succeeds makes no difference to the request: somebody else may
// have written the same, and the next request tries again.
func (a *Authenticator) seen(ctx context.Context, o ledgerdb.Object, s identity.Session, now time.Time) {
	if !s.Seen(now) {
		return
	}
	ctx, cancel := a.patience(ctx)
	defer cancel()
	s.SeenAt = now
	err := a.opts.Ledger.Bookkeep(ctx, s.Tenant, ledgerdb.Patch(o, s.Document()))
	if err != nil && !errors.Is(err, ledgerdb.ErrStale) {
		a.opts.Log.WarnContext(ctx, "use of a session was not written", "session_id", s.ID, "error", err)
	}
}
