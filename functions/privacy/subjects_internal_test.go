package privacy

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
)

func TestAContactAloneShowsMaskedCandidates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place(tenantA, "A-1", customer())
	for _, contact := range []map[string]any{{"phone": guestPhone}, {"email": strings.ToUpper(guestEmail)}, {"phone": "070-174 06 05", "country": "SE"}} {
		for _, kind := range []string{"export", "erase"} {
			a := w.ask(kind, contact)
			if a.status != http.StatusOK || a.Job != "" || a.Confirmed.Count != 0 || a.Candidates.Count != 1 || a.Candidates.Orders[0].ID != id {
				t.Fatalf("%s of %v is answered %d %s", kind, contact, a.status, a.text)
			}
			for _, word := range []string{guestName, "Lindqvist", guestPhone, guestEmail, "alva.zorn", guestNote, "Storgatan", "111 22"} {
				if strings.Contains(a.text, word) {
					t.Errorf("the candidate shows %q", word)
				}
			}
		}
	}
	if n := w.entries("subject.export", "") + w.entries("subject.erase", ""); n != 0 {
		t.Errorf("%d acts were done", n)
	}
}

func TestASecondFieldOrAKnownOrderConfirms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place(tenantA, "A-1", customer())
	other := w.place(tenantA, "A-2", &order.Customer{Name: "Somebody Else", Phone: guestPhone})
	for name, c := range map[string]struct {
		body      map[string]any
		confirmed []string
	}{
		"both contacts":          {map[string]any{"phone": guestPhone, "email": guestEmail}, []string{id}},
		"the name":               {map[string]any{"phone": guestPhone, "name": "alva  LINDQVIST-zorn"}, []string{id}},
		"the postal code":        {map[string]any{"phone": guestPhone, "postalCode": "11122"}, []string{id, other}},
		"a known order":          {map[string]any{"phone": guestPhone, "orders": []string{other}}, []string{other}},
		"another's name":         {map[string]any{"phone": guestPhone, "name": "Nils Dacke"}, nil},
		"an order without a hit": {map[string]any{"email": "nobody@example.com", "orders": []string{id}}, nil},
		"the name alone, nearly": {map[string]any{"phone": guestPhone, "name": "Alva"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.body["dryRun"] = true
			a := w.call("owner", http.MethodPost, "/v1/subjects/erase", c.body)
			var got []string
			for _, o := range a.Confirmed.Orders {
				got = append(got, o.ID)
			}
			slices.Sort(got)
			slices.Sort(c.confirmed)
			if a.status != http.StatusOK || !slices.Equal(got, c.confirmed) || a.Job != "" {
				t.Errorf("answered %d %s", a.status, a.text)
			}
			if n := int64(len(c.confirmed)); a.Held["orderKeys"] != n || a.Held["originals"] != n {
				t.Errorf("held is %v", a.Held)
			}
		})
	}
}

func TestMaskedContactsOfPlatformsNeverMatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	masked := customer()
	masked.PhoneMasked, masked.EmailMasked = true, true
	w.place(tenantA, "A-1", masked)
	if a := w.ask("erase", map[string]any{"phone": guestPhone, "email": guestEmail}); a.Confirmed.Count+a.Candidates.Count != 0 || a.status != http.StatusOK {
		t.Errorf("answered %d %s", a.status, a.text)
	}
	half := customer()
	half.PhoneMasked = true
	w.place(tenantA, "A-2", half)
	if a := w.ask("export", map[string]any{"phone": guestPhone, "email": guestEmail}); a.Confirmed.Count != 0 || a.Candidates.Count != 1 {
		t.Errorf("a masked number confirms: %s", a.text)
	}
}

func TestWhoMayNotIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place(tenantA, "A-1", customer())
	whole := map[string]any{"phone": guestPhone, "email": guestEmail, "orders": []string{id}}
	for who, want := range map[string]struct {
		status int
		kind   string
	}{
		"unproven":     {http.StatusUnauthorized, "urn:ryggrad:problem:step-up"},
		"one location": {http.StatusForbidden, "urn:ryggrad:problem:forbidden"},
		"nobody":       {http.StatusUnauthorized, "urn:ryggrad:problem:unauthenticated"},
		"other tenant": {http.StatusOK, ""},
	} {
		for _, kind := range []string{"export", "erase"} {
			a := w.call(who, http.MethodPost, "/v1/subjects/"+kind, whole)
			if a.status != want.status || a.Type != want.kind || a.Confirmed.Count != 0 || a.Candidates.Count != 0 || a.Job != "" {
				t.Errorf("%s: %s is answered %d %s", who, kind, a.status, a.text)
			}
		}
	}
	if !w.exists("orderKeys/" + id) {
		t.Error("it was erased")
	}
}

func TestAnUnclearSubjectIsRefusedWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.ask("erase", map[string]any{"phone": "0701740605", "email": "nobody", "orders": []string{"ord_1"}, "messages": []string{"ord_1"}})
	if a.status != http.StatusUnprocessableEntity {
		t.Fatalf("answered %d %s", a.status, a.text)
	}
	for _, at := range []string{`"body.phone"`, `"body.email"`, `"body.orders[0]"`, `"body.messages[0]"`} {
		if !strings.Contains(a.text, at) {
			t.Errorf("it says nothing of %s: %s", at, a.text)
		}
	}
	if strings.Contains(a.text, "0701740605") {
		t.Error("it repeats the number")
	}
	if a := w.ask("erase", map[string]any{"name": guestName}); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a name alone is answered %d %s", a.status, a.text)
	}
}

func TestMessagesThatNobodyCouldReadAreSearched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	broken := w.keep(channel.KeptFailed, channel.Ref{}, `{"customer":{"phone":"0046 70-174 06 05","mail":"Alva.Zorn@example.com"},`)
	phoneOnly := w.keep(channel.KeptFailed, channel.Ref{}, `{"customer":{"phone":"+46 (0)70 174 06 05"}}`)
	w.keep(channel.KeptFailed, channel.Ref{}, `{"customer":{"phone":"+46701740606","mail":"xalva.zorn@example.com"}}`)
	a := w.ask("erase", map[string]any{"phone": guestPhone, "email": guestEmail, "dryRun": true})
	if len(a.Confirmed.Messages) != 1 || a.Confirmed.Messages[0].ID != broken || len(a.Candidates.Messages) != 1 || a.Candidates.Messages[0].ID != phoneOnly {
		t.Fatalf("answered %d %s", a.status, a.text)
	}
	a = w.ask("erase", map[string]any{"phone": guestPhone, "messages": []string{phoneOnly}, "dryRun": true})
	if len(a.Confirmed.Messages) != 1 || a.Confirmed.Messages[0].ID != phoneOnly {
		t.Errorf("answered %d %s", a.status, a.text)
	}
}

func TestMessagesAboutAGuestsOrderGoWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place(tenantA, "A-1", customer())
	courier := w.keep(channel.KeptNoted, channel.Ref{ChannelOrderID: "A-1", Identity: []string{"A-1"}}, `{"courier":"near"}`)
	sameID := w.keep(channel.KeptNoted, channel.Ref{ChannelOrderID: "A-1"}, `{"courier":"here"}`)
	w.keep(channel.KeptNoted, channel.Ref{ChannelOrderID: "A-1", Identity: []string{"A-1", "later"}}, `{"courier":"elsewhere"}`)
	w.keep(channel.KeptNoted, channel.Ref{ChannelOrderID: "A-2"}, `{"courier":"far"}`)
	a := w.ask("erase", map[string]any{"phone": guestPhone, "email": guestEmail, "dryRun": true})
	var got []string
	for _, m := range a.Confirmed.Messages {
		got = append(got, m.ID)
	}
	want := []string{courier, sameID}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("answered %d %s", a.status, a.text)
	}
}

// TestAMessageThatBecameAnOrderLaterGoesWithIt repairs an order that nobody could read at first, not even its channel's id.
func TestAMessageThatBecameAnOrderLaterGoesWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	became := w.keep(channel.KeptFailed, channel.Ref{}, `{"damaged": "of the guest's order"}`)
	id := w.place(tenantA, "A-1", customer())
	m, err := w.messages.Load(t.Context(), tenantA, became)
	w.must(err)
	act := ledgerdb.Act{Tenant: tenantA, Actor: identity.Actor{Kind: identity.KindUser, ID: "usr_1"}, Action: "message.replay"}
	w.must(w.messages.Settle(t.Context(), act, m, channel.KeptSettled, id))
	a := w.ask("erase", theGuest())
	if len(a.Confirmed.Messages) != 1 || a.Confirmed.Messages[0].ID != became {
		t.Fatalf("answered %d %s", a.status, a.text)
	}
	w.work(a.Job)
	w.erased(a.Job, []string{id}, []string{became})
}

func TestEveryMessageThatNobodyCouldReadIsSearchedHoweverManyThereAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	oldest := w.keep(channel.KeptFailed, channel.Ref{}, guestPhone+" "+guestEmail)
	settled := w.keep(channel.KeptSettled, channel.Ref{}, guestEmail+" asks to be called at "+guestPhone)
	w.wait(time.Second)
	const many = 520 // more than one query lists
	for i := range many {
		w.keep(channel.KeptFailed, channel.Ref{}, "nothing of the guest "+strconv.Itoa(i))
	}
	a := w.ask("erase", theGuest())
	if a.Confirmed.Count != 2 || a.Partly {
		t.Fatalf("answered %d %s", a.status, a.text)
	}
	w.work(a.Job)
	w.erased(a.Job, nil, []string{oldest, settled})
	for most, want := range map[int]bool{many: false, many + 1: false, many + 2: true, many + 3: true} {
		ids, all, err := w.messages.Unread(t.Context(), tenantA, most)
		if err != nil || all != want || len(ids) != min(most, many+2) {
			t.Errorf("of %d at most, %d are listed, all: %v, %v", most, len(ids), all, err)
		}
	}
}
