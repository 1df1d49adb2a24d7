package envelope_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/envelope"
)

var guestPlace = envelope.Binding{Tenant: "ten_a", Collection: "orders", Document: "ord_1", Field: "guest"}

var october = envelope.KeyID{Tenant: "ten_a", Month: "2026-10"}

func newDataKey(tb testing.TB) *envelope.DataKey {
	tb.Helper()
	key, err := envelope.NewDataKey(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func newTenantKey(tb testing.TB, id envelope.KeyID, earlier *envelope.TenantKey) *envelope.TenantKey {
	tb.Helper()
	key, err := envelope.NewTenantKey(id, earlier)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// kept returns the key as it comes back from its document.
func kept(tb testing.TB, key *envelope.TenantKey) *envelope.TenantKey {
	tb.Helper()
	keyset, err := key.Keyset()
	if err != nil {
		tb.Fatal(err)
	}
	index, err := key.SealedIndex()
	if err != nil {
		tb.Fatal(err)
	}
	again, err := envelope.OpenTenantKey(key.ID(), keyset, index)
	if err != nil {
		tb.Fatal(err)
	}
	return again
}

// sealer is one of the ways to seal and open bytes.
type sealer struct {
	seal func([]byte, envelope.Binding) ([]byte, error)
	open func([]byte, envelope.Binding) ([]byte, error)
}

// sealers gives every way to seal; all are held to the same promises.
func sealers(tb testing.TB) map[string]sealer {
	tb.Helper()
	data, tenant, originals := newDataKey(tb), newTenantKey(tb, october, nil), envelope.NewOriginals()
	return map[string]sealer{
		"a data key":   {data.Seal, data.Open},
		"a tenant key": {tenant.Seal, tenant.Open},
		"originals": {
			func(p []byte, b envelope.Binding) ([]byte, error) { return originals.Seal(data, p, b) },
			func(p []byte, b envelope.Binding) ([]byte, error) { return originals.Open(data, p, b) },
		},
		"a wrapped data key": {
			func(p []byte, b envelope.Binding) ([]byte, error) {
				secret := make([]byte, 32)
				copy(secret, p)
				key, err := envelope.NewDataKey(bytes.NewReader(secret))
				if err != nil {
					return nil, err
				}
				return tenant.Wrap(key, b)
			},
			func(p []byte, b envelope.Binding) ([]byte, error) {
				_, err := tenant.Unwrap(p, b)
				return nil, err
			},
		},
	}
}

func TestWhatWasSealedOpens(t *testing.T) {
	t.Parallel()
	for name, s := range sealers(t) {
		if name == "a wrapped data key" {
			continue // opens into a key, not into bytes: see TestWrappedKeysWorkLikeTheirOriginals
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				plaintext := rapid.SliceOf(rapid.Byte()).Draw(t, "plaintext")
				sealed, err := s.seal(plaintext, guestPlace)
				if err != nil {
					t.Fatal(err)
				}
				got, err := s.open(sealed, guestPlace)
				if err != nil || !bytes.Equal(got, plaintext) {
					t.Fatalf("opened %x (%v), want %x", got, err, plaintext)
				}
			})
		})
	}
}

func TestEveryFlippedBitAndEveryCutIsRefused(t *testing.T) {
	t.Parallel()
	for name, s := range sealers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sealed, err := s.seal([]byte("Astrid Lind"), guestPlace)
			if err != nil {
				t.Fatal(err)
			}
			for bit := range len(sealed) * 8 {
				changed := bytes.Clone(sealed)
				changed[bit/8] ^= 1 << (bit % 8)
				refused(t, s, changed, guestPlace)
			}
			for n := range sealed {
				refused(t, s, sealed[:n], guestPlace)
			}
			refused(t, s, append(bytes.Clone(sealed), 0), guestPlace)
			if _, err := s.open(sealed, guestPlace); err != nil {
				t.Errorf("the unchanged bytes do not open: %v", err)
			}
		})
	}
}

func refused(t *testing.T, s sealer, sealed []byte, b envelope.Binding) {
	t.Helper()
	got, err := s.open(sealed, b)
	if !errors.Is(err, envelope.ErrRefused) && !errors.Is(err, envelope.ErrDamaged) || got != nil {
		t.Errorf("open %d bytes at %+v = %q, %v; want a refusal", len(sealed), b, got, err)
	}
}

func TestEveryOtherPlaceIsRefused(t *testing.T) {
	t.Parallel()
	others := map[string]envelope.Binding{
		"another tenant":                 {Tenant: "ten_b", Collection: "orders", Document: "ord_1", Field: "guest"},
		"another collection":             {Tenant: "ten_a", Collection: "originals", Document: "ord_1", Field: "guest"},
		"another document":               {Tenant: "ten_a", Collection: "orders", Document: "ord_2", Field: "guest"},
		"another field":                  {Tenant: "ten_a", Collection: "orders", Document: "ord_1", Field: "note"},
		"a letter moved to the left":     {Tenant: "ten_a", Collection: "orderso", Document: "rd_1", Field: "guest"},
		"a letter moved to the right":    {Tenant: "ten_a", Collection: "order", Document: "sord_1", Field: "guest"},
		"no field":                       {Tenant: "ten_a", Collection: "orders", Document: "ord_1guest"},
		"nothing":                        {},
		"a letter moved into the tenant": {Tenant: "ten_ao", Collection: "rders", Document: "ord_1", Field: "guest"},
	}
	for name, s := range sealers(t) {
		sealed, err := s.seal([]byte("Astrid Lind"), guestPlace)
		if err != nil {
			t.Fatal(err)
		}
		for place, b := range others {
			t.Run(name+" at "+place, func(t *testing.T) {
				t.Parallel()
				refused(t, s, sealed, b)
			})
		}
	}
}

func TestPlacesNeverCollide(t *testing.T) {
	t.Parallel()
	key := newDataKey(t)
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringMatching(`[a-b]{1,3}`)
		draw := func(label string) envelope.Binding {
			return envelope.Binding{Tenant: part.Draw(t, label), Collection: part.Draw(t, label),
				Document: part.Draw(t, label), Field: part.Draw(t, label)}
		}
		one, other := draw("one"), draw("other")
		sealed, err := key.Seal(nil, one)
		if err != nil {
			t.Fatal(err)
		}
		_, err = key.Open(sealed, other)
		if (err == nil) != (one == other) {
			t.Fatalf("sealed for %+v, opened at %+v: %v", one, other, err)
		}
		if bytes.Equal(key.Digest(nil, one), key.Digest(nil, other)) != (one == other) {
			t.Fatalf("digests of %+v and %+v", one, other)
		}
	})
}

func TestAnUnboundSealIsRefused(t *testing.T) {
	t.Parallel()
	for name, s := range sealers(t) {
		for _, b := range []envelope.Binding{
			{},
			{Collection: "orders", Document: "ord_1", Field: "guest"},
			{Tenant: "ten_a", Document: "ord_1", Field: "guest"},
			{Tenant: "ten_a", Collection: "orders", Field: "guest"},
			{Tenant: "ten_a", Collection: "orders", Document: "ord_1"},
		} {
			if sealed, err := s.seal([]byte("x"), b); !errors.Is(err, envelope.ErrUnbound) {
				t.Errorf("%s sealed %x (%v) for %+v", name, sealed, err, b)
			}
		}
	}
}

func TestTheSameContentNeverLooksTheSame(t *testing.T) {
	t.Parallel()
	for name, s := range sealers(t) {
		one, err := s.seal([]byte("Astrid"), guestPlace)
		if err != nil {
			t.Fatal(err)
		}
		other, err := s.seal([]byte("Astrid"), guestPlace)
		if err != nil || bytes.Equal(one, other) {
			t.Errorf("%s sealed the same bytes twice (%v)", name, err)
		}
	}
}

func TestADigestTellsContentsApart(t *testing.T) {
	t.Parallel()
	key, other := newDataKey(t), newDataKey(t)
	digest := key.Digest([]byte("an order"), guestPlace)
	if len(digest) != 32 || !bytes.Equal(digest, key.Digest([]byte("an order"), guestPlace)) {
		t.Errorf("digest %x is not stable or has no 32 bytes", digest)
	}
	if bytes.Equal(digest, key.Digest([]byte("another order"), guestPlace)) {
		t.Error("another content has the same digest")
	}
	if bytes.Equal(digest, other.Digest([]byte("an order"), guestPlace)) {
		t.Error("another key gives the same digest")
	}
}

func TestWrappedKeysWorkLikeTheirOriginals(t *testing.T) {
	t.Parallel()
	tenant := newTenantKey(t, october, nil)
	key := newDataKey(t)
	sealed, err := key.Seal([]byte("Astrid"), guestPlace)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := tenant.Wrap(key, guestPlace)
	if err != nil {
		t.Fatal(err)
	}
	again, err := kept(t, tenant).Unwrap(wrapped, guestPlace)
	if err != nil {
		t.Fatal(err)
	}
	got, err := again.Open(sealed, guestPlace)
	if err != nil || string(got) != "Astrid" {
		t.Errorf("opened %q, %v", got, err)
	}
	if !bytes.Equal(key.Digest(nil, guestPlace), again.Digest(nil, guestPlace)) {
		t.Error("the unwrapped key gives other digests")
	}
}

func TestOnePurposeIsNeverTakenForAnother(t *testing.T) {
	t.Parallel()
	tenant := newTenantKey(t, october, nil)
	secret, err := tenant.Seal(make([]byte, 32), guestPlace)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tenant.Unwrap(secret, guestPlace); !errors.Is(err, envelope.ErrRefused) {
		t.Errorf("a secret was unwrapped as a data key: %v", err)
	}
	wrapped, err := tenant.Wrap(newDataKey(t), guestPlace)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tenant.Open(wrapped, guestPlace); !errors.Is(err, envelope.ErrRefused) {
		t.Errorf("a data key was opened as a secret: %v", err)
	}
	index, err := tenant.SealedIndex()
	if err != nil {
		t.Fatal(err)
	}
	place := envelope.Binding{Tenant: "ten_a", Collection: "tenantKeys", Document: october.String(), Field: "index"}
	if _, err := tenant.Open(index, place); !errors.Is(err, envelope.ErrRefused) {
		t.Errorf("the index key was opened as a secret: %v", err)
	}
}

func TestSealedBytesNameTheirTenantKey(t *testing.T) {
	t.Parallel()
	november := envelope.KeyIDAt("ten_a", time.Date(2026, 11, 30, 23, 30, 0, 0, time.FixedZone("", -3600)))
	key := newTenantKey(t, november, nil)
	sealed, err := key.Seal([]byte("hook secret"), guestPlace)
	if err != nil {
		t.Fatal(err)
	}
	id, err := envelope.SealedBy(sealed)
	if err != nil || id.String() != "ten_a_2026-12" {
		t.Errorf("SealedBy = %s, %v", id, err)
	}
	for _, damaged := range [][]byte{nil, {1}, {2, 0}, {1, 200, 'a'}, {1, 1, 'a'}, {1, 2, 'a', '_'}} {
		if _, err := envelope.SealedBy(damaged); !errors.Is(err, envelope.ErrDamaged) {
			t.Errorf("SealedBy(%x) = %v", damaged, err)
		}
	}
}

func TestATenantKeyServesItsTenantOnly(t *testing.T) {
	t.Parallel()
	key := newTenantKey(t, october, nil)
	if _, err := key.Seal([]byte("x"), envelope.Binding{Tenant: "ten_b", Collection: "c", Document: "d", Field: "f"}); !errors.Is(err, envelope.ErrUnbound) {
		t.Errorf("sealed for another tenant: %v", err)
	}
	if _, err := envelope.NewTenantKey(envelope.KeyID{Tenant: "ten_b", Month: "2026-10"}, key); err == nil {
		t.Error("another tenant's index key was copied")
	}
	keyset, err := key.Keyset()
	if err != nil {
		t.Fatal(err)
	}
	index, err := key.SealedIndex()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []envelope.KeyID{{Tenant: "ten_b", Month: "2026-10"}, {Tenant: "ten_a", Month: "2026-11"}} {
		if _, err := envelope.OpenTenantKey(id, keyset, index); !errors.Is(err, envelope.ErrRefused) {
			t.Errorf("%s opened as %s: %v", october, id, err)
		}
	}
}

func TestADamagedTenantKeyIsRefused(t *testing.T) {
	t.Parallel()
	key := newTenantKey(t, october, nil)
	keyset, err := key.Keyset()
	if err != nil {
		t.Fatal(err)
	}
	index, err := key.SealedIndex()
	if err != nil {
		t.Fatal(err)
	}
	other, err := newTenantKey(t, october, nil).SealedIndex()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ keyset, index []byte }{
		"no keyset":               {nil, index},
		"half a keyset":           {keyset[:len(keyset)/2], index},
		"no index key":            {keyset, nil},
		"another key's index key": {keyset, other},
	} {
		if _, err := envelope.OpenTenantKey(october, c.keyset, c.index); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestKeyIDs(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"ten_a_2026-10": true, "a_0001-01": true, "": false, "2026-10": false, "_2026-10": false, "ten_a_2026-13": false,
		"ten_a_2026-1": false, "ten_a_26-10": false, "ten/a_2026-10": false, "ten_a_2026-10x": false,
	} {
		id, err := envelope.ParseKeyID(text)
		if (err == nil) != ok || ok && id.String() != text {
			t.Errorf("ParseKeyID(%q) = %+v, %v", text, id, err)
		}
	}
}
