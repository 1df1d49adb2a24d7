package envelopedb

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/envelope"
)

var noon = time.Date(2026, 10, 15, 12, 0, 0, 0, time.UTC)

// warm returns a keyring that holds the tenant's key of October, and no client to get another one with.
func warm(tb testing.TB, tenant string) *Keyring {
	tb.Helper()
	key, err := envelope.NewTenantKey(envelope.KeyIDAt(tenant, noon), nil)
	if err != nil {
		tb.Fatal(err)
	}
	k := New(Options{Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler)})
	k.cache.put(key.ID(), key, noon, noon.Add(time.Minute))
	return k
}

func TestAFlightThatComesLateFetchesNothing(t *testing.T) {
	t.Parallel()
	k := warm(t, "ten_a")
	key, err := k.renew(t.Context(), request{id: envelope.KeyIDAt("ten_a", noon), now: noon,
		fetch: func(context.Context, envelope.KeyID) (*envelope.TenantKey, error) {
			t.Error("fetched what another flight had just brought")
			return nil, ErrNoKey
		}})
	if err != nil || key == nil {
		t.Errorf("renewed with %v", err)
	}
}

func BenchmarkWarmKey(b *testing.B) {
	k := warm(b, "ten_a")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Current(b.Context(), "ten_a"); err != nil {
			b.Fatal(err)
		}
	}
}
