package identitydb_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity/token"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

const rpcPublic = "/google.cloud.kms.v1.KeyManagementService/GetPublicKey"

func TestARolledKeySignsOnceAllKnowItAndItsPredecessorsLastTokenHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, elsewhere := w.instance(t), w.instance(t)
	h := i.build(t)
	kid := func(raw string) string { return keyOf(t, raw) }
	first := kid(i.token(t, h))
	if _, err := i.signer.Roll(t.Context(), by("")); err != nil {
		t.Fatal(err)
	}
	if set, err := elsewhere.signer.Published(t.Context()); err != nil || len(set.Keys) != 2 {
		t.Errorf("published at once: %v, %v", set, err)
	}
	if _, err := i.signer.Roll(t.Context(), by("")); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second roll meanwhile: %v", err)
	}
	w.clock.advance(token.PublishAhead - time.Second)
	last := i.token(t, h)
	if kid(last) != first {
		t.Error("the new key signs before its time")
	}
	w.clock.advance(time.Second)
	if young := i.token(t, h); kid(young) == first {
		t.Error("the old key signs after its time")
	} else if _, err := elsewhere.present(t, young); err != nil {
		t.Error(err)
	}
	if _, err := elsewhere.present(t, last); err != nil {
		t.Errorf("the old key's last token: %v", err)
	}
	w.clock.advance(token.MaxLife + 2*token.Leeway)
	if set, err := elsewhere.signer.Published(t.Context()); err != nil || len(set.Keys) != 1 || set.Keys[0].ID == first {
		t.Errorf("published in the end: %v, %v", set, err)
	}
	keys, err := i.signer.Roll(t.Context(), by(""))
	if err != nil || len(keys) != 2 {
		t.Errorf("rolled again: %d keys, %v", len(keys), err)
	}
	old, err := i.cloud.KMS(t).GetCryptoKeyVersion(t.Context(), &kmspb.GetCryptoKeyVersionRequest{Name: i.cloud.Key("access-tokens") + "/cryptoKeyVersions/1"})
	if err != nil || old.GetState() != kmspb.CryptoKeyVersion_DISABLED {
		t.Errorf("the retired version is %v, %v", old.GetState(), err)
	}
}

func TestARollThatBrokeOffIsRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	i.token(t, i.build(t))
	i.faults.Set(wire.Always(rpcPublic, wire.Fault{Before: context.DeadlineExceeded}))
	if _, err := i.signer.Roll(t.Context(), by("")); err == nil {
		t.Fatal("a key was published that nobody read")
	}
	i.faults.Set(wire.Nth(rpcCommit, 1, wire.Fault{After: wire.Unavailable()}))
	keys, err := i.signer.Roll(t.Context(), by(""))
	if err != nil || len(keys) != 2 || keys[1].Version != i.cloud.Key("access-tokens")+"/cryptoKeyVersions/2" {
		t.Errorf("repeated: %+v, %v", keys, err)
	}
	if age := keys.Age(w.clock.Now().Add(48 * time.Hour)); age != 48*time.Hour-token.PublishAhead {
		t.Errorf("two days later its age is %v", age)
	}
}

func TestACompromisedKeysTokensAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	h := i.build(t)
	stolen := i.token(t, h)
	if _, err := i.signer.Replace(t.Context(), by("")); err != nil {
		t.Fatal(err)
	}
	fresh := w.instance(t)
	if _, err := fresh.present(t, stolen); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the stolen key's token: %v", err)
	}
	if _, err := fresh.present(t, i.token(t, h)); err != nil {
		t.Errorf("the new key's token: %v", err)
	}
	if _, err := i.signer.Roll(t.Context(), by("")); err != nil {
		t.Errorf("the next roll: %v", err)
	}
	old, err := i.cloud.KMS(t).GetCryptoKeyVersion(t.Context(), &kmspb.GetCryptoKeyVersionRequest{Name: i.cloud.Key("access-tokens") + "/cryptoKeyVersions/1"})
	if err != nil || old.GetState() != kmspb.CryptoKeyVersion_DISABLED {
		t.Errorf("its version is %v, %v", old.GetState(), err)
	}
}

func TestAnAccessTokenOutlivesItsClientByItsOwnLifeAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, elsewhere := w.instance(t), w.instance(t)
	h := i.build(t)
	raw := i.token(t, h)
	if err := i.store.RemoveClient(t.Context(), by(h.tenant.ID), h.issued.Client.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.present(t, raw); err != nil {
		t.Errorf("within its life: %v", err)
	}
	w.clock.advance(10*time.Minute + token.Leeway)
	if _, err := elsewhere.present(t, raw); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("after its life: %v", err)
	}
	if _, err := elsewhere.present(t, h.issued.APIKey.Reveal()); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("its API key: %v", err)
	}
}

// keyOf reads the id of the key that signed a token.
func keyOf(t *testing.T, raw string) string {
	t.Helper()
	first, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	var head struct {
		Key string `json:"kid"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		t.Fatal(err)
	}
	return head.Key
}
