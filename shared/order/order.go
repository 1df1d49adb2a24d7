package order

import "github.com/go-json-experiment/json/jsontext"

// The bounds of an order. The struct tags below repeat them for the published schema; a test holds the two together.
// Text is counted in code points.
const (
	maxQuantity  = 9999 // units of one item or modifier
	maxItems     = 500
	maxModifiers = 200 // under one item or modifier
	maxAdjusts   = 100 // each of discounts, fees and taxes
	maxID        = 200 // ids, PLUs, locations
	maxToken     = 40  // words of a vocabulary, such as a payment method
	maxName      = 300
	maxNote      = 5000
	maxContact   = 320 // RFC 5321 allows an e-mail address of 64 + 1 + 255

	// MaxDepth bounds the levels of modifiers under an item.
	MaxDepth = 8
	// MaxAmount bounds every amount of money, in minor units, either way of zero.
	MaxAmount = 1_000_000_000_000
)

// An Order is what a guest ordered, as the channel placed it. All money is an integer in minor units of Currency.
//
// Its JSON form is the body of `POST /v1/orders`. The schema of that body (the struct tags) is stricter than
// [Order.Check]: it asks its callers for every field that a well made order has, while Check asks for no more than the
// hub cannot do without, because a platform's order that lacks a display id must still reach the kitchen.
type Order struct {
	ChannelOrderID  string     `json:"channelOrderId" minLength:"1" maxLength:"200" doc:"The channel's own id of the order; sent again, it is the same order." example:"A-20931"`
	DisplayID       string     `json:"displayId" minLength:"1" maxLength:"200" doc:"The short number that guests and staff say aloud." example:"931"`
	Location        string     `json:"location" minLength:"1" maxLength:"200" doc:"The location that prepares the order." example:"loc_demo"`
	Type            Type       `json:"type" enum:"delivery,pickup,dine_in,curbside" doc:"How the order reaches the guest."`
	PlacedAt        Time       `json:"placedAt,omitzero" required:"true" format:"date-time" doc:"When the guest placed the order (RFC 3339)." example:"2026-03-01T18:04:05+01:00"`
	RequestedFor    Time       `json:"requestedFor,omitzero" format:"date-time" doc:"When the guest wants it (RFC 3339); absent means as soon as possible."`
	Currency        Currency   `json:"currency" pattern:"^[A-Z]{3}$" patternDescription:"an ISO 4217 code" doc:"The currency (ISO 4217) of every amount. Amounts are integers in its minor unit." example:"EUR"`
	Items           []Item     `json:"items" minItems:"1" maxItems:"500" nullable:"false" doc:"What was ordered."`
	Discounts       []Discount `json:"discounts,omitempty" maxItems:"100" nullable:"false" doc:"What is taken off."`
	Fees            []Fee      `json:"fees,omitempty" maxItems:"100" nullable:"false" doc:"What is added: delivery, service, bags, tips."`
	Taxes           []Tax      `json:"taxes,omitempty" maxItems:"100" nullable:"false" doc:"Taxes, in the prices or on top of them."`
	Total           int64      `json:"total" minimum:"-1000000000000" maximum:"1000000000000" doc:"What the guest pays for everything." example:"1750"`
	Payment         Payment    `json:"payment" doc:"How the order is paid."`
	Customer        *Customer  `json:"customer,omitzero" doc:"The guest."`
	DeliveryAddress *Address   `json:"deliveryAddress,omitzero" doc:"Where to bring it."`
	Note            string     `json:"note,omitzero" maxLength:"5000" doc:"The guest's words on the whole order."`

	// Extra is what a channel sent that has no field here, as JSON text by its path in the channel's payload
	// (`customer.tin`, `items[0].productTags`). Our own body has none: it refuses unknown fields.
	Extra map[string]jsontext.Value `json:"-"`
}

// Type says how an order reaches the guest.
type Type string

// The types of order.
const (
	Delivery Type = "delivery"
	Pickup   Type = "pickup"
	DineIn   Type = "dine_in"
	Curbside Type = "curbside"
)

// An Item is a line of an order, or a modifier of one, at most eight levels down. A modifier's quantity counts per unit
// of what it modifies: two burgers with one extra cheese each are quantity 2 and, under it, quantity 1. That is how
// Deliverect and most other platforms count.
type Item struct {
	PLU       string `json:"plu" minLength:"1" maxLength:"200" doc:"The product's number in the POS." example:"BURG-01"`
	Name      string `json:"name" minLength:"1" maxLength:"300" doc:"The product's name." example:"Cheeseburger"`
	Quantity  int64  `json:"quantity" minimum:"1" maximum:"9999" doc:"Units; of a modifier, units per unit of what it modifies." example:"2"`
	UnitPrice int64  `json:"unitPrice" minimum:"-1000000000000" maximum:"1000000000000" doc:"The price of one unit without its modifiers." example:"875"`
	Note      string `json:"note,omitzero" maxLength:"5000" doc:"The guest's words on this line."`
	Modifiers []Item `json:"modifiers,omitempty" maxItems:"200" nullable:"false" doc:"Choices and extras, each possibly with its own; at most 8 levels."`
}

// A Discount is taken off the total. Amount is positive.
type Discount struct {
	Name     string `json:"name" minLength:"1" maxLength:"300" doc:"What the discount is called." example:"Lunch deal"`
	Amount   int64  `json:"amount" minimum:"-1000000000000" maximum:"1000000000000" doc:"How much is taken off, as a positive amount." example:"200"`
	FundedBy string `json:"fundedBy" maxLength:"40" pattern:"^[A-Za-z]([A-Za-z_-]*[A-Za-z])?$" patternDescription:"a word" doc:"Who bears it: restaurant, channel, shared, loyalty, unknown." example:"restaurant"`
}

// A Fee is added to the total: `delivery`, `service`, `bag`, `small_order`, `tip`, `driver_tip`, or a word of the
// channel's own.
type Fee struct {
	Kind   string `json:"kind" maxLength:"40" pattern:"^[A-Za-z]([A-Za-z_-]*[A-Za-z])?$" patternDescription:"a word" doc:"What it is for: delivery, service, bag, small_order, tip, driver_tip or another word." example:"delivery"`
	Amount int64  `json:"amount" minimum:"-1000000000000" maximum:"1000000000000" doc:"How much is added." example:"300"`
}

// A Tax is part of the prices (Included) or added to them.
type Tax struct {
	Name     string `json:"name" minLength:"1" maxLength:"300" doc:"What the tax is called." example:"VAT 12%"`
	Amount   int64  `json:"amount" minimum:"-1000000000000" maximum:"1000000000000" doc:"How much." example:"187"`
	Included bool   `json:"included" doc:"Whether the prices contain it already."`
}

// A Payment says how an order is paid. Method and Status are words, not a closed list, so that no channel's order is
// refused for its vocabulary: methods such as `card`, `cash`, `online`, `voucher`; statuses `paid`, `unpaid`, `unknown`.
type Payment struct {
	Method string `json:"method" maxLength:"40" pattern:"^[A-Za-z]([A-Za-z_-]*[A-Za-z])?$" patternDescription:"a word" doc:"How: card, cash, online, voucher or another word." example:"online"`
	Status string `json:"status" maxLength:"40" pattern:"^[A-Za-z]([A-Za-z_-]*[A-Za-z])?$" patternDescription:"a word" doc:"Whether: paid, unpaid or another word." example:"paid"`
	Due    int64  `json:"due" minimum:"-1000000000000" maximum:"1000000000000" doc:"What is still to be collected from the guest." example:"0"`
}

// The payment statuses that the hub itself writes.
const (
	Paid           = "paid"
	Unpaid         = "unpaid"
	PaymentUnknown = "unknown"
)

// A Customer is the guest. Every field is optional, and all of it is personal data.
type Customer struct {
	Name  string `json:"name,omitzero" maxLength:"300" doc:"The guest's name."`
	Phone string `json:"phone,omitzero" maxLength:"320" doc:"The guest's phone number, as given."`
	Email string `json:"email,omitzero" maxLength:"320" doc:"The guest's e-mail address."`
	Note  string `json:"note,omitzero" maxLength:"5000" doc:"What the channel notes about the guest."`

	// PhoneMasked and EmailMasked are set by adapters when the platform sent a proxy or a masked contact instead of the
	// guest's own. Such a contact names nobody and must not be indexed.
	PhoneMasked bool `json:"-"`
	EmailMasked bool `json:"-"`
}

// An Address is where an order is brought. Every field is optional, and all of it is personal data.
type Address struct {
	Street       string       `json:"street,omitzero" maxLength:"300" doc:"The street."`
	StreetNumber string       `json:"streetNumber,omitzero" maxLength:"300" doc:"The number in the street."`
	PostalCode   string       `json:"postalCode,omitzero" maxLength:"300" doc:"The postal code."`
	City         string       `json:"city,omitzero" maxLength:"300" doc:"The city."`
	Country      string       `json:"country,omitzero" maxLength:"300" doc:"The country, as its ISO 3166 code where known."`
	Extra        string       `json:"extra,omitzero" maxLength:"5000" doc:"Floor, door, code, landmark."`
	Coordinates  *Coordinates `json:"coordinates,omitzero" doc:"Where on the map."`
}

// Coordinates are degrees in WGS 84.
type Coordinates struct {
	Latitude  float64 `json:"latitude" minimum:"-90" maximum:"90" doc:"Degrees north." example:"59.3293"`
	Longitude float64 `json:"longitude" minimum:"-180" maximum:"180" doc:"Degrees east." example:"18.0686"`
}
