package status

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/incident"
)

const atomType = "application/atom+xml; charset=utf-8"

// feedShown is how many steps the feed holds.
const feedShown = 50

// atomFeed is the feed (RFC 4287).
type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  atomAuthor  `xml:"author"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomAuthor struct {
	Name string `xml:"name"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Link    atomLink `xml:"link"`
	Content struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	} `xml:"content"`
}

// feed writes the newest steps of incidents, each an entry of its own.
func (p *pages) feed(sh shown) ([]byte, error) {
	base := p.cfg.BaseURL
	f := atomFeed{
		ID: base + "/status", Title: "Ryggrad: incidents", Updated: iso(sh.BuiltAt), Author: atomAuthor{"Ryggrad"},
		Links: []atomLink{{"self", base + "/status/feed.atom"}, {"alternate", base + "/status"}},
	}
	var newest time.Time
	for _, step := range steps(sh.Incidents) {
		if len(f.Entries) == feedShown {
			break
		}
		f.Entries = append(f.Entries, step.entry(base))
		if step.update.At.After(newest) {
			newest = step.update.At
			f.Updated = iso(newest)
		}
	}
	raw, err := xml.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write the feed: %w", err)
	}
	return append([]byte(xml.Header), append(raw, '\n')...), nil
}

// step is an update with its incident.
type step struct {
	incident incident.Incident
	update   incident.Update
}

// steps returns the updates of incidents that are ordered newest first, the newest of each first.
func steps(all []incident.Incident) []step {
	var out []step
	for _, i := range all {
		for n := range i.Updates {
			out = append(out, step{i, i.Updates[len(i.Updates)-1-n]})
		}
	}
	return out
}

func (s step) entry(base string) atomEntry {
	e := atomEntry{
		ID: base + "/status#" + s.update.ID, Title: s.incident.Title + " (" + string(s.update.State) + ")",
		Updated: iso(s.update.At), Link: atomLink{"alternate", base + "/status#" + s.incident.ID},
	}
	e.Content.Type = "text"
	e.Content.Text = strings.Join([]string{
		s.update.Message, "Impact: " + s.incident.Impact.Words(), "Affected: " + list(named(s.incident.Functions)),
	}, "\n\n")
	return e
}

// feed serves the feed.
func (s *server) feed(w http.ResponseWriter, r *http.Request, _ httpapi.Call) error {
	sh, err := s.shelf.newest(r.Context())
	if err != nil {
		return err
	}
	raw, err := s.pages.feed(sh)
	if err != nil {
		return err
	}
	s.send(w, atomType, raw)
	return nil
}
