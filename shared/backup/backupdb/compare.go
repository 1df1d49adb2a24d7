package backupdb

import (
	"context"
	"slices"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/line"
	"ryggrad.internal/hub/shared/fault"
)

// compare holds the database against what was written: how many documents, and which.
func (x *restoring) compare(ctx context.Context) error {
	return x.compareWith(ctx, func(collection, _ string) bool { return false }, backup.Hot, backup.Keys)
}

// compareWith holds some sets against what was written, but for documents that are passed over.
func (x *restoring) compareWith(ctx context.Context, passOver func(collection, id string) bool, sets ...backup.Set) error {
	done := int64(0)
	for _, c := range x.target.table {
		if !slices.Contains(sets, backup.Set(c.Backup)) {
			continue
		}
		want, got := backup.Tally{}, backup.Tally{}
		if wrote := x.wrote[c.Name]; wrote != nil {
			want = *wrote
		}
		err := x.target.everything(ctx, c.Name, func(doc *firestorepb.Document) error {
			if _, id, _ := cutObject(doc.GetName()[len(x.target.root()):]); passOver(c.Name, id) {
				return nil
			}
			return x.count(&got, doc)
		})
		if err != nil {
			return err
		}
		if want != got {
			return fault.New(fault.Conflict, "what is in the database now is not what was restored: %s has %d documents and should have %d; "+
				"somebody writes to it. Begin again with a new database that the hub does not use yet", c.Name, got.Documents, want.Documents)
		}
		done += got.Documents
		x.opts.Tell(Tidings{Stage: stageCompare, Documents: done, Of: x.wrote.Documents()})
	}
	return nil
}

// count counts a document in.
func (x *restoring) count(t *backup.Tally, doc *firestorepb.Document) (err error) {
	if x.buffer, err = line.Append(x.buffer[:0], x.target.root(), doc); err != nil {
		return err
	}
	t.Documents++
	t.Digest.Add(x.buffer)
	return nil
}
