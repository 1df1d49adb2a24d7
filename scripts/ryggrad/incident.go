package main

import (
	"fmt"
	"time"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/incident/incidentdb"
)

type incidentCommands struct {
	Open    openIncident   `cmd:"" help:"Begin an incident; the status page shows it and tenants are told within a minute."`
	Update  updateIncident `cmd:"" help:"Say how an incident goes on, or that it is over."`
	List    listIncidents  `cmd:"" help:"List the incidents of a year, also those for operators only."`
	Reports listReports    `cmd:"" help:"List what a tenant reported, or the weaknesses that were reported."`
	Read    readReport     `cmd:"" help:"Show a report's text."`
}

// incidentAnswer is an incident as it is printed.
type incidentAnswer struct {
	ID       string          `json:"id"`
	Title    string          `json:"title"`
	Impact   incident.Impact `json:"impact"`
	State    incident.State  `json:"state"`
	OpenedAt time.Time       `json:"openedAt"`
	Updates  int             `json:"updates"`
}

func showIncident(i incident.Incident) incidentAnswer {
	return incidentAnswer{ID: i.ID, Title: i.Title, Impact: i.Impact, State: i.State, OpenedAt: i.OpenedAt, Updates: len(i.Updates)}
}

// say says something and has tenants told of it.
func (d *desk) say(said incidentdb.Said) error {
	by, err := d.act(identity.Hub)
	if err != nil {
		return err
	}
	h, err := d.hub()
	if err != nil {
		return err
	}
	store := h.Incidents()
	i, err := store.Say(d.ctx, by, said)
	if err != nil {
		return err
	}
	if _, err := store.Tell(d.ctx); err != nil {
		fmt.Fprintln(d.err, "tenants are told within a minute:", err)
	}
	return d.print(showIncident(i))
}

type openIncident struct {
	Title    string   `arg:"" help:"One line for everybody; no names of people."`
	Message  string   `help:"What is known so far." required:""`
	Impact   string   `help:"How bad it is for customers: none, minor, major, critical." default:"minor"`
	Function []string `help:"A function that is affected, as functions.json names it; may be repeated." required:""`
	Region   []string `help:"A region that is affected; none: all."`
	Tenant   []string `help:"A tenant that it concerns alone; none: all."`
	State    string   `help:"investigating, identified, monitoring or resolved." default:"investigating"`
}

// Run begins an incident.
func (c openIncident) Run(d *desk) error {
	h, err := d.hub()
	if err != nil {
		return err
	}
	for _, tenant := range c.Tenant {
		if err := h.Incidents().Tenant(d.ctx, tenant); err != nil {
			return err
		}
	}
	return d.say(incidentdb.Said{
		Title: c.Title, Message: c.Message, Impact: incident.Impact(c.Impact), State: incident.State(c.State),
		Functions: c.Function, Regions: c.Region, Tenants: c.Tenant,
	})
}

type updateIncident struct {
	Incident string `arg:"" help:"Its id."`
	State    string `help:"investigating, identified, monitoring or resolved." required:""`
	Message  string `help:"What is new." required:""`
}

// Run adds an update.
func (c updateIncident) Run(d *desk) error {
	return d.say(incidentdb.Said{Incident: c.Incident, State: incident.State(c.State), Message: c.Message})
}

type listIncidents struct{}

// Run lists incidents.
func (listIncidents) Run(d *desk) error {
	h, err := d.hub()
	if err != nil {
		return err
	}
	found, err := h.Incidents().Since(d.ctx, time.Now().AddDate(-1, 0, 0), pageSize)
	if err != nil {
		return err
	}
	all := make([]incidentAnswer, len(found))
	for n, i := range found {
		all[n] = showIncident(i)
	}
	return d.print(all)
}

// reportAnswer is a report as it is printed.
type reportAnswer struct {
	ID       string            `json:"id"`
	At       time.Time         `json:"at"`
	Severity incident.Severity `json:"severity,omitempty"`
	Media    string            `json:"media"`
	SHA256   string            `json:"sha256"`
	Text     string            `json:"text,omitempty"`
}

type listReports struct {
	Tenant string `arg:"" optional:"" default:"hub" help:"The tenant; without one, weaknesses that were reported to the hub."`
}

// Run lists reports.
func (c listReports) Run(d *desk) error {
	h, err := d.hub()
	if err != nil {
		return err
	}
	found, err := h.Incidents().Reports(d.ctx, c.Tenant, pageSize)
	if err != nil {
		return err
	}
	all := make([]reportAnswer, len(found))
	for n, r := range found {
		all[n] = reportAnswer{ID: r.ID, At: r.At, Severity: r.Severity, Media: r.Media, SHA256: r.Digest}
	}
	return d.print(all)
}

type readReport struct {
	Report string `arg:"" help:"Its id."`
	Tenant string `help:"Whose it is; without one, a weakness that was reported to the hub." default:"hub"`
}

// Run shows a report.
func (c readReport) Run(d *desk) error {
	h, err := d.hub()
	if err != nil {
		return err
	}
	r, text, err := h.Incidents().Read(d.ctx, c.Tenant, c.Report)
	if err != nil {
		return err
	}
	return d.print(reportAnswer{ID: r.ID, At: r.At, Severity: r.Severity, Media: r.Media, SHA256: r.Digest, Text: string(text)})
}
