package delivery

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/webhook"
)

// EndpointPrefix begins every endpoint's id.
const EndpointPrefix = "ep_"

// The bounds of a tenant's endpoints.
const (
	MaxEndpoints = 100 // per tenant; all deliveries of an event are made in one commit
	maxLocations = 500
	maxSecrets   = 3
)

// Overlap is how long the former secret goes on signing after a rotation.
const Overlap = 24 * time.Hour

// Payload says how much an endpoint is sent.
type Payload string

// The payloads.
const (
	Thin Payload = "thin" // ids, status and version; the receiver reads the order itself
	Full Payload = "full" // the whole order too, with the guest
)

// Format says in whose form an endpoint is sent events.
type Format string

// The formats.
const (
	Ryggrad    Format = "ryggrad"    // the hub's own form, Standard Webhooks with `type`, `timestamp` and `data`
	Deliverect Format = "deliverect" // orders and their cancellation as Deliverect sends them to a POS, signed both ways
)

// Reason says why an endpoint is switched off, or a delivery failed.
type Reason string

// The reasons.
const (
	ByOwner   Reason = "switched_off" // a person or client of the tenant said so
	Gone      Reason = "gone"         // the endpoint answered 410
	Removed   Reason = "removed"      // there is no such endpoint any more
	Refused   Reason = "refused"      // a platform says that it cannot take this status
	Exhausted Reason = "exhausted"    // the attempts of three days are used up
	Expired   Reason = "expired"      // the event itself is not kept any more
)

// Settings are what the owner of an endpoint decides.
type Settings struct {
	URL       string
	Events    []Type
	Locations []string // none means all of the tenant, those to come included
	Payload   Payload
	Format    Format
	Disabled  bool
}

// Endpoint is a URL of the tenant that wants events.
type Endpoint struct {
	ID     string // `ep_…`
	Tenant string
	Settings
	Reason    Reason // why it is disabled, or ""
	Secrets   []Secret
	CreatedAt time.Time
}

// Secret is a signing secret as it is kept.
type Secret struct {
	ID        string // `sec_…`; part of the place that it is sealed for
	Sealed    []byte // the text of a [webhook.Secret], sealed under the tenant's key
	CreatedAt time.Time
	ExpiresAt time.Time // zero for the newest
}

// Check returns every rule that the settings break, with locations as in the body of a request.
func (s Settings) Check(policy webhook.Policy) []fault.Detail {
	var found []fault.Detail
	say := func(at, message string) { found = append(found, fault.Detail{Location: at, Message: message}) }
	if _, err := policy.CheckURL(s.URL); err != nil {
		say("body.url", err.Error())
	}
	if len(s.Events) == 0 {
		say("body.events", "is empty")
	}
	for i, t := range s.Events {
		if !t.Known() {
			say(fmt.Sprintf("body.events[%d]", i), "is not a type of event")
		}
		if slices.Contains(s.Events[:i], t) {
			say(fmt.Sprintf("body.events[%d]", i), "is given twice")
		}
	}
	if len(s.Locations) > maxLocations {
		say("body.locations", fmt.Sprintf("has more than %d entries; leave it empty for all locations", maxLocations))
	}
	if s.Payload != Thin && s.Payload != Full {
		say("body.payload", "is neither thin nor full")
	}
	switch s.Format {
	case Ryggrad:
	case Deliverect:
		found = append(found, s.checkDeliverect()...)
	default:
		say("body.format", "is not a format that is offered")
	}
	return found
}

// checkDeliverect finds what Deliverect's form cannot bring.
func (s Settings) checkDeliverect() []fault.Detail {
	var found []fault.Detail
	for i, t := range s.Events {
		if t.Known() && t != OrderReceived && t != OrderCancelled {
			found = append(found, fault.Detail{Location: fmt.Sprintf("body.events[%d]", i), Message: "has no form in the format deliverect"})
		}
	}
	if s.Payload == Thin {
		found = append(found, fault.Detail{Location: "body.payload", Message: "must be full in the format deliverect"})
	}
	return found
}

// Wants tells whether a delivery is to be made of the event for the endpoint.
func (e Endpoint) Wants(ev Event) bool {
	if e.Disabled || e.Tenant != ev.Tenant || !slices.Contains(e.Events, ev.Type) {
		return false
	}
	return len(e.Locations) == 0 || ev.Location == "" || slices.Contains(e.Locations, ev.Location)
}

// Change gives the endpoint other settings. Switching it on again forgets why it was off.
func (e Endpoint) Change(s Settings) Endpoint {
	switch {
	case !s.Disabled:
		e.Reason = ""
	case !e.Disabled:
		e.Reason = ByOwner
	}
	e.Settings = s
	return e
}

// Disable switches the endpoint off on the hub's own account.
func (e Endpoint) Disable(why Reason) Endpoint {
	e.Disabled, e.Reason = true, why
	return e
}

// Rotate makes fresh the endpoint's secret. The former one goes on signing for [Overlap], so that receivers can change
// over while messages come; of more than three only the newest stay.
func (e Endpoint) Rotate(fresh Secret, now time.Time) Endpoint {
	kept := []Secret{fresh}
	for _, s := range e.Live(now) {
		if s.ExpiresAt.IsZero() {
			s.ExpiresAt = now.Add(Overlap)
		}
		if len(kept) < maxSecrets {
			kept = append(kept, s)
		}
	}
	e.Secrets = kept
	return e
}

// Live returns the secrets that sign at the given time, the newest first.
func (e Endpoint) Live(now time.Time) []Secret {
	live := make([]Secret, 0, len(e.Secrets))
	for _, s := range e.Secrets {
		if s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt) {
			live = append(live, s)
		}
	}
	return live
}

// Host returns the host of the endpoint's URL, for logs: the rest of a URL may hold a secret.
func (e Endpoint) Host() string {
	_, rest, _ := strings.Cut(e.URL, "://")
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, "?")
	return host
}

// Document returns the endpoint as a database document, without its id and tenant.
func (e Endpoint) Document() map[string]any {
	secrets := make([]any, len(e.Secrets))
	for i, s := range e.Secrets {
		secrets[i] = s.document()
	}
	doc := map[string]any{
		"url": e.URL, "events": texts(e.Events), "locations": texts(e.Locations), "payload": string(e.Payload),
		"format": string(e.Format), "disabled": e.Disabled, "secrets": secrets, "createdAt": e.CreatedAt,
	}
	if e.Reason != "" {
		doc["reason"] = string(e.Reason)
	}
	return doc
}

func (s Secret) document() map[string]any {
	doc := map[string]any{"id": s.ID, "sealed": s.Sealed, "createdAt": s.CreatedAt}
	if !s.ExpiresAt.IsZero() {
		doc["expiresAt"] = s.ExpiresAt
	}
	return doc
}

// ParseEndpoint reads an endpoint that [Endpoint.Document] wrote; see [ParseEvent].
func ParseEndpoint(id, tenant string, doc map[string]any) (Endpoint, error) {
	r := reader{}
	e := Endpoint{
		ID: id, Tenant: tenant,
		Settings: Settings{
			URL:       read[string](&r, doc, "url"),
			Events:    readTexts[Type](&r, doc, "events"),
			Locations: readTexts[string](&r, doc, "locations"),
			Payload:   Payload(read[string](&r, doc, "payload")),
			Format:    Format(read[string](&r, doc, "format")),
			Disabled:  read[bool](&r, doc, "disabled"),
		},
		Reason:    Reason(read[string](&r, doc, "reason")),
		CreatedAt: read[time.Time](&r, doc, "createdAt"),
		Secrets:   readList(&r, doc, "secrets", (*reader).secret),
	}
	if r.err != nil {
		return Endpoint{}, fmt.Errorf("endpoint %s: %w", id, r.err)
	}
	return e, nil
}

func (r *reader) secret(doc map[string]any) Secret {
	return Secret{
		ID:        read[string](r, doc, "id"),
		Sealed:    read[[]byte](r, doc, "sealed"),
		CreatedAt: read[time.Time](r, doc, "createdAt"),
		ExpiresAt: read[time.Time](r, doc, "expiresAt"),
	}
}
