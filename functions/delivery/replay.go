package delivery

import (
	"context"
	"time"

	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

type replayInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The endpoint's id"`
	Body struct {
		Since time.Time `json:"since" doc:"Events from this moment on (RFC 3339)"`
		Until time.Time `json:"until,omitzero" doc:"Events before this moment; now, when it is left out"`
	}
}

type replayOutput struct{ Body replayBody }

type replayBody struct {
	Queued int       `json:"queued" doc:"How many messages are on their way now; those on their way already are not counted"`
	Until  time.Time `json:"until" doc:"Events before this moment were looked at. Where it is before the until that was asked for, ask again with it as since."`
	More   bool      `json:"more" doc:"Whether there is more to replay from there"`
}

// replay sends an endpoint again what happened between two moments.
func (s *server) replay(ctx context.Context, call httpapi.Call, in *replayInput) (*replayOutput, error) {
	since, until := in.Body.Since.UTC().Truncate(time.Microsecond), in.Body.Until.UTC().Truncate(time.Microsecond)
	if in.Body.Until.IsZero() {
		until = s.courier.now().UTC().Truncate(time.Microsecond)
	}
	if !since.Before(until) {
		return nil, fault.New(fault.Invalid, "there is nothing between these moments").
			With(fault.Detail{Location: "body.until", Message: "is not after since"})
	}
	act := ledgerdb.ActOf(call.Caller, deliverydb.ActionReplay, call.RequestID)
	done, err := s.courier.store.Replay(ctx, act, in.ID, since, until, reach(call.Caller))
	if err != nil {
		return nil, err
	}
	return &replayOutput{replayBody{done.Queued, done.Until, done.Until.Before(until)}}, nil
}
