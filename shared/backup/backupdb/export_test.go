package backupdb

import (
	"context"
	"slices"
	"time"

	firestoreapi "cloud.google.com/go/firestore/apiv1"
	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/line"
)

// ReadAll reads the documents of sets at a moment, as lines by their names.
func ReadAll(ctx context.Context, client *firestoreapi.Client, project, database string, at time.Time, sets ...backup.Set) (map[string]string, error) {
	s, err := newSource(client, project, database)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, c := range s.table {
		if !slices.Contains(sets, backup.Set(c.Backup)) {
			continue
		}
		q := s.query(stretch{collection: c.Name}, backup.Cursor{})
		q.Limit = nil
		err := s.run(ctx, q, at, func(doc *firestorepb.Document) error {
			l, err := line.Append(nil, s.root(), doc)
			all[doc.GetName()[len(s.root()):]] = string(l)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
