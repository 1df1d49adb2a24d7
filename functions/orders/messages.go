package orders

import (
	"context"
	"errors"
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/channel/channeldb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	actionReplayMessage = "message.replay"
	actionSettleMessage = "message.settle_by_hand"
)

// messageRoutes are the routes of what channels sent and what made no order.
func (s *server) messageRoutes(api *httpapi.API) {
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: "/v1/channel-messages", ID: "list-channel-messages",
		Summary: "List what channels sent and what made no order, the newest first", Permission: identity.OrdersRead,
	}, s.listMessages)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: "/v1/channel-messages/{id}", ID: "get-channel-message",
		Summary: "Show such a message", Permission: identity.OrdersRead,
	}, s.getMessage)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/channel-messages/{id}/replay", ID: "replay-channel-message",
		Summary: "Read a failed message again and take its order in", Permission: identity.OrdersWrite,
	}, s.replayMessage)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/channel-messages/{id}/settle", ID: "settle-channel-message",
		Summary: "Say that a message is done with, because somebody took care of it by hand", Permission: identity.OrdersWrite,
	}, s.settleMessage)
}

type messageBody struct {
	ID         string            `json:"id"`
	State      channel.KeptState `json:"state" doc:"failed: an order that could not be read; waiting: a cancellation whose order is not here yet; missed: its order never came; settled: done with; noted: an event"`
	What       string            `json:"what" doc:"What the message says: unreadable, cancel, or an event's name"`
	Problem    fault.Kind        `json:"problem,omitzero" doc:"Why it could not be read"`
	Reason     string            `json:"reason,omitzero" doc:"The reason of a cancellation, where the channel gave a code"`
	Channel    string            `json:"channel" doc:"The channel link it came by"`
	Adapter    string            `json:"adapter"`
	OrderID    string            `json:"channelOrderId,omitzero" doc:"The channel's own id of the order that it is about"`
	Order      string            `json:"order,omitzero" doc:"The order here that it is about, or became"`
	ReceivedAt time.Time         `json:"receivedAt"`
	SettledAt  time.Time         `json:"settledAt,omitzero"`
	Remark     string            `json:"remark,omitzero" doc:"What whoever settled it by hand said"`
	Payload    string            `json:"payload,omitzero" doc:"What was sent, with the permission orders:read.pii"`
}

func showMessage(k channel.Kept) messageBody {
	return messageBody{
		ID: k.ID, State: k.State, What: k.What, Problem: k.Problem, Reason: k.Reason, Channel: k.Link, Adapter: k.Adapter,
		OrderID: k.Ref.ChannelOrderID, Order: k.Order, ReceivedAt: k.ReceivedAt, SettledAt: k.SettledAt, Remark: k.Remark,
	}
}

type listMessagesInput struct {
	State  string `query:"state" enum:"failed,waiting,missed,settled,noted" default:"failed" doc:"Only messages in this state"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"200" doc:"The nextCursor of the page before"`
}

type listMessagesOutput struct {
	Body struct {
		Items      []messageBody `json:"items"`
		NextCursor string        `json:"nextCursor" doc:"Where the next page begins; empty at the end"`
	}
}

func (s *server) listMessages(ctx context.Context, call httpapi.Call, in *listMessagesInput) (*listMessagesOutput, error) {
	page, err := s.messages.List(ctx, call.Caller.Tenant, channel.KeptState(in.State), in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &listMessagesOutput{}
	out.Body.Items, out.Body.NextCursor = []messageBody{}, page.Next
	for _, m := range page.Messages {
		if reaches(call.Caller, m.Kept) {
			out.Body.Items = append(out.Body.Items, showMessage(m.Kept))
		}
	}
	return out, nil
}

// reaches tells whether a caller may see a message: it reaches the link's only location, or every one.
func reaches(caller identity.Caller, k channel.Kept) bool {
	return caller.Locations.Every() || k.Location != "" && caller.MayUse(k.Location)
}

type messageInput struct {
	ID string `path:"id" maxLength:"64" doc:"The message's id"`
}

type messageOutput struct{ Body messageBody }

func (s *server) getMessage(ctx context.Context, call httpapi.Call, in *messageInput) (*messageOutput, error) {
	m, err := s.message(ctx, call.Caller, in.ID)
	if err != nil {
		return nil, err
	}
	out := &messageOutput{Body: showMessage(m.Kept)}
	if call.Caller.Can(identity.OrdersReadPII) {
		body, err := s.messages.Body(ctx, m)
		if err != nil {
			return nil, err
		}
		out.Body.Payload = string(body)
	}
	return out, nil
}

// message loads a message that the caller may see. To anybody else it does not exist.
func (s *server) message(ctx context.Context, caller identity.Caller, id string) (channeldb.Stored, error) {
	m, err := s.messages.Load(ctx, caller.Tenant, id)
	if err == nil && !reaches(caller, m.Kept) {
		err = fault.New(fault.NotFound, "there is no message by this id")
	}
	return m, err
}

// replayMessage reads a failed message again, with the adapter as it is now. What is still no order is refused with what
// is wrong, and the message stays as it is.
func (s *server) replayMessage(ctx context.Context, call httpapi.Call, in *messageInput) (*messageOutput, error) {
	m, err := s.message(ctx, call.Caller, in.ID)
	if err != nil {
		return nil, err
	}
	if m.State != channel.KeptFailed {
		return nil, fault.New(fault.Conflict, "the message is %s; only a failed one can be replayed", m.State)
	}
	id, err := s.readAgain(ctx, call, m)
	if err != nil {
		return nil, err
	}
	act := arrival{call: call}.act(actionReplayMessage)
	if err := s.messages.Settle(ctx, act, m, channel.KeptSettled, id); err != nil {
		return nil, err
	}
	return &messageOutput{Body: showMessage(m.Settle(channel.KeptSettled, id, s.now()))}, nil
}

type settleMessageInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The message's id"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why it needs no more, in words for staff. Kept in plain: do not name the guest."`
	}
}

// settleMessage settles a message that nothing settles by itself: a failed one whose replay meets an order with other
// content, a cancellation whose order never came. Nothing becomes of what it says.
func (s *server) settleMessage(ctx context.Context, call httpapi.Call, in *settleMessageInput) (*messageOutput, error) {
	m, err := s.message(ctx, call.Caller, in.ID)
	if err != nil {
		return nil, err
	}
	settled, err := m.SettleByHand(in.Body.Reason, s.now())
	if err != nil {
		return nil, err
	}
	if settled.State == m.State {
		return &messageOutput{Body: showMessage(m.Kept)}, nil
	}
	if err := s.messages.Save(ctx, arrival{call: call}.act(actionSettleMessage), m, settled); err != nil {
		return nil, overtaken(err)
	}
	return &messageOutput{Body: showMessage(settled)}, nil
}

// overtaken says of somebody else's change of a message at the same moment what the caller can do about it.
func overtaken(err error) error {
	if errors.Is(err, ledgerdb.ErrStale) {
		return fault.New(fault.Conflict, "somebody else settled the message at this moment").Because(err)
	}
	return err
}

// readAgain takes in what a kept message says and returns the order that it became or was about.
func (s *server) readAgain(ctx context.Context, call httpapi.Call, m channeldb.Stored) (string, error) {
	body, err := s.messages.Body(ctx, m)
	if err != nil {
		return "", err
	}
	link, err := s.directory.Link(ctx, m.Link)
	if err != nil {
		return "", err
	}
	adapter, ok := channel.Named(m.Adapter)
	if !ok {
		return "", fault.New(fault.Conflict, "the hub does not speak to %s any more", m.Adapter)
	}
	places, err := s.places(ctx, link.Link)
	if err != nil {
		return "", err
	}
	a := arrival{adapter: adapter, link: link, call: call, request: channel.Request{Path: m.Path, Body: body, At: m.ReceivedAt}}
	read := channel.Link{Places: places, Options: link.Options}
	message, err := adapter.Read(a.request, read)
	if m.Path == channel.PathFetched {
		message, err = adapter.ReadFetched(body, channel.Reference{Ref: m.Ref, Place: m.Place}, read)
	}
	if err != nil {
		return "", err
	}
	if placed, ok := message.(channel.NewOrder); ok {
		done, err := s.placeFromChannel(ctx, a, placed)
		return done.Record.ID, err
	}
	_, err = s.carryOut(ctx, a, message)
	return "", err
}
