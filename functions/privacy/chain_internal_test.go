package privacy

import (
	"math/rand/v2"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"ryggrad.internal/hub/shared/ledger"
)

type pubsubMessage = *pubsubpb.PubsubMessage

// noise returns text that does not compress much.
func noise(size int) string {
	random := rand.New(rand.NewPCG(1, uint64(size)))
	text := make([]byte, size)
	for i := range text {
		text[i] = byte('!' + random.IntN(90))
	}
	return string(text)
}

// chainHolds checks an object's chain of entries, and that its document is what the newest says.
func (w *world) chainHolds(object string, length int) {
	w.t.Helper()
	found, err := w.db.Collection("audit").Documents(w.t.Context()).GetAll()
	w.must(err)
	entries, hashes := make([]ledger.Entry, length+1), make([]ledger.Hash, length+1)
	n := 0
	for _, snap := range found {
		if snap.Data()["object"] != object {
			continue
		}
		n++
		raw, _ := snap.Data()["bytes"].([]byte)
		e, err := ledger.Parse(raw)
		w.must(err)
		if int(e.Revision) > length {
			w.t.Fatalf("%s has a revision %d", object, e.Revision)
		}
		entries[e.Revision], hashes[e.Revision] = e, ledger.HashEntry(raw)
	}
	if n != length {
		w.t.Fatalf("%s has %d entries, want %d", object, n, length)
	}
	for i := 1; i <= length; i++ {
		if entries[i].Previous != hashes[i-1] {
			w.t.Errorf("the chain of %s breaks at %d", object, i)
		}
	}
	snap, err := w.db.Doc(object).Get(w.t.Context())
	w.must(err)
	after, err := ledger.HashDocument(snap.Data())
	w.must(err)
	if after != entries[length].After || snap.Data()["entry"] != hashes[length].String() {
		w.t.Errorf("%s is not what its newest entry says", object)
	}
}
