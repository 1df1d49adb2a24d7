package identitydb_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"google.golang.org/grpc"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/identity/token"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

const rpcSign = "/google.cloud.kms.v1.KeyManagementService/AsymmetricSign"

func TestATokenSignedInKMSIsItsClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, elsewhere := w.instance(t), w.instance(t)
	h := i.build(t)
	raw := i.token(t, h)
	got, err := elsewhere.present(t, raw)
	if err != nil {
		t.Fatal(err)
	}
	want := h.issued.Client.CallerWith("tok_1")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
	elsewhere.calls.Reset()
	if _, err := elsewhere.present(t, raw); err != nil || elsewhere.rpcs() != 0 {
		t.Errorf("again: %v, after %d calls, want none", err, elsewhere.rpcs())
	}
}

func TestJWXVerifiesATokenByThePublishedKeys(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)
	raw := i.token(t, h)
	published, err := i.signer.Published(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(published)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jwk.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jwt.Parse([]byte(raw), jwt.WithKeySet(keys), jwt.WithClock(jwt.ClockFunc(i.clock.Now))); err != nil {
		t.Error(err)
	}
}

func TestTheFirstKeyIsPublishedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	home := w.instance(t)
	h := home.build(t)
	var wg sync.WaitGroup
	tokens := make([]string, 4)
	for n := range tokens {
		i := w.instance(t)
		wg.Go(func() { tokens[n] = i.token(t, h) })
	}
	wg.Wait()
	for _, raw := range tokens {
		if _, err := home.present(t, raw); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff([]string{"signing_key.publish"}, home.actions(t, identity.Hub)); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

func TestKeysAreReadAgainAtAnUnknownID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, cold := w.instance(t), w.instance(t)
	h := i.build(t)
	early := "eyJhbGciOiJFUzI1NiIsImtpZCI6IngiLCJ0eXAiOiJhdCtqd3QifQ.e30." + string(make86('A'))
	for range 5 {
		if _, err := cold.present(t, early); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("before there are keys: %v", err)
		}
	}
	if n := cold.rpcs(); n != 1 {
		t.Errorf("unknown ids took %d calls, want 1", n)
	}
	raw := i.token(t, h)
	w.clock.advance(identitydb.Recent)
	if _, err := cold.present(t, raw); err != nil {
		t.Errorf("once there are keys: %v", err)
	}
}

func make86(c byte) []byte {
	b := make([]byte, 86)
	for i := range b {
		b[i] = c
	}
	return b
}

func TestATokenOfANewKeyIsTakenAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, elsewhere := w.instance(t), w.instance(t)
	h := i.build(t)
	old := i.token(t, h)
	if _, err := elsewhere.present(t, old); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(identitydb.Recent)
	publishSecond(t, i)
	young := w.instance(t).token(t, h)
	for _, raw := range []string{young, old} {
		if _, err := elsewhere.present(t, raw); err != nil {
			t.Error(err)
		}
	}
	if first, second := strings.Split(old, ".")[0], strings.Split(young, ".")[0]; first == second {
		t.Error("both tokens name the same key")
	}
}

// publishSecond makes a second version of the KMS key and publishes it as the one to sign with.
func publishSecond(t *testing.T, i *instance) {
	t.Helper()
	kms := i.cloud.KMS(t)
	version, err := kms.CreateCryptoKeyVersion(t.Context(), &kmspb.CreateCryptoKeyVersionRequest{Parent: i.cloud.Key("access-tokens")})
	if err != nil {
		t.Fatal(err)
	}
	public, err := kms.GetPublicKey(t.Context(), &kmspb.GetPublicKeyRequest{Name: version.GetName()})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(public.GetPem()))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	described, err := token.NewJWK(key.(*ecdsa.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	changeKeys(t, i, func(set token.KeySet) token.KeySet {
		return append(set, token.PublishedKey{JWK: described, Version: version.GetName(), NotBefore: i.clock.Now()})
	})
}

func TestKnownKeysOutliveAnOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	i.token(t, i.build(t))
	set, err := i.signer.Published(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kid := set.Keys[0].ID
	if _, err := i.keys.Find(t.Context(), kid); err != nil {
		t.Fatal(err)
	}
	i.faults.Set(wire.Always(rpcGet, wire.Fault{Before: context.DeadlineExceeded}))
	w.clock.advance(59 * time.Minute)
	i.calls.Reset()
	for range 5 {
		if _, err := i.keys.Find(t.Context(), kid); err != nil {
			t.Errorf("within the hour: %v", err)
		}
	}
	if n := i.calls.Count(rpcGet); n != 1 {
		t.Errorf("%d calls into the outage, want 1 every few seconds", n)
	}
	w.clock.advance(time.Minute)
	if _, err := i.keys.Find(t.Context(), kid); !fault.Is(err, fault.Unavailable) {
		t.Errorf("after an hour: %v", err)
	}
}

func TestARetiredKeyIsRefusedAndNotPublished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	h := i.build(t)
	raw := i.token(t, h)
	changeKeys(t, i, func(set token.KeySet) token.KeySet {
		set[0].NotAfter = w.clock.Now().Add(-token.Leeway)
		return set
	})
	w.clock.advance(10 * time.Minute)
	if _, err := i.present(t, raw); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("its token: %v", err)
	}
	if set, err := i.signer.Published(t.Context()); err != nil || len(set.Keys) != 0 {
		t.Errorf("published: %v, %v", set, err)
	}
	if _, err := i.signer.Sign(t.Context(), token.Claims{}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("signing without a key: %v", err)
	}
}

// changeKeys changes the published keys.
func changeKeys(t *testing.T, i *instance, change func(token.KeySet) token.KeySet) {
	t.Helper()
	o, err := i.ledger.Get(t.Context(), identity.Hub, ref("signingKeys", "current"))
	if err != nil {
		t.Fatal(err)
	}
	set, err := token.ParseKeySet(o.Fields)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := change(set).Document()
	if err != nil {
		t.Fatal(err)
	}
	act := by(identity.Hub)
	act.Action = "signing_key.change"
	if _, err := i.ledger.Commit(t.Context(), act, []ledgerdb.Change{ledgerdb.Replace(o, fields)}); err != nil {
		t.Fatal(err)
	}
}

func TestKMSThatIsAwaySignsNothing(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	i.token(t, i.build(t))
	i.faults.Set(wire.Always(rpcSign, wire.Fault{Before: context.DeadlineExceeded}))
	if _, err := i.signer.Sign(t.Context(), soundClaims(i)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("Sign = %v, want unavailable", err)
	}
}

// mangle changes answers of KMS on their way.
func mangle(change func(any)) grpc.DialOption {
	return grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
		invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		err := invoke(ctx, method, req, reply, cc, opts...)
		change(reply)
		return err
	})
}

func TestAnswersOfKMSThatWereChangedAreNotUsed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(any){
		"the signature": func(reply any) {
			if r, ok := reply.(*kmspb.AsymmetricSignResponse); ok {
				r.Signature[len(r.Signature)-1]++
			}
		},
		"what was signed": func(reply any) {
			if r, ok := reply.(*kmspb.AsymmetricSignResponse); ok {
				r.VerifiedDigestCrc32C = false
			}
		},
		"the public key": func(reply any) {
			if r, ok := reply.(*kmspb.PublicKey); ok {
				r.Pem += " "
			}
		},
		"the key's name": func(reply any) {
			if r, ok := reply.(*kmspb.PublicKey); ok {
				r.Name += "2"
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newWorld(t).instance(t, mangle(change))
			if raw, err := i.signer.Sign(t.Context(), soundClaims(i)); !fault.Is(err, fault.Unavailable) {
				t.Errorf("Sign = %q, %v", raw, err)
			}
		})
	}
}

func soundClaims(i *instance) token.Claims {
	return token.Claims{
		Issuer: hub, Audience: hub, ID: "tok_1", Client: "cli_a", Tenant: "ten_a", IssuedAt: i.clock.Now(),
		ExpiresAt: i.clock.Now().Add(time.Minute), Subject: identity.Actor{Kind: identity.KindClient, ID: "cli_a"},
		Scopes: identity.NewScopes(identity.OrdersRead),
	}
}
