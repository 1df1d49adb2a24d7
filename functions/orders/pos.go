package orders

import (
	"io"
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
)

const actionRetime = "order.retime"

// deliverectStatus takes a status from a POS that speaks Deliverect and gets its orders so: the endpoint's format. It
// proves itself with a credential of ours, and what it says is taken as [server.advance] takes it; a code that is not
// known here changes nothing.
func (s *server) deliverectStatus(w http.ResponseWriter, r *http.Request, call httpapi.Call) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fault.New(fault.Malformed, "the body broke off").Because(err)
	}
	change, known, err := channel.ReadDeliverectStatus(body)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if found := change.Check(); known && len(found) > 0 {
		return fault.New(fault.Invalid, "the report breaks the rules").With(found...)
	}
	if known {
		_, err = s.move(r.Context(), ledgerdb.ActOf(call.Caller, actionAdvance, call.RequestID), id, change, reach(call.Caller))
	} else {
		_, err = s.load(r.Context(), call.Caller, id)
	}
	if err != nil {
		return err
	}
	taken(w)
	return nil
}

// deliverectPreparation takes from such a POS how much longer an order takes, from now.
func (s *server) deliverectPreparation(w http.ResponseWriter, r *http.Request, call httpapi.Call) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fault.New(fault.Malformed, "the body broke off").Because(err)
	}
	id, takes, err := channel.ReadDeliverectPreparation(body)
	if err != nil {
		return err
	}
	readyAt := order.Time(s.now().Add(takes).UTC().Truncate(time.Second).Format(time.RFC3339))
	act := ledgerdb.ActOf(call.Caller, actionRetime, call.RequestID)
	done, err := s.orders.Retime(r.Context(), act, id, readyAt, reach(call.Caller))
	if err != nil {
		return err
	}
	if done.Event != "" {
		s.announcer.Announce(r.Context(), event.Announcement{Tenant: act.Tenant, Event: done.Event})
	}
	taken(w)
	return nil
}

// taken answers a POS that its report was taken.
func taken(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{}\n") // the POS may have left
}
