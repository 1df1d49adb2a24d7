package privacy

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/privacy"
	"ryggrad.internal/hub/shared/privacy/privacydb"
)

// shown is how many orders and messages of each verdict an answer shows, the newest.
const shown = 100

type subjectInput struct{ Body subjectBody }

// subjectBody says whom somebody asks about.
type subjectBody struct {
	Phone      string   `json:"phone,omitzero" maxLength:"40" doc:"The guest's telephone number, with its country code, or with country" example:"+46701740605"`
	Country    string   `json:"country,omitzero" pattern:"^[A-Z]{2}$" patternDescription:"an ISO 3166 code" doc:"The country of a number without a country code"`
	Email      string   `json:"email,omitzero" maxLength:"320" doc:"The guest's e-mail address"`
	Name       string   `json:"name,omitzero" maxLength:"300" doc:"The guest's name in full, to confirm what the contact finds"`
	PostalCode string   `json:"postalCode,omitzero" maxLength:"40" doc:"The postal code of a delivery, to confirm what the contact finds"`
	Orders     []string `json:"orders,omitempty" maxItems:"1000" nullable:"false" doc:"Orders that are known to be the guest's: candidates of an earlier answer that the guest has confirmed"`
	Messages   []string `json:"messages,omitempty" maxItems:"1000" nullable:"false" doc:"Kept messages that are known to be about the guest"`
	DryRun     bool     `json:"dryRun,omitzero" doc:"Only tell what there is"`
}

type subjectOutput struct {
	Status int
	Body   foundBody
}

// foundBody tells what was found and what becomes of it. Everything of the guest in it is masked.
type foundBody struct {
	Job        string           `json:"job,omitzero" doc:"The export or erasure that was begun; absent for a dry run, and where nothing is confirmed"`
	Confirmed  matchesBody      `json:"confirmed" doc:"What is the guest's: it is exported or erased"`
	Candidates matchesBody      `json:"candidates" doc:"What has the contact and nothing else that was named. It is left alone until a second field agrees or its id is named."`
	Held       map[string]int64 `json:"held" doc:"How many documents hold something of the guest in what is confirmed, by collection"`
	Unmatched  []string         `json:"unmatched" doc:"Orders and messages that were named and do not have the contact, or are erased"`
	Partly     bool             `json:"partly,omitzero" doc:"More than 20,000 messages that nobody could read are kept, and only the newest were searched. What they say is gone after 30 days."`
}

type matchesBody struct {
	Count    int            `json:"count"`
	Orders   []orderMatch   `json:"orders" doc:"The newest 100"`
	Messages []messageMatch `json:"messages" doc:"The newest 100"`
}

// orderMatch is an order with its guest masked, so that the guest can tell whether it is theirs.
type orderMatch struct {
	ID         string          `json:"id"`
	DisplayID  string          `json:"displayId"`
	Location   string          `json:"location"`
	ReceivedAt time.Time       `json:"receivedAt"`
	Total      int64           `json:"total"`
	Currency   order.Currency  `json:"currency"`
	Customer   *order.Customer `json:"customer,omitzero"`
	City       string          `json:"city,omitzero"`
}

type messageMatch struct {
	ID         string            `json:"id"`
	State      channel.KeptState `json:"state"`
	What       string            `json:"what"`
	Channel    string            `json:"channel"`
	ReceivedAt time.Time         `json:"receivedAt"`
}

func (s *server) export(ctx context.Context, call httpapi.Call, in *subjectInput) (*subjectOutput, error) {
	return s.ask(ctx, call, privacy.Export, in.Body)
}

func (s *server) erase(ctx context.Context, call httpapi.Call, in *subjectInput) (*subjectOutput, error) {
	return s.ask(ctx, call, privacy.Erase, in.Body)
}

// everywhere refuses a caller who reaches only some locations: a guest is forgotten everywhere or not at all.
func everywhere(caller identity.Caller) error {
	if !caller.Locations.Every() {
		return fault.New(fault.Forbidden, "this needs a credential that reaches every location")
	}
	return nil
}

// ask finds whom is meant and begins what was asked for, unless nothing is confirmed or it is a dry run.
func (s *server) ask(ctx context.Context, call httpapi.Call, kind privacy.Kind, body subjectBody) (*subjectOutput, error) {
	if err := everywhere(call.Caller); err != nil {
		return nil, err
	}
	sought, err := body.subject().Seek()
	if err != nil {
		return nil, err
	}
	found, err := s.store.Find(ctx, call.Caller.Tenant, sought)
	if err != nil {
		return nil, err
	}
	out := &subjectOutput{Status: http.StatusOK, Body: show(found)}
	out.Body.Held = held(found, s.now())
	out.Body.Unmatched = append([]string{}, sought.Unmatched(found.OrderIDs(), found.MessageIDs())...)
	if body.DryRun || out.Body.Confirmed.Count == 0 {
		return out, nil
	}
	action := privacydb.ActionExport
	if kind == privacy.Erase {
		action = privacydb.ActionErase
	}
	job, err := s.store.Ask(ctx, ledgerdb.ActOf(call.Caller, action, call.RequestID), kind, found)
	if err != nil {
		return nil, err
	}
	s.announcer.Announce(ctx, event.Announcement{Tenant: job.Tenant, Event: job.ID})
	out.Status, out.Body.Job = http.StatusAccepted, job.ID
	return out, nil
}

func (b subjectBody) subject() privacy.Subject {
	return privacy.Subject{
		Phone: b.Phone, Country: b.Country, Email: b.Email, Name: b.Name, PostalCode: b.PostalCode, Orders: b.Orders, Messages: b.Messages,
	}
}

// show tells what was found, masked.
func show(found privacydb.Found) foundBody {
	return foundBody{Partly: found.Partly, Confirmed: matches(found, privacy.Confirmed), Candidates: matches(found, privacy.Candidate)}
}

func matches(found privacydb.Found, verdict privacy.Verdict) matchesBody {
	m := matchesBody{Orders: []orderMatch{}, Messages: []messageMatch{}}
	for _, o := range found.Orders {
		if o.Verdict == verdict {
			m.Orders = append(m.Orders, matchOf(o))
		}
	}
	for _, k := range found.Messages {
		if k.Verdict == verdict {
			m.Messages = append(m.Messages, messageMatch{k.ID, k.State, k.What, k.Link, k.ReceivedAt})
		}
	}
	m.Count = len(m.Orders) + len(m.Messages)
	slices.SortFunc(m.Orders, func(a, b orderMatch) int { return cmp.Or(b.ReceivedAt.Compare(a.ReceivedAt), cmp.Compare(a.ID, b.ID)) })
	slices.SortFunc(m.Messages, func(a, b messageMatch) int {
		return cmp.Or(b.ReceivedAt.Compare(a.ReceivedAt), cmp.Compare(a.ID, b.ID))
	})
	m.Orders, m.Messages = m.Orders[:min(len(m.Orders), shown)], m.Messages[:min(len(m.Messages), shown)]
	return m
}

func matchOf(o privacydb.FoundOrder) orderMatch {
	masked := o.Whole.Masked()
	m := orderMatch{
		ID: o.ID, DisplayID: masked.DisplayID, Location: masked.Location, ReceivedAt: o.Received, Total: masked.Total,
		Currency: masked.Currency, Customer: masked.Customer,
	}
	if masked.DeliveryAddress != nil {
		m.City = masked.DeliveryAddress.City
	}
	return m
}

// held counts what is confirmed, by the collections that hold something of the guest.
func held(found privacydb.Found, now time.Time) map[string]int64 {
	n := map[string]int64{"orders": 0, "orderKeys": 0, "originals": 0, "messages": 0}
	for _, o := range found.Orders {
		if o.Verdict != privacy.Confirmed {
			continue
		}
		n["orders"]++
		n["orderKeys"]++
		if o.HasOriginal(now) {
			n["originals"]++
		}
	}
	messages := int64(len(found.MessageIDs()))
	n["messages"], n["orderKeys"], n["originals"] = messages, n["orderKeys"]+messages, n["originals"]+messages
	return n
}
