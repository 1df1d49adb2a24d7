package channel

import (
	"maps"
	"slices"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

// platforms is the one table of the platforms that the hub speaks to natively.
func platforms() []platform {
	return []platform{
		{"deliverect", deliverect},
		{"deliveroo", deliveroo},
		{"deliveryhero", deliveryHero},
		{"doordash", doorDash},
		{"generic", generic},
		{"glovo", glovo},
		{"hubrise", hubRise},
		{"ifood", iFood},
		{"jet", jet},
		{"opendelivery", openDelivery},
		{"otter", otter},
		{"square", square},
		{"takeaway", takeaway},
		{"ubereats", uberEats},
	}
}

// A platform is a name, as in `/v1/channels/{adapter}/{link}/orders`, and what the hub knows of whom it names.
type platform struct {
	name  string
	build func() Adapter
}

func (p platform) adapter() Adapter {
	a := p.build()
	a.Name = p.name
	return a
}

// Adapters returns every platform.
func Adapters() []Adapter {
	all := make([]Adapter, 0, len(platforms()))
	for _, p := range platforms() {
		all = append(all, p.adapter())
	}
	return all
}

// Named returns the adapter of that name.
func Named(name string) (Adapter, bool) {
	for _, p := range platforms() {
		if p.name == name {
			return p.adapter(), true
		}
	}
	return Adapter{}, false
}

// An Adapter is all that the hub knows about one platform's webhooks.
type Adapter struct {
	Name         string        // as in `/v1/channels/{adapter}/{link}/orders`
	Carries      Carries       // what a webhook brings
	Paths        []string      // what the platform calls by POST below `/v1/channels/{adapter}/{link}/`
	Puts         []string      // and what by PUT
	Signature    Signature     // how the platform signs, where that is the same for every link
	Undocumented bool          // how it proves its webhooks is not documented publicly, so it is [Adapter.Off] at first
	Options      []Option      // what a link can say
	AcceptWithin time.Duration // how long after its placing an order must be accepted; 0 when the platform states no limit
	RetryLater   int           // the HTTP status that makes the platform send again, used for every passing trouble
	Unreadable   int           // the HTTP status that makes it stop sending what cannot be read; 0 for the fault's own
	Codes        []Code        // the platform's status codes; of several for one status, the first is the one to send
	API          API           // how the hub calls the platform

	read      func(Request, Link) (Message, error)          // translates a payload whose card numbers are masked
	fetched   func(*node, Link, Reference) (Message, error) // translates an order that was fetched; nil where webhooks carry all
	signature func(Options) Signature                       // how the platform signs, where that depends on the link
	names     *strings.Replacer                             // an order's locations in the platform's words, for its faults
	answers   func(outcome Outcome, id string) Reply
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
	URL    string                     // where it was sent to, as far as that can be told, for platforms that sign it
	Header func(name string) []string // every value of a header, as http.Header.Values gives them
	Body   []byte                     // the raw bytes, as signed
	At     time.Time                  // when it arrived
}

// A Link is what an adapter knows of the channel link that a webhook came by.
type Link struct {
	Places  []Place // the locations that the link serves
	Options Options
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

// Read translates a webhook. Its errors are faults: [fault.Malformed] for what cannot be read, [fault.Invalid] with every
// fault that was found for what makes no order.
func (a Adapter) Read(r Request, link Link) (Message, error) {
	return a.translate(r.Body, func(kept []byte) (Message, error) {
		r.Body = kept
		return a.read(r, link)
	})
}

// ReadFetched translates the order that the platform gave when asked for what a [Reference] names. Its errors are those
// of [Adapter.Read]; another order than the reference's is [fault.Invalid].
func (a Adapter) ReadFetched(body []byte, reference Reference, link Link) (Message, error) {
	if a.fetched == nil {
		return nil, fault.New(fault.Invalid, "webhooks of this platform carry the order itself")
	}
	message, err := a.translate(body, func(kept []byte) (Message, error) {
		root, err := parse(kept)
		if err != nil {
			return nil, err
		}
		return a.fetched(root, link, reference)
	})
	if placed, ok := message.(NewOrder); ok && placed.Order.ChannelOrderID != reference.ChannelOrderID {
		return nil, fault.New(fault.Invalid, "the platform gave another order than it was asked for")
	}
	return message, err
}

// translate does what every payload needs around an adapter's own reading.
func (a Adapter) translate(body []byte, read func(kept []byte) (Message, error)) (Message, error) {
	kept, cards, err := order.MaskCardsInJSON(body)
	if err != nil {
		return nil, unreadable(err)
	}
	message, err := read(kept)
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
	m.fitExtra()
	fitting, cut := m.Order.Fit()
	m.Order = fitting
	faults := m.faults
	for _, d := range fitting.Check() {
		if a.names != nil {
			d.Location = a.names.Replace(d.Location)
		}
		faults = append(faults, d)
	}
	if len(faults) > 0 {
		return nil, fault.New(fault.Invalid, "the order cannot be taken in").With(faults...)
	}
	if c := fitting.Customer; c != nil && c.Phone != "" && uselessPhone(c.Phone) {
		m.warn("phone_useless", "body.customer.phone", "is masked, or no number")
	}
	m.Warnings = append(append(m.Warnings, cut...), fitting.Warnings()...)
	return m, nil
}

// mostExtra bounds what an order keeps beside its own fields, in bytes of paths and values.
const mostExtra = 256 << 10

// fitExtra leaves out of extra what is beyond the bound, the same for the same payload: a platform's endless baggage must
// not cost the kitchen an order, and all of it stays in the kept original.
func (m *NewOrder) fitExtra() {
	size := 0
	for path, value := range m.Order.Extra {
		size += len(path) + len(value)
	}
	if size <= mostExtra {
		return
	}
	fitting, left := extras{}, mostExtra
	for _, path := range slices.Sorted(maps.Keys(m.Order.Extra)) {
		value := m.Order.Extra[path]
		if n := len(path) + len(value); n <= left {
			fitting[path], left = value, left-n
		}
	}
	m.Order.Extra = fitting
	m.warn("extra_cut", "body", "has more beside the order than the hub keeps with it; all of it is in the original")
}

// tree makes a reading of a parsed payload a reading of bytes.
func tree(read func(*node, Request, Link) (Message, error)) func(Request, Link) (Message, error) {
	return func(r Request, link Link) (Message, error) {
		root, err := parse(r.Body)
		if err != nil {
			return nil, err
		}
		return read(root, r, link)
	}
}

func (m *NewOrder) warn(code, at, message string) {
	m.Warnings = append(m.Warnings, order.Warning{Code: code, Location: at, Message: message})
}
