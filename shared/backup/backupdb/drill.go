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

// DrillOptions say which hub's drill it is, and how much of it is done at once.
type DrillOptions struct {
	Hub    string            // the hub's own database, in which there is no drill
	Record *evidencedb.Store // of the hub
	From   Pause             // where an earlier call paused; zero: begin
	Budget time.Duration     // it pauses after this; 0: never
}

// Pause is how far a drill is whose time was over.
type Pause struct {
	Restore string `json:"restore,omitempty"` // its ID; empty: nothing is restored yet
	Stage   string `json:"stage,omitempty"`
	Done    int64  `json:"done,omitempty"` // of the stage: files that are written, or documents that are deleted
}

// stageEmpty is the stage of a drill before and after its restore.
const stageEmpty = "empty"

// restored tells whether only emptying is left.
func (p Pause) restored() bool { return p.Restore != "" && p.Stage == stageEmpty }

// Drilled tells what a drill has found.
type Drilled struct {
	Restored

	At     time.Time `json:"at"`    // the moment of hot that was restored
	Behind float64   `json:"rpo"`   // seconds from that moment to the drill: what would have been lost
	Took   float64   `json:"rto"`   // seconds until the data could have been used
	Clean  bool      `json:"clean"` // the scratch database is empty again

	Paused *Pause `json:"paused,omitempty"` // where to go on; nil: it is done
}

// Drill restores the newest backup into the restorer's database, which must be a scratch one that the hub does not use,
// compares it, records what it found, and empties the database again. Whatever an earlier drill left there is emptied
// first. A drill that has paused goes on from there, unless another one was begun since: then there is nothing to do.
func (r *Restorer) Drill(ctx context.Context, by ledgerdb.Act, o DrillOptions) (Drilled, error) {
	if r.opts.Database == o.Hub {
		return Drilled{}, fault.New(fault.Invalid, "a drill empties its database, and %s is the hub's own", o.Hub)
	}
	d := &drilling{Restorer: r, by: by, asked: o, begun: r.opts.Now()}
	working := ctx
	if o.Budget > 0 {
		var cancel context.CancelFunc
		working, cancel = r.within(ctx, o.Budget)
		defer cancel()
	}
	err := d.run(working)
	if err != nil && working.Err() != nil && ctx.Err() == nil {
		err = d.pause(ctx, err)
	}
	if err != nil && !d.recorded {
		err = d.record(ctx, err)
	}
	return d.out, err
}

// drilling is a drill under way.
type drilling struct {
	*Restorer

	by       ledgerdb.Act
	asked    DrillOptions
	begun    time.Time
	out      Drilled
	emptied  int64 // documents that were deleted since the stage began
	recorded bool  // what was found is
}

func (d *drilling) run(ctx context.Context) error {
	from, over, err := d.from(ctx)
	if err != nil || over {
		return err
	}
	d.out.ID, d.recorded = from.Restore, from.restored()
	if from.Stage == stageEmpty {
		d.emptied = from.Done
	}
	if !d.recorded {
		if err := d.bringBack(ctx); err != nil {
			return err
		}
		if err := d.record(ctx, nil); err != nil {
			return err
		}
		d.emptied = 0
	}
	err = d.empty(ctx)
	d.out.Clean = err == nil
	return err
}

// from finds out where to begin. Where another drill has begun since, the database is that one's, and this one is over.
func (d *drilling) from(ctx context.Context) (from Pause, over bool, err error) {
	from = d.asked.From
	if from.Restore == "" {
		return from, false, nil
	}
	p, err := loadProgress(ctx, d.opts.Ledger, from.Restore)
	switch {
	case fault.Is(err, fault.NotFound): // it was deleted with the rest
		other, err := d.Unfinished(ctx)
		return Pause{Restore: from.Restore, Stage: stageEmpty, Done: from.Done}, other != "", err
	case err == nil && !p.Ended.IsZero() && !from.restored(): // whether it was recorded, its process did not live to say
		return Pause{}, false, nil
	default:
		return from, false, err
	}
}

// bringBack restores into an empty database, or goes on with that.
func (d *drilling) bringBack(ctx context.Context) (err error) {
	if d.out.ID != "" {
		d.out.Restored, err = d.Continue(ctx, d.by, d.out.ID)
		return err
	}
	if err := d.empty(ctx); err != nil {
		return err
	}
	d.out.Restored, err = d.Run(ctx, d.by, Choice{})
	return err
}

// pause says where to go on, if that is further than where it began.
func (d *drilling) pause(ctx context.Context, cause error) error {
	next := Pause{Restore: d.out.ID, Stage: stageEmpty, Done: d.emptied}
	if !d.recorded && next.Restore != "" {
		p, err := loadProgress(ctx, d.opts.Ledger, next.Restore)
		if err != nil {
			return err
		}
		next.Stage, next.Done = p.Stage, p.Files
	}
	if next == d.asked.From {
		return fmt.Errorf("in %s a drill does not get further than %d of the stage %q; "+
			"drill from a machine instead, with `ryggrad backup drill`: %w", d.asked.Budget, next.Done, next.Stage, cause)
	}
	d.out.Paused = &next
	return nil
}

// record records what was found, and returns the failure.
func (d *drilling) record(ctx context.Context, failure error) error {
	now := d.opts.Now()
	d.out.At, d.out.Took = d.out.Moments[backup.Hot], now.Sub(d.begun).Seconds()
	if failure == nil {
		d.out.Took = d.out.Seconds // of all calls
		d.out.Behind = now.Sub(d.out.At).Seconds() - d.out.Took
	}
	err := d.asked.Record.Record(ctx, evidence.Drill, now, map[string]any{
		"ok": failure == nil, "seconds": d.out.Took, "documents": d.out.Documents, "secondsBehind": d.out.Behind,
	})
	d.recorded = err == nil
	if failure != nil {
		return failure
	}
	return err
}

// empty deletes everything that a restore writes.
func (d *drilling) empty(ctx context.Context) error {
	out := newWriter(ctx, d.opts.Documents, d.opts.Project, d.opts.Database)
	for _, c := range d.target.table {
		err := d.target.everything(ctx, c.Name, func(doc *firestorepb.Document) error {
			out.remove(doc)
			if d.emptied++; d.emptied%1000 == 0 {
				d.opts.Tell(Tidings{Stage: stageEmpty, Documents: d.emptied, Of: d.emptied})
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("empty the scratch database: %w", err)
		}
	}
	if err := out.flush(ctx); err != nil {
		return fmt.Errorf("empty the scratch database: %w", err)
	}
	return nil
}
