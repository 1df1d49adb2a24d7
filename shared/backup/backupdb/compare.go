package backupdb

import (
	"context"
	"slices"
	"sync"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/line"
	"ryggrad.internal/hub/shared/fault"
)

// compare holds the database against what was written: how many documents, and which.
func (x *restoring) compare(ctx context.Context) error {
	return x.compareWith(ctx, func(collection, _ string) bool { return false }, backup.Hot, backup.Keys)
}

// comparedAtOnce is how many collections are compared at a time.
const comparedAtOnce = 3

// compareWith holds some sets against what was written, but for documents that are passed over.
func (x *restoring) compareWith(ctx context.Context, passOver func(collection, id string) bool, sets ...backup.Set) error {
	var mu sync.Mutex
	done := int64(0)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(comparedAtOnce)
	for _, c := range x.target.table {
		if !slices.Contains(sets, backup.Set(c.Backup)) {
			continue
		}
		group.Go(func() error {
			return x.compareCollection(ctx, c.Name, passOver, func(n int64) {
				mu.Lock()
				defer mu.Unlock()
				done += n
				x.opts.Tell(Tidings{Stage: stageCompare, Documents: done, Of: x.wrote.Documents()})
			})
		})
	}
	return group.Wait()
}

func (x *restoring) compareCollection(ctx context.Context, name string, passOver func(collection, id string) bool, tell func(n int64)) error {
	want, got, buffer := backup.Tally{}, backup.Tally{}, []byte(nil)
	if wrote := x.wrote[name]; wrote != nil {
		want = *wrote
	}
	err := x.target.everything(ctx, name, func(doc *firestorepb.Document) (err error) {
		if _, id, _ := cutObject(doc.GetName()[len(x.target.root()):]); passOver(name, id) {
			return nil
		}
		if buffer, err = line.Append(buffer[:0], x.target.root(), doc); err != nil {
			return err
		}
		got.Documents++
		got.Digest.Add(buffer)
		if got.Documents%1000 == 0 {
			tell(1000)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if want != got {
		return fault.New(fault.Conflict, "what is in the database now is not what was restored: %s has %d documents and should have %d; "+
			"somebody writes to it. Begin again with a new database that the hub does not use yet", name, got.Documents, want.Documents)
	}
	tell(got.Documents % 1000)
	return nil
}
