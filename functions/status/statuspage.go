package status

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/incident"
)

// The status page shows no more than this, so that it stays small; the history shows the rest.
const (
	pastShown    = 8
	openShown    = 10
	updatesShown = 5
	historyShown = 300
)

// statusView is what the status page shows.
type statusView struct {
	frame

	Overall healthView
	Open    []incidentView
	More    int // open ones that are not shown
	Groups  []groupView
	Regions []partView
	Months  []monthView
	Past    []incidentView
}

type healthView struct{ Letter, Words string }

func viewHealth(h health) healthView { return healthView{string(h), h.words()} }

type groupView struct {
	Name  string
	Parts []partView
}

type partView struct {
	Name, Words string
	Health      healthView
	Runs        []run
	Share       string
	Label       string
}

// run is a row of days on which something was alike.
type run struct {
	Class        string
	From, Length int
	Y, Height    int // worse days are lower, for those who do not see colours
}

type monthView struct{ Name, Share, Measured string }

type incidentView struct {
	incident.Incident

	Words   string
	Where   string
	Updates []incident.Update // newest first
	Earlier int               // updates that are not shown
}

func viewIncident(i incident.Incident, most int) incidentView {
	v := incidentView{Incident: i, Words: i.Impact.Words(), Updates: slices.Clone(i.Updates), Where: list(named(i.Functions))}
	if len(i.Regions) > 0 {
		v.Where += " in " + list(i.Regions)
	}
	slices.Reverse(v.Updates)
	if v.Earlier = len(v.Updates) - most; v.Earlier > 0 {
		v.Updates = v.Updates[:most]
	}
	return v
}

func named(functions []string) []string {
	words := make([]string, len(functions))
	for i, f := range functions {
		words[i] = aboutOf(f).words
	}
	return words
}

func (p *pages) status(sh shown, l links) ([]byte, error) {
	v := statusView{frame: p.frame("status", "Status", sh, l), Overall: viewHealth(sh.overall())}
	for _, i := range sh.Incidents {
		switch {
		case i.Open() && len(v.Open) < openShown:
			v.Open = append(v.Open, viewIncident(i, updatesShown))
		case i.Open():
			v.More++
		case len(v.Past) < pastShown:
			v.Past = append(v.Past, viewIncident(i, 1))
		}
	}
	for _, g := range groups() {
		group := groupView{Name: g}
		for _, one := range sh.Functions {
			if one.Group == g {
				group.Parts = append(group.Parts, viewPart(one))
			}
		}
		if len(group.Parts) > 0 {
			v.Groups = append(v.Groups, group)
		}
	}
	for _, r := range sh.Regions {
		v.Regions = append(v.Regions, viewPart(r))
	}
	for _, m := range sh.Months {
		v.Months = append(v.Months, monthView{m.Name, percent(m.Share), fmt.Sprintf("%d", m.Measured)})
	}
	return p.render("status.html", v)
}

// viewPart draws a function's bar.
func viewPart(one part) partView {
	v := partView{Name: one.Name, Words: one.Words, Health: viewHealth(one.Health), Share: percent(one.Share)}
	bad := 0
	for i := 0; i < len(one.Days); {
		j := i
		for j < len(one.Days) && one.Days[j] == one.Days[i] {
			j++
		}
		r := run{Class: one.Days[i : i+1], From: i, Length: j - i, Height: 10}
		switch health(r.Class) {
		case degraded:
			r.Y = 2
		case partly:
			r.Y = 4
		case down:
			r.Y = 6
		case unknown:
			r.Class, r.Y = "u", 8
		case well:
		}
		if r.Y > 0 && r.Class != "u" {
			bad += r.Length
		}
		r.Height -= r.Y
		v.Runs, i = append(v.Runs, r), j
	}
	v.Label = fmt.Sprintf("%s, the last %d days: %s", one.Words, barDays, daysWords(bad))
	return v
}

func daysWords(bad int) string {
	switch bad {
	case 0:
		return "no day with trouble"
	case 1:
		return "1 day with trouble"
	default:
		return fmt.Sprintf("%d days with trouble", bad)
	}
}

// percent says a share, cut and not rounded, so that nothing less than all is 100 %.
func percent(share float64) string {
	switch {
	case share < 0:
		return "not measured"
	case share >= 1:
		return "100 %"
	default:
		return fmt.Sprintf("%.3f %%", float64(int(share*100_000))/1000)
	}
}

// historyView is what the history shows.
type historyView struct {
	frame

	Months []historyMonth
	More   int
}

type historyMonth struct {
	Name      string
	Incidents []incident.Incident
}

func (p *pages) history(sh shown, l links) ([]byte, error) {
	v := historyView{frame: p.frame("history", "Incidents of a year", sh, l)}
	for n, i := range sh.Incidents {
		if n == historyShown {
			v.More = len(sh.Incidents) - n
			break
		}
		name := i.OpenedAt.UTC().Format("January 2006")
		if len(v.Months) == 0 || v.Months[len(v.Months)-1].Name != name {
			v.Months = append(v.Months, historyMonth{Name: name})
		}
		last := &v.Months[len(v.Months)-1]
		last.Incidents = append(last.Incidents, i)
	}
	return p.render("history.html", v)
}

// partBody is a function or a region for programs.
type partBody struct {
	Name   string  `json:"name"`
	State  string  `json:"state" enum:"unknown,works,degraded,partly,down"`
	Uptime float64 `json:"uptime,omitzero" doc:"The share of measured minutes of 90 days in which it answered, where that is measured"`
	Days   string  `json:"days,omitzero" doc:"A letter a day, oldest first: w works, d degraded, p partly out of service, o out of service, - not measured"`
}

type statusBody struct {
	AsOf      time.Time      `json:"asOf"`
	Stale     bool           `json:"stale" doc:"This is older than it should be, since the hub cannot tell anew"`
	State     string         `json:"state" enum:"unknown,works,degraded,partly,down"`
	Functions []partBody     `json:"functions" nullable:"false"`
	Regions   []partBody     `json:"regions" nullable:"false"`
	Incidents []incidentBody `json:"incidents" nullable:"false" doc:"The open ones"`
	Months    []month        `json:"months" nullable:"false" doc:"Uptime by month, the newest first"`
}

func (h health) name() string {
	switch h {
	case well:
		return "works"
	case degraded:
		return "degraded"
	case partly:
		return "partly"
	case down:
		return "down"
	case unknown:
	}
	return "unknown"
}

func showParts(parts []part) []partBody {
	all := make([]partBody, len(parts))
	for i, p := range parts {
		all[i] = partBody{Name: p.Name, State: p.Health.name(), Uptime: max(p.Share, 0), Days: p.Days}
	}
	return all
}

func statusJSON(sh shown) statusBody {
	b := statusBody{
		AsOf: sh.BuiltAt, Stale: sh.Stale, State: sh.overall().name(), Functions: showParts(sh.Functions),
		Regions: showParts(sh.Regions), Incidents: []incidentBody{}, Months: append([]month{}, sh.Months...),
	}
	for _, i := range sh.Incidents {
		if i.Open() {
			b.Incidents = append(b.Incidents, showIncident(i))
		}
	}
	return b
}

// status serves the status page, or its facts.
func (s *server) status(w http.ResponseWriter, r *http.Request, _ httpapi.Call) error {
	return s.negotiate(w, r, func(sh shown) ([]byte, error) { return s.pages.status(sh, ownLinks()) },
		func(sh shown) any { return statusJSON(sh) })
}

func (s *server) history(w http.ResponseWriter, r *http.Request, _ httpapi.Call) error {
	sh, err := s.shelf.newest(r.Context())
	if err != nil {
		return err
	}
	page, err := s.pages.history(sh, ownLinks())
	if err != nil {
		return err
	}
	s.send(w, htmlType, page)
	return nil
}

// negotiate serves a page to who reads, and JSON to who asks for that.
func (s *server) negotiate(w http.ResponseWriter, r *http.Request, page func(shown) ([]byte, error), facts func(shown) any) error {
	sh, err := s.shelf.newest(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Vary", "Accept")
	if wantsJSON(r.Header.Values("Accept")) {
		body, err := json.Marshal(facts(sh))
		if err != nil {
			return fmt.Errorf("encode the facts: %w", err)
		}
		s.send(w, "application/json", body)
		return nil
	}
	html, err := page(sh)
	if err != nil {
		return err
	}
	s.send(w, htmlType, html)
	return nil
}

// wantsJSON tells whether an Accept header names JSON before it names HTML. Whoever says nothing reads.
func wantsJSON(accept []string) bool {
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		kind, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.ReplaceAll(params, " ", "") == "q=0" {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "application/json":
			return true
		case "text/html", "application/xhtml+xml":
			return false
		}
	}
	return false
}

// send sends a page that may be shown for a few seconds by whoever stands between, and that nobody may put into a frame.
func (s *server) send(w http.ResponseWriter, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=15")
	h.Set("Content-Security-Policy", s.pages.policy+"; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(body) // the caller may have left
}
