package channeldb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// inOne is how many values one query compares with: Firestore allows 30.
const inOne = 30

// About returns the tenant's messages that name one of the channel's orders of a link, whatever their state.
func (s *Store) About(ctx context.Context, tenant, link string, channelOrderIDs []string) ([]Stored, error) {
	var all []Stored
	for some := range slices.Chunk(channelOrderIDs, inOne) {
		found, err := s.opts.Ledger.List(ctx, s.opts.Ledger.Query(tenant, collectionMessages).
			Where("link", "==", link).Where("channelOrderId", "in", some))
		if err != nil {
			return nil, fmt.Errorf("find messages about orders: %w", err)
		}
		for _, o := range found {
			m, err := parse(o)
			if err != nil {
				return nil, err
			}
			if !s.expired(o) {
				all = append(all, m)
			}
		}
	}
	return all, nil
}

// Together is how many messages [Store.LoadAll] reads by one RPC, with their bytes of up to 1 MiB each.
const Together = 20

// LoadAll reads messages of the tenant whose bytes are still kept. Others are left out.
func (s *Store) LoadAll(ctx context.Context, tenant string, ids []string) ([]Stored, error) {
	var all []Stored
	for some := range slices.Chunk(ids, Together) {
		var refs []ledgerdb.Ref
		for _, id := range some {
			refs = append(refs, partsOf(id)...)
		}
		found, err := s.opts.Ledger.GetAll(ctx, tenant, refs...)
		if err != nil {
			return nil, fmt.Errorf("load messages: %w", err)
		}
		for one := range slices.Chunk(found, len(partsOf(""))) {
			if !one[0].Exists() || s.expired(one[0]) || !one[1].Exists() {
				continue
			}
			m, err := parse(one[0])
			if err != nil {
				return nil, err
			}
			m.key, m.bytes = one[1], one[2]
			all = append(all, m)
		}
	}
	return all, nil
}

func partsOf(id string) []ledgerdb.Ref {
	return []ledgerdb.Ref{ref(id), {Collection: collectionKeys, ID: id}, {Collection: collectionOriginals, ID: id}}
}

// perPage is how many messages one query lists.
const perPage = 500

// Unread returns the ids of the tenant's messages that made no order when they came: failed ones, early cancellations, and
// both when they were settled, with an order or without. It returns at most most, of each state the newest first, and tells
// whether these are all. What was only noted is not among them.
func (s *Store) Unread(ctx context.Context, tenant string, most int) (ids []string, all bool, err error) {
	for _, state := range []channel.KeptState{channel.KeptFailed, channel.KeptWaiting, channel.KeptMissed, channel.KeptSettled} {
		for page := (Page{Next: ""}); ; {
			page, err = s.List(ctx, tenant, state, page.Next, perPage)
			if err != nil {
				return nil, false, err
			}
			for _, m := range page.Messages {
				if len(ids) == most {
					return ids, false, nil
				}
				ids = append(ids, m.ID)
			}
			if page.Next == "" {
				break
			}
		}
	}
	return ids, true, nil
}

// Erase forgets for good what a message said; what was understood of it stays. It tells whether there was anything left
// to erase; erasing again changes nothing.
func (s *Store) Erase(ctx context.Context, act ledgerdb.Act, id string) (erased bool, err error) {
	for range tries {
		found, err := s.opts.Ledger.GetAll(ctx, act.Tenant, partsOf(id)...)
		if err != nil {
			return false, fmt.Errorf("erase message %s: %w", id, err)
		}
		if !found[1].Exists() && !found[2].Exists() {
			return erased, nil
		}
		gone := []ledgerdb.Write{ledgerdb.Drop(partsOf(id)[1]), ledgerdb.Drop(partsOf(id)[2])}
		if !found[0].Exists() {
			return true, s.opts.Ledger.Bookkeep(ctx, act.Tenant, gone...)
		}
		_, err = s.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Replace(found[0], maps.Clone(found[0].Fields))}, gone...)
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, ledgerdb.ErrStale) && !errors.Is(err, ledgerdb.ErrContended) {
			return false, fmt.Errorf("erase message %s: %w", id, err)
		}
		erased = true // by this very commit, if nothing is left the next time
	}
	return false, fault.New(fault.Unavailable, "too many change this message at once; try again").After(time.Second)
}

// tries bounds how often an erasure is decided anew because somebody else was faster.
const tries = 8
