package evidence_test

import (
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/evidence"
)

func TestEvidenceIsJudgedByItsRule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		kind  evidence.Kind
		age   time.Duration
		facts map[string]any
		want  evidence.State
	}{
		{"a backup of an hour ago", evidence.BackupHot, time.Hour, nil, evidence.Green},
		{"a backup of 75 minutes ago", evidence.BackupHot, 75 * time.Minute, nil, evidence.Green},
		{"a backup a second older", evidence.BackupHot, 75*time.Minute + time.Second, nil, evidence.Late},
		{"a backup of four hours ago", evidence.BackupHot, 4 * time.Hour, nil, evidence.Failing},
		{"the slower set after three and a half hours", evidence.BackupConfig, 211 * time.Minute, nil, evidence.Late},
		{"a drill that did not work", evidence.Drill, time.Hour, map[string]any{"ok": false}, evidence.Failing},
		{"a drill that worked", evidence.Drill, time.Hour, map[string]any{"ok": true, "seconds": 12}, evidence.Green},
		{"people without a second factor", evidence.SecondFactor, time.Minute, map[string]any{"people": 9, "without": 1}, evidence.Late},
		{"no number of them", evidence.SecondFactor, time.Minute, map[string]any{"people": 9}, evidence.Late},
		{"nobody without", evidence.SecondFactor, time.Minute, map[string]any{"people": 9, "without": 0}, evidence.Green},
		{"one old key of many", evidence.KeyAges, time.Hour, keyAges(3, 101), evidence.Failing},
		{"keys that are not there yet", evidence.KeyAges, time.Hour, map[string]any{"tenant-keys": 3}, evidence.Missing},
		{"an old key, and one that is not there yet", evidence.KeyAges, time.Hour, map[string]any{"tenant-keys": 101}, evidence.Failing},
		{"an old key of a disk", evidence.KeyAges, time.Hour, withDisk(keyAges(3, 3), 101), evidence.Failing},
		{"a young key of a disk", evidence.KeyAges, time.Hour, withDisk(keyAges(3, 3), 3), evidence.Green},
		{"young keys", evidence.KeyAges, time.Hour, keyAges(3, 100), evidence.Green},
		{"a certificate that ends soon", evidence.TLS, time.Minute, map[string]any{"daysLeft": 10}, evidence.Late},
		{"a certificate that has ended", evidence.TLS, time.Minute, map[string]any{"daysLeft": 0}, evidence.Failing},
		{"a bad month", evidence.Uptime, time.Minute, map[string]any{"current": 0.9989, "unmeasuredMinutes": 0}, evidence.Failing},
		{"a month that was hardly measured", evidence.Uptime, time.Minute, map[string]any{"current": 1.0, "unmeasuredMinutes": 44}, evidence.Late},
		{"a measured month", evidence.Uptime, time.Minute, map[string]any{"current": 1.0, "unmeasuredMinutes": 43}, evidence.Green},
		{"a backup of tomorrow", evidence.BackupHot, -24 * time.Hour, nil, evidence.Failing},
		{"a backup by a clock that is a little ahead", evidence.BackupHot, -time.Minute, nil, evidence.Green},
		{"an entry that waits", evidence.AuditCheckpoint, time.Minute, map[string]any{"unsealedSeconds": 91}, evidence.Late},
		{"an entry that waits for long", evidence.AuditCheckpoint, time.Minute, map[string]any{"unsealedSeconds": 901}, evidence.Failing},
		{"late and beyond a limit", evidence.SecurityContact, 3 * time.Hour, map[string]any{"daysLeft": 20}, evidence.Late},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e, err := evidence.New(c.kind, noon().Add(-c.age).Truncate(time.Second), c.facts)
			if err != nil {
				t.Fatal(err)
			}
			if got := evidence.RuleOf(c.kind).Judge(&e, noon().Truncate(time.Second)); got != c.want {
				t.Errorf("it is %s, want %s", got, c.want)
			}
		})
	}
}

// keyAges are the ages of all keys, of which one has another, beside the number of a tenant's keys.
func keyAges(days, of int) map[string]any {
	return map[string]any{"access-tokens": days, "audit-checkpoints": of, "backup": days, "backup-manifests": days, "tenant-keys": days, "tenantKeys": 5000}
}

func withDisk(ages map[string]any, days int) map[string]any {
	ages["database"] = days
	return ages
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	e, err := evidence.New(evidence.KeyAges, noon().Truncate(time.Second), map[string]any{"backup": 1, "backup-manifests": 1, "tenant-keys": 101, "objects": 1})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(evidence.RuleOf(evidence.KeyAges).Lacking(e), " "); got != "access-tokens audit-checkpoints" {
		t.Errorf("it names %q", got)
	}
}

func TestNoEvidenceIsNeverGreen(t *testing.T) {
	t.Parallel()
	for _, c := range evidence.JudgeAll(nil, noon()) {
		if len(c.Kinds) > 0 && c.State != evidence.Missing || len(c.Kinds) == 0 && c.State != "" {
			t.Errorf("%s is %q without evidence", c.ID, c.State)
		}
	}
}

func TestEveryKindHasOneRuleAndAClaim(t *testing.T) {
	t.Parallel()
	rules, claimed := map[evidence.Kind]int{}, map[evidence.Kind]bool{}
	for _, r := range evidence.Rules() {
		rules[r.Kind]++
		if r.Late <= 0 || r.Failing <= r.Late || r.Shows == "" || !strings.HasPrefix(r.Words(), "Green while") {
			t.Errorf("the rule of %s is not whole: %s", r.Kind, r.Words())
		}
	}
	ids := map[string]bool{}
	for _, c := range evidence.Claims() {
		if ids[c.ID] || c.Title == "" || !strings.HasSuffix(c.Sentence, ".") {
			t.Errorf("the claim %s is there twice or not whole", c.ID)
		}
		ids[c.ID] = true
		for _, k := range c.Kinds {
			claimed[k] = true
		}
	}
	for _, k := range evidence.Kinds() {
		if rules[k] != 1 || !claimed[k] {
			t.Errorf("%s has %d rules, claimed %t", k, rules[k], claimed[k])
		}
	}
}

func TestAClaimIsAsBadAsTheWorstOfItsEvidence(t *testing.T) {
	t.Parallel()
	newest := map[evidence.Kind]evidence.Evidence{
		evidence.AuditCheckpoint: {Kind: evidence.AuditCheckpoint, At: noon(), Facts: evidence.Facts{"unsealedSeconds": int64(0)}},
		evidence.AdminAccess:     {Kind: evidence.AdminAccess, At: noon().AddDate(0, 0, -40)},
	}
	for _, c := range evidence.JudgeAll(newest, noon()) {
		if c.ID == "admin-access" && c.State != evidence.Late {
			t.Errorf("it is %s", c.State)
		}
	}
}

func TestRulesAreSaidInWords(t *testing.T) {
	t.Parallel()
	for kind, want := range map[evidence.Kind]string{
		evidence.TLS: "Late when “daysLeft” is below 14. Failing when “daysLeft” is below 1.",
		evidence.KeyAges: "Failing when one of “access-tokens”, “audit-checkpoints”, “backup”, “backup-manifests”, “tenant-keys” is above 100. " +
			"Missing when it is not there. Failing when one of “backup-objects”, “database”, “objects” is above 100, where it is.",
		evidence.Drill: "Green while it is no older than 8 days and worked. Late after that, failing after 21 days, or when its time is still to come.",
	} {
		if got := evidence.RuleOf(kind).Words(); !strings.HasSuffix(got, want) {
			t.Errorf("of %s it says %s", kind, got)
		}
	}
}
