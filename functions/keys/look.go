package keys

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp/kmskey"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// keeper looks after keys and credentials.
type keeper struct {
	store    *identitydb.Store
	public   *identitydb.PublicKeys
	ledger   *ledgerdb.Store
	keys     *envelopedb.Keyring
	evidence *evidencedb.Store
	others   map[string]kmskey.Key                       // keys that this function does nothing with but tell their age, by their short names
	send     func(ctx context.Context, errand any) error // on the function's own topic

	perMessage int // how many tenant keys are rewrapped before the rest is left to another message

	now func() time.Time
	log *slog.Logger
}

// look does the day's work, or goes on with a rewrap that was too long for one message.
func (k *keeper) look(ctx context.Context, m event.Message) error {
	e, err := parseErrand(m)
	if err != nil {
		return err
	}
	if e.Rewrap != nil {
		return k.rewrap(ctx, *e.Rewrap)
	}
	// Each of these is done though another fails.
	made, err := k.prepare(ctx)
	return errors.Join(err, k.notice(ctx, made), k.rewrap(ctx, envelopedb.Progress{}))
}

// notice tells those whose credentials end soon, and the log how old the signing key is.
func (k *keeper) notice(ctx context.Context, made int) error {
	written, err := k.store.NoticeExpiries(ctx)
	if err != nil {
		return err
	}
	set, err := k.public.All(ctx)
	if err != nil && !fault.Is(err, fault.NotFound) { // no token was ever asked for
		return err
	}
	k.log.InfoContext(ctx, "keys looked after", "expiry_notices", written, "tenant_keys_made", made, "signing_keys", len(set))
	if len(set) > 0 {
		k.log.InfoContext(ctx, "signing key age", "signing_key_age_days", days(set.Age(k.now())))
	}
	return nil
}
