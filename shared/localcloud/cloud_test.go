package localcloud_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	gcpkms "cloud.google.com/go/kms/apiv1"
	"cloud.google.com/go/kms/apiv1/kmspb"
	pubsubapi "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/localcloud"
)

// table is a small table of functions: one on the web, one on messages, one by schedule, one to come.
func table() []functions.Function {
	return []functions.Function{
		{Name: "orders", Trigger: functions.HTTP, Roles: functions.Roles{Topics: map[string][]string{"events": nil}}},
		{Name: "dispatch", Trigger: functions.PubSub, Topic: "events", Timeout: 60, Concurrency: 4},
		{Name: "relay", Trigger: functions.PubSub, Topic: "relay"},
		{Name: "seal", Trigger: functions.PubSub, Topic: "seal", Coming: true},
	}
}

// scheduled is the table with schedules, for a clock that the test moves.
func scheduled() []functions.Function {
	all := table()
	all[2].Schedule, all[3].Schedule = "* * * * *", "* * * * *"
	return all
}

// start brings a cloud up, in memory and embedded unless told otherwise. With RYGGRAD_TEST_EMULATORS=google, Firestore
// and Pub/Sub are Google's, and the project is a new one.
func start(t *testing.T, opts localcloud.Options) *localcloud.Cloud {
	t.Helper()
	if os.Getenv("RYGGRAD_TEST_EMULATORS") == "google" && opts.PubSubHost == "" {
		opts.FirestoreHost, opts.PubSubHost = os.Getenv("FIRESTORE_EMULATOR_HOST"), os.Getenv("PUBSUB_EMULATOR_HOST")
		if opts.Project == "" {
			opts.Project = "test-" + strings.ToLower(rand.Text())
		}
	}
	cloud, err := localcloud.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cloud.Close(); err != nil {
			t.Error(err)
		}
	})
	return cloud
}

func dial(address string) []option.ClientOption {
	return []option.ClientOption{option.WithEndpoint(address), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))}
}

func publish(t *testing.T, cloud *localcloud.Cloud, topic, data string) {
	t.Helper()
	env := cloud.Env()
	client, err := pubsubapi.NewTopicAdminClient(t.Context(), dial(env["PUBSUB_EMULATOR_HOST"])...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	_, err = client.Publish(t.Context(), &pubsubpb.PublishRequest{
		Topic:    "projects/" + env["GOOGLE_CLOUD_PROJECT"] + "/topics/" + topic,
		Messages: []*pubsubpb.PubsubMessage{{Data: []byte(data)}}})
	if err != nil {
		t.Fatal(err)
	}
}

// endpoint answers pushes with a status and passes on their paths and data.
func endpoint(t *testing.T, status int) (base string, pushed <-chan string) {
	t.Helper()
	arrived := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Message struct{ Data []byte }
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		arrived <- r.URL.Path + " " + string(body.Message.Data)
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server.URL, arrived
}

func TestTheEnvironmentNamesEveryService(t *testing.T) {
	t.Parallel()
	cloud := start(t, localcloud.Options{Project: "p"})
	at := cloud.Endpoints()
	want := map[string]string{
		"GOOGLE_CLOUD_PROJECT": "p",
		"RYGGRAD_KEY_RING":     "projects/p/locations/europe/keyRings/ryggrad",
		"RYGGRAD_AUDIT_BUCKET": "p-audit", "RYGGRAD_CHECKPOINT_BUCKET": "p-checkpoint", "RYGGRAD_LOG_ORIGIN": "ryggrad.local/log",
		"RYGGRAD_ERASURES_BUCKET": "p-erasures",
		"RYGGRAD_STATUS_BUCKET":   "p-status",
		"RYGGRAD_BACKUP_BUCKET":   "p-backup", "RYGGRAD_BACKUP_MONTHLY_BUCKET": "p-backupmonthly", "RYGGRAD_BACKUP_KEYS_BUCKET": "p-backupkeys",
		"RYGGRAD_BACKUP_RECIPIENT": cloud.OfflineKey().Recipient().String(),
		"FIRESTORE_EMULATOR_HOST":  at["firestore"],
		"PUBSUB_EMULATOR_HOST":     at["pubsub"],
		"STORAGE_EMULATOR_HOST":    at["storage"],
		"KMS_EMULATOR_HOST":        at["kms"],
	}
	if diff := cmp.Diff(want, cloud.Env()); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	for service, address := range at {
		if address == "" {
			t.Errorf("%s has no address", service)
		}
	}
}

func TestExternalEmulatorsAreUsedInstead(t *testing.T) {
	t.Parallel()
	other := start(t, localcloud.Options{})
	cloud := start(t, localcloud.Options{Project: other.Env()["GOOGLE_CLOUD_PROJECT"], Functions: table(),
		PubSubHost: other.Endpoints()["pubsub"], FirestoreHost: "127.0.0.1:1"})
	at := cloud.Endpoints()
	if at["pubsub"] != other.Endpoints()["pubsub"] || at["firestore"] != "127.0.0.1:1" || at["kms"] == at["pubsub"] {
		t.Errorf("endpoints %v", at)
	}
	if _, err := cloud.Published(localcloud.DefaultProject, "events"); err == nil {
		t.Error("a cloud without Pub/Sub of its own knows what was published")
	}
	base, pushed := endpoint(t, http.StatusOK)
	if err := cloud.Deliver(t.Context(), base); err != nil {
		t.Fatal(err)
	}
	publish(t, cloud, "events", "x")
	if got := <-pushed; got != "/_push/dispatch x" {
		t.Errorf("pushed %q", got)
	}
}

func TestTheHubsKeysSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var pems []string
	for range 2 {
		cloud := start(t, localcloud.Options{Project: "keys-restart", Dir: dir})
		client, err := gcpkms.NewKeyManagementClient(t.Context(), dial(cloud.Endpoints()["kms"])...)
		if err != nil {
			t.Fatal(err)
		}
		ring := cloud.Env()["RYGGRAD_KEY_RING"]
		for _, key := range []string{"access-tokens", "audit-checkpoints"} {
			public, err := client.GetPublicKey(t.Context(), &kmspb.GetPublicKeyRequest{Name: ring + "/cryptoKeys/" + key + "/cryptoKeyVersions/1"})
			if err != nil {
				t.Fatal(err)
			}
			pems = append(pems, public.Algorithm.String()+public.Pem)
		}
		k, err := client.GetCryptoKey(t.Context(), &kmspb.GetCryptoKeyRequest{Name: ring + "/cryptoKeys/tenant-keys"})
		if err != nil || k.Purpose != kmspb.CryptoKey_ENCRYPT_DECRYPT {
			t.Errorf("tenant key %v, %v", k, err)
		}
		if err := errors.Join(client.Close(), cloud.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if pems[0] != pems[2] || pems[1] != pems[3] || pems[0] == pems[1] {
		t.Errorf("public keys before and after a restart: %q", pems)
	}
}

func TestDocumentsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 2 {
		cloud := start(t, localcloud.Options{Project: "documents-restart", Dir: dir})
		client, err := firestore.NewClient(t.Context(), "documents-restart", dial(cloud.Endpoints()["firestore"])...)
		if err != nil {
			t.Fatal(err)
		}
		document := client.Collection("orders").Doc("a")
		if i == 0 {
			if _, err := document.Set(t.Context(), map[string]any{"status": "received"}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := document.Get(t.Context())
		if err != nil || got.Data()["status"] != "received" {
			t.Errorf("start %d: document %v, %v", i+1, got, err)
		}
		if err := errors.Join(client.Close(), cloud.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestADirectoryHasOneCloudAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, localcloud.Options{Dir: dir})
	if second, err := localcloud.Start(t.Context(), localcloud.Options{Dir: dir}); err == nil {
		t.Error("a second cloud starts over the same directory")
		_ = second.Close()
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, localcloud.Options{Dir: dir})
}

func TestEveryTopicOfTheFunctionsIsThere(t *testing.T) {
	t.Parallel()
	cloud := start(t, localcloud.Options{Functions: table()})
	client, err := pubsubapi.NewTopicAdminClient(t.Context(), dial(cloud.Endpoints()["pubsub"])...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	var got []string
	topics := client.ListTopics(t.Context(), &pubsubpb.ListTopicsRequest{Project: "projects/" + cloud.Env()["GOOGLE_CLOUD_PROJECT"]})
	for {
		topic, err := topics.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, topic.Name)
	}
	prefix := "projects/" + cloud.Env()["GOOGLE_CLOUD_PROJECT"] + "/topics/"
	if diff := cmp.Diff([]string{prefix + "events", prefix + "relay"}, got); diff != "" {
		t.Errorf("topics (-want +got):\n%s", diff)
	}
	if err := cloud.SetUp(t.Context(), cloud.Env()["GOOGLE_CLOUD_PROJECT"]); err != nil {
		t.Errorf("set up again: %v", err)
	}
}

func TestMessagesArePushedToTheirFunctions(t *testing.T) {
	t.Parallel()
	cloud := start(t, localcloud.Options{Functions: table()})
	base, pushed := endpoint(t, http.StatusOK)
	if err := cloud.Deliver(t.Context(), base); err != nil {
		t.Fatal(err)
	}
	publish(t, cloud, "events", "x")
	if got := <-pushed; got != "/_push/dispatch x" {
		t.Errorf("pushed %q", got)
	}
}

func TestWhatKeepsFailingIsADeadLetter(t *testing.T) {
	t.Parallel()
	cloud := start(t, localcloud.Options{Functions: table(), MinBackoff: time.Millisecond, MaxBackoff: time.Millisecond})
	base, pushed := endpoint(t, http.StatusInternalServerError)
	if err := cloud.Deliver(t.Context(), base); err != nil {
		t.Fatal(err)
	}
	publish(t, cloud, "events", "x")
	for range 5 {
		<-pushed
	}
	client, err := pubsubapi.NewSubscriptionAdminClient(t.Context(), dial(cloud.Endpoints()["pubsub"])...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	for {
		answer, err := client.Pull(t.Context(), &pubsubpb.PullRequest{
			Subscription: "projects/" + cloud.Env()["GOOGLE_CLOUD_PROJECT"] + "/subscriptions/dispatch-dead", MaxMessages: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.ReceivedMessages) == 1 {
			if got := string(answer.ReceivedMessages[0].Message.Data); got != "x" {
				t.Errorf("dead letter %q", got)
			}
			return
		}
	}
}

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestSchedulesBecomePushes(t *testing.T) {
	t.Parallel()
	at := &clock{now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	cloud := start(t, localcloud.Options{Functions: scheduled(), Now: at.Now})
	base, pushed := endpoint(t, http.StatusOK)
	if err := cloud.Deliver(t.Context(), base); err != nil {
		t.Fatal(err)
	}
	at.Advance(time.Minute)
	if got := <-pushed; got != "/_push/relay {}" {
		t.Errorf("pushed %q", got)
	}
}

func TestABadScheduleStopsDelivery(t *testing.T) {
	t.Parallel()
	cloud := start(t, localcloud.Options{Functions: []functions.Function{
		{Name: "relay", Trigger: functions.PubSub, Topic: "relay", Schedule: "often"}}})
	if err := cloud.Deliver(t.Context(), "http://127.0.0.1:1"); err == nil {
		t.Error("delivery began with a schedule that cannot be read")
	}
}

func TestClosingAgainDoesNothing(t *testing.T) {
	t.Parallel()
	cloud := start(t, localcloud.Options{Functions: table()})
	if err := cloud.Deliver(t.Context(), "http://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := cloud.Close(); err != nil {
			t.Error(err)
		}
	}
}
