package localcloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	pubsubapi "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/localcloud/kms"
	"ryggrad.internal/hub/shared/localcloud/pubsub"
	"ryggrad.internal/hub/shared/localcloud/storage"
)

// maxMessage is the largest gRPC message taken, in bytes: a Firestore commit holds up to 10 MiB.
const maxMessage = 16 << 20

// Cloud is a running cloud. It is safe for concurrent use. Start one with [Start].
type Cloud struct {
	opts    Options
	grpc    *grpc.Server
	addr    string // of everything that speaks gRPC
	serving sync.WaitGroup
	pubsub  *pubsub.Server // nil where Google's emulator is used
	kms     *kms.Server
	storage *storage.Server
	offline backup.OfflineKey
	conn    *grpc.ClientConn // to Pub/Sub, embedded or not
	topics  *pubsubapi.TopicAdminClient
	subs    *pubsubapi.SubscriptionAdminClient

	mu      sync.Mutex
	closers []func() error // in the order of their opening
}

// Start brings a cloud up on free loopback ports and sets its project up. Nothing is pushed or scheduled before
// [Cloud.Deliver]. Whoever starts a cloud must close it.
func Start(ctx context.Context, opts Options) (*Cloud, error) {
	c := &Cloud{opts: opts.complete(), grpc: grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))}
	for _, step := range []func(context.Context) error{c.claim, c.openOfflineKey, c.openServices, c.serve, c.connect} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("start cloud: %w", err), c.Close())
		}
	}
	if err := c.SetUp(ctx, c.opts.Project); err != nil {
		return nil, errors.Join(fmt.Errorf("start cloud: %w", err), c.Close())
	}
	return c, nil
}

// claim makes the directory this cloud's own.
func (c *Cloud) claim(context.Context) error {
	if c.opts.Dir == "" {
		return nil
	}
	unlock, err := lock(c.opts.Dir)
	if err != nil {
		return err
	}
	c.closeLater(unlock)
	return nil
}

// openServices opens what is embedded and registers it with the gRPC server, which does not serve yet.
func (c *Cloud) openServices(ctx context.Context) (err error) {
	if c.kms, err = kms.Open(kms.Options{Dir: c.opts.below("kms"), Now: c.opts.Now}); err != nil {
		return err
	}
	c.closeLater(c.kms.Close)
	c.kms.Register(c.grpc)
	if c.storage, err = storage.Start(ctx, storage.Options{Dir: c.opts.below("storage"), Now: c.opts.Now}); err != nil {
		return err
	}
	c.closeLater(c.storage.Close)
	if c.opts.PubSubHost == "" {
		if c.pubsub, err = pubsub.Open(pubsub.Options{Dir: c.opts.below("pubsub"), Now: c.opts.Now, Log: c.opts.Log}); err != nil {
			return err
		}
		c.closeLater(c.pubsub.Close)
		c.pubsub.Register(c.grpc)
	}
	if c.opts.FirestoreHost == "" {
		return c.openFirestore()
	}
	return nil
}

func (c *Cloud) serve(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.addr = listener.Addr().String()
	c.serving.Go(func() {
		if err := c.grpc.Serve(listener); err != nil {
			c.opts.Log.Error("the embedded cloud stopped serving", "error", err)
		}
	})
	c.closeLater(func() error {
		c.grpc.Stop()
		c.serving.Wait()
		return nil
	})
	return nil
}

// connect opens this package's own clients of Pub/Sub, wherever it is.
func (c *Cloud) connect(ctx context.Context) (err error) {
	c.conn, err = grpc.NewClient(c.pubsubHost(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	c.closeLater(c.conn.Close)
	if c.topics, err = pubsubapi.NewTopicAdminClient(ctx, option.WithGRPCConn(c.conn)); err != nil {
		return err
	}
	c.subs, err = pubsubapi.NewSubscriptionAdminClient(ctx, option.WithGRPCConn(c.conn))
	return err
}

func (c *Cloud) closeLater(f func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closers = append(c.closers, f)
}

// Close stops delivery, then the services, in the reverse order of their opening. Closing again does nothing.
func (c *Cloud) Close() error {
	c.mu.Lock()
	closers := c.closers
	c.closers = nil
	c.mu.Unlock()
	var faults []error
	for i := range closers {
		faults = append(faults, closers[len(closers)-1-i]())
	}
	return errors.Join(faults...)
}

func (c *Cloud) pubsubHost() string {
	if c.opts.PubSubHost != "" {
		return c.opts.PubSubHost
	}
	return c.addr
}

func (c *Cloud) firestoreHost() string {
	if c.opts.FirestoreHost != "" {
		return c.opts.FirestoreHost
	}
	return c.addr
}

// Published returns every message that was ever published on a topic of a project, by the topic's short name, in the
// order of publication. It knows only of the embedded Pub/Sub: beside Google's emulator it fails.
func (c *Cloud) Published(project, topic string) ([]*pubsubpb.PubsubMessage, error) {
	if c.pubsub == nil {
		return nil, errors.New("only the embedded Pub/Sub keeps what was published")
	}
	return c.pubsub.Published(topicName(project, topic)), nil
}

// Endpoints returns host and port of each service: firestore, kms, pubsub, storage.
func (c *Cloud) Endpoints() map[string]string {
	return map[string]string{
		"firestore": c.firestoreHost(), "kms": c.addr, "pubsub": c.pubsubHost(), "storage": c.storage.Addr(),
	}
}

// Env returns the environment by which functions find this cloud and its project.
func (c *Cloud) Env() map[string]string { return c.EnvOf(c.opts.Project) }

// EnvOf returns the environment by which functions find this cloud and another project of it.
func (c *Cloud) EnvOf(project string) map[string]string {
	env := EnvAt(c.Endpoints(), project)
	env["RYGGRAD_BACKUP_RECIPIENT"] = c.offline.Recipient().String()
	return env
}

// EnvAt returns the environment by which a project of a cloud is found that runs elsewhere, at what [Cloud.Endpoints]
// returns there.
func EnvAt(endpoints map[string]string, project string) map[string]string {
	return map[string]string{
		"GOOGLE_CLOUD_PROJECT":      project,
		"RYGGRAD_KEY_RING":          KeyRing(project),
		"RYGGRAD_AUDIT_BUCKET":      AuditBucket(project),
		"RYGGRAD_CHECKPOINT_BUCKET": CheckpointBucket(project),
		"RYGGRAD_ERASURES_BUCKET":   ErasuresBucket(project),
		"RYGGRAD_STATUS_BUCKET":     StatusBucket(project),
		"RYGGRAD_LOG_ORIGIN":        LogOrigin,

		"RYGGRAD_BACKUP_BUCKET":         BackupBucket(project),
		"RYGGRAD_BACKUP_MONTHLY_BUCKET": MonthlyBucket(project),
		"RYGGRAD_BACKUP_KEYS_BUCKET":    BackupKeysBucket(project),

		"FIRESTORE_EMULATOR_HOST": endpoints["firestore"],
		"PUBSUB_EMULATOR_HOST":    endpoints["pubsub"],
		"STORAGE_EMULATOR_HOST":   endpoints["storage"],
		"KMS_EMULATOR_HOST":       endpoints["kms"],
	}
}
