package evidence

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// State is how a claim stands, or a piece of its evidence.
type State string

// The states, from the best to the worst.
const (
	Green   State = "green"   // there is evidence, it is new enough, and it says what is claimed
	Late    State = "late"    // newer evidence is overdue, or a limit is near
	Missing State = "missing" // there is no evidence
	Failing State = "failing" // the evidence says otherwise, or is far too old
)

func (s State) rank() int {
	for i, one := range []State{Green, Late, Missing, Failing} {
		if s == one {
			return i
		}
	}
	return math.MaxInt
}

// Worse returns the worse of two states.
func (s State) Worse(other State) State {
	if other.rank() > s.rank() {
		return other
	}
	return s
}

const day = 24 * time.Hour

// Ahead is how far the clock of whoever recorded evidence may be before ours. Evidence of a later time proves nothing: it
// would never grow old.
const Ahead = 5 * time.Minute

// Rule says when evidence of a kind is good: a line of the table in [Rules].
type Rule struct {
	Kind    Kind
	Shows   string        // what the evidence is, for people
	Late    time.Duration // older is late
	Failing time.Duration // older is failing
	Limits  []Limit
}

// Limit is what a fact must keep to.
type Limit struct {
	Fact    string
	Least   float64
	Most    float64
	Then    State // what the evidence is beyond
	Without State // what the evidence is when it lacks the fact; "" is as beyond
}

func atMost(fact string, most float64, then State) Limit {
	return Limit{Fact: fact, Least: math.Inf(-1), Most: most, Then: then}
}

func atLeast(fact string, least float64, then State) Limit {
	return Limit{Fact: fact, Least: least, Most: math.Inf(1), Then: then}
}

// keysAtMost limits the age of every key, in days. A key of the hub's own that is not there yet, because nobody ever asked
// for what it makes, is missing and nothing worse; what encrypts disks is there only where an operator gave the hub keys
// for that.
func keysAtMost(days float64) (limits []Limit) {
	for _, key := range []string{"access-tokens", "audit-checkpoints", "backup", "backup-manifests", "tenant-keys"} {
		limits = append(limits, Limit{Fact: key, Least: math.Inf(-1), Most: days, Then: Failing, Without: Missing})
	}
	for _, key := range []string{"backup-objects", "database", "objects"} {
		limits = append(limits, Limit{Fact: key, Least: math.Inf(-1), Most: days, Then: Failing, Without: Green})
	}
	return limits
}

// Rules returns THE table: for every kind of evidence, when it is late and when it fails.
func Rules() []Rule {
	return []Rule{
		{BackupHot, "Newest backup of orders, events and the audit log", 75 * time.Minute, 3 * time.Hour, nil},
		{BackupConfig, "Newest backup of accounts, people and settings", 210 * time.Minute, 8 * time.Hour, nil},
		{BackupKeys, "Newest backup of the keys of personal data", 75 * time.Minute, 3 * time.Hour, nil},
		{BackupVerify, "Newest check of the kept backups", 3 * time.Hour, day, nil},
		{Drill, "Newest restore that was tried", 8 * day, 21 * day, nil},
		{AuditCheckpoint, "Newest signed checkpoint of the audit log", 5 * time.Minute, 15 * time.Minute, []Limit{atMost("unsealedSeconds", 90, Late), atMost("unsealedSeconds", 900, Failing)}},
		{KeyAges, "Days since each key was made or renewed", 26 * time.Hour, 3 * day, keysAtMost(100)},
		{Erasure, "Newest look at what is due for erasure", 26 * time.Hour, 3 * day, []Limit{atMost("horizonDays", 37, Failing)}},
		{SecondFactor, "People who must have a second factor", 2 * time.Hour, day, []Limit{atMost("without", 0, Late)}},
		{Passwords, "Initial passwords that wait for their first use", 2 * time.Hour, day, []Limit{atMost("tooLong", 0, Failing)}},
		{SupportAccess, "Accesses that customers granted to support in 30 days", 2 * time.Hour, day, nil},
		{TLS, "Connection to the public address", 2 * time.Hour, day, []Limit{atLeast("daysLeft", 14, Late), atLeast("daysLeft", 1, Failing)}},
		{Uptime, "Share of minutes in which orders were taken in, by month", 2 * time.Hour, day, []Limit{atLeast("current", 0.999, Failing), atMost("unmeasuredMinutes", 43, Late)}},
		{Regions, "Regions that serve", 10 * time.Minute, time.Hour, []Limit{atMost("unanswered", 0, Failing)}},
		{CardRefusal, "Newest try to hand in a card number", 2 * time.Hour, day, nil},
		{VulnerabilityScan, "Newest scan of code and dependencies", 8 * day, 30 * day, []Limit{atMost("findings", 0, Failing)}},
		{SecurityContact, "Validity of the security contact", 2 * time.Hour, day, []Limit{atLeast("daysLeft", 30, Late), atLeast("daysLeft", 1, Failing)}},
		{Monitoring, "Newest round of questions to every public function", 5 * time.Minute, 15 * time.Minute, []Limit{atMost("unanswered", 0, Failing)}},
		{AlertPath, "Newest notification of Monitoring", 35 * day, 100 * day, nil},
		{Incidents, "Incidents, and whether customers were told of each step", 5 * time.Minute, 30 * time.Minute, []Limit{atMost("untold", 0, Failing)}},
		{Edge, "Newest check of firewall and intrusion detection", 35 * day, 100 * day, nil},
		{RemoteAccess, "Newest check of how operators reach the project", 100 * day, 200 * day, nil},
		{AdminAccess, "Newest check of the log of operators' access to data", 35 * day, 100 * day, nil},
		{Policies, "Newest review of policies and training", 370 * day, 400 * day, nil},
		{Build, "Newest delivery from checked sources", 35 * day, 100 * day, nil},
	}
}

// RuleOf returns the rule of a kind.
func RuleOf(k Kind) Rule {
	all := Rules()
	return all[slices.IndexFunc(all, func(r Rule) bool { return r.Kind == k })]
}

// Judge says how evidence of the rule's kind stands now; nil is none.
func (r Rule) Judge(e *Evidence, now time.Time) State {
	if e == nil {
		return Missing
	}
	state := Green
	switch age := now.Sub(e.At); {
	case age > r.Failing || age < -Ahead || !e.Facts.OK():
		state = Failing
	case age > r.Late:
		state = Late
	}
	for _, l := range r.Limits {
		state = state.Worse(l.judge(e.Facts))
	}
	return state
}

func (l Limit) judge(facts Facts) State {
	switch n, there := facts.Number(l.Fact); {
	case !there:
		return cmp.Or(l.Without, l.Then)
	case n >= l.Least && n <= l.Most:
		return Green
	default:
		return l.Then
	}
}

// Lacking names the facts without which the evidence is not good, and which it does not have.
func (r Rule) Lacking(e Evidence) (facts []string) {
	for _, l := range r.Limits {
		if _, there := e.Facts.Number(l.Fact); !there && l.judge(e.Facts) != Green {
			facts = append(facts, l.Fact)
		}
	}
	slices.Sort(facts)
	return slices.Compact(facts)
}

// Words says the rule in a sentence.
func (r Rule) Words() string {
	words := []string{
		fmt.Sprintf("Green while it is no older than %s and worked.", span(r.Late)),
		fmt.Sprintf("Late after that, failing after %s, or when its time is still to come.", span(r.Failing)),
	}
	for rest := r.Limits; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].alike(rest[0]) {
			n++
		}
		words = append(words, wordsOf(rest[:n]))
		rest = rest[n:]
	}
	return strings.Join(words, " ")
}

// alike tells whether two limits differ in their facts only.
func (l Limit) alike(other Limit) bool {
	other.Fact = l.Fact
	return l == other
}

// wordsOf says limits that are alike.
func wordsOf(limits []Limit) string {
	facts := make([]string, len(limits))
	for i, l := range limits {
		facts[i] = "“" + l.Fact + "”"
	}
	named, l := strings.Join(facts, ", "), limits[0]
	if len(facts) > 1 {
		named = "one of " + named
	}
	words := fmt.Sprintf("%s when %s is below %g", title(l.Then), named, l.Least)
	if math.IsInf(l.Least, -1) {
		words = fmt.Sprintf("%s when %s is above %g", title(l.Then), named, l.Most)
	}
	switch l.Without {
	case "", l.Then:
		return words + "."
	case Green:
		return words + ", where it is."
	default:
		return words + ". " + title(l.Without) + " when it is not there."
	}
}

func title(s State) string { return strings.ToUpper(string(s[:1])) + string(s[1:]) }

// span says a duration in its largest whole unit.
func span(d time.Duration) string {
	for _, unit := range []struct {
		is   time.Duration
		name string
	}{{day, "days"}, {time.Hour, "hours"}} {
		if d%unit.is == 0 && d > unit.is {
			return fmt.Sprintf("%d %s", d/unit.is, unit.name)
		}
	}
	if d == day {
		return "24 hours"
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}
