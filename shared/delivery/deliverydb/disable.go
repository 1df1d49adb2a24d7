package deliverydb

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// Disable switches an endpoint off on the hub's own account, and tells the tenant's other endpoints by an event in the
// same commit. One that is off already, or gone, is left as it is.
func (s *Store) Disable(ctx context.Context, tenant, id string, why delivery.Reason) error {
	act := ledgerdb.Act{Tenant: tenant, Actor: identity.Actor{Kind: identity.KindSystem, ID: "delivery"}, Action: ActionDisable}
	for range tries {
		e, object, err := s.endpoint(ctx, tenant, id)
		if fault.Is(err, fault.NotFound) || err == nil && e.Disabled {
			return nil
		}
		if err != nil {
			return err
		}
		off := e.Disable(why)
		err = s.commit(ctx, act, ledgerdb.Replace(object, off.Document()), object.Ref, s.disabled(off, object.Revision+1))
		if !errors.Is(err, ledgerdb.ErrStale) {
			return err
		}
	}
	return fmt.Errorf("disable endpoint %s: %w", id, tooMany())
}

// disabled is the event that tells of it. Its id is made of the endpoint's and its revision, so that there is one only.
func (s *Store) disabled(e delivery.Endpoint, revision int64) ledgerdb.Write {
	id := eventID(e.ID, strconv.FormatInt(revision, 10))
	ev := delivery.Event{
		ID: id, Tenant: e.Tenant, Type: delivery.EndpointDisabled, OccurredAt: s.now(), Pending: true,
		Data: map[string]any{"endpoint": e.ID, "reason": string(e.Reason)},
	}
	return ledgerdb.Add(eventRef(id), ev.Document())
}

// eventID makes an event's id of what it tells of, so that there is one of it only.
func eventID(of ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(of, " ")))
	return delivery.EventPrefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}
