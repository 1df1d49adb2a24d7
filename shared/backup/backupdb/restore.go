package backupdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	firestoreapi "cloud.google.com/go/firestore/apiv1"
	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared"
	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/line"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/privacy"
)

// RestoreOptions are what a Restorer needs; every field but Tell is required.
type RestoreOptions struct {
	Vault     Vault
	Erasures  func(context.Context, func(privacy.Erasure)) error // gives every erasure there is
	Log       SealedLog
	Documents *firestoreapi.Client // of the database that is restored
	Project   string
	Database  string
	Ledger    *ledgerdb.Store // of the same
	Now       func() time.Time
	Random    io.Reader
	Tell      func(Tidings) // how far it is
}

// Tidings say how far a restore is.
type Tidings struct {
	Stage     string
	Documents int64 // of the stage that are done
	Of        int64 // how many there are about
}

// Restorer brings backups back.
type Restorer struct {
	opts   RestoreOptions
	target source
	ttl    map[string]string     // the field that documents expire by, by collection
	sets   map[string]backup.Set // by collection
	atOnce int64                 // how many changed documents, or entries of the log, are remembered at a time
}

// rememberAtOnce is how many changed documents, or entries of the log, are remembered at a time.
const rememberAtOnce = 500_000

// NewRestorer returns a restorer.
func NewRestorer(opts RestoreOptions) (*Restorer, error) {
	s, err := newSource(opts.Documents, opts.Project, opts.Database)
	if err != nil {
		return nil, err
	}
	if opts.Tell == nil {
		opts.Tell = func(Tidings) {}
	}
	r := &Restorer{opts: opts, target: s, ttl: map[string]string{}, sets: map[string]backup.Set{}, atOnce: rememberAtOnce}
	for _, c := range s.table {
		r.ttl[c.Name], r.sets[c.Name] = c.TTL, backup.Set(c.Backup)
	}
	return r, nil
}

// Restored tells what a restore has done.
type Restored struct {
	ID        string                   `json:"id"`
	Moments   map[backup.Set]time.Time `json:"moments"`
	Documents int64                    `json:"documents"`
	Expired   int64                    `json:"expired"` // documents that were left out because their time was over
	Erased    int64                    `json:"erased"`  // documents that were left out because an erasure names them
	Log       LogRestored              `json:"log"`
	Lost      []string                 `json:"lost"`     // objects that the log tells of after the moment, and that are in no backup
	PutBack   int64                    `json:"putBack"`  // objects that the log tells of after the moment, and that are as they were at it
	Disabled  []Disabled               `json:"disabled"` // credentials that were changed after the moment: see [Restorer.Confirm]
	Seconds   float64                  `json:"seconds"`
}

// The stages of a restore, in their order.
const (
	stageHot     = "hot"
	stageKeys    = "keys"
	stageCompare = "compare"
	stageLog     = "log"
	stageChains  = "chains"
	stageConfig  = "config"
	stageEnd     = "end"
)

// restoring is a restore under way.
type restoring struct {
	*Restorer

	by      ledgerdb.Act
	p       progress
	erased  erased
	wrote   backup.Tallies // what must be there afterwards
	heads   heads
	tail    *logTail        // nil: there is no log
	parts   int             // in how many the objects of the tail are gone through
	altered map[string]bool // objects of the config set that do not come back as they were
	written int64
	total   int64
	out     Restored
}

// Run restores what is chosen into an empty database. If that is a part, the database is one to look at and not one to work
// with: the log goes on in it no further than the moment, no backup is made of it, and every credential in it is disabled.
func (r *Restorer) Run(ctx context.Context, by ledgerdb.Act, c Choice) (Restored, error) {
	if err := errors.Join(r.knows(c), r.mustBeEmpty(ctx)); err != nil {
		return Restored{}, err
	}
	p, err := r.begin(ctx, c)
	if err != nil {
		return Restored{}, err
	}
	return r.continueFrom(ctx, by, p)
}

// begin says in the database what is brought back into it.
func (r *Restorer) begin(ctx context.Context, c Choice) (progress, error) {
	id, err := identity.NewID(restorePrefix, r.opts.Random)
	if err != nil {
		return progress{}, err
	}
	chosen, err := r.choose(ctx, c)
	if err != nil {
		return progress{}, err
	}
	p := progress{
		ID: id, Source: r.opts.Vault.Project, Choice: c, Chosen: chosen, BegunAt: r.opts.Now().UTC().Truncate(time.Microsecond), Stage: stageHot, LogFrom: -1,
		Holder: id,
	}
	if err := p.save(ctx, r.opts.Ledger); err != nil {
		return p, err
	}
	return p, p.alone(ctx, r.opts.Ledger)
}

// knows refuses collections that are in no backup.
func (r *Restorer) knows(c Choice) error {
	for _, collection := range c.Collections {
		if set := r.sets[collection]; set == "" || set == "none" {
			return fault.New(fault.Invalid, "%q is no collection that is backed up", collection)
		}
	}
	return nil
}

// Continue goes on with a restore that broke off.
func (r *Restorer) Continue(ctx context.Context, by ledgerdb.Act, id string) (Restored, error) {
	p, err := loadProgress(ctx, r.opts.Ledger, id)
	switch {
	case err != nil:
		return Restored{}, err
	case p.Source != r.opts.Vault.Project:
		return Restored{}, fault.New(fault.Invalid, "the restore %s is of the backups of %s", id, p.Source)
	case !p.Ended.IsZero():
		return Restored{}, fault.New(fault.Conflict, "the restore %s ended at %s", id, p.Ended.Format(time.RFC3339))
	}
	if p.Holder, err = identity.NewID(restorePrefix, r.opts.Random); err != nil {
		return Restored{}, err
	}
	if err := p.save(ctx, r.opts.Ledger); err != nil { // from now on the process that was at it cannot go on
		return Restored{}, err
	}
	return r.continueFrom(ctx, by, p)
}

// Unfinished returns the restore of the database that is not finished, or "".
func (r *Restorer) Unfinished(ctx context.Context) (string, error) {
	_, running, err := lastRestore(ctx, r.opts.Ledger)
	return running, err
}

// choose finds the moments: hot and config at or before the wanted one, and the newest keys there are, so that what was
// erased since stays erased.
func (r *Restorer) choose(ctx context.Context, c Choice) (map[backup.Set]time.Time, error) {
	chosen := map[backup.Set]time.Time{}
	for _, set := range backup.Sets() {
		if !r.wants(c, set) {
			continue
		}
		notAfter := c.At
		if set == backup.Keys {
			notAfter = time.Time{}
		}
		at, err := r.opts.Vault.Newest(ctx, set, notAfter)
		if err != nil {
			return nil, err
		}
		chosen[set] = at
	}
	return chosen, nil
}

// mustBeEmpty refuses a database that holds anything that a restore writes.
func (r *Restorer) mustBeEmpty(ctx context.Context) error {
	for _, c := range r.target.table {
		if c.Backup == "none" && c.Name != collectionRestores && c.Name != collectionProgress {
			continue
		}
		q := r.target.query(stretch{collection: c.Name}, backup.Cursor{})
		q.Limit.Value = 1
		err := r.target.run(ctx, q, time.Time{}, func(doc *firestorepb.Document) error {
			return fault.New(fault.Conflict, "the database %s is not empty: there is %s. Restore into a new database and "+
				"let the hub use that one, put back only what is missing (--missing), or continue the restore that broke off (--continue ID)",
				r.opts.Database, doc.GetName()[len(r.target.root()):])
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Restorer) continueFrom(ctx context.Context, by ledgerdb.Act, p progress) (Restored, error) {
	x := &restoring{Restorer: r, by: by, p: p, wrote: backup.Tallies{}, heads: heads{}, altered: map[string]bool{}}
	x.out = Restored{ID: p.ID, Moments: p.Chosen, Lost: []string{}, Disabled: []Disabled{}}
	var err error
	if x.erased, err = r.readErased(ctx); err != nil {
		return x.out, err
	}
	if err := x.stages(ctx); err != nil {
		return x.out, fmt.Errorf("restore %s is not finished (continue it with --continue %s): %w", p.ID, p.ID, err)
	}
	x.out.Documents = x.wrote.Documents()
	return x.out, nil
}

// stages does all of a restore in order. Those that were done before are gone through again without writing, to know
// what must be there.
func (x *restoring) stages(ctx context.Context) error {
	order := []string{stageHot, stageKeys, stageCompare, stageLog, stageChains, stageConfig, stageEnd}
	do := map[string]func(context.Context) error{
		stageHot:     func(ctx context.Context) error { return x.set(ctx, backup.Hot) },
		stageKeys:    func(ctx context.Context) error { return x.set(ctx, backup.Keys) },
		stageCompare: x.compare,
		stageLog:     x.log,
		stageChains:  x.chains,
		stageConfig:  x.config,
		stageEnd:     x.end,
	}
	begun := slices.Index(order, x.p.Stage)
	if begun < 0 {
		return fmt.Errorf("the stage %q of a restore is not known", x.p.Stage)
	}
	for i, stage := range order {
		if i > begun {
			x.p.Stage, x.p.Files = stage, 0
			if err := x.p.save(ctx, x.opts.Ledger); err != nil {
				return err
			}
		}
		if i < begun && stage == stageCompare || x.p.Choice.part() && (stage == stageLog || stage == stageChains) {
			continue
		}
		if err := do[stage](ctx); err != nil {
			return fmt.Errorf("%s: %w", stage, err)
		}
	}
	return nil
}

// behind tells whether a stage was done by an earlier process.
func (x *restoring) behind(stage string) bool {
	order := []string{stageHot, stageKeys, stageCompare, stageLog, stageChains, stageConfig, stageEnd}
	return slices.Index(order, stage) < slices.Index(order, x.p.Stage)
}

// wants tells whether anything of a set is chosen.
func (r *Restorer) wants(c Choice, set backup.Set) bool {
	return slices.ContainsFunc(r.target.table, func(one shared.Collection) bool { return r.sets[one.Name] == set && c.in(one.Name) })
}

// replay returns what gives the documents of a chain.
func (r *Restorer) replay(chain backup.Chain) *replay {
	return &replay{vault: r.opts.Vault, chain: chain, rules: rulesOf(r.target.table), atOnce: r.atOnce}
}

// set writes a set's documents.
func (x *restoring) set(ctx context.Context, set backup.Set) error {
	if !x.wants(x.p.Choice, set) {
		return nil
	}
	chain, err := x.opts.Vault.Chain(ctx, set, x.p.Chosen[set])
	if err != nil {
		return err
	}
	out := newWriter(ctx, x.opts.Documents, x.opts.Project, x.opts.Database)
	x.written, x.total = 0, chain[0].Documents()
	stage := string(set)
	play := x.replay(chain)
	switch {
	case x.behind(stage):
		play.skip = play.units()
	case x.p.Stage == stage:
		play.skip = int(x.p.Files)
	}
	play.each = func(collection, id string, l []byte) error {
		if x.sets[collection] != set || !x.p.Choice.in(collection) {
			return nil // a tombstone is restored with its own set
		}
		return x.restore(out, play.skip > 0, collection, id, l)
	}
	play.ended = func(ctx context.Context, _ backup.Manifest, _ backup.File) error {
		if err := out.flush(ctx); err != nil {
			return err
		}
		x.p.Files++
		return x.p.save(ctx, x.opts.Ledger)
	}
	err = play.run(ctx)
	return errors.Join(err, out.flush(ctx))
}

// restore writes a document, unless its time is over or an erasure names it.
func (x *restoring) restore(out *writer, only bool, collection, id string, l []byte) error {
	if x.written++; x.written%1000 == 0 {
		x.opts.Tell(Tidings{Stage: x.p.Stage, Documents: x.written, Of: max(x.total, x.written)})
	}
	if x.erased.key(collection, id) {
		x.out.Erased++
		return nil
	}
	doc, err := line.Parse(l, x.target.root())
	if err != nil {
		return err
	}
	if !x.p.Choice.of(doc) {
		return nil
	}
	if x.erased.whole(collection, doc) {
		x.out.Erased++
		return nil
	}
	if expired(doc, x.ttl[collection], x.p.BegunAt) {
		x.out.Expired++
		return nil
	}
	if collection == collectionAudit {
		if err := x.noteRestored(doc); err != nil {
			return err
		}
	}
	changed, comes := x.changedLater(collection, id, doc)
	if !comes {
		return nil
	}
	if !changed {
		x.wrote.Add(collection, l)
	}
	if !only {
		out.put(doc)
	}
	return nil
}

// expired tells whether a document's time was over at a moment.
func expired(doc *firestorepb.Document, field string, at time.Time) bool {
	v, ok := doc.GetFields()[field].GetValueType().(*firestorepb.Value_TimestampValue)
	return ok && !v.TimestampValue.AsTime().After(at)
}

// compare holds the database against what was written: how many documents, and which.
func (x *restoring) compare(ctx context.Context) error {
	return x.compareWith(ctx, func(collection, _ string) bool { return false }, backup.Hot, backup.Keys)
}

func (x *restoring) compareWith(ctx context.Context, passOver func(collection, id string) bool, sets ...backup.Set) error {
	there := backup.Tallies{}
	var buffer []byte
	for _, c := range x.target.table {
		if !slices.Contains(sets, backup.Set(c.Backup)) {
			continue
		}
		err := x.target.everything(ctx, c.Name, func(doc *firestorepb.Document) (err error) {
			if _, id, _ := cutObject(doc.GetName()[len(x.target.root()):]); passOver(c.Name, id) {
				return nil
			}
			buffer, err = line.Append(buffer[:0], x.target.root(), doc)
			there.Add(c.Name, buffer)
			return err
		})
		if err != nil {
			return err
		}
		want, got := x.wrote[c.Name], there[c.Name]
		if want == nil {
			want = &backup.Tally{}
		}
		if got == nil {
			got = &backup.Tally{}
		}
		if *want != *got {
			return fault.New(fault.Conflict, "what is in the database now is not what was restored: %s has %d documents and should have %d; "+
				"somebody writes to it. Begin again with a new database that the hub does not use yet", c.Name, got.Documents, want.Documents)
		}
		x.opts.Tell(Tidings{Stage: stageCompare, Documents: there.Documents(), Of: x.wrote.Documents()})
	}
	return nil
}

// everything reads a collection as it is now.
func (s source) everything(ctx context.Context, collection string, each func(*firestorepb.Document) error) error {
	t, after := stretch{collection: collection}, backup.Cursor{}
	for {
		n := 0
		err := s.run(ctx, s.query(t, after), time.Time{}, func(doc *firestorepb.Document) error {
			n++
			after = t.cursor(doc)
			return each(doc)
		})
		if err != nil || n < perQuery {
			return err
		}
	}
}

// end carries out what was erased, writes the restore down as an act, and says that it is done.
func (x *restoring) end(ctx context.Context) error {
	if err := x.forget(ctx, x.by); err != nil {
		return err
	}
	moments := map[string]any{}
	for set, at := range x.p.Chosen {
		moments[string(set)] = at
	}
	disabled := make([]any, len(x.out.Disabled))
	for i, one := range x.out.Disabled {
		disabled[i] = map[string]any{"object": one.Object, "tenant": one.Tenant}
	}
	now := x.opts.Now().UTC().Truncate(time.Microsecond)
	x.out.Seconds = now.Sub(x.p.BegunAt).Seconds()
	ended := x.p
	ended.Ended = now
	act := x.by
	act.Tenant, act.Action = identity.Hub, "restore"
	_, err := x.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Create(
		ledgerdb.Ref{Collection: collectionRestores, ID: x.p.ID},
		map[string]any{"source": x.p.Source, "moments": moments, "onlyTenant": x.p.Choice.Tenant, "only": texts(x.p.Choice.Collections), "documents": x.wrote.Documents(), "lost": int64(len(x.out.Lost)), "disabled": disabled},
	)}, ledgerdb.Patch(x.p.object, ended.fields()))
	if errors.Is(err, ledgerdb.ErrExists) || errors.Is(err, ledgerdb.ErrStale) {
		if there, lookErr := loadProgress(ctx, x.opts.Ledger, x.p.ID); lookErr == nil && there.Holder == x.p.Holder && !there.Ended.IsZero() {
			return nil // its own work, which was not told
		}
	}
	return err
}
