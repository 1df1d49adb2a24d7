package backupdb

import (
	"context"
	"fmt"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// Drilled tells what a drill has found.
type Drilled struct {
	Restored

	At     time.Time `json:"at"`    // the moment of hot that was restored
	Behind float64   `json:"rpo"`   // seconds from that moment to the drill: what would have been lost
	Took   float64   `json:"rto"`   // seconds until the data could have been used
	Clean  bool      `json:"clean"` // the scratch database is empty again
}

// Drill restores the newest backup into the restorer's database, which must be a scratch one that the hub does not use,
// compares it, empties it again, and records what it found. Whatever an earlier drill left there is emptied first.
func (r *Restorer) Drill(ctx context.Context, by ledgerdb.Act, hubDatabase string, record *evidencedb.Store) (Drilled, error) {
	if r.opts.Database == hubDatabase {
		return Drilled{}, fault.New(fault.Invalid, "a drill empties its database, and %s is the hub's own", hubDatabase)
	}
	if err := r.empty(ctx); err != nil {
		return Drilled{}, fmt.Errorf("empty the scratch database: %w", err)
	}
	begun := r.opts.Now()
	out, err := r.Run(ctx, by, Choice{})
	d := Drilled{Restored: out, At: out.Moments[backup.Hot], Took: r.opts.Now().Sub(begun).Seconds()}
	if err == nil {
		d.Behind = begun.Sub(d.At).Seconds()
		err = r.empty(ctx)
		d.Clean = err == nil
	}
	facts := map[string]any{"ok": err == nil, "seconds": d.Took, "documents": out.Documents, "secondsBehind": d.Behind}
	if recordErr := record.Record(ctx, evidence.Drill, begun, facts); recordErr != nil && err == nil {
		err = recordErr
	}
	return d, err
}

// empty deletes everything that a restore writes.
func (r *Restorer) empty(ctx context.Context) error {
	out := newWriter(ctx, r.opts.Documents, r.opts.Project, r.opts.Database)
	for _, c := range r.target.table {
		n := int64(0)
		err := r.target.everything(ctx, c.Name, func(doc *firestorepb.Document) error {
			out.remove(doc)
			if n++; n%1000 == 0 {
				r.opts.Tell(Tidings{Stage: "empty", Documents: n, Of: n})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return out.flush(ctx)
}
