package privacy

import (
	"context"
	"errors"
	"log/slog"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/privacy"
	"ryggrad.internal/hub/shared/privacy/privacydb"
)

// atOneLook is how many jobs of each shard one look takes up.
const atOneLook = 5

// clerk carries jobs out.
type clerk struct {
	store    *privacydb.Store
	erasures objects.Bucket
	log      *slog.Logger
}

// work handles the announcement of a job, or looks for what was left behind when nothing is announced. It is safe to come
// twice: whoever comes second finds the job claimed or done.
func (c *clerk) work(ctx context.Context, m event.Message) error {
	if string(m.Data) == "{}" {
		return c.look(ctx)
	}
	announced, err := event.ParseAnnouncement(m)
	if err != nil {
		return err
	}
	return c.carryOut(ctx, announced.Tenant, announced.Event)
}

// look takes up what is due.
func (c *clerk) look(ctx context.Context) error {
	due, err := c.store.Due(ctx, atOneLook)
	if err != nil {
		return err
	}
	var faults []error
	for _, left := range due {
		faults = append(faults, c.carryOut(ctx, left.Tenant, left.ID))
	}
	return errors.Join(faults...)
}

// carryOut claims a job and does it. One that fails is put off, and found by a later look.
func (c *clerk) carryOut(ctx context.Context, tenant, id string) error {
	j, err := c.store.Load(ctx, tenant, id)
	if fault.Is(err, fault.NotFound) {
		c.log.WarnContext(ctx, "announced job is not there", "job", id, "tenant", tenant)
		return nil
	}
	if err != nil {
		return err
	}
	j, ok, err := c.store.Take(ctx, j)
	if err != nil || !ok {
		return err
	}
	err = c.do(ctx, j)
	if errors.Is(err, privacydb.ErrUnderWay) {
		c.log.InfoContext(ctx, "guest erased but for messages on their way", "job", id, "tenant", tenant, "attempt", j.Attempt)
		return c.store.Postpone(ctx, j)
	}
	if err != nil {
		// An alert matches this very text.
		c.log.ErrorContext(ctx, "guest could not be exported or erased; it is tried again",
			"job", id, "tenant", tenant, "kind", string(j.Kind), "attempt", j.Attempt, "error", err)
		return c.store.Postpone(context.WithoutCancel(ctx), j)
	}
	return nil
}

func (c *clerk) do(ctx context.Context, j privacydb.Job) error {
	if j.Kind == privacy.Export {
		if err := c.store.Export(ctx, j); err != nil {
			return err
		}
		c.log.InfoContext(ctx, "guest exported", "job", j.ID, "tenant", j.Tenant, "orders", len(j.Orders), "messages", len(j.Messages))
		return nil
	}
	erased, err := c.store.Erase(ctx, j, c.erasures)
	if err != nil {
		return err
	}
	c.log.InfoContext(ctx, "guest erased", "job", j.ID, "tenant", j.Tenant, "orders", len(j.Orders), "messages", len(j.Messages), "erased", erased)
	return nil
}
