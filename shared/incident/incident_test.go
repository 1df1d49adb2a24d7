package incident_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/incident"
)

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func TestASignalGathersAlertsInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, heard string // a letter an alert: upper case opens, lower case closes
		want        []incident.Step
		quiet       bool
	}{
		{"one that opens and closes", "Aa", []incident.Step{incident.Begin, incident.Note}, true},
		{"the same again", "AAaa", []incident.Step{incident.Begin, incident.Nothing, incident.Note, incident.Nothing}, true},
		{"a late opening", "aA", []incident.Step{incident.Note, incident.Nothing}, false},
		{"one after its end", "AaA", []incident.Step{incident.Begin, incident.Note, incident.Nothing}, true},
		{"two at once", "ABa", []incident.Step{incident.Begin, incident.Join, incident.Note}, false},
		{"both over", "ABab", []incident.Step{incident.Begin, incident.Join, incident.Note, incident.Note}, true},
		{"another in the quiet", "AaB", []incident.Step{incident.Begin, incident.Note, incident.Join}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := incident.Signal{Key: "orders"}
			var steps []incident.Step
			for _, letter := range c.heard {
				n := incident.Notification{ID: fmt.Sprint(letter | 0x20), Open: letter < 'a'}
				var step incident.Step
				if s, step = s.Hear(n, noon()); step == incident.Begin {
					s.Incident = "inc_1"
				}
				steps = append(steps, step)
			}
			if !slices.Equal(steps, c.want) || s.QuietSince.IsZero() == c.quiet {
				t.Errorf("the steps are %v, want %v; quiet since %s", steps, c.want, s.QuietSince)
			}
			again, err := incident.ParseSignal("orders", s.Document())
			if diff := cmp.Diff(s, again); err != nil || diff != "" {
				t.Errorf("it is read as (-want +got):\n%s%v", diff, err)
			}
		})
	}
}

func TestAnIncidentEndsAfterTenQuietMinutesAndNoSooner(t *testing.T) {
	t.Parallel()
	s := incident.Signal{Incident: "inc_1", QuietSince: noon(), Alerts: map[string]incident.Alert{"a": {At: noon()}}}
	if _, step := s.Settle(noon().Add(incident.QuietFor - time.Second)); step != incident.Nothing {
		t.Errorf("sooner it is %d", step)
	}
	if _, step := s.Settle(noon().Add(incident.QuietFor)); step != incident.End {
		t.Errorf("then it is %d", step)
	}
	if after, step := (incident.Signal{Alerts: s.Alerts}).Settle(noon().AddDate(0, 0, 9)); step != incident.Note || len(after.Alerts) != 0 {
		t.Errorf("an old alert is kept: %v", after.Alerts)
	}
}

func TestOverIsOver(t *testing.T) {
	t.Parallel()
	i := incident.Incident{State: incident.Investigating, OpenedAt: noon()}
	over, changed, err := i.Take(incident.Update{ID: "upd_1", At: noon(), State: incident.Resolved, Message: "Done."})
	if err != nil || !changed || over.Open() || !over.ResolvedAt.Equal(noon()) {
		t.Fatalf("it became %+v, %v", over, err)
	}
	if _, changed, err = over.Take(over.Updates[0]); changed || err != nil {
		t.Errorf("the same again: %t %v", changed, err)
	}
	if _, _, err = over.Take(incident.Update{ID: "upd_2", State: incident.Identified, Message: "m"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("going on is answered %v", err)
	}
	if _, changed, err = over.Take(incident.Update{ID: "upd_3", State: incident.Resolved, Message: "What we learned."}); !changed || err != nil {
		t.Errorf("a word afterwards: %t %v", changed, err)
	}
	again, err := incident.Parse("", over.Document())
	if diff := cmp.Diff(over, again); err != nil || diff != "" {
		t.Errorf("it is read as (-want +got):\n%s%v", diff, err)
	}
}

// An alert on lines of a log has no resource of the hub's, no value and no subject; it is for operators.
func TestAnAlertOnLinesOfALogIsForOperators(t *testing.T) {
	t.Parallel()
	n, err := incident.ParseNotification([]byte(`{"version":"1.2","incident":{"incident_id":"0.opqiw61fsv7p","state":"open","started_at":1772366645,
		"ended_at":null,"policy_name":"break-glass","policy_user_labels":{"runbook":"break-glass"},"condition":{"conditionMatchedLog":{"filter":"f"}},
		"observed_value":null,"resource":{"type":"gcs_bucket","labels":{"bucket_name":"hub-example-audit","location":"eu"}},
		"documentation":{"content":"text","mime_type":"text/markdown"}}}`))
	if err != nil || !n.Open || n.Impact != incident.None || n.Function != "" || n.Title() != "An alert of other" {
		t.Errorf("it is read as %+v, %v", n, err)
	}
}

func FuzzNotification(f *testing.F) {
	f.Add([]byte(`{"version":"1.2","incident":{"incident_id":"0.a","state":"OPEN","started_at":1,"policy_user_labels":{"function":"orders","impact":"minor"}}}`))
	f.Add([]byte(`{"incident":{"incident_id":"0.a","state":"closed","ended_at":2,"documentation":"text","resource":{"labels":{"location":"europe-north1"}}}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, err := incident.ParseNotification(raw)
		if err != nil {
			if !fault.Is(err, fault.Malformed) {
				t.Error(err)
			}
			return
		}
		if n.ID == "" || n.Group == "" || !n.Impact.Known() || n.Function == "" && n.Impact != incident.None || n.Title() == "" {
			t.Errorf("it is read as %+v", n)
		}
	})
}

// TestTroublesOfAnyOrderBeginAndEndOnce lets the notifications of some alerts come twice and in any order, closer together
// than a trouble needs to be over.
func TestTroublesOfAnyOrderBeginAndEndOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var all []incident.Notification
		for i := range rapid.IntRange(1, 6).Draw(t, "alerts") {
			for range rapid.IntRange(1, 3).Draw(t, "times") {
				all = append(all, incident.Notification{ID: fmt.Sprint(i), Open: true}, incident.Notification{ID: fmt.Sprint(i)})
			}
		}
		var s incident.Signal
		now, began, ended := time.Unix(0, 0), 0, 0
		settle := func() {
			var step incident.Step
			if s, step = s.Settle(now); step == incident.End {
				s.Incident = ""
				ended++
			}
		}
		for _, n := range rapid.Permutation(all).Draw(t, "order") {
			var step incident.Step
			if s, step = s.Hear(n, now); step == incident.Begin {
				s.Incident = "inc_1"
				began++
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 16).Draw(t, "seconds")) * time.Second)
			settle()
		}
		now = now.Add(incident.QuietFor)
		settle()
		if began > 1 || ended != began || s.Incident != "" {
			t.Errorf("it began %d times and ended %d times", began, ended)
		}
	})
}

func TestASignalThatFlapsForDaysStaysSmall(t *testing.T) {
	t.Parallel()
	var s incident.Signal
	now := time.Unix(0, 0)
	s, _ = s.Hear(incident.Notification{ID: "stays", Open: true}, now)
	for i := range 1500 {
		now = now.Add(time.Minute)
		s, _ = s.Hear(incident.Notification{ID: fmt.Sprint(i), Open: true}, now)
		s, _ = s.Hear(incident.Notification{ID: fmt.Sprint(i)}, now)
	}
	if _, kept := s.Alerts["stays"]; !kept || len(s.Alerts) > 1000 || s.Alerts["1499"].At != now {
		t.Errorf("%d alerts are kept, and of the one that is open %t", len(s.Alerts), kept)
	}
}

func TestAnAlertsIDIsANameOfAField(t *testing.T) {
	t.Parallel()
	for id, good := range map[string]bool{
		"0.opqiw61fsv7p": true, "": false, "__a__": false, "a/b": false, "a\nb": false, strings.Repeat("a", 101): false, "é": false,
	} {
		raw, err := json.Marshal(map[string]map[string]string{"incident": {"incident_id": id, "state": "open"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := incident.ParseNotification(raw); (err == nil) != good {
			t.Errorf("%q: %v", id, err)
		}
	}
}
