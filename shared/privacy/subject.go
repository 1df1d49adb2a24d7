package privacy

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

// Subject is whom somebody asks about, in their own words. It is personal data: it is never stored, and never logged.
type Subject struct {
	Phone      string   // a telephone number
	Country    string   // ISO 3166 country of a number without a country code
	Email      string   // an e-mail address
	Name       string   // the guest's name, in full
	PostalCode string   // of a delivery
	Orders     []string // orders that are known to be theirs
	Messages   []string // kept messages that are known to be about them
}

// Sought is a [Subject] in the form in which it is compared. Make one with [Subject.Seek].
type Sought struct {
	Phone, Email envelope.Contact // the zero Contact for none
	country      string
	name, postal string
	orders       []string
	messages     []string
}

// Seek reads a subject. One without a phone number and an e-mail address, or with one that is none, is [fault.Invalid],
// with all that is wrong.
func (s Subject) Seek() (Sought, error) {
	var wrong []fault.Detail
	sought := Sought{
		country: s.Country, name: sameName(s.Name), postal: samePostal(s.PostalCode), orders: s.Orders, messages: s.Messages,
	}
	if s.Phone == "" && s.Email == "" {
		wrong = append(wrong, fault.Detail{Location: "body", Message: "must name a phone number or an e-mail address"})
	}
	var ok bool
	if sought.Phone, ok = envelope.Phone(s.Phone, s.Country); s.Phone != "" && !ok {
		wrong = append(wrong, fault.Detail{Location: "body.phone", Message: "must be a telephone number: with its country code, or with the country"})
	}
	if sought.Email, ok = envelope.Email(s.Email); s.Email != "" && !ok {
		wrong = append(wrong, fault.Detail{Location: "body.email", Message: "must be an e-mail address"})
	}
	wrong = append(wrong, notIDs("body.orders", s.Orders, order.IsID)...)
	wrong = append(wrong, notIDs("body.messages", s.Messages, isMessage)...)
	if len(wrong) > 0 {
		return Sought{}, fault.New(fault.Invalid, "the guest is not described well enough").With(wrong...)
	}
	return sought, nil
}

func notIDs(at string, ids []string, ok func(string) bool) (wrong []fault.Detail) {
	for i, id := range ids {
		if !ok(id) {
			wrong = append(wrong, fault.Detail{Location: at + "[" + strconv.Itoa(i) + "]", Message: "is not an id of this kind"})
		}
	}
	return wrong
}

// sameName returns a name as names are compared: by their letters, not by their case or spacing.
func sameName(name string) string {
	return cases.Fold().String(norm.NFKC.String(strings.Join(strings.Fields(envelope.Visible(name)), " ")))
}

// samePostal returns a postal code without spaces and in capitals.
func samePostal(code string) string {
	return strings.ToUpper(norm.NFKC.String(strings.Join(strings.Fields(envelope.Visible(code)), "")))
}

// Evidence is what speaks for an order or a message being the guest's.
type Evidence struct {
	Phone, Email bool // found by it
	Name, Postal bool // it says so too
	Named        bool // whoever asks knows its id
	About        bool // it is about an order that is the guest's
}

// Verdict is what follows from the evidence.
type Verdict int

// The verdicts.
const (
	Stranger  Verdict = iota // nothing says that it is the guest's
	Candidate                // something does, but not enough to show or erase it
	Confirmed                // it is the guest's
)

// Verdict decides. A phone number or an e-mail address alone may be somebody else's by now, or shared by a household or
// a hotel; it makes a candidate. Two fields that agree, or one and the knowledge of the id, confirm. Whatever is about a
// confirmed order is confirmed with it.
func (e Evidence) Verdict() Verdict {
	fields := 0
	for _, agrees := range []bool{e.Phone, e.Email, e.Name, e.Postal} {
		if agrees {
			fields++
		}
	}
	switch {
	case e.About:
		return Confirmed
	case !e.Phone && !e.Email:
		return Stranger
	case fields >= 2 || e.Named:
		return Confirmed
	}
	return Candidate
}

// Order weighs an order that was found by its contacts, which are compared by their blind indexes: what a platform
// masked has none, and so never speaks for anybody.
func (s Sought) Order(id string, whole order.Order, byPhone, byEmail bool) Evidence {
	e := Evidence{Phone: byPhone, Email: byEmail, Named: slices.Contains(s.orders, id)}
	if c := whole.Customer; c != nil {
		e.Name = s.name != "" && sameName(c.Name) == s.name
	}
	if a := whole.DeliveryAddress; a != nil {
		e.Postal = s.postal != "" && samePostal(a.PostalCode) == s.postal
	}
	return e
}

// Message weighs a kept message by what its bytes say.
func (s Sought) Message(id string, body []byte) Evidence {
	e := Evidence{Named: slices.Contains(s.messages, id)}
	for _, text := range texts(body) {
		e.Phone = e.Phone || s.phoneIn(text)
		e.Email = e.Email || s.emailIn(text)
		e.Name = e.Name || s.name != "" && strings.Contains(" "+sameName(text)+" ", " "+s.name+" ")
		e.Postal = e.Postal || s.postal != "" && samePostal(text) == s.postal
	}
	return e
}

// reuse is within how long a channel is taken not to use an order's id again.
const reuse = 7 * 24 * time.Hour

// About tells whether a kept message is about an order: by the order that it is known to be about, by the order's whole
// identity, or, where the channel did not tell all of it, by the channel's own id on the same link around the same time.
func About(k channel.Kept, r order.Record) bool {
	switch {
	case k.Tenant != r.Tenant || k.Link != r.Link:
		return false
	case k.Order != "":
		return k.Order == r.ID
	case len(k.Ref.Identity) > 0:
		return order.ID(k.Tenant, k.Link, k.Ref.Identity...) == r.ID
	}
	apart := k.ReceivedAt.Sub(r.Received)
	return k.Ref.ChannelOrderID != "" && k.Ref.ChannelOrderID == r.Order.ChannelOrderID && -reuse < apart && apart < reuse
}

// Messages returns the kept messages that whoever asks named.
func (s Sought) Messages() []string { return s.messages }

// Unmatched returns which of the ids that whoever asks named are not among the confirmed ones.
func (s Sought) Unmatched(orders, messages []string) []string {
	var left []string
	for _, id := range s.orders {
		if !slices.Contains(orders, id) {
			left = append(left, id)
		}
	}
	for _, id := range s.messages {
		if !slices.Contains(messages, id) {
			left = append(left, id)
		}
	}
	return left
}
