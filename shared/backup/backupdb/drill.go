package backupdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// DrillOptions say which hub's drill it is, and how much of it is done at once.
type DrillOptions struct {
	Hub    string            // the hub's own database, in which there is no drill
	Record *evidencedb.Store // of the hub
	From   Pause             // where an earlier call paused; zero: begin
	Budget time.Duration     // it pauses after this; 0: never
	Last   bool              // nobody tries again if it fails
}

// Pause is how far a drill is whose time was over.
type Pause struct {
	Restore string `json:"restore,omitempty"` // its ID
	Stage   string `json:"stage,omitempty"`
	Files   int64  `json:"files,omitzero"`   // of the stage that are written
	Deleted int64  `json:"deleted,omitzero"` // documents, in all
	Tries   int    `json:"tries,omitzero"`   // calls that got no further than this
}

// ParsePause reads a message, which says nothing where a drill is to begin.
func ParsePause(raw []byte) (Pause, error) {
	var p Pause
	if len(raw) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(raw, &p, json.RejectUnknownMembers(true)); err != nil {
		return p, fault.New(fault.Malformed, "this says nothing about a drill").Because(err)
	}
	if p.Restore != "" && !identity.WellFormed(restorePrefix, p.Restore) {
		return p, fault.New(fault.Malformed, "a drill's restore is not named like that")
	}
	return p, nil
}

// The stages of a drill before its restore, and after it.
const (
	stageClear = "clear"
	stageEmpty = "empty"
)

// drillTries is after how many calls in a row that got no further a drill fails.
const drillTries = 3

// What a drill ends with that is neither its success nor a failure that passes.
var (
	ErrNoBackup = errors.New("there is no backup yet to drill with")
	ErrTooSlow  = errors.New("the drill gets no further in the time of one message; drill from a machine, with `ryggrad backup drill`")
)

// Drilled tells what a drill has found.
type Drilled struct {
	Restored

	At     time.Time `json:"at"`    // the moment of hot that was restored
	Behind float64   `json:"rpo"`   // seconds from that moment to the restore: what would have been lost
	Took   float64   `json:"rto"`   // seconds until the data could have been used, pauses included
	Clean  bool      `json:"clean"` // the scratch database is empty again

	Held   bool   `json:"-"` // this call found that the backup restores
	Paused *Pause `json:"-"` // where to go on; nil: it is done
}

// Drill restores the newest backup into the restorer's database, which must be a scratch one that the hub does not use,
// compares it, records what it found, and empties the database again. Whatever is there before is emptied first, also
// where that is another drill's: that one is over then, and what comes to continue it does nothing.
func (r *Restorer) Drill(ctx context.Context, by ledgerdb.Act, o DrillOptions) (Drilled, error) {
	if r.opts.Database == o.Hub {
		return Drilled{}, fault.New(fault.Invalid, "a drill empties its database, and %s is the hub's own", o.Hub)
	}
	d := &drilling{Restorer: r, by: by, asked: o, id: o.From.Restore, recorded: o.From.Stage == stageEmpty}
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
	if err != nil && (o.Last || Lasting(err)) {
		err = d.fail(ctx, err)
	}
	return d.out, err
}

// Lasting tells whether a drill's failure is what another try finds again.
func Lasting(err error) bool {
	var refusal *backup.Refusal
	if errors.Is(err, ErrTooSlow) || errors.Is(err, ErrNoBackup) || errors.As(err, &refusal) {
		return true
	}
	kind := fault.KindOf(err)
	return err != nil && kind != fault.Unavailable && kind != fault.Internal
}

// drilling is a drill under way. How far it is lies in the database, in the progress of its restore, which is written
// first and deleted last.
type drilling struct {
	*Restorer

	by       ledgerdb.Act
	asked    DrillOptions
	id       string // of the restore
	out      Drilled
	deleted  int64
	recorded bool // that it held
}

func (d *drilling) run(ctx context.Context) error {
	p, err := d.progress(ctx)
	if p == nil || err != nil {
		return err
	}
	if p.Stage == stageClear {
		if err := d.clear(ctx, p); err != nil {
			return err
		}
	}
	if p.Ended.IsZero() {
		if d.out.Restored, err = d.Continue(ctx, d.by, d.id); err != nil {
			return err
		}
	}
	if err := d.held(ctx); err != nil {
		return err
	}
	if err := d.empty(ctx); err != nil {
		return err
	}
	err = d.opts.Ledger.Bookkeep(ctx, identity.Hub, ledgerdb.Drop(progressRef(d.id)))
	d.out.Clean = err == nil
	return err
}

// progress returns how far the drill is. It is nil where there is no such drill any more.
func (d *drilling) progress(ctx context.Context) (*progress, error) {
	if d.id == "" {
		return d.claim(ctx)
	}
	p, err := loadProgress(ctx, d.opts.Ledger, d.id)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return &p, err
}

// claim takes the database from whoever had it.
func (d *drilling) claim(ctx context.Context) (*progress, error) {
	p, err := d.newProgress(Choice{}, stageClear)
	if err != nil {
		return nil, err
	}
	others, err := d.opts.Ledger.List(ctx, d.opts.Ledger.QueryAllTenants(collectionProgress))
	if err != nil {
		return nil, err
	}
	writes := []ledgerdb.Write{ledgerdb.Add(progressRef(p.ID), p.fields())}
	for _, o := range others {
		writes = append(writes, ledgerdb.Drop(o.Ref))
	}
	if err := d.opts.Ledger.Bookkeep(ctx, identity.Hub, writes...); err != nil {
		return nil, err
	}
	d.id = p.ID
	p, err = loadProgress(ctx, d.opts.Ledger, d.id)
	return &p, err
}

// clear empties the database for the restore, and chooses what is restored.
func (d *drilling) clear(ctx context.Context, p *progress) (err error) {
	if err := d.empty(ctx); err != nil {
		return err
	}
	p.Chosen, err = d.choose(ctx, p.Choice)
	if fault.Is(err, fault.NotFound) {
		return fmt.Errorf("%w: %w", ErrNoBackup, err)
	}
	if err != nil {
		return err
	}
	p.Stage, p.BegunAt = stageHot, d.now()
	return p.save(ctx, d.opts.Ledger)
}

// held records that the backup restores, by what the restore left in the database. Emptying it begins only after that, so
// what is not there any more was recorded.
func (d *drilling) held(ctx context.Context) error {
	p, err := loadProgress(ctx, d.opts.Ledger, d.id)
	if err != nil {
		return err
	}
	restored, err := d.opts.Ledger.Get(ctx, identity.Hub, ledgerdb.Ref{Collection: collectionRestores, ID: d.id})
	if fault.Is(err, fault.NotFound) {
		d.recorded = true
		return nil
	}
	if err != nil {
		return err
	}
	d.out.ID, d.out.Moments, d.out.At = p.ID, p.Chosen, p.Chosen[backup.Hot]
	d.out.Documents, _ = restored.Fields["documents"].(int64)
	d.out.Took, d.out.Behind = p.Ended.Sub(p.BegunAt).Seconds(), p.BegunAt.Sub(d.out.At).Seconds()
	err = d.record(ctx, map[string]any{
		"ok": true, "seconds": d.out.Took, "documents": d.out.Documents, "secondsBehind": d.out.Behind,
	})
	d.recorded = err == nil
	d.out.Held = d.recorded && d.asked.From.Stage != stageEmpty
	return err
}

// fail records that it failed, unless another drill has overtaken it meanwhile. What could not be recorded is to be tried again.
func (d *drilling) fail(ctx context.Context, failure error) error {
	if d.id != "" {
		if _, err := loadProgress(ctx, d.opts.Ledger, d.id); fault.Is(err, fault.NotFound) {
			return nil
		}
	}
	if d.recorded || errors.Is(failure, ErrNoBackup) {
		return failure
	}
	if err := d.record(ctx, map[string]any{"ok": false}); err != nil {
		return fmt.Errorf("%w; the drill ended with: %v", err, failure) //nolint:errorlint // the first decides what follows
	}
	return failure
}

func (d *drilling) record(ctx context.Context, facts map[string]any) error {
	return d.asked.Record.Record(ctx, evidence.Drill, d.now(), facts)
}

// pause says where to go on.
func (d *drilling) pause(ctx context.Context, cause error) error {
	from := d.asked.From
	next := Pause{Restore: d.id, Deleted: from.Deleted + d.deleted, Tries: from.Tries}
	if d.id != "" {
		p, err := loadProgress(ctx, d.opts.Ledger, d.id)
		switch {
		case fault.Is(err, fault.NotFound):
			return nil // it is over
		case err != nil:
			return err
		case d.recorded:
			next.Stage = stageEmpty
		default:
			next.Stage, next.Files = p.Stage, p.Files
		}
	}
	if next != from {
		next.Tries = 0
	} else if next.Tries++; next.Tries == drillTries {
		return fmt.Errorf("%w: %w", ErrTooSlow, cause)
	}
	d.out.Paused = &next
	return nil
}

// empty deletes everything that a restore writes, but how far it is. It ends where another drill has the database.
func (d *drilling) empty(ctx context.Context) error {
	out := newWriter(ctx, d.opts.Documents, d.opts.Project, d.opts.Database)
	read := d.remove(out)
	written := out.flush(ctx)
	d.deleted += out.written.Load()
	if err := cmp.Or(written, read); err != nil { // what cannot be written ends the reading
		return fmt.Errorf("empty the scratch database: %w", err)
	}
	return nil
}

func (d *drilling) remove(out *writer) error {
	n := int64(0)
	for _, c := range d.target.table {
		if c.Name == collectionProgress {
			continue
		}
		if _, err := loadProgress(out.ctx, d.opts.Ledger, d.id); err != nil {
			return err
		}
		err := d.target.everything(out.ctx, c.Name, func(doc *firestorepb.Document) error {
			out.remove(doc)
			if n++; n%1000 == 0 {
				d.opts.Tell(Tidings{Stage: stageEmpty, Documents: n, Of: n})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
