package status

import (
	"context"
	"slices"
	"time"

	"ryggrad.internal/hub/shared/delivery/noticedb"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/incident/incidentdb"
)

type updateBody struct {
	At      time.Time      `json:"at"`
	State   incident.State `json:"state" enum:"investigating,identified,monitoring,resolved"`
	Message string         `json:"message"`
}

type incidentBody struct {
	ID         string          `json:"id"`
	Title      string          `json:"title"`
	Impact     incident.Impact `json:"impact" enum:"minor,major,critical"`
	State      incident.State  `json:"state" enum:"investigating,identified,monitoring,resolved"`
	Functions  []string        `json:"functions" nullable:"false" doc:"What is affected, as named in the table of functions"`
	Regions    []string        `json:"regions" nullable:"false" doc:"Where; empty: everywhere"`
	OpenedAt   time.Time       `json:"openedAt"`
	ResolvedAt time.Time       `json:"resolvedAt,omitzero"`
	Updates    []updateBody    `json:"updates" nullable:"false" doc:"Oldest first"`
}

func showIncident(i incident.Incident) incidentBody {
	b := incidentBody{
		ID: i.ID, Title: i.Title, Impact: i.Impact, State: i.State, OpenedAt: i.OpenedAt, ResolvedAt: i.ResolvedAt,
		Functions: append([]string{}, i.Functions...), Regions: append([]string{}, i.Regions...), Updates: []updateBody{},
	}
	for _, u := range i.Updates {
		b.Updates = append(b.Updates, updateBody{u.At, u.State, u.Message})
	}
	return b
}

type listIncidentsInput struct {
	State  string `query:"state" enum:"open,resolved" doc:"Only these"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
	Cursor string `query:"cursor" maxLength:"64" doc:"The nextCursor of the page before"`
}

type listIncidentsOutput struct {
	Body struct {
		Items      []incidentBody `json:"items" nullable:"false"`
		NextCursor string         `json:"nextCursor" doc:"Where the next page begins; empty at the end"`
		AsOf       time.Time      `json:"asOf" doc:"When this was true"`
	}
}

// listIncidents gives programs what the page shows.
func (s *server) listIncidents(ctx context.Context, _ httpapi.Call, in *listIncidentsInput) (*listIncidentsOutput, error) {
	now, err := s.shelf.newest(ctx)
	if err != nil {
		return nil, err
	}
	out := &listIncidentsOutput{}
	out.Body.Items, out.Body.AsOf = []incidentBody{}, now.BuiltAt
	all := now.Incidents
	if in.Cursor != "" { // one that is gone: nothing comes after it
		after := slices.IndexFunc(all, func(i incident.Incident) bool { return i.ID == in.Cursor })
		all = all[min(after+1, len(all)):]
		if after < 0 {
			all = nil
		}
	}
	for _, i := range all {
		if in.State != "" && i.Open() != (in.State == "open") {
			continue
		}
		if len(out.Body.Items) == in.Limit {
			out.Body.NextCursor = out.Body.Items[in.Limit-1].ID
			break
		}
		out.Body.Items = append(out.Body.Items, showIncident(i))
	}
	return out, nil
}

type noticeBody struct {
	ID       string         `json:"id" doc:"The same as the event's, see notice.created"`
	At       time.Time      `json:"at"`
	Location string         `json:"location,omitzero"`
	Data     map[string]any `json:"data" doc:"notice says what it is about; the rest depends on it"`
}

type listNoticesInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
	Cursor string `query:"cursor" maxLength:"200" doc:"The nextCursor of the page before"`
}

type listNoticesOutput struct {
	Body struct {
		Items      []noticeBody `json:"items" nullable:"false" doc:"At most limit; fewer where the credential does not reach some"`
		NextCursor string       `json:"nextCursor" doc:"Where the next page begins; empty at the end"`
	}
}

// listNotices gives a tenant what it was told. A credential that reaches some locations only sees theirs, and incidents.
func (s *server) listNotices(ctx context.Context, call httpapi.Call, in *listNoticesInput) (*listNoticesOutput, error) {
	page, err := noticedb.List(ctx, s.ledger, call.Caller.Tenant, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &listNoticesOutput{}
	out.Body.Items, out.Body.NextCursor = []noticeBody{}, page.Next
	for _, n := range page.Notices {
		incident := n.Data["notice"] == incidentdb.NoticeIncident
		if call.Caller.Locations.Every() || incident || n.Location != "" && call.Caller.MayUse(n.Location) {
			out.Body.Items = append(out.Body.Items, noticeBody{n.ID, n.At, n.Location, n.Data})
		}
	}
	return out, nil
}
