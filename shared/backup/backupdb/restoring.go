package backupdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/line"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

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
	again   bool // it is continued
	behind  bool // the stage was done by an earlier process
	erased  erased
	wrote   backup.Tallies // what must be there afterwards
	heads   heads
	tail    *logTail        // nil: there is no log
	parts   int             // in how many the objects of the tail are gone through
	altered map[string]bool // objects of the config set that do not come back as they were
	written int64
	total   int64
	mu      sync.Mutex // guards out while chains are continued
	out     Restored
}

func (r *Restorer) continueFrom(ctx context.Context, by ledgerdb.Act, p progress, again bool) (Restored, error) {
	x := &restoring{Restorer: r, by: by, p: p, again: again, wrote: backup.Tallies{}, heads: heads{}, altered: map[string]bool{}}
	x.out = Restored{ID: p.ID, Moments: p.Chosen, Lost: []string{}, Disabled: []Disabled{}}
	var err error
	if x.erased, err = r.readErased(ctx); err != nil {
		return x.out, err
	}
	if err := x.run(ctx); err != nil {
		return x.out, fmt.Errorf("restore %s is not finished (continue it with --continue %s): %w", p.ID, p.ID, err)
	}
	x.out.Documents = x.wrote.Documents()
	slices.Sort(x.out.Lost)
	return x.out, nil
}

// stage is a step of a restore.
type stage struct {
	name  string
	do    func(context.Context) error
	once  bool // a restore that is continued after it does not go through it again
	whole bool // it is left out where only a part is restored
}

// stages returns the steps of a restore, in their order.
func (x *restoring) stages() []stage {
	set := func(s backup.Set) func(context.Context) error {
		return func(ctx context.Context) error { return x.set(ctx, s) }
	}
	return []stage{
		{name: stageHot, do: set(backup.Hot)},
		{name: stageKeys, do: set(backup.Keys)},
		{name: stageCompare, do: x.compare, once: true},
		{name: stageLog, do: x.log, whole: true},
		{name: stageChains, do: x.chains, whole: true},
		{name: stageConfig, do: x.config},
		{name: stageEnd, do: x.end},
	}
}

// run does all of a restore in order. Stages that were done before are gone through again without writing, to know what
// must be there.
func (x *restoring) run(ctx context.Context) error {
	all := x.stages()
	begun := slices.IndexFunc(all, func(s stage) bool { return s.name == x.p.Stage })
	if begun < 0 {
		return fmt.Errorf("the stage %q of a restore is not known", x.p.Stage)
	}
	for i, s := range all {
		if i > begun {
			x.p.Stage, x.p.Files = s.name, 0
			if err := x.p.save(ctx, x.opts.Ledger); err != nil {
				return err
			}
		}
		x.behind = i < begun
		if x.behind && s.once || x.p.Choice.part() && s.whole {
			continue
		}
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
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
	play := x.replay(chain)
	if play.skip = int(x.p.Files); x.behind {
		play.skip = play.units()
	}
	play.each = func(v version) error {
		if x.sets[v.collection] != set || !x.p.Choice.in(v.collection) {
			return nil // a tombstone is restored with its own set
		}
		return x.restore(out, play.skip > 0, v)
	}
	play.ended = func(ctx context.Context) error { return x.fileEnded(ctx, out) }
	return errors.Join(play.run(ctx), out.flush(ctx))
}

// fileEnded says that everything of a file is written.
func (x *restoring) fileEnded(ctx context.Context, out *writer) error {
	if err := out.flush(ctx); err != nil {
		return err
	}
	x.p.Files++
	return x.p.save(ctx, x.opts.Ledger)
}

// restore writes a document if it comes back, unless it was written before.
func (x *restoring) restore(out *writer, before bool, v version) error {
	if x.written++; x.written%1000 == 0 {
		x.opts.Tell(Tidings{Stage: x.p.Stage, Documents: x.written, Of: max(x.total, x.written)})
	}
	doc, err := line.Parse(v.line, x.target.root())
	if err != nil {
		return err
	}
	if !x.comes(v, doc) {
		return x.takeOut(out, v, doc)
	}
	if v.collection == collectionAudit {
		if err := x.noteRestored(doc); err != nil {
			return err
		}
	}
	changed, comes := x.changedLater(v.collection, v.id, doc)
	if !comes {
		return nil
	}
	if !changed {
		x.wrote.Add(v.collection, v.line)
	}
	if !before {
		out.put(doc)
	}
	return nil
}

// takeOut deletes a document that an earlier process may have written, before its erasure: also one of the file that it was
// at. What was compared since is not touched here: sealed data is deleted in the end, and a tenant's chains may go on already.
func (x *restoring) takeOut(out *writer, v version, doc *firestorepb.Document) error {
	compared := x.behind && !slices.Contains([]string{stageHot, stageKeys, stageCompare}, x.p.Stage)
	switch {
	case !x.again || !x.erased.names(v, doc):
	case !compared:
		out.remove(doc)
	case x.erased.whole(v.collection, doc):
		return fault.New(fault.Conflict, "a tenant was destroyed after its documents were written; begin again with an empty database")
	}
	return nil
}

// comes tells whether a document is chosen, and neither an erasure names it nor its time is over.
func (x *restoring) comes(v version, doc *firestorepb.Document) bool {
	switch {
	case !x.p.Choice.of(doc):
	case x.erased.names(v, doc):
		x.out.Erased++
	case expired(doc, x.ttl[v.collection], x.p.BegunAt):
		x.out.Expired++
	default:
		return true
	}
	return false
}

// expired tells whether a document's time was over at a moment.
func expired(doc *firestorepb.Document, field string, at time.Time) bool {
	v, ok := doc.GetFields()[field].GetValueType().(*firestorepb.Value_TimestampValue)
	return ok && !v.TimestampValue.AsTime().After(at)
}

// end carries out what was erased, writes the restore down as an act, and says that it is done.
func (x *restoring) end(ctx context.Context) error {
	if err := x.forget(ctx, x.by); err != nil {
		return err
	}
	now := x.now()
	x.out.Seconds = now.Sub(x.p.BegunAt).Seconds()
	ended := x.p
	ended.Ended = now
	act := x.by
	act.Tenant, act.Action = identity.Hub, "restore"
	ref := ledgerdb.Ref{Collection: collectionRestores, ID: x.p.ID}
	_, err := x.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Create(ref, x.fields())}, ledgerdb.Patch(x.p.object, ended.fields()))
	if errors.Is(err, ledgerdb.ErrExists) || errors.Is(err, ledgerdb.ErrStale) {
		if there, lookErr := loadProgress(ctx, x.opts.Ledger, x.p.ID); lookErr == nil && there.Holder == x.p.Holder && !there.Ended.IsZero() {
			return nil // its own work, which was not told
		}
	}
	return err
}

// fields are what is kept of a restore.
func (x *restoring) fields() map[string]any {
	moments := map[string]any{}
	for set, at := range x.p.Chosen {
		moments[string(set)] = at
	}
	return map[string]any{
		"source": x.p.Source, "moments": moments, "onlyTenant": x.p.Choice.Tenant, "only": texts(x.p.Choice.Collections),
		"documents": x.wrote.Documents(), "lost": int64(len(x.out.Lost)), "disabled": disabledFields(x.out.Disabled),
	}
}
