package deliverydb_test

import (
	"errors"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/webhook"
)

func TestTheLogOfDeliveriesForgetsWhatWasSaid(t *testing.T) {
	t.Parallel()
	f := open(t)
	ep := f.endpoint()
	made, err := f.store.Dispatch(t.Context(), f.event("ord_1", 1), []delivery.Endpoint{ep}, "me")
	if err != nil {
		t.Fatal(err)
	}
	other, err := f.store.Dispatch(t.Context(), f.event("ord_2", 1), []delivery.Endpoint{ep}, "me")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []delivery.Delivery{made[0].Delivery, other[0].Delivery} {
		said := d.Log([]byte("for Alva")).Record(webhook.Result{Status: 500, BodyPrefix: "no Alva here"}, time.Now(), 0)
		if err := f.store.Save(t.Context(), said, "me"); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := f.store.Forget(t.Context(), made[0].Tenant, "ord_1"); err != nil {
			t.Fatal(err)
		}
	}
	now := f.delivery(made[0].ID)
	if now.Request != "" || len(now.Attempts) != 1 || now.Attempts[0].Answer != "" || now.Attempts[0].Status != 500 {
		t.Errorf("the log says %+v", now.Delivery)
	}
	if left := f.delivery(other[0].ID); left.Request == "" || left.Attempts[0].Answer == "" {
		t.Error("another order's log went too")
	}
}

// TestWhatIsOnItsWayIsForgottenWhenItHasArrived lets a message be sent while the order's log is forgotten.
func TestWhatIsOnItsWayIsForgottenWhenItHasArrived(t *testing.T) {
	t.Parallel()
	f := open(t)
	made, err := f.store.Dispatch(t.Context(), f.event("ord_1", 1), []delivery.Endpoint{f.endpoint()}, "me")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.store.Forget(t.Context(), made[0].Tenant, "ord_1"); !errors.Is(err, deliverydb.ErrUnderWay) {
		t.Errorf("while it is sent: %v", err)
	}
	said := made[0].Log([]byte("for Alva")).Record(webhook.Result{Status: 200, BodyPrefix: "Alva has it"}, time.Now(), 0)
	if err := f.store.Save(t.Context(), said, "me"); err != nil {
		t.Fatal(err)
	}
	if err := f.store.Forget(t.Context(), made[0].Tenant, "ord_1"); err != nil {
		t.Errorf("when it has arrived: %v", err)
	}
	if now := f.delivery(made[0].ID); now.State != delivery.Delivered || now.Request != "" || now.Attempts[0].Answer != "" {
		t.Errorf("the log says %+v", now.Delivery)
	}
}
