package envelopedb_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

// outage is a failure that no client repeats by itself, so that a test need not wait for its patience to end.
func outage(method string) wire.Rule {
	return wire.Always(method, wire.Fault{Before: status.Error(codes.Unknown, "injected")})
}

func TestACachedKeyOutlivesAnOutageForAnHour(t *testing.T) {
	t.Parallel()
	for name, rpc := range map[string]string{"of KMS": rpcDecrypt, "of Firestore": rpcGet} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			i := w.instance(t)
			key := i.current(t, "ten_a")
			i.faults.Set(outage(rpc))
			w.clock.Advance(envelopedb.ServeAtMost - time.Second)
			if !same(t, key, i.current(t, "ten_a")) {
				t.Error("another key is served")
			}
			if !strings.Contains(i.log.String(), `"level":"WARN"`) || strings.Contains(i.log.String(), "ERROR") {
				t.Errorf("the log says %s", i.log.String())
			}
			w.clock.Advance(time.Second)
			if _, err := i.Current(t.Context(), "ten_a"); !fault.Is(err, fault.Unavailable) {
				t.Errorf("after an hour: %v", err)
			}
			i.faults.Set(nil)
			if !same(t, key, i.current(t, "ten_a")) {
				t.Error("another key is served after the outage")
			}
		})
	}
}

func TestACallerWhoseTimeEndsMayComeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	slow := wire.NewGate()
	i.faults.Set(wire.Always(rpcGet, wire.Fault{Hold: slow}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-slow.Reached()
		cancel()
	}()
	if _, err := i.Current(ctx, "ten_a"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	slow.Open()
	i.current(t, "ten_a")
}

func TestAnOutageIsNotProbedByEveryOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	i.current(t, "ten_a")
	i.faults.Set(outage(rpcDecrypt))
	w.clock.Advance(envelopedb.RefreshAfter)
	i.calls.Reset()
	for range 50 {
		i.current(t, "ten_a")
	}
	if got := i.calls.Count(rpcGet); got != 1 {
		t.Errorf("50 orders began %d attempts", got)
	}
	w.clock.Advance(30 * time.Second)
	i.faults.Set(nil)
	i.current(t, "ten_a")
	if got := i.calls.Count(rpcDecrypt); got != 1 {
		t.Errorf("half a minute later KMS was asked %d times", got)
	}
}

func TestAKeyIsReadAgainInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	i.current(t, "ten_a")
	i.calls.Reset()
	w.clock.Advance(12*time.Minute - time.Second)
	i.current(t, "ten_a")
	if got := i.calls.Count(rpcDecrypt); got != 0 {
		t.Errorf("within 12 minutes KMS was asked %d times", got)
	}
	w.clock.Advance(3*time.Minute + time.Second)
	i.current(t, "ten_a")
	i.current(t, "ten_a")
	if got := i.calls.Count(rpcDecrypt); got != 1 {
		t.Errorf("after 15 minutes KMS was asked %d times", got)
	}
}

func TestAColdKeyWaitsForTheOutageToEnd(t *testing.T) {
	t.Parallel()
	for name, rpc := range map[string]string{
		"KMS cannot encrypt": rpcEncrypt, "Firestore cannot read": rpcGet, "Firestore cannot write": rpcCommit,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newWorld(t).instance(t)
			i.faults.Set(outage(rpc))
			if _, err := i.Current(t.Context(), "ten_a"); !fault.Is(err, fault.Unavailable) {
				t.Errorf("during the outage: %v", err)
			}
			i.faults.Set(nil)
			i.current(t, "ten_a")
		})
	}
}

func TestAnAnswerThatWasLostCreatesOneKey(t *testing.T) {
	t.Parallel()
	for name, months := range map[string]int{"of a first key": 0, "of a later key": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			i := w.instance(t)
			for range months {
				i.current(t, "ten_a")
				w.clock.Advance(31 * 24 * time.Hour)
			}
			lost := status.Error(codes.Internal, "the answer was lost")
			i.faults.Set(wire.Nth(rpcCommit, 1, wire.Fault{After: lost}))
			if !same(t, i.current(t, "ten_a"), w.instance(t).current(t, "ten_a")) {
				t.Error("the creator holds a key that is not the stored one")
			}
		})
	}
}

func TestADisabledKeyVersionStopsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	key := i.current(t, "ten_a")
	version := w.cfg.KeyName("tenant-keys") + "/cryptoKeyVersions/1"
	setState(t, i, version, kmspb.CryptoKeyVersion_DISABLED)

	_, cold := w.instance(t).Current(t.Context(), "ten_a")
	w.clock.Advance(envelopedb.RefreshAfter)
	_, warm := i.Current(t.Context(), "ten_a")
	_, again := i.Current(t.Context(), "ten_a")
	_, create := i.Current(t.Context(), "ten_b")
	for name, err := range map[string]error{"cold": cold, "warm": warm, "again": again, "a new key": create} {
		if !errors.Is(err, envelopedb.ErrKeyUnusable) || fault.KindOf(err) != fault.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	i.faults.Set(outage(rpcDecrypt))
	if _, err := i.Current(t.Context(), "ten_a"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a key that was refused serves again during an outage: %v", err)
	}
	i.faults.Set(nil)
	setState(t, i, version, kmspb.CryptoKeyVersion_ENABLED)
	if !same(t, key, i.current(t, "ten_a")) {
		t.Error("another key is served")
	}
}

func setState(t *testing.T, i *instance, version string, state kmspb.CryptoKeyVersion_CryptoKeyVersionState) {
	t.Helper()
	_, err := i.kms.UpdateCryptoKeyVersion(t.Context(), &kmspb.UpdateCryptoKeyVersionRequest{
		CryptoKeyVersion: &kmspb.CryptoKeyVersion{Name: version, State: state},
		UpdateMask:       &fieldmaskpb.FieldMask{Paths: []string{"state"}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestADestroyedKeyVersionIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	i.current(t, "ten_a")
	version := w.cfg.KeyName("tenant-keys") + "/cryptoKeyVersions/1"
	if _, err := i.kms.DestroyCryptoKeyVersion(t.Context(), &kmspb.DestroyCryptoKeyVersionRequest{Name: version}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.instance(t).Current(t.Context(), "ten_a"); !errors.Is(err, envelopedb.ErrKeyUnusable) {
		t.Errorf("a destroyed version: %v", err)
	}
}

func TestAKeyOutlivesTheRotationOfItsKMSKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	key := i.current(t, "ten_a")
	name := w.cfg.KeyName("tenant-keys")
	created, err := i.kms.CreateCryptoKeyVersion(t.Context(), &kmspb.CreateCryptoKeyVersionRequest{
		Parent: name, CryptoKeyVersion: &kmspb.CryptoKeyVersion{},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.kms.UpdateCryptoKeyPrimaryVersion(t.Context(), &kmspb.UpdateCryptoKeyPrimaryVersionRequest{
		Name: name, CryptoKeyVersionId: created.GetName()[strings.LastIndexByte(created.GetName(), '/')+1:],
	}); err != nil {
		t.Fatal(err)
	}
	if !same(t, key, w.instance(t).current(t, "ten_a")) {
		t.Error("another key is served")
	}
}

func TestADamagedDocumentIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	other := i.current(t, "ten_b")
	otherIndex, err := other.SealedIndex()
	if err != nil {
		t.Fatal(err)
	}
	otherDocument, err := i.document("ten_b_2026-10").Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]map[string]any{
		"no keyset":                       {"wrapped": firestore.Delete},
		"a keyset of another type":        {"wrapped": "text"},
		"a keyset that KMS never made":    {"wrapped": []byte("not a ciphertext of KMS")},
		"another tenant's keyset":         {"wrapped": otherDocument.Data()["wrapped"]},
		"another tenant's index key":      {"index": otherIndex},
		"another tenant's whole document": {"wrapped": otherDocument.Data()["wrapped"], "index": otherIndex},
		"no index key":                    {"index": firestore.Delete},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := "ten_" + strings.ReplaceAll(name, " ", "-")
			i := w.instance(t)
			i.current(t, tenant)
			if _, err := i.document(tenant+"_2026-10").Set(t.Context(), change, firestore.MergeAll); err != nil {
				t.Fatal(err)
			}
			if _, err := w.instance(t).Current(t.Context(), tenant); !errors.Is(err, envelopedb.ErrCorrupt) {
				t.Errorf("loaded with %v", err)
			}
		})
	}
}

func TestAKeyThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	id := envelope.KeyID{Tenant: "ten_a", Month: "2026-01"}
	if _, err := i.Load(t.Context(), "ten_a", id); !errors.Is(err, envelopedb.ErrNoKey) {
		t.Errorf("loaded with %v", err)
	}
	if got := i.calls.Count(rpcCommit); got != 0 {
		t.Error("a key was created")
	}
}

// tampered changes the first n answers of KMS on their way.
func tampered(n int) grpc.DialOption {
	return grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn,
		next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if err := next(ctx, method, request, reply, cc, opts...); err != nil || n == 0 {
			return err
		}
		switch answer := reply.(type) {
		case *kmspb.DecryptResponse:
			answer.Plaintext[0] ^= 1
			n--
		case *kmspb.EncryptResponse:
			answer.VerifiedPlaintextCrc32C = false
			n--
		}
		return nil
	})
}

func TestBytesThatChangedOnTheWayAreFetchedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tampered int
		ok       bool
	}{"once": {1, true}, "twice": {2, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			creator := w.instance(t, tampered(c.tampered))
			_, err := creator.Current(t.Context(), "ten_a")
			checkTampered(t, "create", creator, rpcEncrypt, c.ok, err)

			key := w.instance(t).current(t, "ten_a")
			loader := w.instance(t, tampered(c.tampered))
			got, err := loader.Current(t.Context(), "ten_a")
			checkTampered(t, "load", loader, rpcDecrypt, c.ok, err)
			if c.ok && !same(t, key, got) {
				t.Error("another key is served")
			}
		})
	}
}

func checkTampered(t *testing.T, act string, i *instance, rpc string, ok bool, err error) {
	t.Helper()
	if (err == nil) != ok || !ok && !fault.Is(err, fault.Unavailable) {
		t.Errorf("%s: %v", act, err)
	}
	if got := i.calls.Count(rpc); got != 2 {
		t.Errorf("%s: KMS was called %d times", act, got)
	}
}
