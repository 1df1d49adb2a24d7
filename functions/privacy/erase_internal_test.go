package privacy

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/privacy"
	"ryggrad.internal/hub/shared/webhook"
)

// theGuest describes the guest well enough.
func theGuest() map[string]any { return map[string]any{"phone": guestPhone, "email": guestEmail} }

func TestAGuestIsErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine, also := w.place(tenantA, "A-1", customer()), w.place(tenantA, "A-2", customer())
	other, theirs := w.place(tenantA, "A-3", &order.Customer{Name: "Nils", Phone: guestPhone}), w.place(tenantB, "A-1", customer())
	message := w.keep(channel.KeptFailed, channel.Ref{}, guestPhone+" "+guestEmail)
	a := w.ask("erase", theGuest())
	if a.status != http.StatusAccepted || a.Job == "" || a.Confirmed.Count != 3 || a.Candidates.Count != 1 {
		t.Fatalf("answered %d %s", a.status, a.text)
	}
	if state := w.call("owner", http.MethodGet, "/v1/subjects/erasures/"+a.Job, nil); state.State != privacy.Pending || state.Orders != 2 || state.Messages != 1 {
		t.Errorf("at first it is %s", state.text)
	}
	if !slices.ContainsFunc(w.Published(t, "subjects"), func(m pubsubMessage) bool { return strings.Contains(string(m.GetData()), a.Job) }) {
		t.Error("it was not announced")
	}
	w.work(a.Job)
	w.erased(a.Job, []string{mine, also}, []string{message})
	for _, path := range []string{"orderKeys/" + other, "originals/" + other, "orderKeys/" + theirs, "originals/" + theirs} {
		if !w.exists(path) {
			t.Errorf("%s went too", path)
		}
	}
	state := w.call("owner", http.MethodGet, "/v1/subjects/erasures/"+a.Job, nil)
	if state.State != privacy.Done || !state.CompleteAt.Equal(w.Now().Add(37*24*time.Hour)) {
		t.Errorf("at last it is %s", state.text)
	}
	for object, action := range map[string]string{
		"subjectJobs/" + a.Job: "subject.erase", "orders/" + mine: "guest.forget", "orders/" + also: "guest.forget", "messages/" + message: "guest.forget",
	} {
		if n := w.entries(action, object); n != 1 {
			t.Errorf("%d entries %s of %s", n, action, object)
		}
	}
}

// erased checks that an erasure is complete.
func (w *world) erased(job string, orders, messages []string) {
	w.t.Helper()
	raw, err := w.erasures.Read(w.t.Context(), privacy.ErasureObject(job))
	w.must(err)
	e, err := privacy.Parse(raw)
	w.must(err)
	slices.Sort(orders)
	slices.Sort(messages)
	if e.ID != job || e.Tenant != tenantA || !slices.Equal(e.Orders, orders) || !slices.Equal(e.Messages, messages) {
		w.t.Errorf("the erasure is %s", raw)
	}
	for _, id := range slices.Concat(orders, messages) {
		if w.exists("orderKeys/"+id) || w.exists("originals/"+id) {
			w.t.Errorf("something of %s is left", id)
		}
	}
	for _, id := range orders {
		stored, err := w.orders.Load(w.t.Context(), tenantA, id)
		w.must(err)
		whole, err := w.orders.Whole(w.t.Context(), stored)
		w.must(err)
		if !stored.Erased(w.Now()) || whole.Customer != nil || whole.Note != "" || whole.Total != 100 {
			w.t.Errorf("order %s reads %+v", id, whole)
		}
		snap, err := w.db.Doc("orders/" + id).Get(w.t.Context())
		w.must(err)
		if _, there := snap.Data()["guest"]; there {
			w.t.Errorf("the sealed guest of %s is left", id)
		}
	}
	if w.exists("subjectQueue/" + job) {
		w.t.Error("the job is still in the queue")
	}
}

func TestErasingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place(tenantA, "A-1", customer())
	first, second := w.ask("erase", theGuest()), w.ask("erase", theGuest())
	for _, job := range []string{first.Job, second.Job, first.Job} {
		w.work(job)
	}
	w.erased(first.Job, []string{id}, nil)
	w.erased(second.Job, []string{id}, nil)
	if n := w.entries("guest.forget", "orders/"+id); n != 1 {
		t.Errorf("it was forgotten %d times", n)
	}
	a := w.ask("erase", map[string]any{"phone": guestPhone, "orders": []string{id}})
	if a.status != http.StatusOK || a.Job != "" || !slices.Equal(a.Unmatched, []string{id}) {
		t.Errorf("then it is answered %d %s", a.status, a.text)
	}
}

func TestAnOrderThatArrivesAgainAfterErasureIsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place(tenantA, "A-1", customer())
	w.work(w.ask("erase", theGuest()).Job)
	if again := w.place(tenantA, "A-1", &order.Customer{Name: "Altered"}); again != id {
		t.Errorf("it became %s", again)
	}
	if w.exists("orderKeys/" + id) {
		t.Error("it brought a key back")
	}
}

func TestAnErasedOrderGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place(tenantA, "A-1", customer())
	act := ledgerdb.Act{Tenant: tenantA, Actor: identity.Actor{Kind: identity.KindClient, ID: "cli_1"}, Action: "order.advance"}
	advance := func(s order.Status, reason string) {
		_, err := w.orders.Advance(t.Context(), act, id, order.Change{Status: s, Reason: reason}, func(order.Record) error { return nil })
		w.must(err)
	}
	advance(order.Accepted, guestName+" called")
	w.work(w.ask("erase", theGuest()).Job)
	stored, err := w.orders.Load(t.Context(), tenantA, id)
	w.must(err)
	if stored.Reason != "" {
		t.Errorf("its reason is still %q", stored.Reason)
	}
	advance(order.Ready, "")
	if stored, err = w.orders.Load(t.Context(), tenantA, id); err != nil || stored.Status != order.Ready {
		t.Errorf("it is %s, %v", stored.Status, err)
	}
	w.chainHolds("orders/"+id, 4)
}

func TestAMessageThatWasErasedCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.keep(channel.KeptFailed, channel.Ref{}, guestPhone+" "+guestEmail)
	w.work(w.ask("erase", theGuest()).Job)
	m, err := w.messages.Load(t.Context(), tenantA, id)
	w.must(err)
	if body, err := w.messages.Body(t.Context(), m); !fault.Is(err, fault.NotFound) {
		t.Errorf("it reads %q, %v", body, err)
	}
	w.chainHolds("messages/"+id, 2)
}

func TestJobsOfOthersAndOtherKindsAreNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place(tenantA, "A-1", customer())
	erasure, export := w.ask("erase", theGuest()).Job, w.ask("export", theGuest()).Job
	for _, c := range [][3]string{
		{"other tenant", http.MethodGet, "/v1/subjects/erasures/" + erasure},
		{"other tenant", http.MethodGet, "/v1/subjects/exports/" + export},
		{"other tenant", http.MethodPost, "/v1/subjects/exports/" + export + "/content"},
		{"owner", http.MethodGet, "/v1/subjects/exports/" + erasure},
		{"owner", http.MethodGet, "/v1/subjects/erasures/" + export},
		{"owner", http.MethodPost, "/v1/subjects/exports/" + erasure + "/content"},
		{"owner", http.MethodGet, "/v1/subjects/erasures/era_zzz"},
	} {
		if a := w.call(c[0], c[1], c[2], nil); a.status != http.StatusNotFound {
			t.Errorf("%v is answered %d %s", c, a.status, a.text)
		}
	}
}

// TestAnErasureWaitsForMessagesOnTheirWay lets an endpoint be told of an order while its guest is erased.
func TestAnErasureWaitsForMessagesOnTheirWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place(tenantA, "A-1", customer())
	d := delivery.New(delivery.Event{ID: "evt_1", Tenant: tenantA, Type: delivery.OrderReceived, Order: id, Sequence: 1}, "ep_1", "me", w.Now())
	w.must(w.ledger.Bookkeep(t.Context(), tenantA, ledgerdb.Add(ledgerdb.Ref{Collection: "deliveries", ID: d.ID}, d.Document())))
	job := w.ask("erase", theGuest()).Job
	w.work(job)
	if state := w.call("owner", http.MethodGet, "/v1/subjects/erasures/"+job, nil); state.State != privacy.Pending || w.exists("orderKeys/"+id) {
		t.Errorf("while it is sent: %s", state.text)
	}
	said := d.Log([]byte(guestName)).Record(webhook.Result{Status: 200, BodyPrefix: guestName}, w.Now(), 0)
	w.must(w.ledger.Bookkeep(t.Context(), tenantA, ledgerdb.Put(ledgerdb.Ref{Collection: "deliveries", ID: d.ID}, said.Document())))
	w.wait(privacy.Pause)
	w.must(w.tick(t.Context()))
	w.erased(job, []string{id}, nil)
	if state := w.call("owner", http.MethodGet, "/v1/subjects/erasures/"+job, nil); state.State != privacy.Done {
		t.Errorf("when it has arrived: %s", state.text)
	}
	snap, err := w.db.Doc("deliveries/" + d.ID).Get(t.Context())
	w.must(err)
	if kept := fmt.Sprint(snap.Data()); strings.Contains(kept, guestName) {
		t.Errorf("the log says %s", kept)
	}
	if strings.Contains(w.log.String(), `"level":"ERROR"`) {
		t.Error("somebody is called though nothing is wrong")
	}
}
