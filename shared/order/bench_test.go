package order_test

import (
	"testing"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/order"
)

// BenchmarkIntake does what taking in an order does in this package: check, warn, look for cards, split, spell, store.
func BenchmarkIntake(b *testing.B) {
	o := sample()
	for range 9 {
		o.Items = append(o.Items, o.Items[0])
	}
	b.ReportAllocs()
	for b.Loop() {
		if len(o.Check()) > 0 || len(o.CardNumbers()) > 0 {
			b.Fatal("the sample is refused")
		}
		o.Warnings()
		face, guest := o.Split()
		if _, err := o.Canonical(); err != nil {
			b.Fatal(err)
		}
		if _, err := json.Marshal(guest); err != nil {
			b.Fatal(err)
		}
		record := order.Receive(order.Origin{Tenant: "ten", Link: "lnk", Identity: []string{o.ChannelOrderID}}, face, noon, "client")
		record.Document()
	}
}
