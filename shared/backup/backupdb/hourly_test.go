package backupdb_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
)

// without is a vault in which objects are missing.
func without(v backupdb.Vault, missing func(object string) bool) backupdb.Vault {
	shelf := v.Shelf
	v.Shelf = func(set backup.Set) backupdb.Shelf {
		at := shelf(set)
		return backupdb.Shelf{
			Read: func(ctx context.Context, object string) ([]byte, error) {
				if missing(object) {
					return nil, fs.ErrNotExist
				}
				return at.Read(ctx, object)
			},
			List: func(ctx context.Context, prefix, start string) ([]string, error) {
				names, err := at.List(ctx, prefix, start)
				return slices.DeleteFunc(names, missing), err
			},
		}
	}
	return v
}

func TestTheHourlyCheckFindsWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.maker.CutInto(1)
	w.do("orders", map[string]any{"status": "received"}, ids("ord_", 0, 3)...)
	w.keep("tenantKeys", map[string]any{"wrapped": []byte{4}}, tenant+"_2026-03")
	for range 12 {
		w.backUp()
		w.pass(time.Hour)
	}
	at := w.moments(backup.Hot)
	gone := backup.ManifestObject(backup.Hot, at[9])
	checked, err := w.vault().Hourly(t.Context(), w.buckets, w.clock())
	if w.must(err); checked.Manifests < len(at) || len(checked.Findings) > 0 {
		t.Errorf("of whole backups: %+v", checked)
	}
	for name, first := range map[string]int{"of a whole shelf": 0, "of one whose oldest have gone by their age": 2} {
		v := without(w.vault(), func(object string) bool {
			return object == gone || strings.HasPrefix(object, "manifests/hot/") && object < backup.ManifestObject(backup.Hot, at[first])
		})
		checked, err := v.Check(t.Context(), backupdb.CheckOptions{Set: backup.Hot})
		w.must(err)
		named := slices.ContainsFunc(checked.Findings, func(f string) bool { return strings.HasPrefix(f, gone+": it is not there") })
		if want := first == 0; named != want || len(checked.Findings) > 1 {
			t.Errorf("%s: %v", name, checked.Findings)
		}
	}
}

// Months of manifests are kept: whoever cannot read one for want of a service does not ask for all the others.
func TestACheckEndsWithTheFirstErrorThatIsNoFinding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.vault()
	var asked atomic.Int64
	away := errors.New("storage is away")
	v.Shelf = func(backup.Set) backupdb.Shelf {
		return backupdb.Shelf{
			List: func(context.Context, string, string) (names []string, err error) {
				for hour := range 1000 {
					names = append(names, backup.ManifestObject(backup.Hot, w.clock().Add(time.Duration(hour)*time.Hour)))
				}
				return names, nil
			},
			Read: func(ctx context.Context, _ string) ([]byte, error) {
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				asked.Add(1)
				return nil, away
			},
		}
	}
	_, err := v.Check(t.Context(), backupdb.CheckOptions{Set: backup.Hot})
	if !errors.Is(err, away) || asked.Load() > 100 {
		t.Errorf("after %d reads: %v", asked.Load(), err)
	}
}

// KMS signs 64 KiB at most, and a large database has thousands of parts.
func TestARunOfManyPartsIsSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.maker.CutInto(1)
	w.do("orders", map[string]any{"status": "received"}, ids("ord_", 0, 3)...)
	w.backUp()
	m, _, err := w.vault().Manifest(t.Context(), backup.Hot, w.moments(backup.Hot)[0])
	w.must(err)
	for number := 1; number < 5000; number++ {
		part := m.Files[0]
		part.Number = number
		m.Files = append(m.Files, part)
	}
	signed, err := w.cfg.Signer(w.hub).Sign(t.Context(), m)
	w.must(err)
	keys, err := w.cfg.Signer(w.hub).Keys(t.Context())
	w.must(err)
	again, err := backup.OpenManifest(m.Manifest(), m.Project, signed, keys)
	if err != nil || len(again.Files) != 5000 {
		t.Errorf("%d parts came back, %v", len(again.Files), err)
	}
}

func TestACopyThatIsKeptForAYearIsCheckedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.maker.CutInto(1)
	w.do("orders", map[string]any{"status": "received"}, ids("ord_", 0, 3)...)
	w.backUp()
	m, _, err := w.vault().Manifest(t.Context(), backup.Hot, w.moments(backup.Hot)[0])
	w.must(err)
	m.At = m.At.Add(-time.Hour) // a manifest whose files were never copied
	signed, err := w.cfg.Signer(w.hub).Sign(t.Context(), m)
	w.must(err)
	w.must(w.buckets.Monthly.Create(t.Context(), m.Manifest(), signed))
	checked, err := w.vault().Hourly(t.Context(), w.buckets, w.clock())
	w.must(err)
	if object := m.Part(0, 0).Object(); len(checked.Findings) != 1 || !strings.HasPrefix(checked.Findings[0], object+": it is not there") {
		t.Errorf("a copy without its file: %+v", checked)
	}
}

func TestAnotherMomentOfOneSetIsRestored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.maker.CutInto(1)
	w.fill()
	w.backUp()
	w.pass(time.Hour)
	w.backUp()
	keys := w.moments(backup.Keys)
	damaged := without(w.vault(), func(object string) bool {
		return strings.HasPrefix(object, "files/keys/"+backup.Stamp(keys[1])+"/")
	})
	_, err := w.restorer(w.open("scratch"), damaged).Run(t.Context(), by(""), backupdb.Choice{At: w.moments(backup.Hot)[1]})
	if err == nil || !strings.Contains(err.Error(), "files/keys/") || !strings.Contains(err.Error(), "--set-at") {
		t.Fatalf("the newest keys are damaged: %v", err)
	}
	to := w.open("another")
	out, err := w.restorer(to, damaged).Run(t.Context(), by(""), backupdb.Choice{SetAt: map[backup.Set]time.Time{backup.Keys: keys[0]}})
	w.must(err)
	if !out.Moments[backup.Keys].Equal(keys[0]) || !out.Moments[backup.Hot].Equal(w.moments(backup.Hot)[1]) || w.fields(to, "orderKeys", id("ord_", 7)) == nil {
		t.Errorf("restored %+v", out)
	}
}
