package backup_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/backup"
)

func of(set backup.Set, now time.Time) backup.Run {
	return backup.Run{Project: "p", Database: "(default)", Set: set, At: backup.Moment(now, backup.Behind)}
}

func made(at, base time.Time) *backup.Made {
	return &backup.Made{Link: backup.Link{At: at, SHA256: "h"}, Base: backup.Base{At: base, Documents: 10}}
}

func TestWhatIsDue(t *testing.T) {
	t.Parallel()
	now := noon.Add(2 * time.Minute)
	for name, c := range map[string]struct {
		set    backup.Set
		state  backup.State
		forced bool
		begins bool
		full   bool
	}{
		"the first one":                            {set: backup.Hot, begins: true, full: true},
		"an hour after":                            {set: backup.Hot, state: backup.State{Newest: made(noon.Add(-time.Hour), noon.Add(-5*time.Hour))}, begins: true},
		"half an hour after":                       {set: backup.Hot, state: backup.State{Newest: made(noon.Add(-30*time.Minute), noon.Add(-5*time.Hour))}},
		"half an hour after, but wanted":           {set: backup.Hot, state: backup.State{Newest: made(noon.Add(-30*time.Minute), noon.Add(-5*time.Hour))}, forced: true, begins: true},
		"wanted twice in a minute":                 {set: backup.Hot, state: backup.State{Newest: made(noon, noon.Add(-5*time.Hour))}, forced: true},
		"a day after the full one":                 {set: backup.Hot, state: backup.State{Newest: made(noon.Add(-time.Hour), noon.Add(-24*time.Hour))}, begins: true, full: true},
		"config after an hour":                     {set: backup.Config, state: backup.State{Newest: made(noon.Add(-time.Hour), noon.Add(-time.Hour))}},
		"config after three":                       {set: backup.Config, state: backup.State{Newest: made(noon.Add(-3*time.Hour), noon.Add(-3*time.Hour))}, begins: true, full: true},
		"one that still runs, since an hour":       {set: backup.Hot, state: backup.State{Begun: []backup.Run{{Set: backup.Hot, At: noon.Add(-time.Hour)}}}, begins: true, full: true},
		"one that still runs, since a while":       {set: backup.Hot, state: backup.State{Begun: []backup.Run{{Set: backup.Hot, At: noon.Add(-10 * time.Minute)}}}},
		"after a restore":                          {set: backup.Keys, state: backup.State{Newest: made(noon.Add(-time.Hour), noon.Add(-5*time.Hour)), Restored: noon.Add(-30 * time.Minute)}, begins: true, full: true},
		"after a restore that a backup came after": {set: backup.Keys, state: backup.State{Newest: made(noon.Add(-time.Hour), noon.Add(-time.Hour)), Restored: noon.Add(-2 * time.Hour)}, begins: true},
	} {
		d := backup.Decide(of(c.set, now), c.state, now, c.forced)
		if (d.Begin != nil) != c.begins {
			t.Errorf("%s: begins %v", name, d.Begin)
			continue
		}
		if d.Begin != nil && (d.Begin.Full() != c.full || !d.Begin.At.Equal(noon)) {
			t.Errorf("%s: full %t at %s", name, d.Begin.Full(), d.Begin.At)
		}
	}
}

func TestAnUnfinishedRunIsSentAgainAndThenGivenUp(t *testing.T) {
	t.Parallel()
	begun := func(age time.Duration) backup.Run {
		return backup.Run{Set: backup.Hot, At: noon.Add(-age)}
	}
	d := backup.Decide(of(backup.Hot, noon), backup.State{Begun: []backup.Run{begun(5 * time.Minute), begun(time.Hour), begun(7 * time.Hour)}}, noon, false)
	if len(d.Resume) != 1 || !d.Resume[0].At.Equal(noon.Add(-time.Hour)) || len(d.GiveUp) != 1 {
		t.Errorf("sent again %v, given up %v", d.Resume, d.GiveUp)
	}
}

// TestEveryChangeIsInSomeRun lets runs finish or not, as they like, for days, and looks whether the windows of every
// chain leave nothing out.
func TestEveryChangeIsInSomeRun(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var st backup.State
		byAt := map[time.Time]backup.Run{}
		now := noon
		for range rapid.IntRange(1, 60).Draw(t, "hours") {
			now = now.Add(time.Hour + time.Duration(rapid.IntRange(-120, 120).Draw(t, "seconds"))*time.Second)
			d := backup.Decide(of(backup.Hot, now), st, now, false)
			if d.Begin == nil {
				t.Fatalf("nothing begins at %s", now)
			}
			r := *d.Begin
			if r.At.After(now.Add(-backup.Behind)) || r.At.Second() != 0 {
				t.Fatalf("the moment of a run at %s is %s", now, r.At)
			}
			if !r.Full() {
				before := byAt[r.Follows.At]
				if r.Since.After(before.At.Add(-backup.Overlap)) || before.At.IsZero() {
					t.Fatalf("%v does not reach back to %v", r, before)
				}
			}
			if rapid.IntRange(0, 3).Draw(t, "finishes") == 0 {
				st.Begun = append(st.Begun, r)
				continue
			}
			byAt[r.At] = r
			m := backup.Manifest{Run: r}.Made("h")
			st.Newest = &m
			if age := r.At.Sub(m.Base.At); age > 24*time.Hour {
				t.Fatalf("%s stands on a full run of %s before", r.At, age)
			}
		}
	})
}

func TestRangesHoldEveryIDOnce(t *testing.T) {
	t.Parallel()
	rules := []string{"ord_ + 128 bits of SHA-256 of this and that", "the order's id, or the message's", "SHA-256 of collection and id", "{tenant}_{YYYY-MM}", "current"}
	rapid.Check(t, func(t *rapid.T) {
		shards := rapid.SampledFrom([]int{1, 4, 16}).Draw(t, "shards")
		ranges := backup.Ranges(rapid.SampledFrom(rules).Draw(t, "rule"), shards)
		id := rapid.OneOf(rapid.StringMatching(`ord_[a-z2-7]{26}`), rapid.StringMatching(`[0-9a-f]{64}`), rapid.StringN(1, 8, -1)).Draw(t, "id")
		in := 0
		for _, r := range ranges {
			if id >= r.From && (r.To == "" || id < r.To) {
				in++
			}
		}
		if in != 1 || len(ranges) > shards {
			t.Fatalf("%q is in %d of %v", id, in, ranges)
		}
	})
	if got := fmt.Sprint(backup.Ranges(rules[0], 4)); got != "[{ ord_c} {ord_c ord_k} {ord_k ord_s} {ord_s }]" {
		t.Errorf("ranges are %s", got)
	}
}

func TestShardsShareTheSixteenParts(t *testing.T) {
	t.Parallel()
	for _, shards := range []int{1, 4, 16} {
		seen := map[int64]int{}
		for shard := range shards {
			for _, us := range backup.PartsOf(shard, shards) {
				seen[us]++
			}
		}
		for us := range int64(16) {
			if seen[us] != 1 {
				t.Errorf("of %d shards, %d look through part %d", shards, seen[us], us)
			}
		}
	}
}

func TestTheFirstFullRunOfAMonthIsKept(t *testing.T) {
	t.Parallel()
	at := func(set backup.Set, at time.Time) backup.Run { return backup.Run{Set: set, At: at} }
	for name, c := range map[string]struct {
		run    backup.Run
		newest time.Time
		due    bool
	}{
		"the first ever":       {at(backup.Hot, noon), time.Time{}, true},
		"the first of a month": {at(backup.Hot, noon), noon.AddDate(0, 0, -1), true},
		"the second":           {at(backup.Hot, noon.AddDate(0, 0, 1)), noon, false},
		"an incremental one":   {backup.Run{Set: backup.Hot, At: noon, Since: noon.Add(-time.Hour)}, time.Time{}, false},
		"keys":                 {at(backup.Keys, noon), time.Time{}, false},
	} {
		if got := backup.CopyDue(c.run, c.newest); got != c.due {
			t.Errorf("%s: %t", name, got)
		}
	}
}
