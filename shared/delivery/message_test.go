package delivery_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/delivery"
)

func TestMessageBytesAreFixed(t *testing.T) {
	t.Parallel()
	e := event(2)
	e.Data = map[string]any{"status": "accepted", "version": int64(2)}
	notice := delivery.Event{ID: "evt_9", Type: delivery.NoticeCreated, OccurredAt: noon(), Data: map[string]any{"notice": "not_1"}}
	type content struct {
		Total int64 `json:"total"`
	}
	for name, c := range map[string]struct {
		event delivery.Event
		whole any
		want  string
	}{
		"thin": {e, nil, `{"type":"order.status_changed","timestamp":"2026-03-01T12:00:00.000000Z","data":` +
			`{"location":"loc_1","order":"ord_1","sequence":2,"status":"accepted","version":2}}`},
		"full": {e, content{1750}, `{"type":"order.status_changed","timestamp":"2026-03-01T12:00:00.000000Z","data":` +
			`{"content":{"total":1750},"location":"loc_1","order":"ord_1","sequence":2,"status":"accepted","version":2}}`},
		"of no order": {notice, nil, `{"type":"notice.created","timestamp":"2026-03-01T12:00:00.000000Z","data":{"notice":"not_1"}}`},
	} {
		body, err := delivery.Body(c.event, c.whole)
		if diff := cmp.Diff(c.want, string(body)); diff != "" || err != nil {
			t.Errorf("%s, %v (-want +got):\n%s", name, err, diff)
		}
	}
	if len(e.Data) != 2 {
		t.Error("the event's own data was changed")
	}
	body, err := delivery.TestBody("ep_1", noon())
	want := `{"type":"endpoint.test","timestamp":"2026-03-01T12:00:00.000000Z","data":{"endpoint":"ep_1"}}`
	if diff := cmp.Diff(want, string(body)); diff != "" || err != nil {
		t.Errorf("test message, %v (-want +got):\n%s", err, diff)
	}
}

func TestContentThatIsNoJSONIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := delivery.Body(event(1), make(chan int)); err == nil {
		t.Error("a channel is sent")
	}
}
