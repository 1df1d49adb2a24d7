package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ryggrad.internal/hub/shared/fault"
)

// Prefix begins an incident's id.
const Prefix = "inc_"

const (
	maxTitle   = 120  // code points
	maxMessage = 2000 // code points
	maxUpdates = 200  // of one incident
	maxNames   = 40   // functions, regions or tenants of one incident
)

// Impact says how bad an incident is for customers.
type Impact string

// The impacts, from the least to the worst.
const (
	None     Impact = "none"     // for operators only
	Minor    Impact = "minor"    // slower, or a part does not work
	Major    Impact = "major"    // much does not work
	Critical Impact = "critical" // orders do not get through
)

// Impacts returns every impact, from the least to the worst.
func Impacts() []Impact { return []Impact{None, Minor, Major, Critical} }

// Known tells whether the impact is one of [Impacts].
func (i Impact) Known() bool { return slices.Contains(Impacts(), i) }

// Beyond tells whether the impact is worse than another.
func (i Impact) Beyond(other Impact) bool {
	return slices.Index(Impacts(), i) > slices.Index(Impacts(), other)
}

// Words says the impact for people.
func (i Impact) Words() string {
	switch i {
	case Minor:
		return "Degraded"
	case Major:
		return "Partly out of service"
	case Critical:
		return "Out of service"
	case None:
	}
	return "Works"
}

// State says how far the work on an incident is.
type State string

// The states.
const (
	Investigating State = "investigating" // it is seen, the cause is looked for
	Identified    State = "identified"    // the cause is known
	Watching      State = "monitoring"    // it is mended, and watched
	Resolved      State = "resolved"      // it is over
)

// States returns every state.
func States() []State { return []State{Investigating, Identified, Watching, Resolved} }

// Known tells whether the state is one of [States].
func (s State) Known() bool { return slices.Contains(States(), s) }

// Update is one step of an incident.
type Update struct {
	ID      string // the same when the same is said twice
	At      time.Time
	State   State
	Message string
}

// Incident is a time in which something did not work.
type Incident struct {
	ID         string
	Title      string
	Impact     Impact
	State      State
	Functions  []string // that are affected
	Regions    []string // none: all
	Tenants    []string // whom it concerns; none: all
	OpenedAt   time.Time
	ResolvedAt time.Time
	Updates    []Update // oldest first
	Signal     string   // the key of the signal that began it, or ""
}

// Public tells whether the incident is shown to everybody: it has an impact, and concerns no single tenants.
func (i Incident) Public() bool { return i.Impact != None && len(i.Tenants) == 0 }

// Told tells whether tenants get notices of it.
func (i Incident) Told() bool { return i.Impact != None }

// Open tells whether it is not over.
func (i Incident) Open() bool { return i.State != Resolved }

// Overlaps tells whether the incident lasted into a time that begins at from and ends before to.
func (i Incident) Overlaps(from, to time.Time) bool {
	return i.OpenedAt.Before(to) && (i.Open() || i.ResolvedAt.After(from))
}

// Check tells everything that is wrong with an incident that somebody wants to open, and with its first update.
func (i Incident) Check() error {
	var details []fault.Detail
	add := func(where, what string) { details = append(details, fault.Detail{Location: where, Message: what}) }
	if !readable(i.Title, maxTitle) || strings.ContainsRune(i.Title, '\n') {
		add("body.title", fmt.Sprintf("must be one line of 1 to %d characters", maxTitle))
	}
	if !i.Impact.Known() {
		add("body.impact", "must be none, minor, major or critical")
	}
	if len(i.Functions) == 0 || len(i.Functions) > maxNames || len(i.Regions) > maxNames || len(i.Tenants) > maxNames {
		add("body.functions", fmt.Sprintf("must name 1 to %d functions, and at most as many regions and tenants", maxNames))
	}
	for _, u := range i.Updates {
		details = append(details, u.check()...)
	}
	if len(details) > 0 {
		return fault.New(fault.Invalid, "the incident is not right").With(details...)
	}
	return nil
}

func (u Update) check() (details []fault.Detail) {
	if !u.State.Known() {
		details = append(details, fault.Detail{Location: "body.state", Message: "must be investigating, identified, monitoring or resolved"})
	}
	if !readable(u.Message, maxMessage) {
		details = append(details, fault.Detail{Location: "body.message", Message: fmt.Sprintf("must have 1 to %d characters", maxMessage)})
	}
	return details
}

// readable tells whether a text is fit for people: UTF-8, not blank, not too long, and without characters that control
// or turn around what is around them.
func readable(s string, most int) bool {
	if !utf8.ValidString(s) || strings.TrimSpace(s) == "" || utf8.RuneCountInString(s) > most {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	})
}

// Take adds an update. It reports false when the incident has it already. What is over takes only what is said after it:
// an update that is resolved too; any other is [fault.Conflict].
func (i Incident) Take(u Update) (Incident, bool, error) {
	if slices.ContainsFunc(i.Updates, func(there Update) bool { return there.ID == u.ID }) {
		return i, false, nil
	}
	switch details := u.check(); {
	case len(details) > 0:
		return i, false, fault.New(fault.Invalid, "the update is not right").With(details...)
	case !i.Open() && u.State != Resolved:
		return i, false, fault.New(fault.Conflict, "the incident is over; open another one")
	case len(i.Updates) >= maxUpdates:
		return i, false, fault.New(fault.Conflict, "an incident has at most %d updates", maxUpdates)
	}
	if i.Open() && u.State == Resolved {
		i.ResolvedAt = u.At
	}
	i.State, i.Updates = u.State, append(slices.Clone(i.Updates), u)
	return i, true, nil
}

// Widen returns the incident with what an alert adds to it, and whether anything was added.
func (i Incident) Widen(n Notification) (Incident, bool) {
	wider := i
	if n.Impact.Beyond(i.Impact) {
		wider.Impact = n.Impact
	}
	wider.Functions, wider.Regions = with(i.Functions, n.Function), i.Regions
	switch {
	case n.Region == "":
		wider.Regions = nil // all
	case len(i.Regions) > 0:
		wider.Regions = with(i.Regions, n.Region)
	}
	return wider, wider.Impact != i.Impact || len(wider.Functions) != len(i.Functions) || len(wider.Regions) != len(i.Regions)
}

func with(names []string, name string) []string {
	if name == "" || slices.Contains(names, name) || len(names) >= maxNames {
		return names
	}
	return append(slices.Clone(names), name)
}
