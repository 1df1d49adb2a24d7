package backupdb

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	firestoreapi "cloud.google.com/go/firestore/apiv1"
	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared"
	"ryggrad.internal/hub/shared/backup"
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
	within func(context.Context, time.Duration) (context.Context, context.CancelFunc)
}

// rememberAtOnce is how many changed documents, or entries of the log, are remembered at a time. An entry takes 200 bytes.
const rememberAtOnce = 200_000

// NewRestorer returns a restorer.
func NewRestorer(opts RestoreOptions) (*Restorer, error) {
	s, err := newSource(opts.Documents, opts.Project, opts.Database)
	if err != nil {
		return nil, err
	}
	if opts.Tell == nil {
		opts.Tell = func(Tidings) {}
	}
	r := &Restorer{opts: opts, target: s, ttl: map[string]string{}, sets: map[string]backup.Set{}, atOnce: rememberAtOnce, within: context.WithTimeout}
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
	return r.continueFrom(ctx, by, p, false)
}

// begin says in the database what is brought back into it.
func (r *Restorer) begin(ctx context.Context, c Choice) (progress, error) {
	p, err := r.newProgress(c, stageHot)
	if err != nil {
		return p, err
	}
	if p.Chosen, err = r.choose(ctx, c); err != nil {
		return p, err
	}
	if err := p.save(ctx, r.opts.Ledger); err != nil {
		return p, err
	}
	return p, p.alone(ctx, r.opts.Ledger)
}

// newProgress is how far a restore is that was not begun.
func (r *Restorer) newProgress(c Choice, stage string) (progress, error) {
	id, err := identity.NewID(restorePrefix, r.opts.Random)
	return progress{ID: id, Source: r.opts.Vault.Project, Choice: c, BegunAt: r.now(), Stage: stage, LogFrom: -1, Holder: id}, err
}

// now is the time as the database keeps it.
func (r *Restorer) now() time.Time { return r.opts.Now().UTC().Truncate(time.Microsecond) }

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
	return r.continueFrom(ctx, by, p, true)
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
		notAfter := c.notAfter(set)
		if _, said := c.SetAt[set]; set == backup.Keys && !said {
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

// wants tells whether anything of a set is chosen.
func (r *Restorer) wants(c Choice, set backup.Set) bool {
	return slices.ContainsFunc(r.target.table, func(one shared.Collection) bool { return r.sets[one.Name] == set && c.in(one.Name) })
}

// replay returns what gives the documents of a chain.
func (r *Restorer) replay(chain backup.Chain) *replay {
	return &replay{vault: r.opts.Vault, chain: chain, rules: rulesOf(r.target.table), atOnce: r.atOnce}
}
