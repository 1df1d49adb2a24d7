package pubsub

import (
	"container/list"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// queue are the messages of a subscription that are not acknowledged, in the order of their publication. It is guarded by
// the server's mutex.
type queue struct {
	resource *pubsubpb.Subscription
	order    list.List                // of *held
	byID     map[string]*list.Element // by the message's id
	changed  chan struct{}            // closed when there may be something to pull
	gone     bool                     // the subscription was deleted
}

// held is a message that is not acknowledged.
type held struct {
	message    *pubsubpb.PubsubMessage
	deliveries int
	until      time.Time // somebody has it until then
}

func newQueue(resource *pubsubpb.Subscription) *queue {
	return &queue{resource: resource, byID: map[string]*list.Element{}, changed: make(chan struct{})}
}

func (q *queue) add(messages []*pubsubpb.PubsubMessage) {
	for _, m := range messages {
		q.byID[m.GetMessageId()] = q.order.PushBack(&held{message: m})
	}
	q.notify()
}

func (q *queue) notify() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// pull takes messages that nobody has, for a time. Those that are too old it forgets.
func (q *queue) pull(most int, lease time.Duration, now time.Time) []*pubsubpb.ReceivedMessage {
	var taken []*pubsubpb.ReceivedMessage
	busy := map[string]bool{} // ordering keys
	next := q.order.Front()
	for next != nil && len(taken) < most {
		h := heldIn(next)
		next = next.Next()
		if now.Sub(h.message.GetPublishTime().AsTime()) > q.retention() {
			q.drop(h.message.GetMessageId())
			continue
		}
		key := h.message.GetOrderingKey()
		ordered := q.resource.GetEnableMessageOrdering() && key != ""
		if ordered && busy[key] {
			continue
		}
		if h.until.After(now) {
			busy[key] = true
			continue
		}
		h.deliveries++
		h.until = now.Add(lease)
		taken = append(taken, &pubsubpb.ReceivedMessage{Message: h.message, AckId: h.ackID()})
	}
	return taken
}

func heldIn(e *list.Element) *held {
	h, _ := e.Value.(*held) // nothing else is put in
	return h
}

// ackID names one delivery of a message.
func (h *held) ackID() string { return h.message.GetMessageId() + ":" + strconv.Itoa(h.deliveries) }

// find finds the message that was delivered under an id, nil when it was acknowledged.
func (q *queue) find(ackID string) *held {
	id, _, _ := strings.Cut(ackID, ":")
	if e := q.byID[id]; e != nil {
		return heldIn(e)
	}
	return nil
}

func (q *queue) drop(messageID string) {
	if e := q.byID[messageID]; e != nil {
		q.order.Remove(e)
		delete(q.byID, messageID)
	}
}

func (q *queue) retention() time.Duration {
	if d := q.resource.GetMessageRetentionDuration(); d != nil {
		return d.AsDuration()
	}
	return retention
}

// lease is how long a message is its puller's.
func (q *queue) lease() time.Duration {
	return time.Duration(q.resource.GetAckDeadlineSeconds()) * time.Second
}
