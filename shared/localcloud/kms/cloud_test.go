package kms_test

import (
	"net"
	"sync"
	"testing"
	"time"

	gcpkms "cloud.google.com/go/kms/apiv1"
	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/localcloud/kms"
)

const location = "projects/p/locations/europe"

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)} }

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

// service is a running server with the real client.
type service struct {
	*gcpkms.KeyManagementClient
	clock *clock
	stop  func()
}

// start runs a server on loopback with an empty key ring "r".
func start(t *testing.T) service {
	t.Helper()
	s := open(t, "", newClock())
	s.ring(t)
	return s
}

// open runs a server over a directory, which may hold keys already.
func open(t *testing.T, dir string, clock *clock) service {
	t.Helper()
	server, err := kms.Open(kms.Options{Dir: dir, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	server.Register(g)
	var serving sync.WaitGroup
	serving.Go(func() { _ = g.Serve(listener) })
	client, err := gcpkms.NewKeyManagementClient(t.Context(), option.WithEndpoint(listener.Addr().String()),
		option.WithoutAuthentication(), option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		_ = client.Close()
		g.Stop()
		serving.Wait()
		_ = server.Close()
	})
	t.Cleanup(stop)
	return service{client, clock, stop}
}

func (s service) ring(t *testing.T) {
	t.Helper()
	_, err := s.CreateKeyRing(t.Context(), &kmspb.CreateKeyRingRequest{Parent: location, KeyRingId: "r"})
	if err != nil {
		t.Fatal(err)
	}
}

const ringName = location + "/keyRings/r"

func sealing() *kmspb.CryptoKey { return &kmspb.CryptoKey{Purpose: kmspb.CryptoKey_ENCRYPT_DECRYPT} }

func signing(a kmspb.CryptoKeyVersion_CryptoKeyVersionAlgorithm) *kmspb.CryptoKey {
	return &kmspb.CryptoKey{
		Purpose:         kmspb.CryptoKey_ASYMMETRIC_SIGN,
		VersionTemplate: &kmspb.CryptoKeyVersionTemplate{Algorithm: a},
	}
}

// key makes a key in the ring and returns its name.
func (s service) key(t *testing.T, id string, like *kmspb.CryptoKey) string {
	t.Helper()
	k, err := s.CreateCryptoKey(t.Context(), &kmspb.CreateCryptoKeyRequest{Parent: ringName, CryptoKeyId: id, CryptoKey: like})
	if err != nil {
		t.Fatal(err)
	}
	return k.Name
}

func (s service) seal(t *testing.T, name, plaintext, aad string) *kmspb.EncryptResponse {
	t.Helper()
	sealed, err := s.Encrypt(t.Context(), &kmspb.EncryptRequest{
		Name: name, Plaintext: []byte(plaintext), AdditionalAuthenticatedData: []byte(aad)})
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func (s service) unseal(t *testing.T, name string, ciphertext []byte, aad string) (*kmspb.DecryptResponse, error) {
	t.Helper()
	return s.Decrypt(t.Context(), &kmspb.DecryptRequest{
		Name: name, Ciphertext: ciphertext, AdditionalAuthenticatedData: []byte(aad)})
}

func wantCode(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("code %v (%v), want %v", got, err, want)
	}
}
