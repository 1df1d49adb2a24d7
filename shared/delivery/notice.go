package delivery

import "time"

// Kind says what a notice to the tenant is about.
type Kind string

// The kinds of notices.
const (
	EndpointFailing Kind = "endpoint.failing"        // an endpoint does not take messages; they wait
	DeliveryFailed  Kind = "delivery.failed"         // messages to an endpoint were given up after three days
	DeadlineNear    Kind = "order.deadline_near"     // an order must be accepted soon
	OrderNotFetched Kind = "order.not_fetched"       // a platform told of an order and did not hand it out in time
	StatusNotTaken  Kind = "channel.status_not_sent" // a platform did not take an order's status
)

// Notice is news about the hub itself, or about what needs a person of the tenant. It names ids, never a guest.
type Notice struct {
	Kind     Kind
	Subject  string // the id of what it is about
	Order    string // the order that it concerns, or ""
	Location string // "" when it concerns the whole tenant
	Message  string // in words, for people
}

// noticeEvery is how often the same notice is given at most.
const noticeEvery = time.Hour

// Event makes the event of a notice. A notice about an order is given once, any other of a kind and subject once an hour;
// which tells the parts of its id.
func (n Notice) Event(tenant string, now time.Time) (ev Event, of []string) {
	of = []string{"notice", string(n.Kind), n.Subject}
	if n.Order == "" {
		of = append(of, now.UTC().Truncate(noticeEvery).Format(time.RFC3339))
	}
	data := map[string]any{"notice": string(n.Kind), "subject": n.Subject, "message": n.Message}
	if n.Order != "" {
		data["about"] = n.Order
	}
	return Event{Tenant: tenant, Type: NoticeCreated, Location: n.Location, OccurredAt: now, Data: data, Pending: true}, of
}
