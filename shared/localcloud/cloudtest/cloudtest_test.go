package cloudtest_test

import (
	"bytes"
	"context"
	"testing"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"cloud.google.com/go/pubsub/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/localcloud/cloudtest"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

const (
	encrypt = "/google.cloud.kms.v1.KeyManagementService/Encrypt"
	publish = "/google.pubsub.v1.Publisher/Publish"
)

// publisher returns the client that production code uses, at the address that it would find in its environment.
func publisher(t *testing.T, cloud *cloudtest.Cloud) *pubsub.Client {
	t.Helper()
	env := cloud.Env()
	opts := []option.ClientOption{option.WithEndpoint(env["PUBSUB_EMULATOR_HOST"]), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))}
	for _, o := range cloud.DialOptions() {
		opts = append(opts, option.WithGRPCDialOption(o))
	}
	client, err := pubsub.NewClient(context.WithoutCancel(t.Context()), env["GOOGLE_CLOUD_PROJECT"], opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestKeysAreReady(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t)
	client := cloud.KMS(t, cloud.DialOptions()...)
	sealed, err := client.Encrypt(t.Context(), &kmspb.EncryptRequest{Name: cloud.Key("tenant-keys"), Plaintext: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := client.Decrypt(t.Context(), &kmspb.DecryptRequest{Name: cloud.Key("tenant-keys"), Ciphertext: sealed.Ciphertext})
	if err != nil || !bytes.Equal(opened.Plaintext, []byte("x")) {
		t.Errorf("opened %v, %v", opened, err)
	}
	for _, name := range []string{"access-tokens", "audit-checkpoints"} {
		if _, err := client.GetPublicKey(t.Context(), &kmspb.GetPublicKeyRequest{Name: cloud.Key(name) + "/cryptoKeyVersions/1"}); err != nil {
			t.Error(err)
		}
	}
	if got := cloud.Calls.Count(encrypt); got != 1 {
		t.Errorf("%d calls of Encrypt counted, want 1", got)
	}
}

func TestFaultsReachTheClient(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t)
	client := cloud.KMS(t, cloud.DialOptions()...)
	cloud.Faults.Set(wire.Always(encrypt, wire.Fault{Before: status.Error(codes.PermissionDenied, "no")}))
	_, err := client.Encrypt(t.Context(), &kmspb.EncryptRequest{Name: cloud.Key("tenant-keys")})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("error %v, want the fault", err)
	}
	if got := cloud.Calls.Count(encrypt); got != 1 {
		t.Errorf("%d calls of Encrypt counted, want the disturbed one", got)
	}
}

func TestPublishedShowsTheProjectsOwnMessagesInOrder(t *testing.T) {
	t.Parallel()
	cloud, other := cloudtest.Start(t), cloudtest.Start(t)
	for _, at := range []*cloudtest.Cloud{cloud, other} {
		p := publisher(t, at).Publisher("events")
		for _, data := range []string{"one", "two"} {
			if _, err := p.Publish(t.Context(), &pubsub.Message{Data: []byte(data + at.Project)}).Get(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 {
		got := cloud.Published(t, "events")
		if len(got) != 2 || string(got[0].Data) != "one"+cloud.Project || string(got[1].Data) != "two"+cloud.Project {
			t.Errorf("published %v", got)
		}
	}
	if got := cloud.Published(t, "relay"); len(got) != 0 {
		t.Errorf("published on another topic %v", got)
	}
	if got := cloud.Calls.Count(publish); got != 2 {
		t.Errorf("%d calls of Publish counted, want 2", got)
	}
}

func TestProjectsDoNotShareKeys(t *testing.T) {
	t.Parallel()
	cloud, other := cloudtest.Start(t), cloudtest.Start(t)
	client := cloud.KMS(t)
	sealed, err := client.Encrypt(t.Context(), &kmspb.EncryptRequest{Name: cloud.Key("tenant-keys"), Plaintext: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Decrypt(t.Context(), &kmspb.DecryptRequest{Name: other.Key("tenant-keys"), Ciphertext: sealed.Ciphertext})
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("another project opens the ciphertext: %v", err)
	}
}

func TestTheDatabaseIsTheTestsOwn(t *testing.T) {
	t.Parallel()
	cloud, other := cloudtest.Start(t), cloudtest.Start(t)
	counted, unseen := cloud.Firestore(t, cloud.DialOptions()...), cloud.Firestore(t)
	if _, err := counted.Collection("orders").Doc("a").Create(t.Context(), map[string]any{"status": "received"}); err != nil {
		t.Fatal(err)
	}
	got, err := unseen.Collection("orders").Doc("a").Get(t.Context())
	if err != nil || got.Data()["status"] != "received" {
		t.Errorf("document %v, %v", got, err)
	}
	if _, err := other.Firestore(t).Collection("orders").Doc("a").Get(t.Context()); status.Code(err) != codes.NotFound {
		t.Errorf("another project reads the document: %v", err)
	}
	if diff := cmp.Diff(map[string]int{"/google.firestore.v1.Firestore/Commit": 1}, cloud.Calls.Snapshot()); diff != "" {
		t.Errorf("counted calls (-want +got):\n%s", diff)
	}
}

func BenchmarkStart(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		cloudtest.Start(b)
	}
}
