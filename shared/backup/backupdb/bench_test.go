package backupdb_test

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/timestamppb"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/localcloud"
)

// childEnv names the cloud of a process that [measure] starts, and ordersEnv says how many orders it writes.
const (
	childEnv  = "RYGGRAD_TEST_CLOUD"
	ordersEnv = "RYGGRAD_TEST_ORDERS"
)

// figures are what a full backup and a restore cost beside bare calls of the same client to the same store, which is in
// another process. Rates are documents a second.
type figures struct {
	Written, Scanned, Exported, Restored float64
	BytesPerOrder                        float64
	Peak                                 int64 // of resident memory in the process that backs up and restores, MiB; 0: not known
}

// BenchmarkExportAndRestore measures a full backup beside a bare scan of the same documents, and a restore, with its
// comparison, beside bare commits of them. RYGGRAD_TEST_ORDERS says of how many orders.
func BenchmarkExportAndRestore(b *testing.B) {
	for b.Loop() {
		f := measure(b, cmp.Or(os.Getenv(ordersEnv), "50000"))
		b.ReportMetric(f.Scanned, "scanned/s")
		b.ReportMetric(f.Exported, "exported/s")
		b.ReportMetric(f.Exported/f.Scanned, "export/scan")
		b.ReportMetric(f.Written, "written/s")
		b.ReportMetric(f.Restored, "restored/s")
		b.ReportMetric(f.Restored/f.Written, "restore/write")
		b.ReportMetric(f.BytesPerOrder, "bytes/order")
		b.ReportMetric(float64(f.Peak), "MiB")
	}
}

func TestMemoryDoesNotGrowWithTheDatabase(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: it takes seconds")
	}
	t.Parallel()
	if f := measure(t, cmp.Or(os.Getenv(ordersEnv), "6000")); f.Peak == 0 {
		t.Skip("SKIPPED: this system does not tell how much memory a process had")
	} else if f.Peak > 256 {
		t.Errorf("a backup and a restore took %d MiB", f.Peak)
	}
}

// measure starts a cloud here, and another process that uses it.
func measure(t testing.TB, orders string) (f figures) {
	t.Helper()
	table, err := functions.Table()
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := localcloud.Start(t.Context(), localcloud.Options{Functions: table})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cloud.Close() }()
	env, err := json.Marshal(cloud.Env())
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$", "-test.timeout=2h")
	child.Env = append(os.Environ(), childEnv+"="+string(env), ordersEnv+"="+orders)
	out, err := child.CombinedOutput()
	_, answer, found := bytes.Cut(out, []byte("figures: "))
	if err != nil || !found {
		t.Fatalf("%v: %s", err, out)
	}
	line, _, _ := bytes.Cut(answer, []byte("\n"))
	if err := json.Unmarshal(line, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestChild is the process that [measure] starts.
func TestChild(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		t.Skip("it is started by others")
	}
	t.Parallel()
	w := &world{TB: t}
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &w.env); err != nil {
		t.Fatal(err)
	}
	w.use()
	n, err := strconv.Atoi(os.Getenv(ordersEnv))
	w.must(err)
	answer, err := json.Marshal(w.figures(n))
	w.must(err)
	fmt.Printf("figures: %s\n", answer)
}

func (w *world) figures(n int) (f figures) {
	w.Helper()
	rate := func(do func()) float64 {
		begun := time.Now()
		do()
		return float64(n) / time.Since(begun).Seconds()
	}
	f.Written = rate(func() { w.bulk(n) })
	w.settle(0)
	f.Scanned = rate(func() {
		w.must(backupdb.Scan(w.Context(), w.documents, w.cfg.Project, w.cfg.Database, time.Now().Truncate(time.Second)))
	})
	f.Exported = rate(func() {
		w.must(w.maker.Do(w.Context(), backupdb.Message{Step: backupdb.Plan}))
		w.deliverAtOnce(2)
	})
	w.deliver()
	f.Restored = rate(func() {
		_, err := w.restorer(w.open("second"), w.vault()).Run(w.Context(), by(""), backupdb.Choice{})
		w.must(err)
	})
	m, _, err := w.vault().Manifest(w.Context(), backup.Hot, w.moments(backup.Hot)[0])
	w.must(err)
	size := int64(0)
	for _, file := range m.Files {
		size += file.Size
	}
	f.BytesPerOrder = float64(size) / float64(n)
	f.Peak = peakMemory()
	return f
}

// peakMemory returns how much memory this process had at most, in MiB.
func peakMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status); err == nil && m != nil {
		kib, _ := strconv.ParseInt(string(m[1]), 10, 64)
		return kib >> 10
	}
	return 0
}

// deliverAtOnce does the steps that were sent, so many at a time, as Pub/Sub pushes them. It leaves copies for later.
func (w *world) deliverAtOnce(n int) {
	w.Helper()
	next := func() (m backupdb.Message, ok bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		i := slices.IndexFunc(w.queue, func(m backupdb.Message) bool { return m.Step != backupdb.Copy })
		if i < 0 {
			return m, false
		}
		m = w.queue[i]
		w.queue = slices.Delete(w.queue, i, i+1)
		return m, true
	}
	for { // a step that is sent as the last of the others ends is found by another round
		var group errgroup.Group
		did := false
		for range n {
			m, ok := next()
			if !ok {
				break
			}
			did = true
			group.Go(func() error {
				for ; ok; m, ok = next() {
					if err := w.maker.Do(w.Context(), m); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if w.must(group.Wait()); !did {
			return
		}
	}
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
	const at = 200
	var group errgroup.Group
	group.SetLimit(6)
	for from := 0; from < n; from += at {
		group.Go(func() error {
			request := &firestorepb.CommitRequest{Database: "projects/" + w.cfg.Project + "/databases/" + w.cfg.Database}
			for i := from; i < min(from+at, n); i++ {
				doc := order(w.cfg.Project, w.cfg.Database, i, w.clock())
				request.Writes = append(request.Writes, &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: doc}})
			}
			_, err := w.documents.Commit(w.Context(), request)
			return err
		})
	}
	w.must(group.Wait())
}
