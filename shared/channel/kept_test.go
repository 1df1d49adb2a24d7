package channel_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
)

func TestKeptMessagesReadBack(t *testing.T) {
	t.Parallel()
	k := channel.Kept{
		ID: "msg_a", Tenant: "ten_a", Link: "lnk_a", Adapter: "deliverect", Path: "orders", Location: "loc_a", State: channel.KeptWaiting, What: "cancel",
		Problem: fault.Invalid, Reason: "BY_EATER", Ref: channel.Ref{ChannelOrderID: "A-1", Identity: []string{"A-1", ""}}, Place: "store-7", Order: "ord_a", ReceivedAt: noon(),
	}
	waiting := k.Document()
	got, err := channel.ParseKept(k.ID, waiting)
	if diff := cmp.Diff(k, got); diff != "" || err != nil {
		t.Errorf("err %v (-want +got):\n%s", err, diff)
	}
	settled := k.Settle(channel.KeptSettled, "", noon().Add(time.Hour))
	if doc := settled.Document(); waiting["waitingSince"] != noon() || doc["waitingSince"] != nil || doc["settledAt"] != noon().Add(time.Hour) || doc["order"] != "ord_a" {
		t.Errorf("waiting %v, settled %v", waiting, doc)
	}
	byHand, err := channel.Kept{ID: "msg_a", State: channel.KeptFailed}.SettleByHand("  called the guest  ", noon())
	if back, readErr := channel.ParseKept("msg_a", byHand.Document()); err != nil || readErr != nil || back.Remark != "called the guest" || back.State != channel.KeptSettled {
		t.Errorf("settled by hand: %+v, %v, %v", back, err, readErr)
	}
	if _, err := channel.ParseKept("msg_a", map[string]any{"state": 1}); err == nil {
		t.Error("a state that is a number is read")
	}
	if k.GivenUp(noon().Add(channel.WaitForOrder-time.Second)) || !k.GivenUp(noon().Add(channel.WaitForOrder)) {
		t.Error("a cancellation does not wait for a day")
	}
}

func TestAMessageSentAgainHasTheSameID(t *testing.T) {
	t.Parallel()
	event, none := channel.Mark{EventID: "e-1"}, channel.Mark{}
	id := func(link, path string, m channel.Mark, body, secret string) string {
		return channel.KeptID(link, path, m, []byte(body), []byte(secret))
	}
	same := [][2]string{
		{id("l", "p", event, "a", "s"), id("l", "p", event, "b", "s")},
		{id("l", "p", none, "a", "s"), id("l", "p", channel.Mark{At: "2026-03-01T12:00:00Z"}, "a", "s")},
	}
	other := [][2]string{
		{id("l", "p", none, "a", "s"), id("l", "p", none, "b", "s")}, {id("l", "p", none, "a", "s"), id("m", "p", none, "a", "s")},
		{id("l", "p", none, "a", "s"), id("l", "q", none, "a", "s")}, {id("l", "p", none, "a", "s"), id("l", "p", none, "a", "t")},
		{id("lp", "", none, "a", "s"), id("l", "p", none, "a", "s")}, {id("l", "p", event, "", "s"), id("l", "p", none, "e-1", "s")},
	}
	for _, pair := range same {
		if pair[0] != pair[1] {
			t.Errorf("the same message has the ids %v", pair)
		}
	}
	for _, pair := range other {
		if pair[0] == pair[1] {
			t.Errorf("two messages have the id %v", pair[0])
		}
	}
}

func TestOnlyCodesOfReasonsStandInPlain(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]bool{
		"CANCELED_BY_EATER": true, "cust_cancelled_changed_mind": true, "ITEM_86": true,
		"": false, "ANNA": false, "ANNA-MARIA": false, "1_070_1740605": false, "Anna": false, "anna": false, "Anna wanted it hot": false, "CALL ANNA": false, "0701740605": false, "070-174_06": false, "ÅSA": false, "a@b.se": false,
	} {
		if got := channel.ReasonCode(reason); (got == reason) != want && reason != "" || !want && got != "" {
			t.Errorf("of %q stands %q in plain", reason, got)
		}
	}
}

func TestWhatIsKeptHasNoCardNumbers(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		`{"note":"x"}`:                      `{"note":"x"}`,
		`{"note":"4111 1111 1111 1111"}`:    `{"note":"**** **** **** 1111"}`,
		`{"note":"4111 1111 1111 1111`:      `{"note":"**** **** **** 1111`,
		"\xff card 4111111111111111 <b>":    "\xff card ************1111 <b>",
		`{"a":1,"a":"4111 1111 1111 1111"}`: `{"a":1,"a":"**** **** **** 1111"}`,
	} {
		got := string(channel.Keepable([]byte(sent)))
		if got != want {
			t.Errorf("%q is kept as %q, want %q", sent, got, want)
		}
	}
}

func TestWhatIsSettledByHand(t *testing.T) {
	t.Parallel()
	for state, want := range map[channel.KeptState]fault.Kind{
		channel.KeptFailed: "", channel.KeptMissed: "", channel.KeptSettled: "", channel.KeptNoted: fault.Conflict, channel.KeptWaiting: fault.Conflict,
	} {
		if _, err := (channel.Kept{State: state}).SettleByHand("done", noon()); fault.KindOf(err) != want {
			t.Errorf("%s: %v", state, err)
		}
	}
	for _, remark := range []string{"", "  ", strings.Repeat("x", 501), "\xff", "paid with 4111 1111 1111 1111"} {
		got, err := channel.Kept{State: channel.KeptFailed}.SettleByHand(remark, noon())
		if !fault.Is(err, fault.Invalid) || got.State != channel.KeptFailed {
			t.Errorf("%.30q: %v", remark, err)
		}
	}
}
