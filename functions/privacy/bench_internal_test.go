package privacy

import (
	"context"
	"fmt"
	"io"
	"testing"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/privacy"
	"ryggrad.internal/hub/shared/privacy/privacydb"
)

// guestWithMany is a guest with a thousand orders.
func guestWithMany(b *testing.B) *world {
	b.Helper()
	w := newWorld(b)
	group, _ := errgroup.WithContext(b.Context())
	group.SetLimit(16)
	for n := range 1000 {
		group.Go(func() error { w.place(tenantA, fmt.Sprintf("A-%d", n), customer()); return nil })
	}
	w.must(group.Wait())
	return w
}

// BenchmarkExport exports a guest with 1,000 orders, from the question to the last byte: the search, the job, the sealed
// parts, and reading them. The store runs in the same process.
func BenchmarkExport(b *testing.B) {
	w := guestWithMany(b)
	sought, err := privacy.Subject{Phone: guestPhone, Email: guestEmail}.Seek()
	w.must(err)
	act := ledgerdb.Act{Tenant: tenantA, Actor: identity.Actor{Kind: identity.KindUser, ID: "usr_1"}, Action: privacydb.ActionExport}
	b.ReportAllocs()
	for b.Loop() {
		found, err := w.store.Find(b.Context(), tenantA, sought)
		w.must(err)
		job, err := w.store.Ask(b.Context(), act, privacy.Export, found)
		w.must(err)
		w.must(w.carryOut(b.Context(), job.ID))
		out, err := w.store.TakeOut(b.Context(), act, job.ID)
		w.must(err)
		n, err := out.WriteLines(b.Context(), io.Discard)
		w.must(err)
		if len(job.Orders) != 1000 || n != out.Job.Manifest.Bytes {
			b.Fatalf("%d orders, %d bytes of %d", len(job.Orders), n, out.Job.Manifest.Bytes)
		}
		b.ReportMetric(float64(n), "bytes/op")
	}
}

// BenchmarkErase erases a guest with 1,000 orders.
func BenchmarkErase(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w := guestWithMany(b)
		sought, err := privacy.Subject{Phone: guestPhone, Email: guestEmail}.Seek()
		w.must(err)
		b.StartTimer()
		found, err := w.store.Find(b.Context(), tenantA, sought)
		w.must(err)
		job, err := w.store.Ask(b.Context(), ledgerdb.Act{Tenant: tenantA, Actor: identity.Actor{Kind: identity.KindUser, ID: "usr_1"}, Action: privacydb.ActionErase}, privacy.Erase, found)
		w.must(err)
		w.must(w.carryOut(b.Context(), job.ID))
	}
}

func (w *world) carryOut(ctx context.Context, job string) error {
	return w.clerk.work(ctx, event.Message{Data: fmt.Appendf(nil, `{"tenant":%q,"event":%q}`, tenantA, job)})
}
