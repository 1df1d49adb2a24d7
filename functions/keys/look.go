package keys

import (
	"context"
	"log/slog"
	"time"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity/identitydb"
)

// keeper looks after keys and credentials.
type keeper struct {
	store  *identitydb.Store
	public *identitydb.PublicKeys
	now    func() time.Time
	log    *slog.Logger
}

// look does the day's work.
func (k *keeper) look(ctx context.Context, _ event.Message) error {
	written, err := k.store.NoticeExpiries(ctx)
	if err != nil {
		return err
	}
	set, err := k.public.All(ctx)
	if err != nil && !fault.Is(err, fault.NotFound) { // no token was ever asked for
		return err
	}
	k.log.InfoContext(ctx, "keys looked after", "expiry_notices", written,
		"signing_key_age_days", int(set.Age(k.now()).Hours()/24), "signing_keys", len(set))
	return nil
}
