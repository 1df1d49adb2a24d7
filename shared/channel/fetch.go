package channel

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/order"
)

// A Fetch is an order that is to be asked for, with how far that is.
type Fetch struct {
	ID        string // see [FetchID]
	Tenant    string
	Link      string
	Adapter   string
	From      Reference
	ArrivedAt time.Time
	Deadline  time.Time // until when to try
	NextAt    time.Time // when to try again; while somebody does, the end of their lease
	Tries     int
}

const (
	fetchPrefix = "fet_"
	fetchLease  = 3 * time.Minute  // longer than a run may take
	fetchWithin = 10 * time.Minute // where the platform states no limit
)

// FetchID returns the one id of what a link's platform told by an event: the same however often it tells it.
func FetchID(tenant, link string, from Reference) string {
	told := from.EventID
	if told == "" {
		told = from.Event + " " + from.ChannelOrderID
	}
	sum := sha256.Sum256([]byte(tenant + "\x00" + link + "\x00" + told))
	return fetchPrefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// Fetch makes what is to be done about a reference that arrived by a link at the given moment.
func (a Adapter) Fetch(tenant, link string, from Reference, arrived time.Time) Fetch {
	within := a.AcceptWithin
	if within == 0 {
		within = fetchWithin
	}
	arrived = arrived.UTC().Truncate(time.Microsecond)
	return Fetch{
		ID: FetchID(tenant, link, from), Tenant: tenant, Link: link, Adapter: a.Name, From: from,
		ArrivedAt: arrived, Deadline: arrived.Add(within), NextAt: arrived,
	}
}

// Take claims a fetch that is due, and reports false for one that is not: somebody is at it, or it has just failed.
func (f Fetch) Take(now time.Time) (Fetch, bool) {
	if now.Before(f.NextAt) {
		return f, false
	}
	f.NextAt = now.Add(fetchLease)
	f.Tries++
	return f, true
}

// Postpone puts a fetch off after it failed: ever longer, at least as long as the platform asked for, and not beyond the
// deadline, at which it is looked at once more to be given up.
func (f Fetch) Postpone(now time.Time, asked time.Duration) Fetch {
	wait := max(min(15*time.Second<<min(f.Tries, 3), time.Minute), asked)
	f.NextAt = now.Add(wait)
	if f.NextAt.After(f.Deadline) {
		f.NextAt = f.Deadline
	}
	return f
}

// Late tells whether it is too late to try.
func (f Fetch) Late(now time.Time) bool { return !now.Before(f.Deadline) }

// fetchLife is how long a fetch is kept, for whoever looks into what became of an order.
const fetchLife = 30 * 24 * time.Hour

// Document returns what does not change: what is to be fetched. It holds no more of the guest than the platform's id.
func (f Fetch) Document() map[string]any {
	return map[string]any{
		"link": f.Link, "adapter": f.Adapter, "event": f.From.EventID, "kind": f.From.Event, "channelOrderId": f.From.ChannelOrderID,
		"resource": f.From.Resource, "place": f.From.Place, "saidAt": string(f.From.At), "arrivedAt": f.ArrivedAt, "deadline": f.Deadline,
		"expireAt": f.ArrivedAt.Add(fetchLife),
	}
}

// Progress returns what changes: when to look again.
func (f Fetch) Progress() map[string]any {
	return map[string]any{"nextAttemptAt": f.NextAt, "tries": int64(f.Tries), "expireAt": f.ArrivedAt.Add(fetchLife)}
}

// ParseFetch reads what [Fetch.Document] and [Fetch.Progress] wrote.
func ParseFetch(id, tenant string, doc, progress map[string]any) (Fetch, error) {
	text := func(name string) string { s, _ := doc[name].(string); return s }
	moment := func(of map[string]any, name string) time.Time { at, _ := of[name].(time.Time); return at }
	tries, _ := progress["tries"].(int64)
	f := Fetch{
		ID: id, Tenant: tenant, Link: text("link"), Adapter: text("adapter"),
		From: Reference{
			Ref:  refer(text("channelOrderId")),
			Mark: Mark{EventID: text("event"), At: order.Time(text("saidAt"))}, Event: text("kind"), Resource: text("resource"), Place: text("place"),
		},
		ArrivedAt: moment(doc, "arrivedAt"), Deadline: moment(doc, "deadline"), NextAt: moment(progress, "nextAttemptAt"), Tries: int(tries),
	}
	if f.Link == "" || f.Adapter == "" || f.Deadline.IsZero() {
		return Fetch{}, errors.New("fetch " + id + ": the document lacks what it must say")
	}
	return f, nil
}
