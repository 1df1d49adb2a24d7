package audit

import (
	"context"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// entryBody is an entry as it is shown.
type entryBody struct {
	ID        string         `json:"id"`
	At        time.Time      `json:"at"`
	Actor     string         `json:"actor" doc:"Whose authority was used: kind and id"`
	Act       string         `json:"act,omitzero" doc:"Who really acted, when it was somebody else"`
	Action    string         `json:"action"`
	Object    string         `json:"object" doc:"What it was done to: collection and id"`
	Revision  int64          `json:"revision,omitzero" doc:"Of the object, after the act"`
	Outcome   ledger.Outcome `json:"outcome"`
	Reason    string         `json:"reason,omitzero" doc:"Of a refusal"`
	Count     int64          `json:"count,omitzero" doc:"How many refusals the entry stands for, when it is not just one"`
	RequestID string         `json:"requestId,omitzero"`
	Hash      string         `json:"hash" doc:"SHA-256 of the entry's bytes, in hex"`
	Bytes     string         `json:"bytes" doc:"The entry itself: what is hashed and sealed, as text"`
	Sealed    bool           `json:"sealed" doc:"Whether it has its place in the sealed log, which takes a minute"`
	Index     uint64         `json:"index,omitzero" doc:"Its place in the log, from 0"`
}

type listInput struct {
	Object string    `query:"object" maxLength:"200" doc:"Only of this object, as in orders/ord_…"`
	Actor  string    `query:"actor" maxLength:"200" doc:"Only by this actor, as in client:cli_…"`
	After  time.Time `query:"after" doc:"Only later than this time"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string    `query:"cursor" maxLength:"200" doc:"Where the page before said to go on"`
}

type listOutput struct {
	Body struct {
		Items      []entryBody `json:"items"`
		NextCursor string      `json:"nextCursor,omitzero"`
	}
}

// wholeTenant lets only callers at the log who reach all of the tenant: entries tell of every location.
func wholeTenant(c identity.Caller) error {
	if c.Locations.Every() {
		return nil
	}
	return fault.New(fault.Forbidden, "the audit log is of all locations, and this credential reaches only some")
}

func (s *server) list(ctx context.Context, call httpapi.Call, in *listInput) (*listOutput, error) {
	if err := wholeTenant(call.Caller); err != nil {
		return nil, err
	}
	page, err := s.ledger.Entries(ctx, call.Caller.Tenant, ledgerdb.EntryFilter{
		Object: in.Object, Actor: in.Actor, After: in.After, Limit: in.Limit, Cursor: in.Cursor,
	})
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	out.Body.Items = make([]entryBody, 0, len(page.Entries))
	for _, stored := range page.Entries {
		out.Body.Items = append(out.Body.Items, show(stored))
	}
	out.Body.NextCursor = page.Next
	return out, nil
}

// show shows what the entry's bytes say. Bytes that say nothing are shown as they are: somebody changed them.
func show(stored ledgerdb.Stored) entryBody {
	b := entryBody{
		ID: stored.ID, At: stored.At, Object: stored.Object, Revision: stored.Revision,
		Hash: ledger.HashEntry(stored.Bytes).String(), Bytes: string(stored.Bytes), Sealed: stored.Sealed, Index: stored.Index,
	}
	e, err := ledger.Parse(stored.Bytes)
	if err != nil {
		return b
	}
	b.At, b.Actor, b.Action, b.Object, b.Revision = e.At, e.Actor.String(), e.Action, e.Object, e.Revision
	b.Outcome, b.Reason, b.Count, b.RequestID = e.Outcome, e.Reason, e.Count, e.RequestID
	if e.Act != nil {
		b.Act = e.Act.String()
	}
	return b
}
