package backupdb

import (
	"context"
	"slices"
	"time"

	firestoreapi "cloud.google.com/go/firestore/apiv1"
	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared"
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

// Scan gives all documents that are backed up to each, as they are now.
func Scan(ctx context.Context, client *firestoreapi.Client, project, database string, each func(collection string, doc *firestorepb.Document)) error {
	s, err := newSource(client, project, database)
	if err != nil {
		return err
	}
	for _, c := range s.table {
		if c.Backup == "none" {
			continue
		}
		q := s.query(stretch{collection: c.Name}, backup.Cursor{})
		q.Limit = nil
		err := s.run(ctx, q, time.Time{}, func(doc *firestorepb.Document) error {
			each(c.Name, doc)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ReadBack reads what a set's backup of a moment brings back, as lines by their names.
func ReadBack(ctx context.Context, v Vault, set backup.Set, at time.Time) (map[string]string, error) {
	table, err := shared.Collections()
	if err != nil {
		return nil, err
	}
	chain, err := v.Chain(ctx, set, at)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	play := &replay{vault: v, chain: chain, rules: rulesOf(table), atOnce: rememberAtOnce}
	play.each = func(v version) error {
		if slices.ContainsFunc(table, func(c shared.Collection) bool { return c.Name == v.collection && c.Backup == string(set) }) {
			all[v.collection+"/"+v.id] = string(v.line)
		}
		return nil
	}
	return all, play.run(ctx)
}

// RememberAtOnce has a restorer remember less at a time.
func (r *Restorer) RememberAtOnce(n int64) { r.atOnce = n }

// CutInto has a maker cut what it begins into so many shards.
func (k *Maker) CutInto(shards int) { k.shards = shards }

// Within has a restorer end what has a budget in another way than by the clock on the wall.
func (r *Restorer) Within(by func(context.Context, time.Duration) (context.Context, context.CancelFunc)) {
	r.within = by
}
