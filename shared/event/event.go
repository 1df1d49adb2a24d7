package event

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/go-json-experiment/json"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"ryggrad.internal/hub/shared/fault"
)

// maxPush is the largest push request that is read, in bytes: Pub/Sub's 10 MB of data in base64, and its attributes.
const maxPush = 15 << 20

// poisonLife is how long a bad message is kept for somebody to look at.
const poisonLife = 30 * 24 * time.Hour

const collectionPoison = "poison"

// Message is one message as a push subscription delivers it.
type Message struct {
	ID              string // the same over all deliveries
	Subscription    string // full name
	OrderingKey     string
	DeliveryAttempt int // from 1 where the subscription has a dead-letter topic, else 0
	PublishedAt     time.Time
	Attributes      map[string]string
	Data            []byte
}

// push is the wire form, https://cloud.google.com/pubsub/docs/push#receive_push.
type push struct {
	Message struct {
		Data        []byte            `json:"data"`
		Attributes  map[string]string `json:"attributes"`
		MessageID   string            `json:"messageId"`
		PublishTime time.Time         `json:"publishTime"`
		OrderingKey string            `json:"orderingKey"`
	} `json:"message"`
	Subscription    string `json:"subscription"`
	DeliveryAttempt int    `json:"deliveryAttempt"`
}

// Parse reads a push request's body. Fields that are not known are passed over, because Google adds some (it sends
// `message_id` beside `messageId`); a message without an id or a subscription is refused with [fault.Malformed].
func Parse(body []byte) (Message, error) {
	var p push
	if err := json.Unmarshal(body, &p); err != nil {
		return Message{}, fault.New(fault.Malformed, "this is not a push of Pub/Sub").Because(err)
	}
	if p.Message.MessageID == "" || p.Subscription == "" {
		return Message{}, fault.New(fault.Malformed, "this is not a push of Pub/Sub: it has no message id or no subscription")
	}
	return Message{
		ID: p.Message.MessageID, Subscription: p.Subscription, OrderingKey: p.Message.OrderingKey,
		DeliveryAttempt: p.DeliveryAttempt, PublishedAt: p.Message.PublishTime, Attributes: p.Message.Attributes, Data: p.Message.Data,
	}, nil
}

// Options are what a handler needs; every field is required.
type Options struct {
	Name      string // the function's name
	Firestore *firestore.Client
	Log       *slog.Logger
	Now       func() time.Time
	Deadline  time.Duration // how long one message may take
}

// Handler returns the HTTP handler that a push subscription calls. It answers 204 when a message is done with, 503 when
// it must come again, and 400 to what no Pub/Sub sends.
func Handler(opts Options, handle func(context.Context, Message) error) http.Handler {
	h := &handler{opts: opts, handle: handle}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", h.receive)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"ok"}`+"\n")
	})
	return mux
}

type handler struct {
	opts   Options
	handle func(context.Context, Message) error
}

func (h *handler) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPush))
	if err != nil {
		http.Error(w, "the push is too large or broke off", http.StatusBadRequest)
		return
	}
	m, err := Parse(body)
	if err != nil {
		h.opts.Log.WarnContext(r.Context(), "push is unreadable", "function", h.opts.Name, "error", err)
		http.Error(w, "this is not a push of Pub/Sub", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(withTrace(r.Context(), m), h.opts.Deadline)
	defer cancel()
	ctx, span := otel.Tracer("ryggrad.internal/hub").Start(ctx, h.opts.Name, trace.WithSpanKind(trace.SpanKindConsumer))
	defer span.End()
	w.WriteHeader(h.status(ctx, m, h.run(ctx, m)))
}

// run calls the handler; a panic is one message's failure, not the instance's.
func (h *handler) run(ctx context.Context, m Message) (err error) {
	defer func() {
		if v := recover(); v != nil {
			h.opts.Log.ErrorContext(ctx, "event panicked", "function", h.opts.Name, "message_id", m.ID, "panic", v, "stack", string(debug.Stack()))
			err = errors.New("the handler panicked")
		}
	}()
	return h.handle(ctx, m)
}

// status decides whether the message is done with.
func (h *handler) status(ctx context.Context, m Message, err error) int {
	kind := fault.KindOf(err)
	log := h.opts.Log.With("function", h.opts.Name, "message_id", m.ID, "attempt", m.DeliveryAttempt)
	switch {
	case err == nil:
		log.InfoContext(ctx, "event", "age_ms", h.opts.Now().Sub(m.PublishedAt).Milliseconds())
		return http.StatusNoContent
	case kind == fault.Unavailable || kind == fault.Limited:
		log.WarnContext(ctx, "event must come again", "error", err)
		return http.StatusServiceUnavailable
	case kind == fault.Internal:
		log.ErrorContext(ctx, "event failed", "error", err)
		return http.StatusServiceUnavailable
	}
	log.ErrorContext(ctx, "event is poison", "error", err)
	if err := h.record(ctx, m, err); err != nil {
		log.WarnContext(ctx, "poison could not be recorded", "error", err)
		return http.StatusServiceUnavailable
	}
	return http.StatusNoContent
}

// record keeps a bad message for somebody to look at. Messages hold ids only, never a guest's data.
func (h *handler) record(ctx context.Context, m Message, cause error) error {
	sum := sha256.Sum256([]byte(m.Subscription + "\x00" + m.ID))
	_, err := h.opts.Firestore.Collection(collectionPoison).Doc(hex.EncodeToString(sum[:])).Set(ctx, map[string]any{
		"function": h.opts.Name, "subscription": m.Subscription, "message": m.ID, "kind": string(fault.KindOf(cause)),
		"data": m.Data, "attributes": m.Attributes, "expireAt": h.opts.Now().Add(poisonLife), "updatedAt": firestore.ServerTimestamp,
	})
	if err != nil {
		return fmt.Errorf("record a poison message: %w", err)
	}
	return nil
}

// withTrace continues the publisher's trace, which travels in the message's attributes.
func withTrace(ctx context.Context, m Message) context.Context {
	carrier := propagation.MapCarrier{}
	for _, name := range (propagation.TraceContext{}).Fields() {
		if v, ok := m.Attributes["googclient_"+name]; ok {
			carrier[name] = v
		}
	}
	return propagation.TraceContext{}.Extract(ctx, carrier)
}
