package main

import "testing"

func TestIncidentsAreOpenedUpdatedAndListed(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var opened, over incidentAnswer
	c.read(&opened, "incident", "open", "Orders are slow", "--message", "We look into it.", "--function", "orders", "--impact", "major")
	if opened.State != "investigating" || opened.Impact != "major" || opened.Updates != 1 {
		t.Errorf("opened %+v", opened)
	}
	c.read(&over, "incident", "update", opened.ID, "--state", "resolved", "--message", "It is mended.")
	var all []incidentAnswer
	c.read(&all, "incident", "list")
	if len(all) != 1 || all[0] != over || over.State != "resolved" || over.Updates != 2 {
		t.Errorf("listed %+v after %+v", all, over)
	}
	for name, args := range map[string][]string{
		"another state":      {"incident", "update", opened.ID, "--state", "investigating", "--message", "Again."},
		"an impact":          {"incident", "open", "T", "--message", "m", "--function", "orders", "--impact", "awful"},
		"a tenant of nobody": {"incident", "open", "T", "--message", "m", "--function", "orders", "--tenant", "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa"},
	} {
		if out, err := c.run(args...); err == nil {
			t.Errorf("%s is taken: %s", name, out)
		}
	}
}

func TestEvidenceIsRecordedAndListed(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	if out, err := c.run("evidence", "record", "vulnerability-scan", "--fact", "findings=0", "--fact", "ok=true"); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	var all []evidenceAnswer
	c.read(&all, "evidence", "list")
	if len(all) != 1 || all[0].Kind != "vulnerability-scan" || all[0].Facts["findings"] != float64(0) || all[0].Facts["ok"] != true {
		t.Errorf("listed %+v", all)
	}
	if _, err := c.run("evidence", "record", "hearsay"); err == nil {
		t.Error("an unknown kind is taken")
	}
}
