package delivery

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"time"

	"ryggrad.internal/hub/shared/fault"
)

// FeedOverlap is how long the feed looks back: an event is committed, and can be seen, later than the time that it
// carries. No request that writes one takes half as long.
const FeedOverlap = 90 * time.Second

// FeedCursor is a place in the feed of events, which is ordered by the time of the events. Events up to Final are all
// seen; of those after it, up to Last, some may still come to light that were committed late. Count and Sum tell which
// were seen, so that a late one is noticed: then what follows Final is given once more, with it.
type FeedCursor struct {
	Final time.Time
	Last  time.Time
	ID    string // of the event at Last
	Count uint32
	Sum   uint64 // of the hashes of the ids
}

// feedVersion is the form of a cursor's text.
const feedVersion = 1

// String returns the cursor as callers keep it.
func (c FeedCursor) String() string {
	b := []byte{feedVersion}
	b = binary.BigEndian.AppendUint64(b, uint64(c.Final.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Last.UnixMicro()))
	b = binary.BigEndian.AppendUint32(b, c.Count)
	b = binary.BigEndian.AppendUint64(b, c.Sum)
	return base64.RawURLEncoding.EncodeToString(append(b, c.ID...))
}

// ParseFeedCursor reads what [FeedCursor.String] wrote. Anything else is [fault.Invalid].
func ParseFeedCursor(text string) (FeedCursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < 29 || b[0] != feedVersion {
		return FeedCursor{}, fault.New(fault.Invalid, "the cursor is not one of ours").
			With(fault.Detail{Location: "query.after", Message: "must be a nextCursor, as it was given"})
	}
	at := func(i int) time.Time { return time.UnixMicro(int64(binary.BigEndian.Uint64(b[i:]))).UTC() } //nolint:gosec // see String
	return FeedCursor{
		Final: at(1), Last: at(9), Count: binary.BigEndian.Uint32(b[17:]), Sum: binary.BigEndian.Uint64(b[21:]), ID: string(b[29:]),
	}, nil
}

// MaxOpen is how many events after Final a cursor keeps watch over. Who would have more waits until they are final.
const MaxOpen = 2000

// Follow decides which events to give, at most limit, and what the cursor is then. It is told the events after the
// cursor's Final as there are now, in the order of time and id, and whether there are more than these.
func (c FeedCursor) Follow(events []Event, more bool, limit int, now time.Time) (give []Event, next FeedCursor) {
	seen := 0
	for seen < len(events) && !c.before(events[seen]) {
		seen++
	}
	if count, sum := digest(events[:seen]); count != c.Count || sum != c.Sum {
		seen = 0 // one came to light late
	}
	give = events[seen:min(len(events), seen+limit)]
	all := !more && seen+len(give) == len(events)
	return give, c.advance(events[:seen+len(give)], all, now)
}

// before tells whether the event is behind what the cursor has seen.
func (c FeedCursor) before(e Event) bool {
	return e.OccurredAt.After(c.Last) || e.OccurredAt.Equal(c.Last) && e.ID > c.ID
}

// advance makes the cursor of having seen these events, which may be all that there are. What has the time of the last
// one seen may be not seen yet, unless it was all.
func (c FeedCursor) advance(seen []Event, all bool, now time.Time) FeedCursor {
	next := FeedCursor{Final: c.Final, Last: c.Last, ID: c.ID}
	if n := len(seen); n > 0 {
		next.Last, next.ID = seen[n-1].OccurredAt, seen[n-1].ID
	}
	final := now.Add(-FeedOverlap)
	if before := next.Last.Add(-time.Microsecond); !all && before.Before(final) {
		final = before
	}
	if final.After(next.Final) {
		next.Final = final
	}
	open := seen
	for len(open) > 0 && !open[0].OccurredAt.After(next.Final) {
		open = open[1:]
	}
	next.Count, next.Sum = digest(open)
	return next
}

func digest(events []Event) (count uint32, sum uint64) {
	for _, e := range events {
		h := fnv.New64a()
		_, _ = h.Write([]byte(e.ID)) // never fails
		count++
		sum += h.Sum64()
	}
	return count, sum
}
