package backupdb_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/localcloud"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// What [measure] tells the processes that it starts: the cloud, and what they do there. ordersEnv says of how many orders.
const (
	cloudEnv  = "RYGGRAD_TEST_CLOUD"
	partEnv   = "RYGGRAD_TEST_PART"
	ordersEnv = "RYGGRAD_TEST_ORDERS"
)

// figures are what a full backup and a restore cost beside bare calls of the same client to the same store, which is in
// another process. Rates are documents a second; an order is four.
type figures struct {
	Documents   float64 `json:",omitempty"`
	Scanned     float64 `json:",omitempty"` // by a bare query of each collection
	Written     float64 `json:",omitempty"` // by bare commits of some of the same documents
	Exported    float64 `json:",omitempty"`
	Restored    float64 `json:",omitempty"`
	Bytes       float64 `json:",omitempty"` // that the backup has in the bucket
	ExportPeak  float64 `json:",omitempty"` // of resident memory in the process that backs up, MiB; 0: not known
	RestorePeak float64 `json:",omitempty"` // in the one that restores
}

// BenchmarkExportAndRestore has scripts/load place orders, seals them, and measures a full backup beside a bare scan of the
// same documents, and a restore, with its comparison, beside bare commits of them. RYGGRAD_TEST_ORDERS says of how many
// orders.
func BenchmarkExportAndRestore(b *testing.B) {
	for b.Loop() {
		orders := cmp.Or(os.Getenv(ordersEnv), "20000")
		f := measure(b, orders)
		n, err := strconv.ParseFloat(orders, 64)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(f.Documents/n, "documents/order")
		b.ReportMetric(f.Scanned, "scanned/s")
		b.ReportMetric(f.Exported, "exported/s")
		b.ReportMetric(f.Exported/f.Scanned, "export/scan")
		b.ReportMetric(f.Written, "written/s")
		b.ReportMetric(f.Restored, "restored/s")
		b.ReportMetric(f.Restored/f.Written, "restore/write")
		b.ReportMetric(f.Bytes/n, "bytes/order")
		b.ReportMetric(f.ExportPeak, "export-MiB")
		b.ReportMetric(f.RestorePeak, "restore-MiB")
	}
}

// mostMemory is how much a backup or a restore of whatever size takes, in MiB.
const mostMemory = 256

func TestMemoryStaysBoundedWhateverMany(t *testing.T) {
	if cloudtest.Raced {
		t.Skip("SKIPPED: the race detector takes many times the memory; run it without -race")
	}
	t.Parallel()
	f := measure(t, cmp.Or(os.Getenv(ordersEnv), "1000"))
	if f.ExportPeak == 0 {
		t.Skip("SKIPPED: this system does not tell how much memory a process had")
	}
	if f.ExportPeak > mostMemory || f.RestorePeak > mostMemory {
		t.Errorf("a backup took %v MiB, and a restore %v", f.ExportPeak, f.RestorePeak)
	}
}

// measure starts a cloud here, and other processes that use it, one after another.
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
	placeOrders(t, cloud, orders)
	env, err := json.Marshal(cloud.Env())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"bare", "export", "restore"} {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$", "-test.timeout=2h")
		child.Env = append(withoutMemory(os.Environ()), cloudEnv+"="+string(env), partEnv+"="+part)
		out, err := child.CombinedOutput()
		_, answer, found := bytes.Cut(out, []byte("figures: "))
		if err != nil || !found {
			t.Fatalf("%s: %v: %s", part, err, out)
		}
		if err := json.NewDecoder(bytes.NewReader(answer)).Decode(&f); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// withoutMemory leaves out what bounds this process's memory, where the store is: that of the others is what is measured.
func withoutMemory(env []string) []string {
	return slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, "GOGC=") || strings.HasPrefix(v, "GOMEMLIMIT=") })
}

// placeOrders has scripts/load place orders in a cloud.
func placeOrders(t testing.TB, cloud *localcloud.Cloud, orders string) {
	t.Helper()
	access, err := json.Marshal(map[string]any{
		"baseUrl": "https://hub.test", "tenant": tenant, "location": id("loc_", 0), "endpoints": cloud.Endpoints(),
		"clients": map[string]any{"shop": map[string]string{"clientId": id("cli_", 0), "apiKey": "none"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "hub.json")
	if err := os.WriteFile(file, access, 0o600); err != nil {
		t.Fatal(err)
	}
	load := exec.CommandContext(t.Context(), "go", "run", "ryggrad.internal/hub/scripts/load", "-credentials", file, "-direct", "-orders", orders,
		"-rate", "0", "-concurrency", "32", "-duration", "2h", "-mix", "api=100")
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("scripts/load: %v: %s", err, out)
	}
}

// TestChild is the process that [measure] starts.
func TestChild(t *testing.T) {
	if os.Getenv(cloudEnv) == "" {
		t.Skip("it is started by others")
	}
	t.Parallel()
	w := &world{TB: t}
	if err := json.Unmarshal([]byte(os.Getenv(cloudEnv)), &w.env); err != nil {
		t.Fatal(err)
	}
	w.use()
	f := figures{}
	if part := os.Getenv(partEnv); part == "bare" {
		w.bare(&f)
	} else {
		gcp.TuneMemory() // as every function does
		map[string]func(*figures){"export": w.export, "restore": w.bringBack}[part](&f)
	}
	answer, err := json.Marshal(f)
	w.must(err)
	fmt.Printf("figures: %s\n", answer)
}

// bare seals what was placed, and measures bare calls.
func (w *world) bare(f *figures) {
	w.Helper()
	w.seal(w.place)
	const most = 25_000 // of a collection's documents are written again
	var some []*firestorepb.Write
	begun, of := time.Now(), map[string]int{}
	w.must(backupdb.Scan(w.Context(), w.documents, w.cfg.Project, w.cfg.Database, func(collection string, doc *firestorepb.Document) {
		f.Documents++
		if of[collection]++; of[collection] <= most {
			some = append(some, &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: doc}})
		}
	}))
	f.Scanned = f.Documents / time.Since(begun).Seconds()
	for _, one := range some {
		doc := one.GetUpdate()
		doc.Name = regexp.MustCompile("/databases/[^/]+/").ReplaceAllString(doc.GetName(), "/databases/bare/")
	}
	begun = time.Now()
	w.commitAll("bare", some)
	f.Written = float64(len(some)) / time.Since(begun).Seconds()
}

func (w *world) export(f *figures) {
	w.Helper()
	w.settle(0)
	begun := time.Now()
	w.must(w.maker.Do(w.Context(), backupdb.Message{Step: backupdb.Plan}))
	w.deliverAtOnce(2)
	took := time.Since(begun)
	documents, bytes := int64(0), int64(0)
	for _, set := range backup.Sets() {
		m, _, err := w.vault().Manifest(w.Context(), set, w.moments(set)[0])
		w.must(err)
		documents += m.Documents()
		for _, file := range m.Files {
			bytes += file.Size
		}
	}
	f.Exported, f.Bytes = float64(documents)/took.Seconds(), float64(bytes)
	f.ExportPeak = peakMemory()
}

func (w *world) bringBack(f *figures) {
	w.Helper()
	begun := time.Now()
	out, err := w.restorer(w.open("second"), w.vault()).Run(w.Context(), by(""), backupdb.Choice{})
	w.must(err)
	f.Restored = float64(out.Documents) / time.Since(begun).Seconds()
	f.RestorePeak = peakMemory()
}

// peakMemory returns how much memory this process had at most, in MiB.
func peakMemory() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status); err == nil && m != nil {
		kib, _ := strconv.ParseInt(string(m[1]), 10, 64)
		return float64(kib >> 10)
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
