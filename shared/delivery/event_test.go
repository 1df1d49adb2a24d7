package delivery_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/delivery"
)

func TestEventsReadBackAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 123000, time.UTC)
	for name, e := range map[string]delivery.Event{
		"of an order": {ID: "evt_1", Tenant: "ten_1", Type: delivery.OrderReceived, Order: "ord_1", Location: "loc_1", Sequence: 1,
			OccurredAt: at, Data: map[string]any{"status": "received"}, Pending: true},
		"of no order": {ID: "evt_2", Tenant: "ten_1", Type: delivery.NoticeCreated, OccurredAt: at, Data: map[string]any{}},
	} {
		got, err := delivery.ParseEvent(e.ID, e.Tenant, e.Document())
		if diff := cmp.Diff(e, got); diff != "" || err != nil {
			t.Errorf("%s, %v (-wrote +read):\n%s", name, err, diff)
		}
	}
}

func TestOnlyAPendingEventCarriesTheMark(t *testing.T) {
	t.Parallel()
	e := delivery.Event{Type: delivery.OrderReceived, Pending: true}
	if e.Document()["pending"] != true {
		t.Error("a pending event carries no mark")
	}
	e.Pending = false
	if _, marked := e.Document()["pending"]; marked {
		t.Error("a dispatched event carries a mark, and stays in the relay's index")
	}
}

func TestAnEventOfTheWrongShapeIsRefused(t *testing.T) {
	t.Parallel()
	for _, doc := range []map[string]any{
		{"type": int64(1)}, {"sequence": "1"}, {"occurredAt": "2026-03-01T12:00:00Z"}, {"data": []any{}}, {"pending": "yes"},
	} {
		if _, err := delivery.ParseEvent("evt_1", "ten_1", doc); err == nil {
			t.Errorf("%v is read", doc)
		}
	}
}
