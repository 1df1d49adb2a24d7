package channel

import (
	"strings"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

// Adapters returns every platform that the hub speaks to natively: the one table of them.
func Adapters() []Adapter {
	return []Adapter{
		deliverect(),
	}
}

// Named returns the adapter of that name.
func Named(name string) (Adapter, bool) {
	for _, a := range Adapters() {
		if a.Name == name {
			return a, true
		}
	}
	return Adapter{}, false
}

// An Adapter is all that the hub knows about one platform's webhooks.
type Adapter struct {
	Name         string        // as in `/v1/channels/{adapter}/{link}/orders`
	Carries      Carries       // what a webhook brings
	Paths        []string      // the platform's paths below `/v1/channels/{adapter}/{link}/`
	Signature    Signature     // how the platform signs
	AcceptWithin time.Duration // how long after its placing an order must be accepted; 0 when the platform states no limit
	RetryLater   int           // the HTTP status that makes the platform send again, used for every passing trouble
	Codes        []Code        // the platform's status codes; of several for one status, the first is the one to send

	read    func(Request, Link) (Message, error) // translates a payload whose card numbers are masked
	names   *strings.Replacer                    // an order's locations in the platform's words, for its faults
	answers func(outcome Outcome, id string) Reply
}

// Carries says what a webhook brings.
type Carries string

// What webhooks bring.
const (
	CarriesOrder     Carries = "order"     // the order itself
	CarriesReference Carries = "reference" // only where to fetch it
)

// A Code is a platform's word for one of the hub's statuses.
type Code struct {
	Theirs string
	Ours   order.Status
}

// StatusOf returns what a platform's status code means here. Codes that mean nothing here are false: keep and ignore.
func (a Adapter) StatusOf(theirs string) (order.Status, bool) {
	for _, c := range a.Codes {
		if c.Theirs == theirs {
			return c.Ours, true
		}
	}
	return "", false
}

// CodeOf returns the platform's code for a status; it is false where the platform has none.
func (a Adapter) CodeOf(ours order.Status) (string, bool) {
	for _, c := range a.Codes {
		if c.Ours == ours {
			return c.Theirs, true
		}
	}
	return "", false
}

// A Request is a webhook as it arrived.
type Request struct {
	Path   string                     // which of the adapter's Paths
	Header func(name string) []string // every value of a header, as http.Header.Values gives them
	Body   []byte                     // the raw bytes, as signed
}

// A Link is what an adapter knows of the channel link that a webhook came by.
type Link struct {
	Places []Place // the locations that the link serves
}

// A Place is a location as a link's platform sees it.
type Place struct {
	Location string         // the hub's id
	Theirs   string         // the platform's id of it; "" when the platform never says
	Currency order.Currency // what it charges in, for platforms that do not say
}

// Place returns the location that the platform means: the one that it names, or the only one that the link serves.
func (l Link) Place(theirs string) (Place, error) {
	for _, p := range l.Places {
		if theirs != "" && p.Theirs == theirs {
			return p, nil
		}
	}
	if len(l.Places) == 1 {
		return l.Places[0], nil
	}
	return Place{}, fault.New(fault.Invalid, "the payload names no location that this channel link serves")
}

// A Message is what a webhook says: a [NewOrder], a [Cancel] or an [Event].
type Message interface{ message() }

// A NewOrder is an order to take in.
type NewOrder struct {
	Order    order.Order
	Identity []string        // what, with tenant and link, makes the order's id; see [order.ID]
	Warnings []order.Warning // what is odd about the order or its translation
	Original []byte          // the bytes to keep: as sent, but for masked card numbers

	faults []fault.Detail // what the adapter finds wrong beyond the rules of an order, in the platform's words
}

// A Cancel calls an order off.
type Cancel struct {
	Ref
	Reason string // as the platform gives it, no longer than [order.MaxReason]
}

// An Event is anything else that a platform tells.
type Event struct {
	Ref
	Name    string       // what it is: `order_status`, `courier_update`, `busy_mode` …
	Status  order.Status // the status it reports, if any
	ReadyAt order.Time   // the time it reports, if any
}

func (NewOrder) message() {}
func (Cancel) message()   {}
func (Event) message()    {}

// A Ref says which order is meant. With an Identity it is the order of [order.ID]; without, the message does not carry
// all of it, and the order meant is the one received last on this link with this ChannelOrderID.
type Ref struct {
	ChannelOrderID string
	Identity       []string
}

// Read translates a webhook. Its errors are faults: [fault.Malformed] for what cannot be read, [fault.Invalid] with every
// fault that was found for what makes no order.
func (a Adapter) Read(r Request, link Link) (Message, error) {
	kept, cards, err := order.MaskCardsInJSON(r.Body)
	if err != nil {
		return nil, unreadable(err)
	}
	r.Body = kept
	message, err := a.read(r, link)
	if err != nil {
		return nil, err
	}
	placed, ok := message.(NewOrder)
	if !ok {
		return message, nil
	}
	placed.Original = kept
	for _, at := range cards {
		placed.warn("card_number_masked", locate(at), "contained a payment card number, which the hub does not keep")
	}
	return a.finish(placed)
}

// finish does to a new order what every platform's needs.
func (a Adapter) finish(m NewOrder) (Message, error) {
	fitting, cut := m.Order.Fit()
	m.Order = fitting
	faults := m.faults
	for _, d := range fitting.Check() {
		faults = append(faults, fault.Detail{Location: a.names.Replace(d.Location), Message: d.Message})
	}
	if len(faults) > 0 {
		return nil, fault.New(fault.Invalid, "the order cannot be taken in").With(faults...)
	}
	m.Warnings = append(append(m.Warnings, cut...), fitting.Warnings()...)
	return m, nil
}

func (m *NewOrder) warn(code, at, message string) {
	m.Warnings = append(m.Warnings, order.Warning{Code: code, Location: at, Message: message})
}
