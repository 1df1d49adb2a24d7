package envelope_test

import (
	"strings"
	"testing"

	"ryggrad.internal/hub/shared/envelope"
)

// guestRecord is as large as a typical guest's: name, phone, address, note.
var guestRecord = []byte(strings.Repeat("Astrid Lind, Exempelgatan 1 ", 15)[:400])

func BenchmarkSeal(b *testing.B) {
	key := newDataKey(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := key.Seal(guestRecord, guestPlace); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	key := newDataKey(b)
	sealed, err := key.Seal(guestRecord, guestPlace)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := key.Open(sealed, guestPlace); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNewOrder is what intake does for each order: a key, a record, a digest, an index, and the key wrapped.
func BenchmarkNewOrder(b *testing.B) {
	tenant := newTenantKey(b, october, nil)
	contact := email(b, "astrid@example.com")
	b.ReportAllocs()
	for b.Loop() {
		key, err := envelope.NewDataKey(nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := key.Seal(guestRecord, guestPlace); err != nil {
			b.Fatal(err)
		}
		key.Digest(guestRecord, guestPlace)
		tenant.Index(contact)
		if _, err := tenant.Wrap(key, guestPlace); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadOrder is what a first read of an order's guest does: the key unwrapped, a record opened.
func BenchmarkReadOrder(b *testing.B) {
	tenant, key := newTenantKey(b, october, nil), newDataKey(b)
	wrapped, err := tenant.Wrap(key, guestPlace)
	if err != nil {
		b.Fatal(err)
	}
	sealed, err := key.Seal(guestRecord, guestPlace)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		again, err := tenant.Unwrap(wrapped, guestPlace)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := again.Open(sealed, guestPlace); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealOriginal(b *testing.B) {
	key, originals := newDataKey(b), envelope.NewOriginals()
	content := []byte(strings.Repeat(`{"plu":"P-1","name":"Margherita","quantity":1,"price":1290},`, 70))
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := originals.Seal(key, content, guestPlace); err != nil {
			b.Fatal(err)
		}
	}
}
