package localcloud

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/localcloud/pubsub"
	"ryggrad.internal/hub/shared/localcloud/scheduler"
)

const (
	tick           = time.Second // how often schedules are looked at
	minAckDeadline = 10 * time.Second
	maxAckDeadline = 600 * time.Second
	maxConcurrency = 32 // requests at once to one function, for all its instances are this process
)

// PushPath returns the path, below the base that [Cloud.Deliver] is given, that a function's messages are posted to.
func PushPath(function string) string { return "/_push/" + function }

// DeadLetterTopic returns the short name of the topic, and of the subscription to it, that a function's messages end in
// after their last delivery attempt.
func DeadLetterTopic(function string) string { return function + "-dead" }

// Deliver begins to push the messages of the cloud's project to its functions, at [PushPath] below base, and to publish
// what its schedules say. Messages that were published before the first time are not pushed; with a directory, those that an
// earlier run of the cloud has not delivered are. Delivery ends when the cloud is closed.
func (c *Cloud) Deliver(ctx context.Context, base string) error {
	jobs, err := scheduler.New(c.jobs(), c.publish, scheduler.Options{Now: c.opts.Now, Every: c.opts.Every, Log: c.opts.Log})
	if err != nil {
		return fmt.Errorf("deliver: %w", err)
	}
	var pushers []*pubsub.Pusher
	for _, sub := range c.subscriptions(base) {
		if err := c.createSubscription(ctx, sub); err != nil {
			return fmt.Errorf("deliver: %w", err)
		}
		pushers = append(pushers, pubsub.NewPusher(sub, c.pusherOptions()))
	}
	c.run(context.WithoutCancel(ctx), pushers, jobs)
	return nil
}

// run keeps pushers and schedules going until the cloud is closed.
func (c *Cloud) run(ctx context.Context, pushers []*pubsub.Pusher, jobs *scheduler.Scheduler) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, p := range pushers {
		running.Go(func() { p.Run(ctx) })
	}
	running.Go(func() {
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		jobs.Run(ctx, ticker.C)
	})
	c.closeLater(func() error {
		cancel()
		running.Wait()
		return nil
	})
}

func (c *Cloud) pusherOptions() pubsub.PusherOptions {
	opts := pubsub.PusherOptions{Subscriber: c.subs, Publisher: c.topics, Now: c.opts.Now, Log: c.opts.Log}
	if c.pubsub != nil {
		opts.Wake = c.pubsub.Wake
	}
	return opts
}

// subscriptions returns the push subscriptions of the functions that run on messages.
func (c *Cloud) subscriptions(base string) []pubsub.Subscription {
	var all []pubsub.Subscription
	for _, f := range c.opts.Functions {
		if f.Trigger != functions.PubSub || f.Coming {
			continue
		}
		all = append(all, pubsub.Subscription{
			Name:            subscriptionName(c.opts.Project, f.Name),
			Topic:           topicName(c.opts.Project, f.Topic),
			Endpoint:        base + PushPath(f.Name),
			AckDeadline:     min(max(f.Deadline(), minAckDeadline), maxAckDeadline),
			MinBackoff:      c.opts.MinBackoff,
			MaxBackoff:      c.opts.MaxBackoff,
			DeadLetterTopic: topicName(c.opts.Project, DeadLetterTopic(f.Name)),
			Concurrency:     min(max(f.Concurrency, 1)*max(f.MaxInstances, 1), maxConcurrency),
		})
	}
	return all
}

// createSubscription creates a subscription, its dead-letter topic, and the subscription that keeps the dead letters.
func (c *Cloud) createSubscription(ctx context.Context, sub pubsub.Subscription) error {
	_, err := c.topics.CreateTopic(ctx, &pubsubpb.Topic{Name: sub.DeadLetterTopic})
	if unlessExists(err) != nil {
		return err
	}
	dead := pubsub.Subscription{Name: sub.Name + "-dead", Topic: sub.DeadLetterTopic}
	return errors.Join(sub.Create(ctx, c.subs), dead.Create(ctx, c.subs))
}

// jobs returns the schedules of the functions that run on messages.
func (c *Cloud) jobs() []scheduler.Job {
	var all []scheduler.Job
	for _, f := range c.opts.Functions {
		if f.Trigger == functions.PubSub && !f.Coming && f.Schedule != "" {
			all = append(all, scheduler.Job{Name: f.Name, Topic: f.Topic, Schedule: f.Schedule})
		}
	}
	return all
}

// publish sends a message to a topic of the cloud's project.
func (c *Cloud) publish(ctx context.Context, topic string, data []byte, attributes map[string]string) error {
	_, err := c.topics.Publish(ctx, &pubsubpb.PublishRequest{
		Topic:    topicName(c.opts.Project, topic),
		Messages: []*pubsubpb.PubsubMessage{{Data: data, Attributes: attributes}},
	})
	return err
}

func subscriptionName(project, function string) string {
	return "projects/" + project + "/subscriptions/" + function
}
