package sealing_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
)

// TestEntriesAreSealedInTimeUnderLoad commits 500 acts a second for as many minutes as RYGGRAD_TEST_SEALING_MINUTES says
// while a sealer runs every minute, as its schedule is, and reports how long entries waited from their commit until they
// were published and marked: two periods of the schedule at most, and so much more as the machine is slow.
func TestEntriesAreSealedInTimeUnderLoad(t *testing.T) {
	t.Parallel()
	minutes, _ := strconv.Atoi(os.Getenv("RYGGRAD_TEST_SEALING_MINUTES"))
	if minutes < 1 {
		t.Skip("takes minutes: set RYGGRAD_TEST_SEALING_MINUTES to how many")
	}
	w := newWorld(t)
	const rate = 500
	acts := rate * 60 * minutes
	began := time.Now()
	var all sync.WaitGroup
	due := make(chan int)
	for range 32 {
		all.Go(func() {
			for i := range due {
				w.create(fmt.Sprint("ep_", i))
			}
		})
	}
	ended := make(chan time.Duration)
	go func() {
		for i := range acts {
			if early := time.Until(began.Add(time.Duration(i) * time.Second / rate)); early > 0 {
				<-time.After(early)
			}
			due <- i
		}
		close(due)
		all.Wait()
		ended <- time.Since(began)
	}()
	w.sealEveryMinute(acts)
	took := <-ended
	waits := w.waits()
	t.Logf("%d acts in %v, %.0f a second; entries waited %v at most, %v in the middle", acts, took.Round(time.Second),
		float64(acts)/took.Seconds(), waits[len(waits)-1].Round(time.Millisecond), waits[len(waits)/2].Round(time.Millisecond))
	if f := w.log.findings(); len(f) > 0 || len(waits) != acts {
		t.Errorf("%d entries, and found %v", len(waits), f)
	}
	if longest := waits[len(waits)-1]; longest > 90*time.Second {
		t.Errorf("an entry waited %v", longest)
	}
}

// sealEveryMinute runs a sealer by the schedule until so many entries are sealed.
func (w *world) sealEveryMinute(until int) {
	w.t.Helper()
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for sealed := 0; sealed < until; {
		<-tick.C
		began := time.Now()
		n := w.run()
		sealed += n
		w.t.Logf("sealed %d in %v", n, time.Since(began).Round(time.Millisecond))
	}
}

// waits returns how long entries waited from their time to the commit that marked them, the longest last.
func (w *world) waits() []time.Duration {
	w.t.Helper()
	var all []time.Duration
	q := w.db.Collection("audit").OrderBy(firestore.DocumentID, firestore.Asc).Select("at", "updatedAt", "index").Limit(5000)
	for next := q; ; {
		page, err := next.Documents(w.t.Context()).GetAll()
		w.must(err)
		for _, doc := range page {
			f := doc.Data()
			if _, placed := f["index"]; placed {
				all = append(all, f["updatedAt"].(time.Time).Sub(f["at"].(time.Time)))
			}
		}
		if len(page) < 5000 {
			slices.Sort(all)
			return all
		}
		next = q.StartAfter(page[len(page)-1].Ref.ID)
	}
}
