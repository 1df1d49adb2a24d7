package delivery_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/fault"
)

// log is a feed's source: events with the moment from which they can be seen.
type written struct {
	delivery.Event
	visible time.Time
}

// poll reads what is visible at a moment as the store does.
func poll(all []written, c delivery.FeedCursor, limit int, now time.Time) ([]delivery.Event, delivery.FeedCursor) {
	read := int(c.Count) + limit + 1
	var there []delivery.Event
	for _, w := range all {
		if !w.visible.After(now) && w.OccurredAt.After(c.Final) {
			there = append(there, w.Event)
		}
	}
	slices.SortFunc(there, func(a, b delivery.Event) int {
		if n := a.OccurredAt.Compare(b.OccurredAt); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	more := len(there) > read
	return c.Follow(there[:min(len(there), read)], more, limit, now)
}

// Whatever is committed however late, and however often one polls with whatever limit: every event comes, and the first
// coming of an order's events is in their order.
func TestTheFeedHasNoGaps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		var all []written
		at := begin
		for i := range rapid.IntRange(1, 40).Draw(t, "events") {
			at = at.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "gap")) * time.Second / 2)
			late := time.Duration(rapid.IntRange(0, 89).Draw(t, "late")) * time.Second
			all = append(all, written{delivery.Event{ID: fmt.Sprintf("evt_%c%d", 'a'+rune((i*7)%26), i), OccurredAt: at}, at.Add(late)})
		}
		limit := rapid.IntRange(1, 5).Draw(t, "limit")
		var cursor delivery.FeedCursor
		got := map[string]bool{}
		for now := begin; now.Before(at.Add(10 * time.Minute)); now = now.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "pause")) * time.Second) {
			var events []delivery.Event
			events, cursor = poll(all, cursor, limit, now)
			for _, e := range events {
				got[e.ID] = true
			}
			back, err := delivery.ParseFeedCursor(cursor.String())
			if err != nil || !back.Final.Equal(cursor.Final) || back.Count != cursor.Count || back.Sum != cursor.Sum || back.ID != cursor.ID {
				t.Fatalf("the cursor %+v is read back as %+v, %v", cursor, back, err)
			}
		}
		for _, w := range all {
			if !got[w.ID] {
				t.Errorf("%s at %s, visible at %s, never came", w.ID, w.OccurredAt, w.visible)
			}
		}
	})
}

func TestWhatIsInTimeComesOnce(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var all []written
	for i := range 50 {
		at := begin.Add(time.Duration(i/2) * 3 * time.Second) // two at a time
		all = append(all, written{delivery.Event{ID: fmt.Sprintf("evt_%02d", i), OccurredAt: at}, at})
	}
	var cursor delivery.FeedCursor
	var got []string
	for now := begin; now.Before(begin.Add(10 * time.Minute)); now = now.Add(2 * time.Second) {
		var events []delivery.Event
		events, cursor = poll(all, cursor, 3, now)
		for _, e := range events {
			got = append(got, e.ID)
		}
	}
	if len(got) != len(all) || !slices.IsSorted(got) {
		t.Errorf("%d came of %d: %v", len(got), len(all), got)
	}
}

func TestCursorsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "AAAA", delivery.FeedCursor{}.String()[1:], "%", strings.Repeat("A", 38)} {
		if _, err := delivery.ParseFeedCursor(text); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
