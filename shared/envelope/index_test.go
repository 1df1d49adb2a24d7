package envelope_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/envelope"
)

func email(tb testing.TB, address string) envelope.Contact {
	tb.Helper()
	c, ok := envelope.Email(address)
	if !ok {
		tb.Fatalf("%q is no address", address)
	}
	return c
}

const phoneNumber = "+46701234567"

func phone(tb testing.TB, number string) envelope.Contact {
	tb.Helper()
	c, ok := envelope.Phone(number, "SE")
	if !ok {
		tb.Fatalf("%q is no number", number)
	}
	return c
}

func TestANumberHasOneIndexHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	key := newTenantKey(t, october, nil)
	want := key.Index(phone(t, phoneNumber))
	for _, written := range []string{"070-123 45 67", "0046 70 1234567", "+46 (0)70 123 45 67"} {
		if got := key.Index(phone(t, written)); !bytes.Equal(got, want) {
			t.Errorf("%q has the index %x, want %x", written, got, want)
		}
	}
	if bytes.Equal(key.Index(phone(t, "070-123 45 68")), want) {
		t.Error("another number has the same index")
	}
	if c, ok := envelope.Phone("12", "SE"); ok || key.Index(c) != nil {
		t.Error("what is no number has an index")
	}
}

func TestAGuestIsFoundAgainInEveryMonth(t *testing.T) {
	t.Parallel()
	first := newTenantKey(t, october, nil)
	later := kept(t, newTenantKey(t, envelope.KeyID{Tenant: "ten_a", Month: "2026-11"}, kept(t, first)))
	other := newTenantKey(t, envelope.KeyID{Tenant: "ten_b", Month: "2026-10"}, nil)

	index := first.Index(email(t, "Astrid@Example.com"))
	if len(index) != 16 || !bytes.Equal(index, later.Index(email(t, "astrid@example.com"))) {
		t.Errorf("index %x has no 16 bytes or changed with the month", index)
	}
	if bytes.Equal(index, first.Index(email(t, "astrid@example.org"))) {
		t.Error("another guest has the same index")
	}
	if bytes.Equal(index, other.Index(email(t, "astrid@example.com"))) {
		t.Error("another tenant has the same index")
	}
	if first.Index(envelope.Contact{}) != nil {
		t.Error("no contact has an index")
	}
}

func TestEmail(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		" Astrid.Lind+mat@Example.COM ":        "astrid.lind+mat@example.com",
		"ａｓｔｒｉｄ＠ｅｘａｍｐｌｅ．ｃｏｍ":                   "astrid@example.com",
		"Åsa@exempel.se":                       "åsa@exempel.se",
		"ᴬstrid@example.com":                   "astrid@example.com",
		"A\u030asa@exempel.se":                 "åsa@exempel.se",
		"\u2068astrid\u200b@example.com\u2069": "astrid@example.com",
		"":                                     "",
		"astrid":                               "",
		"@example.com":                         "",
		"astrid@":                              "",
		"a@b@c":                                "",
		"astrid lind@example.com":              "",
		"astrid\x00@example.com":               "",
		"astrid\xff@example.com":               "",
		string(bytes.Repeat([]byte("a"), 250)) + "@b.se": "",
	} {
		c, ok := envelope.Email(address)
		if ok != (want != "") || c.Value() != want {
			t.Errorf("Email(%q) = %q, %t; want %q", address, c.Value(), ok, want)
		}
	}
}

func TestNormalisingAnAddressTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		once, ok := envelope.Email(rapid.String().Draw(t, "local") + "@" + rapid.String().Draw(t, "domain"))
		if !ok {
			return
		}
		twice, ok := envelope.Email(once.Value())
		if !ok || twice.Value() != once.Value() {
			t.Fatalf("%q became %q, %t", once.Value(), twice.Value(), ok)
		}
	})
}
