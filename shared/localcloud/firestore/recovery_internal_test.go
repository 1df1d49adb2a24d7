package firestore

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
)

// BenchmarkRecovery opens a store that was killed, from its journal, and from a snapshot that replaced it. How many documents
// it holds the environment says: RYGGRAD_DOCUMENTS=1000000.
func BenchmarkRecovery(b *testing.B) {
	documents := 20_000
	if text := os.Getenv("RYGGRAD_DOCUMENTS"); text != "" {
		var err error
		if documents, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	dir := b.TempDir()
	fillDirectory(b, dir, documents)
	for _, from := range []string{"journal", "snapshot"} {
		b.Run("from="+from, func(b *testing.B) {
			for b.Loop() {
				before := heap()
				began := time.Now()
				s := open(b, Options{Dir: dir})
				took := time.Since(began)
				if got := s.database(crashDatabase).docs.Len(); got != documents {
					b.Fatalf("%d documents are there, want %d", got, documents)
				}
				b.ReportMetric(took.Seconds(), "s/open")
				b.ReportMetric(float64(heap()-before)/float64(documents), "B/document")
				if from == "journal" {
					if _, err := s.compact(); err != nil {
						b.Fatal(err)
					}
				}
				closeServer(b, s)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// fillDirectory writes documents like orders, and no snapshot.
func fillDirectory(b *testing.B, dir string, documents int) {
	b.Helper()
	s := open(b, Options{Dir: dir})
	s.compaction.after.Store(math.MaxInt64)
	text := func(t string) *firestorepb.Value {
		return &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: t}}
	}
	sealed := &firestorepb.Value{ValueType: &firestorepb.Value_BytesValue{BytesValue: make([]byte, 300)}}
	for at := 0; at < documents; at += 500 {
		req := &firestorepb.CommitRequest{Database: crashDatabase}
		for i := at; i < min(at+500, documents); i++ {
			req.Writes = append(req.Writes, update(fmt.Sprintf("orders/%026d", i), map[string]*firestorepb.Value{
				"tenant": text(fmt.Sprintf("ten_%d", i%10)), "status": text("accepted"), "number": integer(int64(i)), "sealed": sealed}))
		}
		if _, err := s.Commit(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
	closeServer(b, s)
}
