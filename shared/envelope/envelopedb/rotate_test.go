package envelopedb_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

func TestANextMonthsKeyIsMadeAheadOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	this := i.current(t, "ten_a")
	for try, want := range []bool{true, false} {
		if made, err := i.Prepare(t.Context(), "ten_a", w.clock.Now().AddDate(0, 1, 0)); err != nil || made != want {
			t.Fatalf("try %d: %t, %v", try, made, err)
		}
	}
	w.clock.Advance(20 * 24 * time.Hour)
	next := w.instance(t)
	key := next.current(t, "ten_a")
	if key.ID().Month != "2026-11" || next.calls.Count(rpcEncrypt) != 0 {
		t.Errorf("the month begins with %s and %d encryptions", key.ID(), next.calls.Count(rpcEncrypt))
	}
	if blind(t, this) != blind(t, key) {
		t.Error("guests are looked up otherwise")
	}
}

func TestAFirstKeyMadeAheadIsTheOneThatOthersFollow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	if made, err := i.Prepare(t.Context(), "ten_a", w.clock.Now().AddDate(0, 1, 0)); err != nil || !made {
		t.Fatalf("%t, %v", made, err)
	}
	this := i.current(t, "ten_a")
	next, err := i.Load(t.Context(), "ten_a", envelope.KeyID{Tenant: "ten_a", Month: "2026-11"})
	if err != nil || blind(t, this) != blind(t, next) {
		t.Errorf("the keys look guests up otherwise, %v", err)
	}
}

// roll makes a new version of the KMS key the primary one.
func (w *world) roll(t *testing.T, i *instance) envelopedb.Version {
	t.Helper()
	key := w.cfg.KeyName("tenant-keys")
	made, err := i.kms.CreateCryptoKeyVersion(t.Context(), &kmspb.CreateCryptoKeyVersionRequest{Parent: key})
	if err != nil {
		t.Fatal(err)
	}
	number := strconv.FormatInt(envelopedb.Number(made.GetName()), 10)
	if _, err := i.kms.UpdateCryptoKeyPrimaryVersion(t.Context(), &kmspb.UpdateCryptoKeyPrimaryVersionRequest{Name: key, CryptoKeyVersionId: number}); err != nil {
		t.Fatal(err)
	}
	return i.primary(t)
}

func (i *instance) primary(t *testing.T) envelopedb.Version {
	t.Helper()
	v, err := i.Primary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// rewrap goes over all keys, limit at a time.
func (i *instance) rewrap(t *testing.T, v envelopedb.Version, limit int) (p envelopedb.Progress) {
	t.Helper()
	for !p.Done {
		var err error
		if p, err = i.Rewrap(t.Context(), v, p, limit); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestKeysAreRewrappedUnderThePrimaryVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	tenants := []string{"ten_a", "ten_b", "ten_c", "ten_d", "ten_e"}
	kept := map[string][]byte{}
	for _, tenant := range tenants {
		kept[tenant] = sealed(t, i.current(t, tenant), "a secret of "+tenant)
	}
	second := w.roll(t, i)
	if envelopedb.Number(second.Name) != 2 || second.MadeAt.IsZero() {
		t.Fatalf("the primary version is %+v", second)
	}
	want := envelopedb.Progress{Seen: 5, Rewrapped: 5, Lowest: 2, After: "ten_e_2026-10", Done: true}
	if got := i.rewrap(t, second, 2); got != want {
		t.Errorf("rewrapped %+v", got)
	}
	want.Rewrapped = 0
	if got := i.rewrap(t, second, 100); got != want {
		t.Errorf("again %+v", got)
	}
	destroy(t, i, w.cfg.KeyName("tenant-keys")+"/cryptoKeyVersions/1")
	fresh := w.instance(t)
	for tenant, secret := range kept {
		if plain, err := fresh.Open(t.Context(), secret, place(tenant)); err != nil || string(plain) != "a secret of "+tenant {
			t.Errorf("without the old version: %q, %v", plain, err)
		}
	}
}

func destroy(t *testing.T, i *instance, version string) {
	t.Helper()
	if _, err := i.kms.DestroyCryptoKeyVersion(t.Context(), &kmspb.DestroyCryptoKeyVersionRequest{Name: version}); err != nil {
		t.Fatal(err)
	}
}

func TestWhatADestroyedVersionTakesAlongIsToldLoudly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	lost := i.current(t, "ten_a").ID()
	second := w.roll(t, i)
	destroy(t, i, w.cfg.KeyName("tenant-keys")+"/cryptoKeyVersions/1")
	i.current(t, "ten_b") // other tenants go on
	w.clock.Advance(envelopedb.ServeAtMost)
	p := i.rewrap(t, second, 10)
	if p.Failed != 1 || p.Seen != 2 || p.Lowest != 1 {
		t.Errorf("rewrapped %+v", p)
	}
	if log := i.log.String(); !strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, lost.String()) {
		t.Errorf("the log says %s", log)
	}
	if _, err := i.Load(t.Context(), "ten_a", lost); !errors.Is(err, envelopedb.ErrKeyUnusable) {
		t.Errorf("the key loads: %v", err)
	}
	if _, err := i.Load(t.Context(), "ten_b", envelope.KeyID{Tenant: "ten_b", Month: lost.Month}); err != nil {
		t.Errorf("another tenant's key does not load: %v", err)
	}
}

func TestAKeyThatDoesNotOpenStaysAsItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	i.current(t, "ten_a")
	other := i.current(t, "ten_b")
	index, err := other.SealedIndex()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.document("ten_a_2026-10").Set(t.Context(), map[string]any{
		"tenant": "ten_a", "month": "2026-10", "wrapped": []byte("damaged"), "index": index, "kmsVersion": "old",
	}); err != nil {
		t.Fatal(err)
	}
	if p := i.rewrap(t, i.primary(t), 10); p.Failed != 1 || p.Rewrapped != 0 {
		t.Errorf("rewrapped %+v", p)
	}
	snapshot, err := i.document("ten_a_2026-10").Get(t.Context())
	if err != nil || string(snapshot.Data()["wrapped"].([]byte)) != "damaged" {
		t.Errorf("it is %v, %v", snapshot.Data(), err)
	}
}

func TestARewrapThatMeetsAnotherIsDoneOnce(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]wire.Rule{
		"the answer was lost":    wire.Nth(rpcCommit, 1, wire.Fault{After: wire.Unavailable()}), // and the client repeats it
		"it was there before":    nil,
		"the answer never comes": wire.Nth(rpcCommit, 1, wire.Fault{After: status.Error(codes.Internal, "lost")}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			i := w.instance(t)
			kept := sealed(t, i.current(t, "ten_a"), "kept")
			second := w.roll(t, i)
			i.faults.Set(rule)
			p, err := i.Rewrap(t.Context(), second, envelopedb.Progress{}, 10)
			if fault.Is(err, fault.Unavailable) { // Pub/Sub sends it again
				p, err = i.Rewrap(t.Context(), second, envelopedb.Progress{}, 10)
			}
			if err != nil || p.Lowest != 2 || p.Failed != 0 {
				t.Fatalf("%+v, %v", p, err)
			}
			if plain, err := w.instance(t).Open(t.Context(), kept, place("ten_a")); err != nil || string(plain) != "kept" {
				t.Errorf("it opens as %q, %v", plain, err)
			}
		})
	}
}

func TestAnOutageStopsARewrapWhereItIs(t *testing.T) {
	t.Parallel()
	for name, rpc := range map[string]string{"KMS cannot decrypt": rpcDecrypt, "KMS cannot encrypt": rpcEncrypt, "Firestore cannot write": rpcCommit} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			i := w.instance(t)
			i.current(t, "ten_a")
			second := w.roll(t, i)
			i.faults.Set(outage(rpc))
			if p, err := i.Rewrap(t.Context(), second, envelopedb.Progress{}, 10); !fault.Is(err, fault.Unavailable) || p.After != "" {
				t.Errorf("%+v, %v", p, err)
			}
			i.faults.Set(nil)
			if p := i.rewrap(t, second, 10); p.Rewrapped != 1 {
				t.Errorf("then %+v", p)
			}
		})
	}
}
