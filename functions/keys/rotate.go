package keys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/fault"
)

const (
	// ahead is how long before a month begins its tenant keys are made.
	ahead = 10 * 24 * time.Hour
	// atOnce is how many tenants, or keys, are read at once.
	atOnce = 200
)

// prepare makes every tenant's key of the next month, when it is near, and tells how many.
func (k *keeper) prepare(ctx context.Context) (made int, err error) {
	at := k.now().Add(ahead)
	if k.now().UTC().Month() == at.UTC().Month() {
		return 0, nil
	}
	var faults []error
	for after := ""; ; {
		q := k.ledger.QueryAllTenants("tenants").OrderBy(firestore.DocumentID, firestore.Asc).Limit(atOnce)
		if after != "" {
			q = q.StartAfter(after)
		}
		tenants, err := k.ledger.List(ctx, q)
		if err != nil {
			return made, errors.Join(append(faults, err)...)
		}
		for _, t := range tenants {
			fresh, err := k.keys.Prepare(ctx, t.ID, at)
			if err != nil {
				faults = append(faults, fmt.Errorf("prepare the next key of %s: %w", t.ID, err))
			}
			if fresh {
				made++
			}
			after = t.ID
		}
		if len(tenants) < atOnce {
			return made, errors.Join(faults...)
		}
	}
}

// errand is what a message asks for: the whole day's work when it is empty, or to go on with a rewrap.
type errand struct {
	Rewrap *envelopedb.Progress `json:"rewrap,omitempty"`
}

func parseErrand(m event.Message) (errand, error) {
	var e errand
	if len(m.Data) == 0 {
		return e, nil
	}
	if err := json.Unmarshal(m.Data, &e, json.RejectUnknownMembers(true)); err != nil {
		return e, fault.New(fault.Malformed, "this is no errand for keys").Because(err)
	}
	return e, nil
}

// rewrap wraps keys under the primary version of the KMS key, so many for a message; the next message goes on where this
// one ended. Whatever breaks off is begun anew the next day, and passes quickly over what is done.
func (k *keeper) rewrap(ctx context.Context, p envelopedb.Progress) error {
	primary, err := k.keys.Primary(ctx)
	if err != nil {
		return err
	}
	for begun := p.Seen; !p.Done && p.Seen-begun < k.perMessage; {
		if p, err = k.keys.Rewrap(ctx, primary, p, min(atOnce, k.perMessage)); err != nil {
			return err
		}
	}
	// Metrics are made of these two lines.
	k.log.InfoContext(ctx, "tenant keys are being rewrapped", "seen", p.Seen, "rewrapped", p.Rewrapped, "failed", p.Failed)
	if !p.Done {
		return k.send(ctx, errand{Rewrap: &p})
	}
	k.log.InfoContext(ctx, "tenant keys are rewrapped", "seen", p.Seen, "rewrapped", p.Rewrapped, "failed", p.Failed,
		"primary_version", envelopedb.Number(primary.Name), "lowest_version", p.Lowest)
	return k.tell(ctx, primary, p)
}

// tell keeps for the trust page how old the keys are, and under how many versions. A key that is not there yet has no age,
// and the page says so: 0 would be a young one.
func (k *keeper) tell(ctx context.Context, primary envelopedb.Version, p envelopedb.Progress) error {
	facts := map[string]any{
		"tenant-keys": days(k.now().Sub(primary.MadeAt)), "tenantKeys": p.Seen, "tenantKeysFailed": p.Failed,
		"tenantKeysPrimaryVersion": envelopedb.Number(primary.Name), "tenantKeysLowestVersion": p.Lowest,
	}
	set, err := k.public.All(ctx)
	if err != nil && !fault.Is(err, fault.NotFound) { // no token was ever asked for
		return err
	}
	if len(set) > 0 {
		facts["access-tokens"] = days(set.Age(k.now()))
	}
	faults := k.age(ctx, facts)
	if err := k.evidence.Record(ctx, evidence.KeyAges, k.now(), facts); err != nil {
		return errors.Join(faults, err)
	}
	k.log.InfoContext(ctx, "key ages", "tenant_keys_age_days", facts["tenant-keys"], "signing_keys", len(set))
	return faults
}

// age adds how old the other keys are. One that cannot be looked at does not hide the others.
func (k *keeper) age(ctx context.Context, facts map[string]any) error {
	var faults []error
	for name, key := range k.others {
		_, madeAt, err := key.Newest(ctx)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		facts[name] = days(k.now().Sub(madeAt))
		k.log.InfoContext(ctx, "key age", "key", name, "key_age_days", facts[name])
	}
	return errors.Join(faults...)
}

func days(d time.Duration) int { return int(d.Hours() / 24) }
