package privacydb

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/privacy"
)

// atOnce is how many orders are erased at the same time.
const atOnce = 8

// ErrUnderWay says that messages about an order are being sent right now: all is erased but what will be written of them, so
// the job is to be done once more.
var ErrUnderWay = deliverydb.ErrUnderWay

// Erase carries out a claimed job that erases; the package's documentation says in what order. It may be repeated and may
// run twice at once. It fails with [ErrUnderWay] when it is to be repeated though nothing is wrong. It returns how many orders and messages there was something to erase of.
func (s *Store) Erase(ctx context.Context, j Job, erasures objects.Bucket) (erased int, err error) {
	raw, err := j.Erasure().Encode()
	if err != nil {
		return 0, err
	}
	if err := erasures.Create(ctx, privacy.ErasureObject(j.ID), raw); err != nil {
		return 0, fault.New(fault.Unavailable, "erasures cannot be written now").Because(err)
	}
	act := ledgerdb.Act{Tenant: j.Tenant, Actor: j.Actor, Behalf: j.Behalf, Action: ActionForget, RequestID: j.RequestID}
	var underWay atomic.Bool
	done := make([]bool, len(j.Orders)+len(j.Messages))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, id := range j.Orders {
		group.Go(func() (err error) {
			if done[i], err = s.opts.Orders.Erase(within, act, id); err != nil {
				return err
			}
			err = s.opts.Deliveries.Forget(within, j.Tenant, id)
			if errors.Is(err, ErrUnderWay) {
				underWay.Store(true)
				return nil
			}
			return err
		})
	}
	for i, id := range j.Messages {
		group.Go(func() (err error) {
			done[len(j.Orders)+i], err = s.opts.Messages.Erase(within, act, id)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	if err := s.withdraw(ctx, j); err != nil {
		return 0, err
	}
	for _, one := range done {
		if one {
			erased++
		}
	}
	if underWay.Load() {
		return erased, ErrUnderWay
	}
	return erased, s.finish(ctx, j, privacy.Manifest{})
}

// Left tells what of an erasure there still is, by collection: nothing once it is complete.
func (s *Store) Left(ctx context.Context, tenant string, orders, messages []string) (map[string]int, error) {
	now, left := s.opts.Now(), map[string]int{}
	stored, err := s.opts.Orders.LoadAll(ctx, tenant, orders)
	if err != nil {
		return nil, err
	}
	for _, o := range stored {
		left["orders"]++
		if !o.Erased(now) {
			left["orderKeys"]++
		}
		if o.HasOriginal(now) {
			left["originals"]++
		}
	}
	kept, err := s.opts.Messages.LoadAll(ctx, tenant, messages)
	if err != nil {
		return nil, err
	}
	left["messages"] = len(kept)
	return left, nil
}
