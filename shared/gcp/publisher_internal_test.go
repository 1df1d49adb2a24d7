package gcp

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/googleapis/gax-go/v2"
)

// post is a Pub/Sub that takes a time for every request, and remembers when each came and how many messages it had.
type post struct {
	takes time.Duration
	err   error

	mu    sync.Mutex
	began []time.Time
	sizes []int
}

func (p *post) publisher() *Publisher {
	return &Publisher{topic: "projects/p/topics/t", send: p.publish}
}

func (p *post) publish(ctx context.Context, r *pubsubpb.PublishRequest, _ ...gax.CallOption) (*pubsubpb.PublishResponse, error) {
	p.mu.Lock()
	p.began, p.sizes = append(p.began, time.Now()), append(p.sizes, len(r.GetMessages()))
	p.mu.Unlock()
	select {
	case <-time.After(p.takes):
		return &pubsubpb.PublishResponse{}, p.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// send publishes so many messages at once, and waits for all of them.
func send(t *testing.T, p *Publisher, messages int, data string) {
	t.Helper()
	var all sync.WaitGroup
	for range messages {
		all.Go(func() {
			if err := p.Publish(t.Context(), []byte(data), nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestALoneMessageDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pubsub := &post{takes: 20 * time.Millisecond}
		p := pubsub.publisher()
		for range 3 {
			began := time.Now()
			send(t, p, 1, "x")
			if took := time.Since(began); took != pubsub.takes {
				t.Errorf("a message took %s where Pub/Sub takes %s", took, pubsub.takes)
			}
		}
	})
}

func TestMessagesOfOneMomentShareRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pubsub := &post{takes: time.Millisecond}
		p := pubsub.publisher()
		send(t, p, 1, "x")
		began := time.Now()
		send(t, p, 50, "x")
		if len(pubsub.sizes) != 2 || pubsub.sizes[1] != 50 {
			t.Errorf("requests had %v messages, want 1 and 50", pubsub.sizes)
		}
		if took := time.Since(began); took != publishPause {
			t.Errorf("they took %s, want the rest of the pause and the request, %s", took, publishPause)
		}
		<-time.After(time.Second)
		send(t, p, publishCount+1, "x")
		if n := len(pubsub.sizes); n != 4 || pubsub.sizes[2]+pubsub.sizes[3] != publishCount+1 {
			t.Errorf("requests had %v messages, want two more with %d", pubsub.sizes, publishCount+1)
		}
	})
}

func TestARequestIsNotTooLarge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pubsub := &post{takes: time.Millisecond}
		p := pubsub.publisher()
		send(t, p, 1, "x")
		send(t, p, 5, strings.Repeat("x", publishBytes*2/5))
		if len(pubsub.sizes) != 4 || pubsub.sizes[1] != 2 || pubsub.sizes[2] != 2 || pubsub.sizes[3] != 1 {
			t.Errorf("requests had %v messages, want 1, 2, 2 and 1", pubsub.sizes)
		}
	})
}

func TestEveryMessageOfAFailedRequestFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		p := (&post{err: refused}).publisher()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if err := p.Publish(t.Context(), nil, nil); !errors.Is(err, refused) {
					t.Errorf("publish: %v", err)
				}
			})
		}
		all.Wait()
	})
}

func TestNobodyWaitsLongerThanTheyWant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := (&post{takes: time.Hour}).publisher()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := p.Publish(ctx, nil, nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		p.Close()
		if took := time.Since(began); took != publishWithin {
			t.Errorf("the request ended after %s, want %s", took, publishWithin)
		}
	})
}

func TestClosingSendsWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pubsub := &post{takes: time.Second}
		p := pubsub.publisher()
		for range 3 {
			go func() {
				if err := p.Publish(t.Context(), nil, nil); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		began := time.Now()
		p.Close()
		if took := time.Since(began); took != time.Second || len(pubsub.sizes) != 2 || pubsub.sizes[0]+pubsub.sizes[1] != 3 {
			t.Errorf("closed after %s and requests of %v messages", took, pubsub.sizes)
		}
		if err := p.Publish(t.Context(), nil, nil); !errors.Is(err, errPublisherClosed) {
			t.Errorf("publish after the end: %v", err)
		}
		p.Close()
	})
}
