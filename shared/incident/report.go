package incident

import (
	"fmt"
	"slices"
	"time"

	"ryggrad.internal/hub/shared/fault"
)

const (
	// ReportPrefix begins the id of what a tenant reports.
	ReportPrefix = "rep_"
	// WeaknessPrefix begins the id of a weakness that somebody reports.
	WeaknessPrefix = "vul_"
)

const (
	maxReport = 8000 // code points
	// reportLife is how long a report is kept.
	reportLife = 180 * 24 * time.Hour
)

// Severity says how bad a tenant finds what it reports.
type Severity string

// The severities, from the least to the worst.
const (
	Question Severity = "question" // nothing is broken for the guest
	Annoying Severity = "annoying" // there is a way around
	Serious  Severity = "serious"  // orders are late or wrong
	Urgent   Severity = "urgent"   // orders do not get through, or data is in danger
)

// Severities returns every severity.
func Severities() []Severity { return []Severity{Question, Annoying, Serious, Urgent} }

// Report is what a tenant reports, or, with the hub as its tenant, a weakness that somebody found. Its text is sealed.
type Report struct {
	ID       string
	Tenant   string
	At       time.Time
	Severity Severity // "" of a weakness
	Media    string   // what the text is, as in `text/plain`
	Digest   string   // SHA-256 of the text in hex: by it a reporter proves what they said
	Sealed   []byte
}

// Check tells what is wrong with a tenant's report.
func (s Severity) Check(text string) error {
	var details []fault.Detail
	if !slices.Contains(Severities(), s) {
		details = append(details, fault.Detail{Location: "body.severity", Message: "must be question, annoying, serious or urgent"})
	}
	if !readable(text, maxReport) {
		details = append(details, fault.Detail{Location: "body.text", Message: fmt.Sprintf("must have 1 to %d characters, none of which control", maxReport)})
	}
	if len(details) > 0 {
		return fault.New(fault.Invalid, "the report is not right").With(details...)
	}
	return nil
}

// Document returns the report as a database document, without its id and tenant.
func (r Report) Document() map[string]any {
	return map[string]any{
		"at": r.At, "severity": string(r.Severity), "media": r.Media, "digest": r.Digest, "sealed": r.Sealed, "expireAt": r.At.Add(reportLife),
	}
}

// ParseReport reads what [Report.Document] wrote.
func ParseReport(id, tenant string, doc map[string]any) (Report, error) {
	r := reader{}
	out := Report{
		ID: id, Tenant: tenant, At: read[time.Time](&r, doc, "at"), Severity: Severity(read[string](&r, doc, "severity")),
		Media: read[string](&r, doc, "media"), Digest: read[string](&r, doc, "digest"), Sealed: read[[]byte](&r, doc, "sealed"),
	}
	if r.err != nil {
		return Report{}, fmt.Errorf("report %s: %w", id, r.err)
	}
	return out, nil
}
