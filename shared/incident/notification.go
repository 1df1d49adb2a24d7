package incident

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/fault"
)

// The labels of alert policies that say what an alert means for customers.
const (
	LabelFunction = "function" // the function that it is about, as in the table of functions
	LabelGroup    = "group"    // alerts of one group make one incident; without one, the function's do
	LabelImpact   = "impact"   // minor, major or critical; without one it is for operators only
)

// Notification is what Monitoring tells of one alert.
type Notification struct {
	ID       string // of the alert, which Monitoring calls an incident
	Open     bool
	Test     bool // somebody tried the channel
	At       time.Time
	Policy   string // for operators
	Function string
	Region   string // "" when it is of none
	Group    string // what gathers alerts, never ""
	Impact   Impact
	Subject  string // what the operator wrote for people, or ""
}

// wire is the form in which Monitoring publishes, version 1.2: https://cloud.google.com/monitoring/support/notification-options.
type wire struct {
	Version  string `json:"version"`
	Incident struct {
		ID            string            `json:"incident_id"`
		State         string            `json:"state"`
		StartedAt     int64             `json:"started_at"` // seconds
		EndedAt       int64             `json:"ended_at"`   // null while it is open
		PolicyName    string            `json:"policy_name"`
		PolicyLabels  map[string]string `json:"policy_user_labels"`
		Documentation json.RawMessage   `json:"documentation"` // a text in older versions
		Resource      struct {
			Labels map[string]string `json:"labels"`
		} `json:"resource"`
	} `json:"incident"`
}

// named tells whether a text can be an alert's id, and the name of a field of a document.
func named(id string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`).MatchString(id)
}

// ParseNotification reads a notification, and passes over what it does not know. What is none is [fault.Malformed].
func ParseNotification(raw []byte) (Notification, error) {
	var w wire
	if err := json.Unmarshal(raw, &w); err != nil {
		return Notification{}, fault.New(fault.Malformed, "this is no notification of Monitoring").Because(err)
	}
	in := w.Incident
	state := strings.ToLower(in.State)
	if !named(in.ID) || state != "open" && state != "closed" {
		return Notification{}, fault.New(fault.Malformed, "a notification needs an incident_id and a state of open or closed")
	}
	n := Notification{
		ID: in.ID, Open: state == "open", Test: w.Version == "test", At: time.Unix(in.StartedAt, 0).UTC(), Policy: in.PolicyName,
		Function: word(in.PolicyLabels[LabelFunction]), Group: word(in.PolicyLabels[LabelGroup]),
		Region: word(in.Resource.Labels["location"]), Impact: Impact(in.PolicyLabels[LabelImpact]),
	}
	if !n.Open && in.EndedAt > 0 {
		n.At = time.Unix(in.EndedAt, 0).UTC()
	}
	if n.Region == "" {
		n.Region = word(in.Resource.Labels["region"])
	}
	return n.complete(in.Documentation), nil
}

// complete fills in what the labels leave open.
func (n Notification) complete(documentation []byte) Notification {
	var about struct {
		Subject string `json:"subject"`
	}
	if json.Unmarshal(documentation, &about) == nil && readable(about.Subject, maxTitle) && !strings.ContainsRune(about.Subject, '\n') {
		n.Subject = about.Subject
	}
	if !n.Impact.Known() || n.Function == "" {
		n.Impact = None
	}
	if n.Group == "" {
		n.Group = n.Function
	}
	if n.Group == "" {
		n.Group = "other"
	}
	return n
}

// word returns a label's value, or "" when it is none that a name could be.
func word(s string) string {
	if regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`).MatchString(s) {
		return s
	}
	return ""
}

// Title is what the incident of an alert is called.
func (n Notification) Title() string {
	switch {
	case n.Subject != "":
		return n.Subject
	case n.Impact == None:
		return "An alert of " + n.Group
	default:
		return n.Impact.Words() + ": " + n.Function
	}
}
