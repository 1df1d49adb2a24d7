package orders

import (
	"context"
	"net/http"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
)

const actionReceive = "order.receive"

type placeInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"257" doc:"A key of your own making, in quotes, kept for 24 hours. The order's own identity makes repeats safe without one." example:"\"8e03978e-40d5-43dd-bc93-6894a57f9324\""`
	ContentType    string `header:"Content-Type" hidden:"true"`
	RawBody        []byte `contentType:"application/json"`
}

type placeOutput struct {
	Status   int
	Location string `header:"Location" doc:"The order's address"`
	Replayed string `header:"Idempotent-Replayed" doc:"true when the order was here already, else absent"`
	Body     placedBody
}

type placedBody struct {
	ID         string        `json:"id" doc:"The order's id here"`
	Status     order.Status  `json:"status"`
	Version    int64         `json:"version" doc:"Counts the order's changes, from 1"`
	ReceivedAt time.Time     `json:"receivedAt" doc:"When the order was taken in"`
	Warnings   []warningBody `json:"warnings" doc:"What looks odd and was taken as it is"`
}

type warningBody struct {
	Code     string `json:"code"`
	Location string `json:"location"`
	Message  string `json:"message"`
}

func (s *server) place(ctx context.Context, call httpapi.Call, in *placeInput) (*placeOutput, error) {
	s.orders.Ahead(ctx, call.Caller.Tenant)
	key, err := idempotencyKey(in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	sent, found, err := s.body.Read(in.ContentType, in.RawBody)
	if err != nil {
		return nil, err
	}
	location, err := s.check(ctx, call.Caller, sent, found)
	if err != nil {
		return nil, err
	}
	placed, err := s.take(ctx, orderdb.Placement{
		Order:  sent,
		Origin: order.Origin{Tenant: call.Caller.Tenant, Link: linkOf(call.Caller), Identity: []string{sent.ChannelOrderID}},
		Act:    ledgerdb.ActOf(call.Caller, actionReceive, call.RequestID),
		Region: location.Country,
		Key:    key,
	})
	if err != nil {
		return nil, err
	}
	return answerPlaced(placed, sent), nil
}

// take commits an order and announces it.
func (s *server) take(ctx context.Context, p orderdb.Placement) (orderdb.Placed, error) {
	placed, err := s.orders.Place(ctx, p)
	if err == nil && placed.Event != "" {
		s.announcer.Announce(ctx, event.Announcement{Tenant: p.Act.Tenant, Event: placed.Event})
	}
	return placed, err
}

// check finds everything else that is wrong with an order for this caller.
func (s *server) check(ctx context.Context, caller identity.Caller, o order.Order, found httpapi.Faults) (identity.Location, error) {
	more := o.Check()
	for _, at := range o.CardNumbers() {
		more = append(more, fault.Detail{Location: at, Message: "holds a card number; card data must not be sent here"})
	}
	location, err := s.directory.Location(ctx, caller.Tenant, o.Location)
	switch {
	case fault.Is(err, fault.NotFound):
		more = append(more, fault.Detail{Location: "body.location", Message: "is not a location of yours"})
	case err != nil:
		return location, err
	case !caller.MayUse(o.Location):
		return location, fault.New(fault.Forbidden, "the credential does not reach this location")
	case string(o.Currency) != location.Currency:
		more = append(more, fault.Detail{Location: "body.currency", Message: "is not the location's currency, " + location.Currency})
	}
	return location, found.With(more).Err()
}

// linkOf names where a caller's orders come from: the channel that the client stands for, or the client itself.
func linkOf(caller identity.Caller) string {
	if caller.Channel != "" {
		return caller.Channel
	}
	return caller.Actor.ID
}

// answerPlaced gives the stored answer: what the first request was answered with, however far the order is by now.
func answerPlaced(p orderdb.Placed, sent order.Order) *placeOutput {
	out := &placeOutput{
		Status: http.StatusCreated, Location: "/v1/orders/" + p.Record.ID,
		Body: placedBody{ID: p.Record.ID, Status: order.Received, Version: 1, ReceivedAt: p.Record.Received, Warnings: []warningBody{}},
	}
	if p.Replayed {
		out.Status, out.Replayed = http.StatusOK, "true"
	}
	for _, w := range sent.Warnings() {
		out.Body.Warnings = append(out.Body.Warnings, warningBody(w))
	}
	return out
}

// longestKey bounds an Idempotency-Key, in characters.
const longestKey = 255

// idempotencyKey reads the header: a string of RFC 8941, section 3.3.3, without escapes, which is what keys are made of
// in practice. A key of word characters without the quotes means the same, as many clients send it so.
func idempotencyKey(header string) (string, error) {
	if header == "" {
		return "", nil
	}
	key, allowed := header, bareCharacter
	if inner, ok := strings.CutPrefix(header, `"`); ok && strings.HasSuffix(inner, `"`) {
		key, allowed = strings.TrimSuffix(inner, `"`), quotedCharacter
	}
	if key != "" && len(key) <= longestKey && !strings.ContainsFunc(key, func(r rune) bool { return !allowed(r) }) {
		return key, nil
	}
	return "", fault.New(fault.Malformed, "the Idempotency-Key cannot be read").
		With(fault.Detail{Location: "header.Idempotency-Key", Message: `must be 1 to 255 printable characters in double quotes, as in "8e03978e"`})
}

func quotedCharacter(r rune) bool { return ' ' <= r && r <= '~' && r != '"' && r != '\\' }

func bareCharacter(r rune) bool {
	return '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || strings.ContainsRune("._:~-", r)
}
