package audit

import (
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

// sealedWithin is when to come again for a proof of an entry that is not sealed yet.
const sealedWithin = 60 * time.Second

// prove answers with an entry's proof.
func (s *server) prove(w http.ResponseWriter, r *http.Request, call httpapi.Call) error {
	ctx := r.Context()
	if err := wholeTenant(call.Caller); err != nil {
		return err
	}
	stored, err := s.ledger.Entry(ctx, call.Caller.Tenant, r.PathValue("id"))
	if err != nil {
		return err
	}
	if !stored.Sealed {
		return fault.New(fault.NotFound, "the entry is not sealed yet, which takes a minute").After(sealedWithin)
	}
	signed, size, err := s.shelf.reaching(ctx, stored.Index+1)
	if err != nil {
		return err
	}
	if stored.Index >= size { // it was sealed a moment ago
		return fault.New(fault.NotFound, "the entry is sealed, and not published yet").After(freshWithin)
	}
	hashes, err := tlog.Inclusion(ctx, s.shelf.read, stored.Index, size)
	if err != nil {
		return err
	}
	p := tlog.Proof{Index: stored.Index, Hashes: hashes, Checkpoint: signed, Entry: stored.Bytes}
	if err := s.agrees(p); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(p.Encode()) // the caller may have left
	return nil
}

// agrees holds a proof against its own checkpoint before it is given out. A database that was changed behind the log
// shows here.
func (s *server) agrees(p tlog.Proof) error {
	c, err := tlog.Unverified(p.Checkpoint)
	if err != nil {
		return err
	}
	if err := tlog.CheckInclusion(c, p.Index, ledger.HashEntry(p.Entry), p.Hashes); err != nil {
		return fault.New(fault.Internal, "the entry is not what was sealed; it is being looked at").Because(err)
	}
	return nil
}
