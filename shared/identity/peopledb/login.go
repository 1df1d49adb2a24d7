package peopledb

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// Try is somebody's try to log in.
type Try struct {
	Email     string
	Password  string
	Device    string // what the device keeps, or ""
	RequestID string
}

// Login is a session and its token, which is shown once.
type Login struct {
	Session identity.Session
	Token   identity.Secret
	Device  identity.Secret // what a new device keeps from now on; zero for a known one
}

// Login begins a session for whoever knows the password. An unknown address, a wrong password, an initial one that was
// used or is too old and a disabled account are one [fault.Unauthenticated], after the same work. Too many failures are
// [fault.Limited] and nothing is compared; too many people at once are [fault.Unavailable] and nobody's failure.
//
// It is one transaction, in the optimistic way: reads, one slow hash, and one commit that fails when what was read has
// changed. The commit that counts a failure or begins a session comes before the answer, so that no answer is free,
// however many are asked at once.
func (p *People) Login(ctx context.Context, try Try) (Login, error) {
	index, login, err := p.address(ctx, try.Email)
	if err != nil {
		return Login{}, err
	}
	checked := &checked{people: p, text: try.Password}
	for range tries {
		a, err := p.account(ctx, index, login, try.Device)
		if err != nil {
			return Login{}, err
		}
		if wait := a.attempts.Wait(p.store.Now()); wait > 0 {
			p.refuse(ctx, a, try, "too many wrong passwords")
			return Login{}, fault.New(fault.Limited, "too many wrong passwords; wait as long as Retry-After says").After(wait)
		}
		if err := checked.against(ctx, a.stored(p.store.Now())); err != nil {
			return Login{}, err
		}
		done, err := p.settle(ctx, a, try, checked)
		if !errors.Is(err, ledgerdb.ErrStale) && !errors.Is(err, ledgerdb.ErrExists) {
			return done, err
		}
	}
	return Login{}, fault.New(fault.Unavailable, "too many try to log in as this person; try again").Because(ledgerdb.ErrContended)
}

// checked is a password and what came of comparing it, so that a repeated commit costs no repeated hash.
type checked struct {
	people  *People
	text    string
	stored  *string
	right   bool
	renewed string
}

func (c *checked) against(ctx context.Context, stored string) (err error) {
	if c.stored != nil && *c.stored == stored {
		return nil
	}
	c.right, c.renewed, err = c.people.verify(ctx, c.text, stored)
	c.stored = &stored
	return err
}

// account is what is known of an address when somebody tries it.
type account struct {
	object   ledgerdb.Object // the user's; zero for an address that nobody has
	user     identity.User
	device   identity.Device // known by what it keeps, or the zero Device
	login    string
	bucket   ledgerdb.Ref
	prior    ledgerdb.Object // the bucket's
	attempts identity.Attempts
}

// stored is the hash that is worth comparing with, or "" when no password is right.
func (a account) stored(now time.Time) string {
	pass := a.user.Password
	if !a.object.Exists() || a.user.Disabled || pass.Initial && !now.Before(pass.ExpiresAt) {
		return ""
	}
	return pass.Hash
}

// account reads the user who has the address and the failures from this side, at once.
func (p *People) account(ctx context.Context, index []byte, login, deviceText string) (account, error) {
	a := account{login: login}
	token, device, given := identity.ParseDeviceToken(deviceText)
	if !given {
		device = "none"
	}
	buckets := []ledgerdb.Ref{ref(collectionAttempts, login), ref(collectionAttempts, login+"_"+device)}
	var counted, found []ledgerdb.Object
	reads, readCtx := errgroup.WithContext(ctx)
	reads.Go(func() (err error) {
		counted, err = p.opts.Ledger.GetAll(readCtx, identity.Hub, buckets...)
		return err
	})
	reads.Go(func() (err error) {
		q := p.opts.Ledger.QueryAllTenants(collectionUsers).Where("emailIndex", "==", index).Limit(1)
		found, err = p.opts.Ledger.List(readCtx, q)
		return err
	})
	if err := reads.Wait(); err != nil {
		return a, err
	}
	if len(found) > 0 {
		var err error
		a.object = found[0]
		if a.user, err = identity.ParseUser(a.object.ID, a.object.Fields); err != nil {
			return a, err
		}
		a.device, _ = a.user.Device(device, token)
	}
	side := 0
	if a.device.Trusted {
		side = 1
	}
	var err error
	a.bucket, a.prior = buckets[side], counted[side]
	a.attempts, err = identity.ParseAttempts(a.prior.Fields)
	return a, err
}

// count writes the failures of an account's side, if nobody has since.
func (a account) count(n identity.Attempts) ledgerdb.Write {
	if a.prior.Exists() {
		return ledgerdb.Patch(a.prior, n.Document()).OfHub()
	}
	return ledgerdb.Add(a.bucket, n.Document()).OfHub()
}

// settle commits what came of a try. [ledgerdb.ErrStale] and [ledgerdb.ErrExists] say that something has changed since it
// was read.
func (p *People) settle(ctx context.Context, a account, try Try, c *checked) (Login, error) {
	if c.right {
		if err := p.opts.Directory.InService(ctx, a.user.Tenant); err != nil {
			return Login{}, err
		}
		return p.begin(ctx, a, try, c.renewed)
	}
	// Both at once, so that the entry costs an unknown address and a known one the same.
	var both errgroup.Group
	both.Go(func() error {
		return p.opts.Ledger.Bookkeep(ctx, identity.Hub, a.count(a.attempts.Failed(p.store.Now())))
	})
	both.Go(func() error {
		p.refuse(ctx, a, try, "the address or the password does not hold")
		return nil
	})
	if err := both.Wait(); err != nil {
		return Login{}, err
	}
	return Login{}, identitydb.Refused("the address or the password does not hold")
}

// refuse notes a refused login for the tenant whose account it was about.
func (p *People) refuse(ctx context.Context, a account, try Try, reason string) {
	source := a.login
	if a.object.Exists() {
		source = a.user.ID
	}
	p.opts.Ledger.Refuse(ctx, ledgerdb.Refusal{
		Tenant: a.user.Tenant, Action: "session.create", Reason: reason, Source: source, RequestID: try.RequestID,
	})
}

// begin commits a new session.
func (p *People) begin(ctx context.Context, a account, try Try, renewed string) (Login, error) {
	u, now, l := a.user, p.store.Now(), Login{}
	stage, known := u.Next(), len(u.Devices) > 0
	u.LoggedInAt = now
	switch {
	case u.Password.Initial:
		u.Password.Former, u.Password.Hash = u.Password.Hash, "" // good once
	case renewed != "":
		u.Password.Hash = renewed
	}
	device, err := p.device(&l, a, now)
	if err != nil {
		return Login{}, err
	}
	device.Trusted = device.Trusted || stage == identity.Complete
	u = u.WithDevice(device)
	writes := []ledgerdb.Write{a.count(identity.Attempts{LastAt: now})}
	if known && l.Device != (identity.Secret{}) {
		told, err := p.notice(u, NoticeNewDevice)
		if err != nil {
			return Login{}, err
		}
		writes = append(writes, told...)
	}
	u, started, err := p.session(&l, u, device, stage)
	if err != nil {
		return Login{}, err
	}
	act := ledgerdb.Act{Tenant: u.Tenant, Actor: actorOf(u), Action: "session.create", RequestID: try.RequestID}
	return l, p.store.Commit(ctx, act, ledgerdb.Replace(a.object, u.Document()), a.object.Ref, append(writes, started...)...)
}

func actorOf(u identity.User) identity.Actor {
	return identity.Actor{Kind: identity.KindUser, ID: u.ID}
}

// device returns the device that logs in, a new one if it is not known.
func (p *People) device(l *Login, a account, now time.Time) (d identity.Device, err error) {
	d = a.device
	if d.ID == "" {
		if d, l.Device, err = identity.NewDevice(p.opts.Random); err != nil {
			return d, err
		}
	}
	d.SeenAt = now
	return d, nil
}

// session makes a session of the user, and the writes that begin it and end those that are too many.
func (p *People) session(l *Login, u identity.User, d identity.Device, stage identity.Stage) (identity.User, []ledgerdb.Write, error) {
	id, err := identity.NewID(identity.SessionPrefix, p.opts.Random)
	if err != nil {
		return u, nil, err
	}
	if l.Token, err = identity.NewSessionToken(id, p.opts.Random); err != nil {
		return u, nil, err
	}
	l.Session = u.Begin(id, d, stage, p.store.Now())
	l.Session.Token = l.Token.Hash()
	u, ended := u.WithSession(id, stage)
	return u, append(dropSessions(ended), ledgerdb.Add(ref(collectionSessions, id), l.Session.Document())), nil
}
