package event

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"
	"go.opentelemetry.io/otel/propagation"

	"ryggrad.internal/hub/shared/fault"
)

// The topics on which is announced what is stored already.
const (
	TopicEvents  = "events"  // an event of the outbox
	TopicFetches = "fetches" // an order that is to be fetched; its id stands in the place of the event's

	// TopicSubjects tells of a guest who is to be exported or erased; the job's id stands in the place of the event's.
	TopicSubjects = "subjects"
)

// patience is how long an answer waits for the announcement of what it tells of.
const patience = time.Second

// Announcement tells that an event is in the outbox. It names the event and holds nothing of it.
type Announcement struct {
	Tenant string `json:"tenant"`
	Event  string `json:"event"`
}

// Topic is where messages go. Publish waits until Pub/Sub has the message.
type Topic interface {
	Publish(ctx context.Context, data []byte, attributes map[string]string) error
}

// Announcer publishes announcements.
type Announcer struct {
	Topic    Topic
	Log      *slog.Logger
	Patience time.Duration // how long [Announcer.Announce] waits; a second when it is 0
}

// Announce publishes an announcement that nothing depends on: the event is stored, and what was not announced now is
// found and announced later by the relay. So it waits a second at most, and a failure is only logged.
func (a Announcer) Announce(ctx context.Context, one Announcement) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(a.Patience, patience))
	defer cancel()
	if err := a.Publish(ctx, one); err != nil {
		a.Log.WarnContext(ctx, "event could not be announced; the relay will", "event", one.Event, "error", err)
	}
}

// Send publishes what is no announcement, such as a function's next step, and waits until Pub/Sub has it.
func (a Announcer) Send(ctx context.Context, what any) error {
	data, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("write a message: %w", err)
	}
	return a.publish(ctx, data, nil)
}

// Publish publishes an announcement and waits until Pub/Sub has it. It carries the trace on, but not what the caller put
// into the trace's state: that may be longer than Pub/Sub takes, and messages that are sent together are refused together.
func (a Announcer) Publish(ctx context.Context, one Announcement) error {
	data, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("write an announcement: %w", err)
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	attributes := map[string]string{}
	if parent := carrier.Get("traceparent"); parent != "" {
		attributes["googclient_traceparent"] = parent
	}
	return a.publish(ctx, data, attributes)
}

func (a Announcer) publish(ctx context.Context, data []byte, attributes map[string]string) error {
	if err := a.Topic.Publish(ctx, data, attributes); err != nil {
		return fault.New(fault.Unavailable, "a message could not be published").Because(err)
	}
	return nil
}

// ParseAnnouncement reads a message of [TopicEvents].
func ParseAnnouncement(m Message) (Announcement, error) {
	var one Announcement
	if err := json.Unmarshal(m.Data, &one, json.RejectUnknownMembers(true)); err != nil || one.Tenant == "" || one.Event == "" {
		return Announcement{}, fault.New(fault.Malformed, "this is no announcement of an event").Because(err)
	}
	return one, nil
}
