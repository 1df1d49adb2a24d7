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
	Wanted  time.Time
	Chosen  map[backup.Set]time.Time // the moments that are restored
	BegunAt time.Time                // what had expired then is left out
	Stage   string                   // what is being done
	Files   int64                    // of the stage that are done
	LogFrom int64                    // how long the log was at the moment; -1: not known yet
	Ended   time.Time                // zero: it is not done

	object ledgerdb.Object
}

func (p progress) fields() map[string]any {
	chosen := map[string]any{}
	for set, at := range p.Chosen {
		chosen[string(set)] = at
	}
	f := map[string]any{
		"source": p.Source, "wanted": p.Wanted, "chosen": chosen, "begunAt": p.BegunAt, "stage": p.Stage, "files": p.Files, "logFrom": p.LogFrom,
	}
	if !p.Ended.IsZero() {
		f["endedAt"] = p.Ended
	}
	return f
}

func parseProgress(o ledgerdb.Object) (progress, error) {
	p := progress{ID: o.ID, Chosen: map[backup.Set]time.Time{}, object: o}
	p.Source, _ = o.Fields["source"].(string)
	p.Wanted, _ = o.Fields["wanted"].(time.Time)
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
		if lookErr != nil || there.Stage != p.Stage || there.Files != p.Files || !there.Ended.Equal(p.Ended) {
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

// lastRestore tells when the database was last restored, and which restore is not finished.
func lastRestore(ctx context.Context, ledger *ledgerdb.Store) (done time.Time, running string, err error) {
	all, err := ledger.List(ctx, ledger.QueryAllTenants(collectionProgress))
	if err != nil {
		return done, "", err
	}
	for _, o := range all {
		ended, ok := o.Fields["endedAt"].(time.Time)
		if !ok {
			running = o.ID
		} else if ended.After(done) {
			done = ended
		}
	}
	return done, running, nil
}
