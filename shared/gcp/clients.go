package gcp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"cloud.google.com/go/firestore"
	firestoreapi "cloud.google.com/go/firestore/apiv1"
	kms "cloud.google.com/go/kms/apiv1"
	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// keepaliveEvery is how often a silent connection is tried: as often as Google's high-level client of Pub/Sub does. With it,
// what an instance sends into a connection that died while it was frozen fails after gRPC's 20 s, not when the kernel gives up.
const keepaliveEvery = 5 * time.Minute

// Cloud holds a function's clients. Each is opened when first asked for and then kept; a failed opening is tried again.
// It is safe for concurrent use.
type Cloud struct {
	cfg        Config
	firestore  lazy[*firestore.Client]
	commits    lazy[*firestoreapi.Client]
	kms        lazy[*kms.KeyManagementClient]
	topics     lazy[*pubsub.TopicAdminClient]
	mu         sync.Mutex
	publishers map[string]*Publisher
}

// Open returns the clients of cfg, none of them opened yet.
func Open(cfg Config) *Cloud {
	return &Cloud{cfg: cfg, publishers: map[string]*Publisher{}}
}

// Firestore returns the client of the hub's database. It shares the connection of [Cloud.Commits].
func (c *Cloud) Firestore(ctx context.Context) (*firestore.Client, error) {
	commits, err := c.Commits(ctx)
	if err != nil {
		return nil, err
	}
	return c.firestore.get(func() (*firestore.Client, error) {
		return firestore.NewClientWithDatabase(context.WithoutCancel(ctx), c.cfg.Project, c.cfg.Database,
			option.WithGRPCConn(commits.Connection()), option.WithoutAuthentication()) //nolint:staticcheck // of a pool any will do
	})
}

// Commits returns the generated client of the hub's database, for commits of ready-made messages.
func (c *Cloud) Commits(ctx context.Context) (*firestoreapi.Client, error) {
	return c.commits.get(func() (*firestoreapi.Client, error) {
		opts, err := c.options(c.cfg.FirestoreHost)
		if err != nil {
			return nil, err
		}
		return connecting(firestoreapi.NewClient(context.WithoutCancel(ctx), opts...))
	})
}

// KMS returns the client of the key management service.
func (c *Cloud) KMS(ctx context.Context) (*kms.KeyManagementClient, error) {
	return c.kms.get(func() (*kms.KeyManagementClient, error) {
		opts, err := c.options(c.cfg.KMSHost)
		if err != nil {
			return nil, err
		}
		return connecting(kms.NewKeyManagementClient(context.WithoutCancel(ctx), opts...))
	})
}

// Publisher returns the publisher of a topic, by the topic's short name.
func (c *Cloud) Publisher(ctx context.Context, topic string) (*Publisher, error) {
	client, err := c.topics.get(func() (*pubsub.TopicAdminClient, error) {
		opts, err := c.options(c.cfg.PubSubHost)
		if err != nil {
			return nil, err
		}
		return connecting(pubsub.NewTopicAdminClient(context.WithoutCancel(ctx), opts...))
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.publishers[topic]; ok {
		return p, nil
	}
	p := &Publisher{topic: "projects/" + c.cfg.Project + "/topics/" + topic, send: client.Publish}
	c.publishers[topic] = p
	return p, nil
}

// Close sends what publishers still hold and closes every client that was opened.
func (c *Cloud) Close() error {
	c.mu.Lock()
	publishers := c.publishers
	c.publishers = map[string]*Publisher{}
	c.mu.Unlock()
	var all sync.WaitGroup
	for _, p := range publishers {
		all.Go(p.Close)
	}
	all.Wait()
	return errors.Join(
		c.topics.close((*pubsub.TopicAdminClient).Close),
		c.kms.close((*kms.KeyManagementClient).Close),
		c.firestore.close(func(*firestore.Client) error { return nil }), // it has nothing but the connection of commits
		c.commits.close((*firestoreapi.Client).Close),
	)
}

// connecting lets a client connect while the function still gets ready, not when the first request already waits.
func connecting[C interface{ Connection() *grpc.ClientConn }](client C, err error) (C, error) {
	if err == nil {
		client.Connection().Connect()
	}
	return client, err
}

// options returns how to reach a service: Google's own address, or an emulator's.
func (c *Cloud) options(emulator string) ([]option.ClientOption, error) {
	if emulator == "" {
		opts := make([]option.ClientOption, 0, 1+len(c.cfg.DialOptions))
		for _, d := range append([]grpc.DialOption{grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveEvery})}, c.cfg.DialOptions...) {
			opts = append(opts, option.WithGRPCDialOption(d))
		}
		return opts, nil
	}
	// The connection is made here, because Google's clients that find an emulator in the process's environment make
	// their own and forget the dial options.
	conn, err := grpc.NewClient(emulator, append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(owner{}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)),
	}, c.cfg.DialOptions...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to the emulator at %s: %w", emulator, err)
	}
	return []option.ClientOption{option.WithGRPCConn(conn), option.WithoutAuthentication()}, nil
}

// owner is the credential that Google's emulators take for an administrator's.
type owner struct{}

// GetRequestMetadata returns the credential.
func (owner) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer owner"}, nil
}

// RequireTransportSecurity tells that emulators speak plaintext.
func (owner) RequireTransportSecurity() bool { return false }

// lazy is a value that is made when first needed; a failure to make it is not remembered.
type lazy[T any] struct {
	mu    sync.Mutex
	value T
	made  bool
}

func (l *lazy[T]) get(open func() (T, error)) (T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made {
		return l.value, nil
	}
	v, err := open()
	if err != nil {
		var zero T
		return zero, fmt.Errorf("open %T: %w", v, err)
	}
	l.value, l.made = v, true
	return v, nil
}

func (l *lazy[T]) close(closeValue func(T) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.made {
		return nil
	}
	l.made = false
	return closeValue(l.value)
}
