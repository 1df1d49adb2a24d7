package peopledb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/password"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	// currentPeppers is the id of the one document of peppers.
	currentPeppers = "current"
	// peppersRead is how often the peppers are read again.
	peppersRead = 10 * time.Minute
	// peppersOutage is how long known peppers are good while nothing can be read.
	peppersOutage = time.Hour
)

// known returns the peppers, as read at most age ago. The first one is made when there is none.
func (p *People) known(ctx context.Context, age time.Duration) (password.Peppers, error) {
	all, err := p.peppers.Get(ctx, age)
	if !fault.Is(err, fault.NotFound) {
		return all, err
	}
	act := ledgerdb.Act{Actor: identity.Actor{Kind: identity.KindSystem, ID: "auth"}}
	if err := p.RotatePepper(ctx, act); err != nil && !errors.Is(err, ledgerdb.ErrExists) {
		return nil, err
	}
	p.peppers.Forget()
	return p.peppers.Get(ctx, age)
}

// RotatePepper makes a new pepper, for all hashes from now on. Former ones are kept: they are needed until everybody has
// logged in once more.
func (p *People) RotatePepper(ctx context.Context, by ledgerdb.Act) error {
	by.Tenant, by.Action = identity.Hub, "pepper.rotate"
	one, err := p.newPepper(ctx)
	if err != nil {
		return err
	}
	at := ref(collectionPeppers, currentPeppers)
	err = p.store.Change(ctx, by, at, func(o ledgerdb.Object) (map[string]any, []ledgerdb.Write, error) {
		all, ok := o.Fields["peppers"].([]any)
		if !ok {
			return nil, nil, errors.New("the document of peppers holds no list")
		}
		return map[string]any{"peppers": append(append([]any(nil), all...), one)}, nil, nil
	})
	if fault.Is(err, fault.NotFound) {
		return p.store.Commit(ctx, by, ledgerdb.Create(at, map[string]any{"peppers": []any{one}}), at)
	}
	return err
}

// newPepper draws a pepper and seals it by the hub's own key, which KMS wraps.
func (p *People) newPepper(ctx context.Context) (map[string]any, error) {
	key, err := p.opts.Keys.Current(ctx, identity.Hub)
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 32)
	if _, err := io.ReadFull(p.opts.Random, secret); err != nil {
		return nil, fmt.Errorf("read random bytes for a pepper: %w", err)
	}
	id := strings.ToLower(rand.Text()[:12])
	sealed, err := key.Seal(secret, pepperPlace(id))
	return map[string]any{"id": id, "sealed": sealed, "createdAt": p.store.Now()}, err
}

func pepperPlace(id string) envelope.Binding {
	return envelope.Binding{Tenant: identity.Hub, Collection: collectionPeppers, Document: currentPeppers, Field: id}
}

func (p *People) loadPeppers(ctx context.Context) (password.Peppers, error) {
	o, err := p.opts.Ledger.Get(ctx, identity.Hub, ref(collectionPeppers, currentPeppers))
	if err != nil {
		return nil, err
	}
	stored, _ := o.Fields["peppers"].([]any)
	all := make(password.Peppers, len(stored))
	for i, one := range stored {
		fields, _ := one.(map[string]any)
		id, _ := fields["id"].(string)
		sealed, _ := fields["sealed"].([]byte)
		key, err := p.opts.Keys.Open(ctx, sealed, pepperPlace(id))
		if err != nil {
			return nil, fmt.Errorf("open pepper %s: %w", id, err)
		}
		all[i] = password.Pepper{ID: id, Key: key}
	}
	return all, nil
}

// hash makes a slow hash of a new password.
func (p *People) hash(ctx context.Context, text string) (string, error) {
	peppers, err := p.known(ctx, peppersRead)
	if err != nil {
		return "", err
	}
	var salt password.Salt
	if _, err := io.ReadFull(p.opts.Random, salt[:]); err != nil {
		return "", fmt.Errorf("read random bytes for a salt: %w", err)
	}
	var stored string
	err = p.opts.Gate.Pass(ctx, func() { stored = p.opts.Cost.Hash(text, peppers.Newest(), salt) })
	return stored, err
}

// verify checks a password against what is stored, or against a decoy when nothing is, with the same work: one slow hash.
// For one that is right but kept in an old way it returns how to keep it from now on.
func (p *People) verify(ctx context.Context, text, stored string) (right bool, renewed string, err error) {
	for _, age := range []time.Duration{peppersRead, 0} {
		peppers, err := p.known(ctx, age)
		if err != nil {
			return false, "", err
		}
		want := stored
		if want == "" {
			want = p.opts.Cost.Decoy(peppers.Newest())
		}
		var answer password.Answer
		var verifyErr error
		if err := p.opts.Gate.Pass(ctx, func() { answer, verifyErr = p.opts.Cost.Verify(text, want, peppers) }); err != nil {
			return false, "", err
		}
		switch {
		case errors.Is(verifyErr, password.ErrPepper) && age != 0:
			continue // the pepper may be newer than what is remembered
		case verifyErr != nil:
			return false, "", verifyErr
		case answer == password.RightButOld:
			renewed, err = p.hash(ctx, text)
		}
		return answer != password.Wrong, renewed, err
	}
	return false, "", nil
}
