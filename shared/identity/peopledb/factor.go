package peopledb

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/password"
	"ryggrad.internal/hub/shared/identity/totp"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	// enrollWithin is how long a shown secret or challenge waits for its first use.
	enrollWithin = 15 * time.Minute
	// recoveryCodes is how many there are at a time.
	recoveryCodes = 10
	// totpIssuer is the name that authenticator apps show.
	totpIssuer = "Ryggrad"
)

// ProveTOTP takes a one-time password as the second factor of a login, or as a repeated proof.
func (p *People) ProveTOTP(ctx context.Context, own Own, code string) (Login, error) {
	return p.prove(ctx, own, "session.totp", func(m *moment) ([]ledgerdb.Write, error) {
		if !m.user.TOTP.Active() {
			return nil, fault.New(fault.Conflict, "this person has no generator of one-time passwords")
		}
		step, err := p.step(ctx, m.user, "totp", code)
		if err != nil {
			return nil, err
		}
		m.user.TOTP.LastStep = step
		m.proven()
		return nil, nil
	})
}

// step finds the step that a code is of, or fails with errWrong.
func (p *People) step(ctx context.Context, u identity.User, field, code string) (int64, error) {
	sealed := u.TOTP.Sealed
	if field == "totpNext" {
		sealed = u.TOTP.Next
	}
	key, err := p.unseal(ctx, u, field, sealed)
	if err != nil {
		return 0, err
	}
	step, ok := totp.FromBytes(key).Check(code, p.opts.Now(), u.TOTP.LastStep)
	if !ok {
		return 0, wrong(nil)
	}
	return step, nil
}

// ProveRecovery takes one of the recovery codes, which is then used up, in the place of a second factor.
func (p *People) ProveRecovery(ctx context.Context, own Own, code string) (Login, error) {
	hash := recoveryHash(code)
	return p.prove(ctx, own, "session.recovery_code", func(m *moment) ([]ledgerdb.Write, error) {
		found := -1
		for i, have := range m.user.Recovery {
			if subtle.ConstantTimeCompare(have[:], hash[:]) == 1 {
				found = i
			}
		}
		if found < 0 {
			return nil, wrong(nil)
		}
		m.user.Recovery = slices.Delete(slices.Clone(m.user.Recovery), found, found+1)
		m.proven()
		return p.notice(m.user, NoticeRecoveryUsed)
	})
}

// recoveryHash is what is kept of a recovery code: 120 random bits need no slow hash.
func recoveryHash(code string) identity.Hash {
	return sha256.Sum256([]byte(strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(code))))
}

// NewTOTP makes a secret for an authenticator app. It takes the place of the present one, if there is any, with the first
// code of it.
func (p *People) NewTOTP(ctx context.Context, own Own) (secret, uri string, err error) {
	fresh, err := totp.New(p.opts.Random)
	if err != nil {
		return "", "", err
	}
	var who Person
	err = p.changeUser(ctx, own.act("totp.show"), own.Caller.Actor.ID, func(u *identity.User) ([]ledgerdb.Write, error) {
		var err error
		if who, err = p.open(ctx, *u); err != nil {
			return nil, err
		}
		u.TOTP.Next, err = p.seal(ctx, *u, "totpNext", fresh.Bytes())
		u.TOTP.NextAt = p.store.Now()
		return nil, err
	})
	return fresh.Reveal(), fresh.URI(totpIssuer, who.Email), err
}

// ConfirmTOTP puts the newest secret in place by its first code. It ends the person's other sessions.
func (p *People) ConfirmTOTP(ctx context.Context, own Own, code string) (Login, error) {
	return p.prove(ctx, own, "totp.add", func(m *moment) ([]ledgerdb.Write, error) {
		t := m.user.TOTP
		if len(t.Next) == 0 || !p.store.Now().Before(t.NextAt.Add(enrollWithin)) {
			return nil, fault.New(fault.Conflict, "there is no secret to confirm, or it was shown too long ago; ask for another")
		}
		fresh := m.user
		fresh.TOTP.LastStep = 0
		step, err := p.step(ctx, fresh, "totpNext", code)
		if err != nil {
			return nil, err
		}
		key, err := p.unseal(ctx, m.user, "totpNext", t.Next)
		if err != nil {
			return nil, err
		}
		m.user.TOTP = t.Confirm(step, p.store.Now())
		if m.user.TOTP.Sealed, err = p.seal(ctx, m.user, "totp", key); err != nil {
			return nil, err
		}
		m.next = identity.Complete
		return p.endOthers(m, NoticeNewTOTP)
	})
}

// RecoveryCodes makes ten new recovery codes, which are returned and kept nowhere. Former ones are void.
func (p *People) RecoveryCodes(ctx context.Context, own Own) ([]string, error) {
	codes, hashes := make([]string, recoveryCodes), make([]identity.Hash, recoveryCodes)
	for i := range codes {
		var raw [15]byte
		if _, err := io.ReadFull(p.opts.Random, raw[:]); err != nil {
			return nil, fmt.Errorf("read random bytes for a recovery code: %w", err)
		}
		text := strings.ToLower(base32.StdEncoding.EncodeToString(raw[:]))
		codes[i] = text[:6] + "-" + text[6:12] + "-" + text[12:18] + "-" + text[18:]
		hashes[i] = recoveryHash(codes[i])
	}
	err := p.changeUser(ctx, own.act("recovery_codes.replace"), own.Caller.Actor.ID, func(u *identity.User) ([]ledgerdb.Write, error) {
		if !u.HasSecondFactor() {
			return nil, fault.New(fault.Conflict, "recovery codes stand in for a second factor; add one first")
		}
		u.Recovery = hashes
		return p.notice(*u, NoticeRecoveryCodes)
	})
	return codes, err
}

// SetPassword gives the person another password. In a session that was begun with an initial password that is all there
// is to prove; else the present one must be given. It ends the person's other sessions. To somebody who has a second factor
// it is no step-up.
func (p *People) SetPassword(ctx context.Context, own Own, present, next string) (Login, error) {
	known := &checked{people: p, text: present}
	var stored string
	return p.prove(ctx, own, "password.replace", func(m *moment) ([]ledgerdb.Write, error) {
		if err := m.knows(ctx, known); err != nil {
			return nil, err
		}
		if stored == "" {
			var err error
			if stored, err = p.newPassword(ctx, m.user, next); err != nil {
				return nil, err
			}
		}
		m.user.Password = identity.Password{Hash: stored, SetAt: p.store.Now()}
		m.weak = m.user.HasSecondFactor()
		if m.session.Stage == identity.SetPassword {
			m.next = afterPassword(m.user)
		}
		return p.endOthers(m, NoticePasswordReplaced)
	})
}

// knows asks for the present password, unless it was an initial one that began the session.
func (m *moment) knows(ctx context.Context, c *checked) error {
	if m.session.Stage == identity.SetPassword {
		return nil
	}
	if err := c.against(ctx, m.user.Password.Hash); err != nil {
		return err
	}
	if !c.right {
		return wrong(nil)
	}
	return nil
}

// newPassword checks a new password and returns what is kept of it.
func (p *People) newPassword(ctx context.Context, u identity.User, text string) (string, error) {
	if err := p.checkPassword(ctx, u, text); err != nil {
		return "", err
	}
	if err := p.notInitial(ctx, u, text); err != nil {
		return "", err
	}
	return p.hash(ctx, text)
}

// notInitial refuses the initial password as the person's own: whoever made it knows it.
func (p *People) notInitial(ctx context.Context, u identity.User, text string) error {
	if u.Password.Former == "" {
		return nil
	}
	same, _, err := p.verify(ctx, text, u.Password.Former)
	if err != nil || !same {
		return err
	}
	return fault.New(fault.Invalid, "this cannot be a password").
		With(fault.Detail{Location: "body.newPassword", Message: "is the initial one, which others have seen"})
}

// afterPassword is what is to be done once an initial password was replaced: whoever has a second factor has given it.
func afterPassword(u identity.User) identity.Stage {
	if next := u.NextAfterPassword(); next == identity.Enroll {
		return next
	}
	return identity.Complete
}

// checkPassword tells whether this can be the person's password.
func (p *People) checkPassword(ctx context.Context, u identity.User, text string) error {
	who, err := p.open(ctx, u)
	if err != nil {
		return err
	}
	tenant, err := p.opts.Directory.Tenant(ctx, u.Tenant)
	if err != nil {
		return err
	}
	err = password.Check(text, password.Rules{
		Location: "body.newPassword", SecondFactor: u.Role.NeedsSecondFactor(), Words: password.Words(who.Email, who.Name, tenant.Name),
	})
	if err != nil || p.opts.Breached == nil {
		return err
	}
	known, err := p.opts.Breached(ctx, text)
	if err != nil {
		p.opts.Log.WarnContext(ctx, "a new password could not be compared with breaches", "user", u.ID, "error", err)
		return nil // whoever answers that is not needed to log in
	}
	if known {
		return fault.New(fault.Invalid, "this cannot be a password").
			With(fault.Detail{Location: "body.newPassword", Message: "is known from a breach"})
	}
	return nil
}
