package privacy

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/privacy"
)

const day = 24 * time.Hour

// keeper is the daily function, over tenants with these retentions.
func (w *world) keeper(retentions map[string]identity.Retention) *keeper {
	w.t.Helper()
	for id, r := range retentions {
		t := identity.Tenant{ID: id, Name: id, CreatedAt: w.Now(), Retention: r}
		w.must(w.ledger.Bookkeep(w.t.Context(), id, ledgerdb.Put(ledgerdb.Ref{Collection: "tenants", ID: id}, t.Document())))
	}
	tenants := identitydb.New(identitydb.Options{Ledger: w.ledger, Now: w.Now, Random: rand.Reader})
	return &keeper{
		store: w.store, tenants: tenants, erasures: w.erasures, evidence: evidencedb.New(w.ledger), now: w.Now, log: slog.New(slog.DiscardHandler),
	}
}

// readable tells whether an order's guest, and what the channel sent, can still be read.
func (w *world) readable(tenant, id string) (guest, original bool) {
	w.t.Helper()
	stored, err := w.orders.LoadAll(w.t.Context(), tenant, []string{id})
	w.must(err)
	whole, err := w.orders.Whole(w.t.Context(), stored[0])
	w.must(err)
	_, err = w.orders.Original(w.t.Context(), stored[0])
	return whole.Customer != nil, err == nil
}

// TestEveryKindOfDataEndsInItsTime moves the clock to just before and to the end of each kind of data, for a tenant that
// keeps it as long as the hub does and for one that does not. No job has run: reading alone must not show it any more.
func TestEveryKindOfDataEndsInItsTime(t *testing.T) {
	t.Parallel()
	short := identity.Retention{Guests: 30, Originals: 10, Messages: 5}
	for name, c := range map[string]struct {
		retention                   identity.Retention
		guests, originals, messages time.Duration
	}{
		"the hub's own": {identity.Retention{}, 365 * day, 90 * day, 30 * day},
		"a tenant's":    {short, 30 * day, 10 * day, 5 * day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.retention = c.retention
			id := w.place(tenantA, "A-1", customer())
			kept := w.keep(channel.KeptFailed, channel.Ref{}, guestPhone+" "+guestEmail)
			message, err := w.messages.Load(t.Context(), tenantA, kept)
			w.must(err)
			begun := w.Now()
			for _, at := range []time.Duration{c.messages, c.originals, c.guests} {
				for _, early := range []time.Duration{time.Second, 0} {
					age := at - early
					w.wait(begun.Add(age).Sub(w.Now()))
					_, err := w.messages.Body(t.Context(), message)
					guest, original := w.readable(tenantA, id)
					if guest != (age < c.guests) || original != (age < c.originals) || (err == nil) != (age < c.messages) {
						t.Errorf("after %s: guest %t, original %t, message %v", age, guest, original, err)
					}
					if a := w.ask("erase", map[string]any{"phone": guestPhone, "dryRun": true}); (len(a.Candidates.Orders) == 1) != (age < c.guests) {
						t.Errorf("after %s the search answers %s", age, a.text)
					}
				}
			}
		})
	}
}

func TestTheDailyRunDeletesWhatNobodyCanReadAnyMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keeper(map[string]identity.Retention{tenantA: {Guests: 30, Originals: 10, Messages: 5}, tenantB: {}})
	short, long := w.place(tenantA, "A-1", customer()), w.place(tenantB, "A-1", customer())
	kept := w.keep(channel.KeptFailed, channel.Ref{}, guestPhone+" "+guestEmail)
	for _, step := range []struct {
		age  time.Duration
		gone []string
	}{
		{5*day - time.Second, nil},
		{5 * day, []string{"orderKeys/" + kept, "originals/" + kept}},
		{10 * day, []string{"originals/" + short}},
		{30 * day, []string{"orderKeys/" + short}},
		{90 * day, []string{"originals/" + long}},
		{365 * day, []string{"orderKeys/" + long}},
	} {
		before := map[string]bool{}
		for _, path := range []string{"orderKeys/" + kept, "originals/" + kept, "orderKeys/" + short, "originals/" + short, "orderKeys/" + long, "originals/" + long} {
			before[path] = w.exists(path)
		}
		w.wait(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC).Add(step.age).Sub(w.Now()))
		for range 2 {
			w.must(k.retain(t.Context(), event.Message{}))
		}
		for _, path := range step.gone {
			if w.exists(path) || !before[path] {
				t.Errorf("after %s there still is %s, or it went before", step.age, path)
			}
			delete(before, path)
		}
		for path, was := range before {
			if was && !w.exists(path) {
				t.Errorf("after %s %s went", step.age, path)
			}
		}
	}
}

func TestTheDailyRunDeletesManyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keeper(map[string]identity.Retention{tenantA: {}})
	const many = 650 // more than two pages
	for n := range many {
		id := fmt.Sprintf("msg_%026d", n)
		w.must(w.ledger.Bookkeep(t.Context(), tenantA, ledgerdb.Add(ledgerdb.Ref{Collection: "originals", ID: id}, map[string]any{"expireAt": w.Now()})))
	}
	w.must(k.retain(t.Context(), event.Message{}))
	left, err := w.db.Collection("originals").Documents(t.Context()).GetAll()
	if err != nil || len(left) != 0 {
		t.Errorf("%d are left, %v", len(left), err)
	}
}

func TestTheDailyRunDeletesLargeDocuments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keeper(map[string]identity.Retention{tenantA: {}})
	part := make([]byte, 512<<10)
	for n := range 24 { // 12 MiB
		ref := ledgerdb.Ref{Collection: "exportParts", ID: fmt.Sprintf("job_1_%d", n)}
		w.must(w.ledger.Bookkeep(t.Context(), tenantA, ledgerdb.Add(ref, map[string]any{"part": part, "expireAt": w.Now()})))
	}
	w.must(k.retain(t.Context(), event.Message{}))
	left, err := w.db.Collection("exportParts").Documents(t.Context()).GetAll()
	if err != nil || len(left) != 0 {
		t.Errorf("%d are left, %v", len(left), err)
	}
}

func TestExpiredExportsAreDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keeper(map[string]identity.Retention{tenantA: {}})
	w.place(tenantA, "A-1", customer())
	job := w.ask("export", theGuest()).Job
	w.work(job)
	w.wait(privacy.ExportLife + privacy.Lease)
	w.must(k.retain(t.Context(), event.Message{}))
	if w.exists("exportKeys/"+job+"_1") || w.exists("exportParts/"+job+"_1_0") {
		t.Error("something of the export is left")
	}
}

func TestTheTrustPageHearsOfErasures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keeper(map[string]identity.Retention{tenantA: {}})
	w.place(tenantA, "A-1", customer())
	w.work(w.ask("erase", theGuest()).Job)
	w.must(k.retain(t.Context(), event.Message{}))
	told, _, err := k.evidence.Load(t.Context())
	w.must(err)
	facts := told[evidence.Erasure].Facts
	days, _ := facts.Number("horizonDays")
	n, _ := facts.Number("erasures")
	if days != 37 || n != 1 {
		t.Errorf("the evidence is %v", facts)
	}
}

func TestARetentionCanOnlyBeShorter(t *testing.T) {
	t.Parallel()
	for _, r := range []identity.Retention{{Guests: 366}, {Originals: 91}, {Messages: 31}, {Guests: -1}} {
		if err := r.Check(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if err := (identity.Retention{Guests: 365, Originals: 90, Messages: 30}).Check(); err != nil {
		t.Error(err)
	}
}
