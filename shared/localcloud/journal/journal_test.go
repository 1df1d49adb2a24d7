package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/localcloud/journal"
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
	for i := range 7 {
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
	dir := write(t, "journal-000001", content)
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

// write makes a directory that holds one file.
func write(t testing.TB, name string, content []byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// segment is what the only segment holds after records that were made durable one by one, with where each ends.
func segment(t testing.TB, closed bool, records ...string) (content []byte, ends []int64) {
	t.Helper()
	dir := t.TempDir()
	j, _ := mustOpen(t, dir)
	for _, record := range records {
		add(t, j, record)
		ends = append(ends, j.Size())
	}
	if closed {
		closeJournal(t, j)
	} else {
		defer closeJournal(t, j)
	}
	content, err := os.ReadFile(filepath.Join(dir, "journal-000001"))
	if err != nil {
		t.Fatal(err)
	}
	return content, ends
}

// checkRefused checks that a directory is damaged, that the error names the file, and that nothing in it has changed.
func checkRefused(t *testing.T, dir, name string) {
	t.Helper()
	before, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	j, records, err := open(t, dir)
	if err == nil {
		t.Errorf("opened with %q", records)
		closeJournal(t, j)
		return
	}
	if !errors.Is(err, journal.ErrDamaged) || !strings.Contains(err.Error(), filepath.Join(dir, name)) {
		t.Errorf("error = %v, want one that names %s", err, name)
	}
	if after, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed: %v", err)
	}
}

func TestDamageInTheMiddleIsRefused(t *testing.T) {
	t.Parallel()
	for name, closed := range map[string]bool{"after a close": true, "after a kill": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content, ends := segment(t, closed, "first", "second", "third")
			durable := ends[1] // before the last write, which can be torn
			if closed {
				durable = ends[2]
			}
			for at := int64(8); at < durable; at++ {
				damaged := slices.Clone(content)
				damaged[at] ^= 0x40
				checkRefused(t, write(t, "journal-000001", damaged), "journal-000001")
			}
		})
	}
}

func TestWhatIsDamagedOpensOnceItIsCutWhereTheErrorSays(t *testing.T) {
	t.Parallel()
	content, ends := segment(t, true, "first", "second", "third")
	content[ends[1]-1] ^= 0x40
	dir := write(t, "journal-000001", content)
	_, _, err := open(t, dir)
	_, command, found := strings.Cut(fmt.Sprint(err), "truncate -s ")
	var size int64
	var path string
	if _, err := fmt.Sscan(command, &size, &path); !found || err != nil {
		t.Fatalf("error = %v, names no command: %v", err, err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	j, records := mustOpen(t, dir)
	defer closeJournal(t, j)
	if !slices.Equal(records, []string{"first"}) {
		t.Errorf("records %q", records)
	}
}

func TestADamagedEndIsCutOffAndKept(t *testing.T) {
	t.Parallel()
	content, ends := segment(t, false, "first", "second", "third")
	for at := ends[1]; at < ends[2]; at++ {
		damaged := slices.Clone(content)
		damaged[at] ^= 0x40
		dir := write(t, "journal-000001", damaged)
		j, records := mustOpen(t, dir)
		if !slices.Equal(records, []string{"first", "second"}) {
			t.Fatalf("damaged at byte %d: %q", at, records)
		}
		closeJournal(t, j)
		kept, err := filepath.Glob(filepath.Join(dir, "journal-000001.cut-at-*"))
		if err != nil || len(kept) != 1 {
			t.Errorf("damaged at byte %d: what was cut off is in %q, %v", at, kept, err)
		}
	}
}

// A write that a loss of power interrupts may have left its later pages and not its first ones.
func TestAWriteThatIsThereInPartIsCutOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := mustOpen(t, dir)
	add(t, j, "before")
	at := j.Size()
	j.Append([]byte("hole"))
	add(t, j, "after it, in the same write")
	content, err := os.ReadFile(filepath.Join(dir, "journal-000001"))
	if err != nil {
		t.Fatal(err)
	}
	closeJournal(t, j)
	clear(content[at : at+20])
	j, records := mustOpen(t, write(t, "journal-000001", content))
	defer closeJournal(t, j)
	if !slices.Equal(records, []string{"before"}) {
		t.Errorf("records %q", records)
	}
}

func TestDamageBeforeTheLastSegmentIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := mustOpen(t, dir)
	add(t, j, "first")
	first := j.Size()
	if err := j.Cut(); err != nil {
		t.Fatal(err)
	}
	add(t, j, "second")
	closeJournal(t, j)
	for _, size := range []int64{first, 12} { // after a whole record, and in the middle of one
		if err := os.Truncate(filepath.Join(dir, "journal-000001"), size); err != nil {
			t.Fatal(err)
		}
		checkRefused(t, dir, "journal-000001")
	}
	if err := os.Remove(filepath.Join(dir, "journal-000001")); err != nil {
		t.Fatal(err)
	}
	if j, records, err := open(t, dir); !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("opened without its first segment: %q, %v", records, err)
		closeJournal(t, j)
	}
}

func TestASnapshotThatIsNotWholeIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := mustOpen(t, dir)
	add(t, j, "first", "second")
	snapshot(t, j, []string{"first", "second"}, "commit")
	closeJournal(t, j)
	content, err := os.ReadFile(filepath.Join(dir, "snapshot-000002"))
	if err != nil {
		t.Fatal(err)
	}
	for size := 8; size < len(content); size++ {
		if err := os.WriteFile(filepath.Join(dir, "snapshot-000002"), content[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		checkRefused(t, dir, "snapshot-000002")
	}
}

func TestFilesWithoutMarksAreRead(t *testing.T) {
	t.Parallel()
	const record = "\x01\x00\x00\x00\x93\x5f\x3c\xa9" + "x"
	dir := write(t, "journal-000001", []byte("fsjrnl1\n"+record+record))
	j, records := mustOpen(t, dir)
	add(t, j, "after")
	closeJournal(t, j)
	j, again := mustOpen(t, dir)
	defer closeJournal(t, j)
	if !slices.Equal(records, []string{"x", "x"}) || !slices.Equal(again, []string{"x", "x", "after"}) {
		t.Errorf("records %q, then %q", records, again)
	}
}

// A model of snapshots: records are numbers, and a snapshot holds all before its segment.
func TestSnapshotsReplaceWhatIsBeforeThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		var model []string
		j, _ := mustOpen(t, dir)
		for i := range rapid.IntRange(1, 12).Draw(rt, "steps") {
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
	f.Add([]byte("fsjrnl2\n\xff\xff\xff\xff"))
	whole, _ := segment(f, true, "first", "second")
	f.Add(whole)
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := write(t, "journal-000001", content)
		if j, _, err := open(t, dir); err == nil {
			add(t, j, "after")
			closeJournal(t, j)
		}
	})
}
