package cloudtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	firestoreapi "cloud.google.com/go/firestore/apiv1"
	kms "cloud.google.com/go/kms/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/localcloud"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

// Cloud is a test's own project. It is safe for concurrent use.
type Cloud struct {
	Project string
	// Calls counts the RPCs of clients that were dialled with [Cloud.DialOptions], also those that Faults disturbed.
	Calls wire.Recorder
	// Faults disturbs the RPCs of clients that were dialled with [Cloud.DialOptions].
	Faults wire.Faults

	shared *localcloud.Cloud
	watch  *watch // beside Google's emulator
}

// start brings up the cloud that all tests of the process share; it lives as long as the process.
//
//nolint:gochecknoglobals // what a process shares has to live somewhere, and is set once
var start = sync.OnceValues(func() (*localcloud.Cloud, error) {
	table, err := functions.Table()
	if err != nil {
		return nil, err
	}
	opts := localcloud.Options{Functions: table}
	if google() {
		opts.FirestoreHost = os.Getenv("FIRESTORE_EMULATOR_HOST")
		opts.PubSubHost = os.Getenv("PUBSUB_EMULATOR_HOST")
		if opts.FirestoreHost == "" || opts.PubSubHost == "" {
			return nil, errors.New("RYGGRAD_TEST_EMULATORS=google needs FIRESTORE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST")
		}
	}
	return localcloud.Start(context.Background(), opts)
})

func google() bool { return os.Getenv("RYGGRAD_TEST_EMULATORS") == "google" }

// Start gives the test a project with the hub's keys, topics and buckets, and nothing in its database.
func Start(tb testing.TB) *Cloud {
	tb.Helper()
	shared, err := start()
	if err != nil {
		tb.Fatal(err)
	}
	c := &Cloud{Project: "test-" + random(tb), shared: shared}
	if err := shared.SetUp(tb.Context(), c.Project); err != nil {
		tb.Fatal(err)
	}
	if google() {
		c.watch = startWatch(tb, shared, c.Project)
	}
	return c
}

func random(tb testing.TB) string {
	tb.Helper()
	id := make([]byte, 8)
	if _, err := rand.Read(id); err != nil {
		tb.Fatal(err)
	}
	return hex.EncodeToString(id)
}

// Patience is for what a test expects to be done although a request could do without it: a machine may stop for longer
// than a request in production would wait.
const Patience = 10 * time.Minute

// Env returns a new copy of the environment by which a function finds this project. Its RYGGRAD_BASE_URL is
// https://hub.test, at which nobody listens, and its RYGGRAD_PATIENCE is [Patience].
func (c *Cloud) Env() map[string]string {
	env := c.shared.EnvOf(c.Project)
	env["RYGGRAD_BASE_URL"] = "https://hub.test"
	env["RYGGRAD_PATIENCE"] = Patience.String()
	return env
}

// DialOptions returns what a client must be dialled with so that [Cloud.Calls] counts and [Cloud.Faults] disturbs it.
func (c *Cloud) DialOptions() []grpc.DialOption {
	return append(c.Calls.DialOptions(), c.Faults.DialOptions()...)
}

// Firestore returns a client of the project's database, closed with the test. Give it [Cloud.DialOptions] to be counted
// and disturbed; without, it looks on unseen.
func (c *Cloud) Firestore(tb testing.TB, opts ...grpc.DialOption) *firestore.Client {
	tb.Helper()
	client, err := firestore.NewClient(context.WithoutCancel(tb.Context()), c.Project,
		options(c.shared.Endpoints()["firestore"], opts)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { closeWith(tb, client.Close) })
	return client
}

// Commits returns a generated client of the project's database, closed with the test. Give it [Cloud.DialOptions] to be
// counted and disturbed.
func (c *Cloud) Commits(tb testing.TB, opts ...grpc.DialOption) *firestoreapi.Client {
	tb.Helper()
	client, err := firestoreapi.NewClient(context.WithoutCancel(tb.Context()),
		options(c.shared.Endpoints()["firestore"], opts)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { closeWith(tb, client.Close) })
	return client
}

// KMS returns a client of the key service, closed with the test. Give it [Cloud.DialOptions] to be counted and
// disturbed.
func (c *Cloud) KMS(tb testing.TB, opts ...grpc.DialOption) *kms.KeyManagementClient {
	tb.Helper()
	client, err := kms.NewKeyManagementClient(context.WithoutCancel(tb.Context()),
		options(c.shared.Endpoints()["kms"], opts)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { closeWith(tb, client.Close) })
	return client
}

// Key returns the full name of one of the project's keys, by its short name such as tenant-keys.
func (c *Cloud) Key(name string) string { return localcloud.KeyRing(c.Project) + "/cryptoKeys/" + name }

// OfflineKey returns the key that opens the project's backups without KMS.
func (c *Cloud) OfflineKey() backup.OfflineKey { return c.shared.OfflineKey() }

// Published returns the messages that were published on one of the project's topics, in the order of publication.
func (c *Cloud) Published(tb testing.TB, topic string) []*pubsubpb.PubsubMessage {
	tb.Helper()
	if c.watch != nil {
		return c.watch.published(tb, topic)
	}
	messages, err := c.shared.Published(c.Project, topic)
	if err != nil {
		tb.Fatal(err)
	}
	return messages
}

func options(host string, opts []grpc.DialOption) []option.ClientOption {
	all := []option.ClientOption{
		option.WithEndpoint(host), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}
	for _, o := range opts {
		all = append(all, option.WithGRPCDialOption(o))
	}
	return all
}

func closeWith(tb testing.TB, closeClient func() error) {
	tb.Helper()
	if err := closeClient(); err != nil {
		tb.Error(err)
	}
}
