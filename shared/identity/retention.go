package identity

import (
	"fmt"
	"time"

	"ryggrad.internal/hub/shared/fault"
)

// For how many days the hub keeps guests' data at most. A tenant's [Retention] can only shorten it.
const (
	GuestDays    = 365 // who ordered, and what a guest typed
	OriginalDays = 90  // what channels sent, byte for byte
	MessageDays  = 30  // what channels sent and what made no order
)

// Retention is for how many days a tenant has guests' data kept, by kind. 0 stands for as long as the hub keeps it.
type Retention struct {
	Guests    int64
	Originals int64
	Messages  int64
}

// Check tells everything that is wrong with a retention that is about to be set.
func (r Retention) Check() error {
	var wrong []fault.Detail
	for _, kind := range []struct {
		name      string
		days, max int64
	}{{"guests", r.Guests, GuestDays}, {"originals", r.Originals, OriginalDays}, {"messages", r.Messages, MessageDays}} {
		if kind.days < 0 || kind.days > kind.max {
			wrong = append(wrong, fault.Detail{Location: "body." + kind.name, Message: fmt.Sprintf("must be 1 to %d days, or 0 for the most", kind.max)})
		}
	}
	if len(wrong) > 0 {
		return fault.New(fault.Invalid, "the hub cannot keep data for so long").With(wrong...)
	}
	return nil
}

// Days returns the retention with the hub's own limits in the place of zeros.
func (r Retention) Days() Retention {
	if r.Guests == 0 {
		r.Guests = GuestDays
	}
	if r.Originals == 0 {
		r.Originals = OriginalDays
	}
	if r.Messages == 0 {
		r.Messages = MessageDays
	}
	return r
}

// Sooner tells how much sooner than the hub's own limit the tenant has guests' data, originals and messages deleted.
func (r Retention) Sooner() (guests, originals, messages time.Duration) {
	return sooner(r.Guests, GuestDays), sooner(r.Originals, OriginalDays), sooner(r.Messages, MessageDays)
}

func sooner(days, most int64) time.Duration {
	if days <= 0 || days >= most {
		return 0
	}
	return time.Duration(most-days) * day
}

func retentionOf(d document) Retention {
	in := document{fields: field[map[string]any](d, "retention"), at: d.at + ".retention", errs: d.errs}
	return Retention{Guests: field[int64](in, "guests"), Originals: field[int64](in, "originals"), Messages: field[int64](in, "messages")}
}

func (r Retention) document() map[string]any {
	return map[string]any{"guests": r.Guests, "originals": r.Originals, "messages": r.Messages}
}
