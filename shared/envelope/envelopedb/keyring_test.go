package envelopedb_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

func TestAColdKeyCostsOneCallOfKMSAndAWarmOneNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.instance(t).current(t, "ten_a")

	i := w.instance(t)
	if !same(t, first, i.current(t, "ten_a")) {
		t.Error("another instance got another key")
	}
	if diff := cmp.Diff(map[string]int{rpcGet: 1, rpcDecrypt: 1}, i.calls.Snapshot()); diff != "" {
		t.Errorf("calls when cold (-want +got):\n%s", diff)
	}
	i.calls.Reset()
	for range 100 {
		i.current(t, "ten_a")
		if _, err := i.Load(t.Context(), "ten_a", first.ID()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string]int{}, i.calls.Snapshot()); diff != "" {
		t.Errorf("calls when warm (-want +got):\n%s", diff)
	}
}

func TestManyTenantsCostOneCallOfKMSEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const tenants, orders = 100, 10_000
	creator, i := w.instance(t), w.instance(t)
	for n := range tenants {
		creator.current(t, fmt.Sprintf("ten_%d", n))
	}
	for _, round := range []struct {
		name  string
		calls int
	}{{"cold", tenants}, {"warm", 0}} {
		i.calls.Reset()
		var all sync.WaitGroup
		for n := range orders {
			all.Go(func() {
				if _, err := i.Current(t.Context(), fmt.Sprintf("ten_%d", n%tenants)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := i.calls.Count(rpcDecrypt); got != round.calls || i.calls.Count(rpcEncrypt) != 0 {
			t.Errorf("%s, %d orders of %d tenants cost %d decryptions", round.name, orders, tenants, got)
		}
	}
}

func TestTheDocumentIsWhatItSays(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	i.current(t, "ten_a")
	snapshot, err := i.document("ten_a_2026-10").Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fields := snapshot.Data()
	for _, name := range []string{"wrapped", "index"} {
		if content, ok := fields[name].([]byte); !ok || len(content) < 50 {
			t.Errorf("%s is %T of %d bytes", name, fields[name], len(content))
		}
		delete(fields, name)
	}
	for _, name := range []string{"createdAt", "updatedAt"} {
		if at, ok := fields[name].(time.Time); !ok || at.IsZero() {
			t.Errorf("%s is %v", name, fields[name])
		}
		delete(fields, name)
	}
	version, _ := fields["kmsVersion"].(string)
	delete(fields, "kmsVersion")
	if want := "/cryptoKeys/tenant-keys/cryptoKeyVersions/1"; len(version) < len(want) || version[len(version)-len(want):] != want {
		t.Errorf("kmsVersion is %q", version)
	}
	if diff := cmp.Diff(map[string]any{"tenant": "ten_a", "month": "2026-10"}, fields); diff != "" {
		t.Errorf("the other fields (-want +got):\n%s", diff)
	}
}

func TestManyCreatorsGetOneKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keys := make(chan *envelope.TenantKey, 64)
	var creators sync.WaitGroup
	for range 8 {
		i := w.instance(t)
		for range 8 {
			creators.Go(func() {
				key, err := i.Current(t.Context(), "ten_a")
				if err != nil {
					t.Errorf("create: %v", err)
					return
				}
				keys <- key
			})
		}
	}
	creators.Wait()
	close(keys)
	first := <-keys
	for key := range keys {
		if !same(t, first, key) {
			t.Fatal("two creators hold different keys")
		}
	}
}

func TestTwoFirstMonthsAtOnceShareTheBlindIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	november := &world{cfg: w.cfg, clock: &clock{now: w.clock.Now().AddDate(0, 1, 0)}}
	indexes := make(chan string, 4)
	var creators sync.WaitGroup
	for n := range 4 {
		i := w.instance(t)
		if n%2 == 0 {
			i = november.instance(t)
		}
		creators.Go(func() {
			key, err := i.Current(t.Context(), "ten_a")
			if err != nil {
				t.Errorf("create: %v", err)
				return
			}
			indexes <- blind(t, key)
		})
	}
	creators.Wait()
	close(indexes)
	first := <-indexes
	for index := range indexes {
		if index != first {
			t.Fatal("a guest of October is not found in November")
		}
	}
}

func TestANewMonthBringsANewKeyAndKeepsTheBlindIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	october := i.current(t, "ten_a")
	secret := sealed(t, october, "a secret of October")

	w.clock.Advance(31 * 24 * time.Hour)
	november := w.instance(t).current(t, "ten_a")
	if november.ID().String() != "ten_a_2026-11" || same(t, october, november) {
		t.Errorf("the key of November is %s", november.ID())
	}
	if blind(t, october) != blind(t, november) {
		t.Error("a guest of October is not found in November")
	}
	got, err := i.Open(t.Context(), secret, place("ten_a"))
	if err != nil || string(got) != "a secret of October" {
		t.Errorf("October's secret opened as %q, %v", got, err)
	}
}

func TestAMonthMadeAheadLendsItsBlindIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ahead := &world{cfg: w.cfg, clock: &clock{now: w.clock.Now().AddDate(0, 1, 0)}}
	november := ahead.instance(t).current(t, "ten_a")
	if blind(t, november) != blind(t, w.instance(t).current(t, "ten_a")) {
		t.Error("a guest of October is not found in November")
	}
}

func TestDataKeysAreFoundByWhatWrappedThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.instance(t).current(t, "ten_a")
	data, err := envelope.NewDataKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := key.Wrap(data, place("ten_a"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.instance(t).Unwrap(t.Context(), wrapped, place("ten_a"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(data.Digest(nil, place("ten_a")), again.Digest(nil, place("ten_a"))); diff != "" {
		t.Error("the unwrapped key is another one")
	}
	if _, err := w.instance(t).Unwrap(t.Context(), wrapped[:1], place("ten_a")); !errors.Is(err, envelope.ErrDamaged) {
		t.Errorf("damaged bytes were unwrapped: %v", err)
	}
}

func TestAnotherTenantsKeyIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	key := i.current(t, "ten_a")
	secret := sealed(t, key, "a secret")
	i.calls.Reset()
	if _, err := i.Load(t.Context(), "ten_b", key.ID()); !errors.Is(err, envelope.ErrRefused) {
		t.Errorf("ten_b loaded ten_a's key: %v", err)
	}
	if _, err := i.Open(t.Context(), secret, place("ten_b")); !errors.Is(err, envelope.ErrRefused) {
		t.Errorf("ten_b opened ten_a's secret: %v", err)
	}
	for _, tenant := range []string{"", "ten/a"} {
		if _, err := i.Current(t.Context(), tenant); err == nil {
			t.Errorf("tenant %q got a key", tenant)
		}
	}
	if diff := cmp.Diff(map[string]int{}, i.calls.Snapshot()); diff != "" {
		t.Errorf("a refusal made calls (-want +got):\n%s", diff)
	}
}

func TestALoadOutlivesTheCallerWhoBeganIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.instance(t).current(t, "ten_a")
	i := w.instance(t)
	gate := wire.NewGate()
	i.faults.Set(wire.Always(rpcDecrypt, wire.Fault{Linger: gate}))

	ctx, leave := cancellable(t)
	left := make(chan error)
	go func() {
		_, err := i.Current(ctx, "ten_a")
		left <- err
	}()
	<-gate.Reached()
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller who left got %v", err)
	}
	gate.Open()
	i.current(t, "ten_a")
	if got := i.calls.Count(rpcDecrypt); got != 1 {
		t.Errorf("KMS was called %d times", got)
	}
}
