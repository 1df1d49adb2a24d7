package backupdb_test

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// order is a document with what orders have: 700 bytes that do not compress, and fields that do.
func order(project, database string, n int, at time.Time) *firestorepb.Document {
	sealed := make([]byte, 700)
	_, _ = rand.Read(sealed)
	text := func(s string) *firestorepb.Value {
		return &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: s}}
	}
	number := func(n int64) *firestorepb.Value {
		return &firestorepb.Value{ValueType: &firestorepb.Value_IntegerValue{IntegerValue: n}}
	}
	return &firestorepb.Document{
		Name: fmt.Sprintf("projects/%s/databases/%s/documents/orders/%s", project, database, strings.Replace(id("bulk_", n), "bulk_", "ord_", 1)),
		Fields: map[string]*firestorepb.Value{
			"tenant": text(tenant), "status": text("received"), "displayId": text(strconv.Itoa(n)), "total": number(int64(n)), "us": number(int64(n % 16)),
			"guest":     {ValueType: &firestorepb.Value_BytesValue{BytesValue: sealed}},
			"updatedAt": {ValueType: &firestorepb.Value_TimestampValue{TimestampValue: timestamppb.New(at)}},
		},
	}
}

// bulk writes so many orders as a restore does, and does nothing else.
func (w *world) bulk(n int) {
	w.Helper()
	var writes []*firestorepb.Write
	for i := range n {
		doc := order(w.cfg.Project, w.cfg.Database, i, w.clock())
		writes = append(writes, &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: doc}})
	}
	w.commitAll(w.cfg.Database, writes)
}

// commitAll commits writes to a database as a restore does, some at a time, and does nothing else.
func (w *world) commitAll(database string, writes []*firestorepb.Write) {
	w.Helper()
	const most, bytes = 200, 4 << 20 // of a commit
	var group errgroup.Group
	group.SetLimit(6)
	for len(writes) > 0 {
		n := 0
		for size := 0; n < min(len(writes), most) && size < bytes; n++ {
			size += proto.Size(writes[n])
		}
		some := writes[:n]
		writes = writes[n:]
		group.Go(func() error {
			_, err := w.documents.Commit(w.Context(), &firestorepb.CommitRequest{Database: "projects/" + w.cfg.Project + "/databases/" + database, Writes: some})
			return err
		})
	}
	w.must(group.Wait())
}
