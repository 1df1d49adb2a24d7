package peopledb

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// Own is somebody who acts on their own account by a session.
type Own struct {
	Caller    identity.Caller
	RequestID string
}

func (o Own) act(action string) ledgerdb.Act { return ledgerdb.ActOf(o.Caller, action, o.RequestID) }

// errWrong is the cause of a proof that does not hold: it is counted, and too many make everybody wait.
var errWrong = errors.New("the proof is wrong")

// wrong refuses a proof.
func wrong(cause error) error {
	return identitydb.Refused("that does not hold").Because(errors.Join(errWrong, cause))
}

// moment is a user and one of their sessions, as read together.
type moment struct {
	userObject    ledgerdb.Object
	sessionObject ledgerdb.Object
	user          identity.User
	session       identity.Session
	next          identity.Stage // of the session after the proof; what it is now unless the proof says otherwise
	weak          bool           // the proof was not by the strongest factor that the person has
}

// proof checks something about a moment and changes the user. It may be asked again when somebody else changed the same.
// It returns what is written along.
type proof func(m *moment) ([]ledgerdb.Write, error)

// prove lets somebody prove something, or change how they do. Failures are counted for the account, or for the device if
// a login by it was finished before; what holds goes on under a new token.
func (p *People) prove(ctx context.Context, own Own, action string, check proof) (Login, error) {
	for range tries {
		m, err := p.moment(ctx, own)
		if err != nil {
			return Login{}, err
		}
		a, err := p.failures(ctx, m)
		if err != nil {
			return Login{}, err
		}
		if wait := a.attempts.Wait(p.store.Now()); wait > 0 {
			p.refuseProof(ctx, own, action, "too many wrong proofs")
			return Login{}, fault.New(fault.Limited, "too many wrong tries; wait as long as Retry-After says").After(wait)
		}
		l, err := p.conclude(ctx, own.act(action), m, a, check)
		if !errors.Is(err, ledgerdb.ErrStale) && !errors.Is(err, ledgerdb.ErrExists) {
			return l, err
		}
	}
	return Login{}, fault.New(fault.Unavailable, "too many try this at once; try again").Because(ledgerdb.ErrContended)
}

// moment reads the caller and the session by which they call.
func (p *People) moment(ctx context.Context, own Own) (m moment, err error) {
	if own.Caller.Actor.Kind != identity.KindUser || !identity.WellFormed(identity.SessionPrefix, own.Caller.Credential) {
		return m, fault.New(fault.Forbidden, "this is for people who have logged in")
	}
	objects, err := p.opts.Ledger.GetAll(ctx, own.Caller.Tenant,
		ref(collectionUsers, own.Caller.Actor.ID), ref(collectionSessions, own.Caller.Credential))
	if err != nil {
		return m, err
	}
	m.userObject, m.sessionObject = objects[0], objects[1]
	if !m.userObject.Exists() {
		return m, fault.New(fault.NotFound, "there is no such person any more")
	}
	if !m.sessionObject.Exists() {
		return m, identitydb.Refused("the session does not hold; log in again")
	}
	if m.user, err = identity.ParseUser(m.userObject.ID, m.userObject.Fields); err != nil {
		return m, err
	}
	m.session, err = identity.ParseSession(m.sessionObject.ID, m.sessionObject.Fields)
	m.next = m.session.Stage
	return m, err
}

// failures reads how often the account's proofs failed from the device's side.
func (p *People) failures(ctx context.Context, m moment) (a account, err error) {
	id := m.user.ID
	if m.user.Trusts(m.session.Device) {
		id += "_" + m.session.Device
	}
	a.bucket = ref(collectionAttempts, id)
	found, err := p.opts.Ledger.GetAll(ctx, identity.Hub, a.bucket)
	if err != nil {
		return a, err
	}
	a.prior = found[0]
	a.attempts, err = identity.ParseAttempts(a.prior.Fields)
	return a, err
}

// conclude checks the proof and commits what came of it, before the answer.
func (p *People) conclude(ctx context.Context, act ledgerdb.Act, m moment, a account, check proof) (Login, error) {
	writes, err := check(&m)
	if errors.Is(err, errWrong) {
		return Login{}, p.failed(ctx, act, a, err)
	}
	if err != nil {
		return Login{}, err
	}
	l := Login{}
	if l.Token, err = identity.NewSessionToken(m.session.ID, p.opts.Random); err != nil {
		return Login{}, err
	}
	l.Session = m.session.Proceed(l.Token, m.next, p.store.Now())
	if m.weak { // it opens nothing dangerous, and makes no guess at a stronger factor forgotten
		l.Session.ProvedAt = m.session.ProvedAt
	}
	if m.next == identity.Complete {
		var ended []string
		m.user, ended = m.user.Trusting(m.session.Device).Finishing(m.session.ID)
		writes = append(writes, dropSessions(ended)...)
	}
	if a.attempts.Failures > 0 && !m.weak {
		writes = append(writes, a.count(identity.Attempts{LastAt: p.store.Now()}))
	}
	writes = append(writes, ledgerdb.Patch(m.sessionObject, l.Session.Document()))
	return l, p.store.Commit(ctx, act, ledgerdb.Replace(m.userObject, m.user.Document()), m.userObject.Ref, writes...)
}

// failed counts a failure and tells the log.
func (p *People) failed(ctx context.Context, act ledgerdb.Act, a account, cause error) error {
	var both errgroup.Group
	both.Go(func() error {
		return p.opts.Ledger.Bookkeep(ctx, identity.Hub, a.count(a.attempts.Failed(p.store.Now())))
	})
	both.Go(func() error {
		p.opts.Ledger.Refuse(ctx, ledgerdb.Refusal{
			Tenant: act.Tenant, Actor: act.Actor, Action: act.Action, Reason: "the proof does not hold", Source: act.Actor.ID, RequestID: act.RequestID,
		})
		return nil
	})
	if err := both.Wait(); err != nil {
		return err
	}
	return cause
}

func (p *People) refuseProof(ctx context.Context, own Own, action, reason string) {
	p.opts.Ledger.Refuse(ctx, ledgerdb.Refusal{
		Tenant: own.Caller.Tenant, Actor: own.Caller.Actor, Action: action, Reason: reason, Source: own.Caller.Actor.ID, RequestID: own.RequestID,
	})
}

// endOthers ends all sessions but the one that acts, and tells the person why.
func (p *People) endOthers(m *moment, why Notice) ([]ledgerdb.Write, error) {
	return p.endSessions(&m.user, m.session.ID, why)
}

// proven says that the second factor held: of a login, or again for something dangerous.
func (m *moment) proven() {
	if m.session.Stage == identity.SecondFactor {
		m.next = m.user.NextAfterSecondFactor()
	}
}
