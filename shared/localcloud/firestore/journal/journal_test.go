package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/localcloud/firestore/journal"
)

// open opens a journal and returns the records that it holds.
func open(t testing.TB, dir string) (*journal.Journal, []string, error) {
	t.Helper()
	var records []string
	j, _, err := journal.Open(dir, func(record []byte) error {
		records = append(records, string(record))
		return nil
	})
	return j, records, err
}

func mustOpen(t testing.TB, dir string) (*journal.Journal, []string) {
	t.Helper()
	j, records, err := open(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	return j, records
}

func add(t testing.TB, j *journal.Journal, records ...string) {
	t.Helper()
	for _, record := range records {
		if err := j.Wait(j.Append([]byte(record))); err != nil {
			t.Fatal(err)
		}
	}
}

func closeJournal(t testing.TB, j *journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestEveryCutLeavesTheRecordsBeforeIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := mustOpen(t, dir)
	var records []string
	var sizes []int64
	for i := range 20 {
		records = append(records, fmt.Sprintf("record %d%s", i, bytes.Repeat([]byte{byte(i)}, i)))
		add(t, j, records[i])
		sizes = append(sizes, j.Size())
	}
	closeJournal(t, j)
	content, err := os.ReadFile(filepath.Join(dir, "journal-000001"))
	if err != nil {
		t.Fatal(err)
	}
	for cut := range int64(len(content)) + 1 {
		whole := 0
		for whole < len(sizes) && sizes[whole] <= cut {
			whole++
		}
		checkCut(t, content[:cut], records[:whole])
	}
}

// checkCut checks that a segment that was cut holds records, and takes and keeps another one.
func checkCut(t *testing.T, content []byte, want []string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "journal-000001"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	j, got := mustOpen(t, dir)
	if !slices.Equal(got, want) {
		t.Fatalf("cut to %d bytes: %d records, want %d", len(content), len(got), len(want))
	}
	add(t, j, "after")
	closeJournal(t, j)
	j, got = mustOpen(t, dir)
	if !slices.Equal(got, append(slices.Clone(want), "after")) {
		t.Fatalf("cut to %d bytes, then written to: %q", len(content), got)
	}
	closeJournal(t, j)
}

func TestADamagedRecordIsNeverReplayed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := mustOpen(t, dir)
	records := []string{"first", "second", "third"}
	add(t, j, records...)
	closeJournal(t, j)
	path := filepath.Join(dir, "journal-000001")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 8; at < len(content); at++ {
		damaged := slices.Clone(content)
		damaged[at] ^= 0x40
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		j, got := mustOpen(t, dir)
		if len(got) >= len(records) || !slices.Equal(got, records[:len(got)]) {
			t.Fatalf("damaged at byte %d: %q", at, got)
		}
		closeJournal(t, j)
	}
}

func TestDamageBeforeTheLastSegmentIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := mustOpen(t, dir)
	add(t, j, "first")
	if err := j.Cut(); err != nil {
		t.Fatal(err)
	}
	add(t, j, "second")
	closeJournal(t, j)
	if err := os.Truncate(filepath.Join(dir, "journal-000001"), 12); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t, dir); err == nil {
		t.Error("opened without its first record")
	}
	if err := os.Remove(filepath.Join(dir, "journal-000001")); err != nil {
		t.Fatal(err)
	}
	if j, records, err := open(t, dir); err == nil {
		t.Errorf("opened without its first segment: %q", records)
		closeJournal(t, j)
	}
}

// A model of snapshots: records are numbers, and a snapshot holds all before its segment.
func TestSnapshotsReplaceWhatIsBeforeThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		var model []string
		j, _ := mustOpen(t, dir)
		for i := range rapid.IntRange(1, 30).Draw(rt, "steps") {
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0:
				closeJournal(t, j)
				var got []string
				if j, got = mustOpen(t, dir); !slices.Equal(got, model) {
					rt.Fatalf("reopened: %q, want %q", got, model)
				}
			case 1:
				snapshot(t, j, model, rapid.SampledFrom([]string{"commit", "discard", "forget"}).Draw(rt, "end"))
			default:
				model = append(model, fmt.Sprint(i))
				add(t, j, fmt.Sprint(i))
			}
		}
		closeJournal(t, j)
		j, got := mustOpen(t, dir)
		if !slices.Equal(got, model) {
			rt.Fatalf("at the end: %q, want %q", got, model)
		}
		closeJournal(t, j)
	})
}

func snapshot(t *testing.T, j *journal.Journal, records []string, end string) {
	t.Helper()
	if err := j.Cut(); err != nil {
		t.Fatal(err)
	}
	s, err := j.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		if err := s.Write([]byte(record)); err != nil {
			t.Fatal(err)
		}
	}
	switch end {
	case "commit":
		err = s.Commit()
	case "discard":
		because := errors.New("no more")
		if err = s.Discard(because); errors.Is(err, because) {
			err = nil
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestRecordsOfManyWritersAreAllThereInTheirOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := mustOpen(t, dir)
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 50 {
				if err := j.Wait(j.Append(fmt.Appendf(nil, "%d %d", w, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	closeJournal(t, j)
	j, records := mustOpen(t, dir)
	defer closeJournal(t, j)
	next := map[int]int{}
	for _, record := range records {
		var w, i int
		if _, err := fmt.Sscan(record, &w, &i); err != nil || next[w] != i {
			t.Fatalf("record %q, want number %d: %v", record, next[w], err)
		}
		next[w]++
	}
	if len(records) != 8*50 {
		t.Errorf("%d records", len(records))
	}
}

func TestAClosedJournalTakesNothing(t *testing.T) {
	t.Parallel()
	j, _ := mustOpen(t, t.TempDir())
	closeJournal(t, j)
	closeJournal(t, j)
	if err := j.Wait(j.Append([]byte("late"))); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("error = %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte("fsjrnl1\n\x01\x00\x00\x00\x00\x00\x00\x00x"))
	f.Add([]byte("fsjrnl1\n\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "journal-000001"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		if j, _, err := open(t, dir); err == nil {
			add(t, j, "after")
			closeJournal(t, j)
		}
	})
}
