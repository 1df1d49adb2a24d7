package identitydb

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// Once is something of a client's that counts one time only: an assertion, or a signed request. The zero Once is nothing.
type Once struct {
	ref   ledgerdb.Ref
	until time.Time // when it would be refused anyway
}

// onceOf names a client's message by what it is and the id that the client gave it.
func onceOf(what, client, id string, until time.Time) Once {
	sum := sha256.Sum256([]byte(what + "\x00" + client + "\x00" + id))
	name := "one_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
	return Once{ref: ref(collectionOnce, name), until: until}
}

// write remembers it, with whatever it is committed with.
func (o Once) write(nonce string) ledgerdb.Write {
	return ledgerdb.Add(o.ref, map[string]any{"nonce": nonce, "expireAt": stored(o.until)})
}

// Spend remembers it, or refuses it with [fault.Unauthenticated] because that was done before, by whichever instance. It
// is one write; that a write succeeded without telling is found out by its nonce.
func (a *Authenticator) Spend(ctx context.Context, tenant string, o Once) error {
	nonce := rand.Text()
	err := a.opts.Ledger.Bookkeep(ctx, tenant, o.write(nonce))
	if !errors.Is(err, ledgerdb.ErrExists) {
		return err
	}
	there, readErr := a.opts.Ledger.Get(ctx, tenant, o.ref)
	if readErr == nil && there.Fields["nonce"] == nonce {
		return nil
	}
	if readErr != nil && !fault.Is(readErr, fault.NotFound) {
		return readErr
	}
	return refused("this was sent before")
}

// stored gives a time the form it has in the store.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
