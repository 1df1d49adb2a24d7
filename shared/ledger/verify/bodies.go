package verify

import (
	"context"

	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

// bodies reads the bytes of entries one after the other.
type bodies struct {
	log   Log
	names []string
	lines [][]byte
	next  uint64 // the place of the next line
}

// openBodies finds the bytes of a log; nil where they cannot be had.
func openBodies(ctx context.Context, log Log) (*bodies, error) {
	if log.List == nil {
		return nil, nil //nolint:nilnil // there being none is no fault
	}
	names, err := log.List(ctx, "entries/")
	return &bodies{log: log, names: names}, err
}

// read returns the bytes of the next entry, and false where they are missing.
func (b *bodies) read(ctx context.Context) ([]byte, bool, error) {
	for len(b.lines) == 0 {
		if len(b.names) == 0 || b.names[0] > tlog.BodiesPath(b.next) {
			b.next++
			return nil, false, nil
		}
		name := b.names[0]
		b.names = b.names[1:]
		if name < tlog.BodiesPath(b.next) {
			continue
		}
		raw, err := b.log.Read(ctx, name)
		if err != nil {
			return nil, false, err
		}
		if b.lines, err = tlog.ParseBodies(raw); err != nil {
			b.lines = nil // what breaks off is missing
		}
	}
	line := b.lines[0]
	b.lines = b.lines[1:]
	b.next++
	return line, len(line) > 0, nil
}

// readBodies holds the bytes of entries against what was sealed, and leaves their chains to be looked at.
func (v *run) readBodies(ctx context.Context, first uint64, entries []ledger.Hash) error {
	if v.bodies == nil {
		return nil
	}
	for i, sealed := range entries {
		place := int64(first) + int64(i) //nolint:gosec // a log is never that long
		raw, there, err := v.bodies.read(ctx)
		switch {
		case err != nil:
			return err
		case !there:
			v.finding(place, "its bytes are not there")
			continue
		case ledger.HashEntry(raw) != sealed:
			v.finding(place, "its bytes are not those that were sealed: they say %s", idOf(raw))
			continue
		}
		v.report.Bytes++
		e, err := ledger.Parse(raw)
		if err != nil {
			v.finding(place, "it was sealed and is no entry: %v", err)
			continue
		}
		if v.Object != "" && e.Object != v.Object || v.Tenant != "" && e.Tenant != v.Tenant {
			continue
		}
		if err := v.spill.add(place, e, sealed); err != nil {
			return err
		}
	}
	return nil
}

func idOf(raw []byte) string {
	e, err := ledger.Parse(raw)
	if err != nil {
		return "nothing that is an entry"
	}
	return e.ID
}
