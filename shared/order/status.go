package order

import "slices"

// Status is where an order is on its way.
type Status string

// The statuses. An order runs down the first six, possibly skipping some; it may leave the way to one of the last four.
const (
	Received   Status = "received"    // taken in by the hub
	Accepted   Status = "accepted"    // the location will prepare it
	Preparing  Status = "preparing"   // it is being prepared
	Ready      Status = "ready"       // it can be picked up
	InDelivery Status = "in_delivery" // it is on its way to the guest
	Completed  Status = "completed"   // the guest has it

	Rejected  Status = "rejected"  // the location will not prepare it
	Cancelled Status = "cancelled" // called off by the guest, the channel or the location
	Failed    Status = "failed"    // it could not be carried out: the POS or the delivery broke down
	Expired   Status = "expired"   // nobody accepted it in time
)

// following is the whole state machine: which statuses may follow each. A status with nothing after it is final.
//
//   - Forward, with or without skipping, is always allowed; back never is.
//   - Rejecting is refusing to prepare, so it ends once preparing has begun; after that, one cancels.
//   - Expiring is nobody having decided, so only an undecided order expires.
//   - Cancelling and failing can happen until the guest has the order.
func following(s Status) []Status {
	switch s {
	case Received:
		return []Status{Accepted, Preparing, Ready, InDelivery, Completed, Rejected, Cancelled, Failed, Expired}
	case Accepted:
		return []Status{Preparing, Ready, InDelivery, Completed, Rejected, Cancelled, Failed}
	case Preparing:
		return []Status{Ready, InDelivery, Completed, Cancelled, Failed}
	case Ready:
		return []Status{InDelivery, Completed, Cancelled, Failed}
	case InDelivery:
		return []Status{Completed, Cancelled, Failed}
	default:
		return nil
	}
}

// leadsTo tells whether an order can go from s to next.
func (s Status) leadsTo(next Status) bool { return slices.Contains(following(s), next) }

// Statuses returns every status, the way first, then the ends.
func Statuses() []Status {
	return []Status{Received, Accepted, Preparing, Ready, InDelivery, Completed, Rejected, Cancelled, Failed, Expired}
}

// Known tells whether the status is one of [Statuses].
func (s Status) Known() bool { return slices.Contains(Statuses(), s) }

// Final tells whether nothing can follow the status.
func (s Status) Final() bool { return s.Known() && len(following(s)) == 0 }
