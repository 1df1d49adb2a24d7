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
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"ryggrad.internal/hub/shared"
	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/line"
)

const (
	// perQuery is how many documents one query reads, so that none lasts long.
	perQuery = 1000
	// ahead is how many documents are read before they are written; each may have a mebibyte.
	ahead = 16

	fieldName = "__name__"
)

// source reads a database's documents at a moment.
type source struct {
	client   *firestoreapi.Client
	project  string
	database string
	table    []shared.Collection
}

func newSource(client *firestoreapi.Client, project, database string) (source, error) {
	table, err := shared.Collections()
	return source{client: client, project: project, database: database, table: table}, err
}

func (s source) root() line.Root { return line.RootOf(s.project, s.database) }

func (s source) parent() string {
	return "projects/" + s.project + "/databases/" + s.database + "/documents"
}

// stretch is a part of a shard that one order of reading goes through.
type stretch struct {
	collection string
	changes    bool // by part and time; else by name
	part       int64
	since      time.Time
	ids        backup.Range
}

// stretches returns what a shard of a run goes through.
func (s source) stretches(r backup.Run, shard int) []stretch {
	var all []stretch
	for _, c := range s.table {
		deletions := c.Name == collectionTombstones && !r.Full() // which are of all sets
		if c.Backup != string(r.Set) && !deletions {
			continue
		}
		if !r.Full() && slices.ContainsFunc(c.Indexes, func(x shared.Index) bool { return slices.Equal(x, backup.ChangesBy()) }) {
			for _, us := range backup.PartsOf(shard, r.Shards) {
				all = append(all, stretch{collection: c.Name, changes: true, part: us, since: r.Since})
			}
			continue
		}
		if ranges := backup.Ranges(c.ID, r.Shards); shard < len(ranges) {
			all = append(all, stretch{collection: c.Name, ids: ranges[shard]})
		}
	}
	return all
}

// find is a document and where a shard goes on after it.
type find struct {
	doc    *firestorepb.Document
	cursor backup.Cursor
}

// scan gives the documents of a shard after a cursor to each, until that wants no more. It tells whether it came to the
// end.
func (s source) scan(ctx context.Context, r backup.Run, shard int, after backup.Cursor, each func(find) (more bool, err error)) (done bool, err error) {
	group, ctx := errgroup.WithContext(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	finds := make(chan find, ahead)
	group.Go(func() error {
		defer close(finds)
		return s.read(ctx, r, shard, after, finds)
	})
	for f := range finds {
		more, err := each(f)
		if err != nil || !more {
			cancel()
			for range finds { // until the reader has seen it
			}
			_ = group.Wait() // it was stopped
			return false, err
		}
	}
	if err := group.Wait(); err != nil {
		return false, err
	}
	return true, nil
}

func (s source) read(ctx context.Context, r backup.Run, shard int, after backup.Cursor, finds chan<- find) error {
	for _, t := range s.stretches(r, shard) {
		if after.Collection != "" && !t.holds(after) {
			continue // it was gone through before
		}
		if err := s.readStretch(ctx, t, r.At, after, finds); err != nil {
			return err
		}
		after = backup.Cursor{}
	}
	return nil
}

func (t stretch) holds(c backup.Cursor) bool {
	return t.collection == c.Collection && (!t.changes || t.part == c.Part)
}

func (s source) readStretch(ctx context.Context, t stretch, at time.Time, after backup.Cursor, finds chan<- find) error {
	for {
		n := 0
		err := s.run(ctx, s.query(t, after), at, func(doc *firestorepb.Document) error {
			n++
			after = t.cursor(doc)
			select {
			case finds <- find{doc, after}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			return fmt.Errorf("read %s at %s: %w", t.collection, at.Format(time.RFC3339), err)
		}
		if n < perQuery {
			return nil
		}
	}
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

func (t stretch) cursor(doc *firestorepb.Document) backup.Cursor {
	c := backup.Cursor{Collection: t.collection, ID: doc.GetName()[lastSlash(doc.GetName())+1:]}
	if t.changes {
		c.Part, c.At = t.part, doc.GetFields()["updatedAt"].GetTimestampValue().AsTime()
	}
	return c
}

func lastSlash(name string) int {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			return i
		}
	}
	return -1
}

// run gives a query's documents to each, as they arrive.
func (s source) run(ctx context.Context, q *firestorepb.StructuredQuery, at time.Time, each func(*firestorepb.Document) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request := &firestorepb.RunQueryRequest{
		Parent:    s.parent(),
		QueryType: &firestorepb.RunQueryRequest_StructuredQuery{StructuredQuery: q},
	}
	if !at.IsZero() {
		request.ConsistencySelector = &firestorepb.RunQueryRequest_ReadTime{ReadTime: timestamppb.New(at)}
	}
	stream, err := s.client.RunQuery(ctx, request)
	if err != nil {
		return err
	}
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if doc := answer.GetDocument(); doc != nil {
			if err := each(doc); err != nil {
				return err
			}
		}
	}
}

// query reads a stretch after a cursor.
func (s source) query(t stretch, after backup.Cursor) *firestorepb.StructuredQuery {
	q := &firestorepb.StructuredQuery{
		From:    []*firestorepb.StructuredQuery_CollectionSelector{{CollectionId: t.collection}},
		OrderBy: []*firestorepb.StructuredQuery_Order{ascending(fieldName)},
		Limit:   wrapperspb.Int32(perQuery),
	}
	here := after.Collection != ""
	if t.changes {
		q.Where = changed(t.part, t.since)
		q.OrderBy = []*firestorepb.StructuredQuery_Order{ascending("updatedAt"), ascending(fieldName)}
		if here {
			q.StartAt = &firestorepb.Cursor{Values: []*firestorepb.Value{moment(after.At), s.reference(t.collection, after.ID)}}
		}
		return q
	}
	switch {
	case here:
		q.StartAt = &firestorepb.Cursor{Values: []*firestorepb.Value{s.reference(t.collection, after.ID)}}
	case t.ids.From != "":
		q.StartAt = &firestorepb.Cursor{Values: []*firestorepb.Value{s.reference(t.collection, t.ids.From)}, Before: true}
	}
	if t.ids.To != "" {
		q.EndAt = &firestorepb.Cursor{Values: []*firestorepb.Value{s.reference(t.collection, t.ids.To)}, Before: true}
	}
	return q
}

func ascending(field string) *firestorepb.StructuredQuery_Order {
	return &firestorepb.StructuredQuery_Order{
		Field:     &firestorepb.StructuredQuery_FieldReference{FieldPath: field},
		Direction: firestorepb.StructuredQuery_ASCENDING,
	}
}

func moment(at time.Time) *firestorepb.Value {
	return &firestorepb.Value{ValueType: &firestorepb.Value_TimestampValue{TimestampValue: timestamppb.New(at)}}
}

func (s source) reference(collection, id string) *firestorepb.Value {
	return &firestorepb.Value{ValueType: &firestorepb.Value_ReferenceValue{ReferenceValue: string(s.root()) + collection + "/" + id}}
}

// changed is the filter for documents of a part that were written after a moment.
func changed(part int64, since time.Time) *firestorepb.StructuredQuery_Filter {
	field := func(path string, op firestorepb.StructuredQuery_FieldFilter_Operator, v *firestorepb.Value) *firestorepb.StructuredQuery_Filter {
		return &firestorepb.StructuredQuery_Filter{FilterType: &firestorepb.StructuredQuery_Filter_FieldFilter{
			FieldFilter: &firestorepb.StructuredQuery_FieldFilter{
				Field: &firestorepb.StructuredQuery_FieldReference{FieldPath: path}, Op: op, Value: v,
			},
		}}
	}
	return &firestorepb.StructuredQuery_Filter{FilterType: &firestorepb.StructuredQuery_Filter_CompositeFilter{
		CompositeFilter: &firestorepb.StructuredQuery_CompositeFilter{
			Op: firestorepb.StructuredQuery_CompositeFilter_AND,
			Filters: []*firestorepb.StructuredQuery_Filter{
				field("us", firestorepb.StructuredQuery_FieldFilter_EQUAL, &firestorepb.Value{ValueType: &firestorepb.Value_IntegerValue{IntegerValue: part}}),
				field("updatedAt", firestorepb.StructuredQuery_FieldFilter_GREATER_THAN, moment(since)),
			},
		},
	}}
}
