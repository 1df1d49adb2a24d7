package delivery

import (
	"fmt"
	"maps"
	"time"

	"github.com/go-json-experiment/json"
)

// timeFormat is RFC 3339 in UTC with microseconds, what events are kept with.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// TestType is the type of the message that the owner of an endpoint can have sent to try it. It is no event: nothing
// happened, and nobody subscribes to it.
const TestType Type = "endpoint.test"

// message is a body as Standard Webhooks recommends it.
type message struct {
	Type      Type           `json:"type"`
	Timestamp string         `json:"timestamp"`
	Data      map[string]any `json:"data"`
}

// Body returns the JSON of an event's message. Its data is what the event says, with `order`, `location` and `sequence`
// where it is about an order; with whole, which is anything that encodes to JSON, it is a full payload and holds that as
// `content`. The same event and content give the same bytes.
func Body(ev Event, whole any) ([]byte, error) {
	m := message{ev.Type, ev.OccurredAt.UTC().Format(timeFormat), make(map[string]any, len(ev.Data)+4)}
	maps.Copy(m.Data, ev.Data)
	if ev.Order != "" {
		m.Data["order"], m.Data["sequence"] = ev.Order, ev.Sequence
	}
	if ev.Location != "" {
		m.Data["location"] = ev.Location
	}
	if whole != nil {
		m.Data["content"] = whole
	}
	return encode(m)
}

// TestBody returns the JSON of a test message to an endpoint.
func TestBody(endpoint string, now time.Time) ([]byte, error) {
	return encode(message{TestType, now.UTC().Format(timeFormat), map[string]any{"endpoint": endpoint}})
}

func encode(m message) ([]byte, error) {
	body, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write a %s message: %w", m.Type, err)
	}
	return body, nil
}
