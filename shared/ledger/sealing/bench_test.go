package sealing_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/ledger/tlog"
)

// wait makes n entries that wait to be sealed.
func (w *world) wait(n int) {
	w.t.Helper()
	prefix := strconv.FormatInt(time.Now().UnixNano(), 36)
	var all errgroup.Group
	all.SetLimit(32)
	for i := range n {
		all.Go(func() error { w.create(fmt.Sprintf("ep_%s_%d", prefix, i)); return nil })
	}
	_ = all.Wait() // create fails the test itself
}

// BenchmarkSeal does with a full batch of entries what no sealer can do without: it reads them by the sealer's queries and
// writes them back with their marks. Then it seals them, which is that, and the batch, the objects, the signature and the
// state. It reports how many times the bare reading and writing a whole seal takes.
func BenchmarkSeal(b *testing.B) {
	w := newWorld(b)
	const n = tlog.MaxBatch
	var whole, bare time.Duration
	for b.Loop() {
		b.StopTimer()
		w.wait(n)
		began := time.Now()
		w.bare(n)
		bare += time.Since(began)
		b.StartTimer()
		began = time.Now()
		for sealed := 0; sealed < n; {
			sealed += w.run()
		}
		whole += time.Since(began)
	}
	b.ReportMetric(float64(whole.Microseconds())/float64(b.N)/n, "µs/entry")
	b.ReportMetric(float64(whole)/float64(bare), "×bare")
}

// bare reads the entries that wait and writes back that they do.
func (w *world) bare(n int) {
	w.t.Helper()
	parts := make([][]*firestore.DocumentSnapshot, 16)
	var all errgroup.Group
	for i := range parts {
		all.Go(func() (err error) {
			parts[i], err = w.db.Collection("audit").Where("us", "==", i).Where("pending", "==", true).
				OrderBy("at", firestore.Asc).Limit(n / 8).Documents(w.t.Context()).GetAll()
			return err
		})
	}
	w.must(all.Wait())
	var docs []*firestore.DocumentSnapshot
	for _, p := range parts {
		docs = append(docs, p...)
	}
	if len(docs) != n {
		w.t.Fatalf("%d entries wait", len(docs))
	}
	w.write(docs)
}

// write writes the two fields that sealing changes.
func (w *world) write(docs []*firestore.DocumentSnapshot) {
	w.t.Helper()
	commits := w.cloud.Commits(w.t)
	fields := map[string]*firestorepb.Value{"pending": {ValueType: &firestorepb.Value_BooleanValue{BooleanValue: true}}}
	const atOnce = 256
	var all errgroup.Group
	all.SetLimit(16)
	for at := 0; at < len(docs); at += atOnce {
		all.Go(func() error {
			request := &firestorepb.CommitRequest{}
			for _, doc := range docs[at:min(at+atOnce, len(docs))] {
				name := doc.Ref.Path
				request.Database = name[:len(name)-len("/documents/audit/")-len(doc.Ref.ID)]
				request.Writes = append(request.Writes, &firestorepb.Write{
					Operation:  &firestorepb.Write_Update{Update: &firestorepb.Document{Name: name, Fields: fields}},
					UpdateMask: &firestorepb.DocumentMask{FieldPaths: []string{"index", "pending"}},
				})
			}
			_, err := commits.Commit(w.t.Context(), request)
			return err
		})
	}
	w.must(all.Wait())
}
