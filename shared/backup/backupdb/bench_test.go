package backupdb_test

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/timestamppb"

	"ryggrad.internal/hub/shared/backup"
)

// orders is how many orders are written; every one is one document here, about as large as those of a real order.
const orders = 20_000

// BenchmarkExportAndRestore measures a full backup beside a bare scan of the same documents, and a restore beside bare
// commits of them, on the embedded cloud in this process.
func BenchmarkExportAndRestore(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w := newWorldOf(b)
		docs := make([]*firestorepb.Document, orders)
		for i := range docs {
			docs[i] = order(w.cfg.Project, w.cfg.Database, i, w.clock())
		}
		write := w.rate(func() { w.write(docs) })
		w.pass(4 * time.Minute)
		scan := w.rate(func() { w.state(w.place, w.clock().Add(-2*time.Minute), backup.Hot) })
		export := w.rate(w.backUp)
		to := w.open("scratch")
		restore := w.rate(func() {
			_, err := w.restorer(to, w.vault()).Run(w.Context(), by(""), time.Time{})
			w.must(err)
		})
		m, _, err := w.vault().Manifest(w.Context(), backup.Hot, w.moments(backup.Hot)[0])
		w.must(err)
		size := int64(0)
		for _, f := range m.Files {
			size += f.Size
		}
		b.ReportMetric(scan, "scanned/s")
		b.ReportMetric(export, "exported/s")
		b.ReportMetric(write, "written/s")
		b.ReportMetric(restore, "restored/s")
		b.ReportMetric(float64(size)/orders, "bytes/document")
		b.StartTimer()
	}
}

func (w *world) rate(do func()) float64 {
	begun := time.Now()
	do()
	return orders / time.Since(begun).Seconds()
}

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
		Name: fmt.Sprintf("projects/%s/databases/%s/documents/orders/ord_%026x", project, database, uint64(n)*0x9e3779b97f4a7c15),
		Fields: map[string]*firestorepb.Value{
			"tenant": text(tenant), "status": text("received"), "displayId": text(fmt.Sprint(n)), "total": number(int64(n)), "us": number(int64(n % 16)),
			"guest":     {ValueType: &firestorepb.Value_BytesValue{BytesValue: sealed}},
			"updatedAt": {ValueType: &firestorepb.Value_TimestampValue{TimestampValue: timestamppb.New(at)}},
		},
	}
}

// write writes documents as a restore does, and does nothing else.
func (w *world) write(docs []*firestorepb.Document) {
	var group errgroup.Group
	group.SetLimit(6)
	for at := 0; at < len(docs); at += 200 {
		group.Go(func() error {
			request := &firestorepb.CommitRequest{Database: "projects/" + w.cfg.Project + "/databases/" + w.cfg.Database}
			for _, doc := range docs[at:min(at+200, len(docs))] {
				request.Writes = append(request.Writes, &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: doc}})
			}
			_, err := w.documents.Commit(w.Context(), request)
			return err
		})
	}
	w.must(group.Wait())
}
