package pubsub

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	pubsubapi "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

const (
	maxHeld   = 1000            // messages that are held at once, most of them waiting to be pushed again
	idle      = time.Second     // the wait before asking again, where nothing tells of new messages
	giveBacks = 2 * time.Second // what giving messages back may take in the end
)

// PusherOptions are what a pusher works with.
type PusherOptions struct {
	Subscriber *pubsubapi.SubscriptionAdminClient
	Publisher  *pubsubapi.TopicAdminClient // for dead letters

	// Wake tells of new messages on a topic, as [Server.Wake] does. Without it, Pub/Sub is asked to wait for some.
	Wake func(topic string) (woken <-chan struct{}, stop func())
	// After waits for a backoff; time.After when nil.
	After func(time.Duration) <-chan time.Time
	Now   func() time.Time // time.Now when nil
	Log   *slog.Logger     // discarded when nil
}

// Pusher delivers the messages of one subscription to its endpoint. Make one with [NewPusher].
type Pusher struct {
	sub  Subscription
	opts PusherOptions
	http *http.Client

	posting chan struct{} // holds a value for each request under way
	room    chan struct{} // holds a value for each message that is held
	working sync.WaitGroup

	mu      sync.Mutex
	held    map[string]*delivery   // by message id
	ordered map[string][]*delivery // by ordering key, the first of each under way
}

// delivery is a message on its way.
type delivery struct {
	message *pubsubpb.PubsubMessage
	ackID   string // the newest; guarded by the pusher's mutex
}

// NewPusher returns a pusher for a subscription that has been created.
func NewPusher(sub Subscription, opts PusherOptions) *Pusher {
	if opts.After == nil {
		opts.After = time.After
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	sub = sub.complete()
	return &Pusher{
		sub: sub, opts: opts, http: newClient(sub),
		posting: make(chan struct{}, sub.Concurrency), room: make(chan struct{}, maxHeld),
		held: map[string]*delivery{}, ordered: map[string][]*delivery{},
	}
}

func newClient(sub Subscription) *http.Client {
	return &http.Client{
		Timeout:       sub.AckDeadline,
		Transport:     &http.Transport{MaxIdleConnsPerHost: sub.Concurrency},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Run delivers until the context ends. Then it breaks off what is under way, gives all messages back, and returns with
// nothing left running.
func (p *Pusher) Run(ctx context.Context) {
	woken, stop := p.watch()
	defer stop()
	for ctx.Err() == nil {
		n, err := p.pull(ctx, woken != nil)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			p.opts.Log.WarnContext(ctx, "messages could not be pulled", "subscription", p.sub.Name, "error", err)
			pause(ctx, nil)
		case n == 0 && woken != nil:
			pause(ctx, woken)
		}
	}
	p.working.Wait()
	p.giveBack(context.WithoutCancel(ctx))
	p.http.CloseIdleConnections()
}

// watch returns what tells of new messages, and nil where nothing does.
func (p *Pusher) watch() (woken <-chan struct{}, stop func()) {
	if p.opts.Wake == nil {
		return nil, func() {}
	}
	return p.opts.Wake(p.sub.Topic)
}

// pause waits until something is new, until it is time to ask anyway, or until the context ends.
func pause(ctx context.Context, woken <-chan struct{}) {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-woken:
	case <-timer.C:
	}
}

// pull takes as many messages as there is room for and begins to deliver them. It waits for room, and returns how many
// it took.
func (p *Pusher) pull(ctx context.Context, atOnce bool) (int, error) {
	n := p.reserve(ctx)
	defer func() { p.release(n) }()
	if n == 0 {
		return 0, ctx.Err()
	}
	answer, err := p.opts.Subscriber.Pull(ctx, &pubsubpb.PullRequest{
		Subscription: p.sub.Name, MaxMessages: int32(n), //nolint:gosec // at most maxHeld
		ReturnImmediately: atOnce, //nolint:staticcheck // deprecated for those who are not told when there is something
	})
	if err != nil {
		return 0, err
	}
	for _, received := range answer.ReceivedMessages {
		if p.take(ctx, received) {
			n--
		}
	}
	return len(answer.ReceivedMessages), nil
}

// reserve waits until a message can be held and then reserves all the room there is.
func (p *Pusher) reserve(ctx context.Context) int {
	select {
	case p.room <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	for n := 1; ; n++ {
		select {
		case p.room <- struct{}{}:
		default:
			return n
		}
	}
}

func (p *Pusher) release(n int) {
	for range n {
		<-p.room
	}
}

// take begins to deliver a message, in its turn. It returns false for one that is on its way already and came again
// because its lease had run out.
func (p *Pusher) take(ctx context.Context, received *pubsubpb.ReceivedMessage) bool {
	m := received.Message
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.held[m.MessageId]; known != nil {
		known.ackID = received.AckId
		return false
	}
	d := &delivery{message: m, ackID: received.AckId}
	p.held[m.MessageId] = d
	if p.sub.Ordered && m.OrderingKey != "" {
		p.ordered[m.OrderingKey] = append(p.ordered[m.OrderingKey], d)
		if p.ordered[m.OrderingKey][0] != d {
			return true
		}
	}
	p.working.Go(func() { p.deliver(ctx, d) })
	return true
}

// deliver pushes a message, and those that waited for it, until each is done with or the context ends.
func (p *Pusher) deliver(ctx context.Context, d *delivery) {
	for d != nil && p.settle(ctx, d) {
		p.acknowledge(ctx, d)
		d = p.finish(d)
	}
}

// finish lets go of a message that is done with and returns the next one of its ordering key, if it has any.
func (p *Pusher) finish(d *delivery) *delivery {
	defer p.release(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.held, d.message.MessageId)
	queue := p.ordered[d.message.OrderingKey]
	if len(queue) == 0 || queue[0] != d {
		return nil
	}
	if len(queue) == 1 {
		delete(p.ordered, d.message.OrderingKey)
		return nil
	}
	p.ordered[d.message.OrderingKey] = queue[1:]
	return queue[1]
}

// settle pushes a message until it is acknowledged, forwarded or too old, and returns true then; false when the context
// ended before.
func (p *Pusher) settle(ctx context.Context, d *delivery) bool {
	for attempt := 1; ; attempt++ {
		err := p.push(ctx, d, attempt)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		p.opts.Log.InfoContext(ctx, "push was not acknowledged",
			"subscription", p.sub.Name, "message_id", d.message.MessageId, "attempt", attempt, "error", err)
		if p.giveUp(ctx, d, attempt) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-p.opts.After(p.sub.backoff(attempt)):
		}
	}
}

// push delivers a message once, when its turn among all has come.
func (p *Pusher) push(ctx context.Context, d *delivery, attempt int) error {
	select {
	case p.posting <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.posting }()
	if p.sub.DeadLetterTopic == "" {
		attempt = 0
	}
	body, err := wrap(p.sub.Name, d.message, attempt)
	if err != nil {
		return err
	}
	return post(ctx, p.http, p.sub.Endpoint, body)
}

// giveUp tells whether a message need not be pushed again, because it has been forwarded to the dead-letter topic or is
// older than Pub/Sub would keep it.
func (p *Pusher) giveUp(ctx context.Context, d *delivery, attempt int) bool {
	if p.opts.Now().Sub(d.message.PublishTime.AsTime()) > retention {
		return true
	}
	if p.sub.DeadLetterTopic == "" || attempt < p.sub.MaxAttempts {
		return false
	}
	_, err := p.opts.Publisher.Publish(ctx, &pubsubpb.PublishRequest{
		Topic: p.sub.DeadLetterTopic, Messages: []*pubsubpb.PubsubMessage{p.sub.deadLetter(d.message, attempt)}})
	if err != nil {
		p.opts.Log.ErrorContext(ctx, "dead letter could not be forwarded",
			"subscription", p.sub.Name, "message_id", d.message.MessageId, "error", err)
		return false
	}
	return true
}

// acknowledge ends a message. One whose acknowledgement is lost comes again, as in production.
func (p *Pusher) acknowledge(ctx context.Context, d *delivery) {
	p.mu.Lock()
	id := d.ackID
	p.mu.Unlock()
	err := p.opts.Subscriber.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: p.sub.Name, AckIds: []string{id}})
	if err != nil && ctx.Err() == nil {
		p.opts.Log.WarnContext(ctx, "message could not be acknowledged",
			"subscription", p.sub.Name, "message_id", d.message.MessageId, "error", err)
	}
}

// giveBack lets Pub/Sub deliver what is still held to somebody else at once. Nothing runs any more.
func (p *Pusher) giveBack(ctx context.Context) {
	var ids []string
	for _, d := range p.held {
		ids = append(ids, d.ackID)
	}
	if len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, giveBacks)
	defer cancel()
	err := p.opts.Subscriber.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{
		Subscription: p.sub.Name, AckIds: ids, AckDeadlineSeconds: 0})
	if err != nil {
		p.opts.Log.WarnContext(ctx, "messages could not be given back", "subscription", p.sub.Name, "error", err)
	}
}
