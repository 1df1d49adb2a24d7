package channel

import (
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

// A Message is what a webhook says: a [NewOrder], a [Reference], a [Cancel], an [Event], or a [Batch] of these.
type Message interface{ message() }

// A NewOrder is an order to take in.
type NewOrder struct {
	Order    order.Order
	Identity []string        // what, with tenant and link, makes the order's id; see [order.ID]
	Warnings []order.Warning // what is odd about the order or its translation
	Original []byte          // the bytes to keep: as sent, but for masked card numbers

	// Callback is where the platform wants to hear what became of the order; "" for nowhere in particular. It is no part of
	// the order.
	Callback string

	faults []fault.Detail // what the adapter finds wrong beyond the rules of an order, in the platform's words
}

// A Reference says that there is an order, and where to get it. [Adapter.ReadFetched] reads what the platform then gives.
type Reference struct {
	Ref
	Mark
	Event    string // the platform's word for what happened, as in `orders.notification`
	Resource string // the order's URL as the platform gave it; "" when ChannelOrderID says enough
	Place    string // the platform's id of the restaurant; "" when the webhook does not say
}

// A Cancel calls an order off.
type Cancel struct {
	Ref
	Mark
	Reason string // as the platform gives it, no longer than [order.MaxReason]; it may name the guest
}

// An Event is anything else that a platform tells.
type Event struct {
	Ref
	Mark
	Name    string       // what it is: `order_status`, `courier_update`, `busy_mode` …
	Status  order.Status // the status it reports, if any
	ReadyAt order.Time   // the time it reports, if any
}

// A Batch is several messages that came as one, in their order.
type Batch []Message

func (NewOrder) message()  {}
func (Reference) message() {}
func (Cancel) message()    {}
func (Event) message()     {}
func (Batch) message()     {}

// A Ref says which order is meant. With an Identity it is the order of [order.ID]; without, the message does not carry
// all of it, and the order meant is the one received last on this link with this ChannelOrderID.
type Ref struct {
	ChannelOrderID string
	Identity       []string
}

// refer names an order whose id alone is its identity.
func refer(id string) Ref { return Ref{ChannelOrderID: id, Identity: []string{id}} }

// A Mark tells one message of a platform from another: what comes twice carries the same EventID, and what comes in the
// wrong order shows it by At. Both are empty where the platform does not say.
type Mark struct {
	EventID string
	At      order.Time
}
