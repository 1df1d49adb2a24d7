package sealing

import (
	"cmp"
	"context"
	"slices"

	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

// candidate is an entry that waits for its place.
type candidate struct {
	ledgerdb.Stored
	entry    ledger.Entry // as its bytes say; the zero Entry when they say nothing
	hash     ledger.Hash  // of its bytes
	readable bool
}

// choose reads what is unsealed and decides what the next batch is. The bytes are left in bodies.
func (s *Sealer) choose(ctx context.Context, first uint64, bodies map[string][]byte) (tlog.Batch, error) {
	found, err := s.waiting(ctx)
	if err != nil {
		return tlog.Batch{}, err
	}
	all := make([]candidate, len(found))
	for i, stored := range found {
		all[i] = s.read(ctx, stored)
	}
	arrange(all)
	known, err := s.predecessors(ctx, all)
	if err != nil {
		return tlog.Batch{}, err
	}
	ready := s.ready(ctx, all, known)
	if len(ready) == 0 {
		ready = all // they wait for each other, which no clock explains; the order of places is not worth a halt
	}
	batch := tlog.Batch{First: first}
	for _, c := range ready {
		batch.IDs, batch.Hashes = append(batch.IDs, c.ID), append(batch.Hashes, c.hash)
		bodies[c.ID] = c.Bytes
	}
	return batch, nil
}

// waiting reads the entries that wait for a place. Documents that are none of ours are told of and taken out of the line,
// however many there are: they would stand in front of entries for ever.
func (s *Sealer) waiting(ctx context.Context) ([]ledgerdb.Stored, error) {
	for {
		found, err := s.opts.Ledger.Unsealed(ctx, perShard)
		if err != nil {
			return nil, err
		}
		var others []string
		for _, stored := range found {
			if !stored.Proper {
				s.finding(ctx, "a document among the entries is named or stored as none of ours is; it gets no place", stored.ID)
				others = append(others, stored.ID)
			}
		}
		if len(others) == 0 {
			return found, nil
		}
		if err := s.opts.Ledger.SetAside(ctx, others); err != nil {
			return nil, err
		}
	}
}

// read holds what an entry is found by against what its bytes say.
func (s *Sealer) read(ctx context.Context, stored ledgerdb.Stored) candidate {
	c := candidate{Stored: stored, hash: ledger.HashEntry(stored.Bytes)}
	var err error
	if c.entry, err = ledger.Parse(stored.Bytes); err != nil {
		s.finding(ctx, "an entry's bytes are not an entry", stored.ID)
		return c
	}
	c.readable = true
	e := c.entry
	if e.ID != stored.ID || e.Tenant != stored.Tenant || e.Object != stored.Object || e.Revision != stored.Revision ||
		c.hash.String() != stored.Hash || !e.At.Equal(stored.At) {
		s.finding(ctx, "an entry is stored as something else than its bytes say", stored.ID)
	}
	return c
}

// arrange puts entries in order: by time, and the entries of one object, whose clocks may differ, by revision in the
// places that they have together.
func arrange(all []candidate) {
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	places := map[string][]int{}
	for i, c := range all {
		if c.inChain() {
			places[c.chain()] = append(places[c.chain()], i)
		}
	}
	for _, at := range places {
		if len(at) == 1 {
			continue
		}
		chain := make([]candidate, len(at))
		for i, place := range at {
			chain[i] = all[place]
		}
		slices.SortStableFunc(chain, func(a, b candidate) int { return cmp.Compare(a.entry.Revision, b.entry.Revision) })
		for i, place := range at {
			all[place] = chain[i]
		}
	}
}

func (c candidate) inChain() bool { return c.readable && c.entry.Outcome == ledger.Done }
func (c candidate) chain() string { return c.entry.Tenant + "\x00" + c.entry.Object }

// predecessors finds the entries before those whose predecessor is not among them.
func (s *Sealer) predecessors(ctx context.Context, all []candidate) (map[ledger.Hash]ledgerdb.Stored, error) {
	here := make(map[ledger.Hash]bool, len(all))
	for _, c := range all {
		here[c.hash] = true
	}
	var wanted []ledger.Hash
	for _, c := range all {
		if c.inChain() && !zero(c.entry.Previous) && !here[c.entry.Previous] {
			wanted = append(wanted, c.entry.Previous)
		}
	}
	return s.opts.Ledger.EntriesByHash(ctx, wanted)
}

// ready leaves out the entries whose predecessor has no place yet, and tells of those whose predecessor is not there.
func (s *Sealer) ready(ctx context.Context, all []candidate, known map[ledger.Hash]ledgerdb.Stored) []candidate {
	placed := make(map[ledger.Hash]candidate, len(all))
	waiting := map[ledger.Hash]bool{}
	ready := make([]candidate, 0, len(all))
	for _, c := range all {
		before, there := known[c.entry.Previous]
		within, here := placed[c.entry.Previous]
		switch {
		case !c.inChain() || zero(c.entry.Previous):
		case here:
			s.follows(ctx, c, within.entry.Tenant, within.entry.Object, within.entry.Revision)
		case waiting[c.entry.Previous], there && before.Pending && before.Proper:
			waiting[c.hash] = true
			continue
		case there && !before.Sealed:
			s.finding(ctx, "the entry before this one is stored so that it is never sealed", c.ID)
		case there:
			s.follows(ctx, c, before.Tenant, before.Object, before.Revision)
		default:
			s.finding(ctx, "the entry before this one is not there", c.ID)
		}
		placed[c.hash] = c
		ready = append(ready, c)
	}
	return ready
}

// follows tells when the entry before is not the one before.
func (s *Sealer) follows(ctx context.Context, c candidate, tenant, object string, revision int64) {
	if tenant != c.entry.Tenant || object != c.entry.Object || revision != c.entry.Revision-1 {
		s.finding(ctx, "the entry before this one is of another chain", c.ID)
	}
}
