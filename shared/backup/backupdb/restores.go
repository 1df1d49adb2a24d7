package backupdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	collectionRestores = "restores"
	restorePrefix      = "rst_"
	collectionProgress = "restoreProgress"
)

// progress is how far a restore is. It is kept in the database that is restored, so that whoever looks at the database
// sees that it is not whole.
type progress struct {
	ID      string
	Source  string // whose backups
	Choice  Choice
	Chosen  map[backup.Set]time.Time // the moments that are restored
	BegunAt time.Time                // what had expired then is left out
	Stage   string                   // what is being done
	Files   int64                    // of the stage that are done
	LogFrom int64                    // how long the log was at the moment; -1: not known yet
	Holder  string                   // the process that is at it, by a random text
	Ended   time.Time                // zero: it is not done

	object ledgerdb.Object
}

func (p progress) fields() map[string]any {
	chosen := map[string]any{}
	for set, at := range p.Chosen {
		chosen[string(set)] = at
	}
	f := map[string]any{
		"source": p.Source, "wanted": p.Choice.At, "onlyTenant": p.Choice.Tenant, "only": texts(p.Choice.Collections), "chosen": chosen,
		"begunAt": p.BegunAt, "stage": p.Stage, "files": p.Files, "logFrom": p.LogFrom, "holder": p.Holder,
	}
	if !p.Ended.IsZero() {
		f["endedAt"] = p.Ended
	}
	return f
}

func texts(all []string) []any {
	list := make([]any, len(all))
	for i, one := range all {
		list[i] = one
	}
	return list
}

func parseProgress(o ledgerdb.Object) (progress, error) {
	p := progress{ID: o.ID, Chosen: map[backup.Set]time.Time{}, object: o}
	p.Source, _ = o.Fields["source"].(string)
	p.Choice.At, _ = o.Fields["wanted"].(time.Time)
	p.Choice.Tenant, _ = o.Fields["onlyTenant"].(string)
	only, _ := o.Fields["only"].([]any)
	for _, one := range only {
		collection, _ := one.(string)
		p.Choice.Collections = append(p.Choice.Collections, collection)
	}
	p.Holder, _ = o.Fields["holder"].(string)
	p.BegunAt, _ = o.Fields["begunAt"].(time.Time)
	p.Stage, _ = o.Fields["stage"].(string)
	p.Files, _ = o.Fields["files"].(int64)
	p.LogFrom, _ = o.Fields["logFrom"].(int64)
	p.Ended, _ = o.Fields["endedAt"].(time.Time)
	chosen, _ := o.Fields["chosen"].(map[string]any)
	for name, at := range chosen {
		set, err := backup.ParseSet(name)
		moment, ok := at.(time.Time)
		if err != nil || !ok {
			return p, fmt.Errorf("the progress of the restore %s is not readable", p.ID)
		}
		p.Chosen[set] = moment
	}
	if p.Source == "" || p.BegunAt.IsZero() {
		return p, fmt.Errorf("the progress of the restore %s is not readable", p.ID)
	}
	return p, nil
}

func progressRef(id string) ledgerdb.Ref {
	return ledgerdb.Ref{Collection: collectionProgress, ID: id}
}

// loadProgress reads how far a restore is.
func loadProgress(ctx context.Context, ledger *ledgerdb.Store, id string) (progress, error) {
	o, err := ledger.Get(ctx, identity.Hub, progressRef(id))
	if fault.Is(err, fault.NotFound) {
		return progress{}, fault.New(fault.NotFound, "there is no restore %s in this database", id)
	}
	if err != nil {
		return progress{}, err
	}
	return parseProgress(o)
}

// save writes how far a restore is, unless another process has done so since it was read.
func (p *progress) save(ctx context.Context, ledger *ledgerdb.Store) error {
	write := ledgerdb.Patch(p.object, p.fields())
	if !p.object.Exists() {
		write = ledgerdb.Add(progressRef(p.ID), p.fields())
	}
	err := ledger.Bookkeep(ctx, identity.Hub, write)
	if errors.Is(err, ledgerdb.ErrStale) || errors.Is(err, ledgerdb.ErrExists) {
		there, lookErr := loadProgress(ctx, ledger, p.ID)
		if lookErr != nil && !fault.Is(lookErr, fault.NotFound) {
			return lookErr
		}
		if lookErr != nil || there.Holder != p.Holder || there.Stage != p.Stage || there.Files != p.Files {
			return errors.Join(fault.New(fault.Conflict, "the restore %s is being continued by somebody else too", p.ID).Because(err), lookErr)
		}
		p.object = there.object // its own work, which was not told
		return nil
	}
	if err != nil {
		return err
	}
	there, err := loadProgress(ctx, ledger, p.ID)
	p.object = there.object
	return err
}

// alone refuses a restore beside which there is another one, before it writes anything. Of two that are begun at once both
// may be refused, and never does one write beside the other.
func (p *progress) alone(ctx context.Context, ledger *ledgerdb.Store) error {
	all, err := ledger.List(ctx, ledger.QueryAllTenants(collectionProgress))
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.ID == p.ID {
			continue
		}
		conflict := fault.New(fault.Conflict, "the restore %s was begun in this database too; continue it with --continue %s", o.ID, o.ID)
		return errors.Join(conflict, ledger.Bookkeep(ctx, identity.Hub, ledgerdb.Drop(progressRef(p.ID))))
	}
	return nil
}

// lastRestore tells when the database was last restored, and which restore is not finished. One of a part never is.
func lastRestore(ctx context.Context, ledger *ledgerdb.Store) (done time.Time, running string, err error) {
	all, err := ledger.List(ctx, ledger.QueryAllTenants(collectionProgress))
	if err != nil {
		return done, "", err
	}
	for _, o := range all {
		p, err := parseProgress(o)
		switch {
		case err != nil:
			return done, "", err
		case p.Ended.IsZero() || p.Choice.part():
			running = o.ID
		case p.Ended.After(done):
			done = p.Ended
		}
	}
	return done, running, nil
}
