package order

import (
	"fmt"
	"math/bits"
)

// A Warning is something odd about an order that was taken in all the same. Codes are stable; messages are for people
// and hold no guest's data.
type Warning struct {
	Code     string `json:"code" doc:"What is odd, for machines." example:"total_mismatch"`
	Location string `json:"location" doc:"Where." example:"body.total"`
	Message  string `json:"message" doc:"What is odd, for people."`
}

// Warnings returns what looks odd in the order. None of it refuses the order: the channel has already taken the guest's
// money, so the location must see the order and settle the difference.
//
// The total is expected to be: the items with their modifiers (see [Item] on quantities), less the discounts, plus the
// fees, plus the taxes that the prices do not include.
func (o Order) Warnings() []Warning {
	w := warner{}
	body := bodyLocation()
	w.total(body.field("total"), o)
	w.payment(body.field("payment"), o)
	w.signs(body, o)
	w.when(o.PlacedAt == "", "placed_at_missing", body.field("placedAt"), "the channel does not say when the order was placed")
	placed, ok := o.PlacedAt.Instant()
	wanted, also := o.RequestedFor.Instant()
	w.when(ok && also && wanted.Before(placed), "requested_before_placed", body.field("requestedFor"), "is earlier than the order was placed")
	w.when(o.Type == Delivery && o.DeliveryAddress == nil, "address_missing", body.field("deliveryAddress"), "a delivery without an address")
	return w.found
}

const maxWarnings = 100

type warner struct{ found []Warning }

func (w *warner) when(odd bool, code string, at location, format string, args ...any) {
	if odd && len(w.found) < maxWarnings {
		w.found = append(w.found, Warning{code, at.String(), fmt.Sprintf(format, args...)})
	}
}

func (w *warner) total(at location, o Order) {
	sum, ok := o.Sum()
	w.when(!ok, "total_overflow", at, "the parts are too large to add up")
	w.when(ok && sum != o.Total, "total_mismatch", at, "the parts add up to %d, the total says %d", sum, o.Total)
}

// Sum adds the order's parts up as [Order.Warnings] says. It is false when they do not fit in 64 bits.
func (o Order) Sum() (int64, bool) {
	sum := tally{}
	for i := range o.Items {
		sum.add(o.Items[i].price(o.Items[i].Quantity))
	}
	for _, d := range o.Discounts {
		sum.add(tally{amount: d.Amount}.times(-1))
	}
	for _, f := range o.Fees {
		sum.add(tally{amount: f.Amount})
	}
	for _, t := range o.Taxes {
		if !t.Included {
			sum.add(tally{amount: t.Amount})
		}
	}
	return sum.amount, !sum.overflow
}

func (w *warner) payment(at location, o Order) {
	due, p := at.field("due"), o.Payment
	w.when(p.Due < 0, "negative_amount", due, "is negative")
	w.when(p.Due > o.Total, "due_exceeds_total", due, "more is due than the order costs")
	w.when(p.Status == Paid && p.Due > 0, "paid_but_due", due, "the order is paid, and something is due")
	w.when(p.Status == Unpaid && p.Due == 0 && o.Total > 0, "unpaid_but_not_due", due, "the order is not paid, and nothing is due")
}

// signs warns of amounts on the wrong side of zero. A modifier may be cheaper than nothing ("without cheese").
func (w *warner) signs(body location, o Order) {
	const code, message = "negative_amount", "is negative"
	walk(body.field("items"), o.Items, 0, func(at location, depth int, item *Item) bool {
		w.when(item.UnitPrice < 0 && depth == 0, code, at.field("unitPrice"), message)
		w.when(item.PLU == "", "plu_missing", at.field("plu"), "the POS cannot tell which product this is")
		return true
	})
	for i, d := range o.Discounts {
		w.when(d.Amount < 0, code, body.field("discounts").index(i).field("amount"), message)
	}
	for i, f := range o.Fees {
		w.when(f.Amount < 0, code, body.field("fees").index(i).field("amount"), message)
	}
	for i, t := range o.Taxes {
		w.when(t.Amount < 0, code, body.field("taxes").index(i).field("amount"), message)
	}
	w.when(o.Total < 0, code, body.field("total"), message)
}

// price returns what the given number of units cost with their modifiers.
func (i *Item) price(units int64) tally {
	unit := tally{amount: i.UnitPrice}
	for m := range i.Modifiers {
		unit.add(i.Modifiers[m].price(i.Modifiers[m].Quantity))
	}
	return unit.times(units)
}

// A tally is a sum of money that knows when it no longer fits in 64 bits.
type tally struct {
	amount   int64
	overflow bool
}

func (t *tally) add(more tally) {
	sum := t.amount + more.amount
	wrapped := (t.amount < 0) == (more.amount < 0) && (sum < 0) != (t.amount < 0)
	t.amount, t.overflow = sum, t.overflow || more.overflow || wrapped
}

func (t tally) times(n int64) tally {
	high, low := bits.Mul64(magnitude(t.amount), magnitude(n))
	return tally{amount: t.amount * n, overflow: t.overflow || high != 0 || low > 1<<63-1}
}

// magnitude returns |v|, also of the least integer.
func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v) // #nosec G115 -- two's complement: the negation is the magnitude
	}
	return uint64(v)
}
