package privacy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/privacy"
	"ryggrad.internal/hub/shared/privacy/privacydb"
)

// tenantsAtOnce is how many tenants are read at once.
const tenantsAtOnce = 200

// keeper deletes what was kept for long enough.
type keeper struct {
	store    *privacydb.Store
	tenants  *identitydb.Store
	erasures objects.Bucket
	evidence *evidencedb.Store
	now      func() time.Time
	log      *slog.Logger
}

// retain does the day's work, tenant by tenant. Who breaks off goes on the next time: what was deleted is not found again.
func (k *keeper) retain(ctx context.Context, _ event.Message) error {
	var faults []error
	page, total := identitydb.Page{Limit: tenantsAtOnce}, 0
	for {
		tenants, err := k.tenants.Tenants(ctx, page)
		if err != nil {
			return errors.Join(append(faults, err)...)
		}
		for _, t := range tenants {
			page.After = t.ID
			deleted, err := k.store.Retain(ctx, t.ID, t.Retention)
			if err != nil {
				faults = append(faults, fmt.Errorf("retention of %s: %w", t.ID, err))
			}
			for _, n := range deleted {
				total += n
			}
		}
		if len(tenants) < tenantsAtOnce {
			break
		}
	}
	k.log.InfoContext(ctx, "what was kept long enough is deleted", "documents", total, "failed", len(faults))
	return errors.Join(append(faults, k.tell(ctx))...)
}

// tell keeps for the trust page how many erasures there were, and when the last copy of an erased guest is gone.
func (k *keeper) tell(ctx context.Context) error {
	names, err := k.erasures.List(ctx, privacy.ErasureFolder, "")
	if err != nil {
		return fmt.Errorf("count erasures: %w", err)
	}
	return k.evidence.Record(ctx, evidence.Erasure, k.now(), map[string]any{
		"horizonDays": int(privacy.Horizon.Hours() / 24), "erasures": len(names),
	})
}
