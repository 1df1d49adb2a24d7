package sealing_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// TestAnyCallMayFail seals two batches and disturbs one call: to the database, the keys or the buckets. The log must come
// out as if nothing had been.
func TestAnyCallMayFail(t *testing.T) {
	t.Parallel()
	alike := func(method string, call int) bool { return strings.HasSuffix(method, "RunQuery") && call%5 != 0 } // sixteen of them
	cloudtest.AnyCallMayFail(t, cloudtest.Stage{Fewest: 30, Pass: alike}, play)
}

func play(t *testing.T, d *cloudtest.Trouble) {
	t.Helper()
	w := newWorld(t)
	w.cloud.Faults.Set(d.Rule)
	w.wires.set(func(*http.Request) fault {
		before, after := d.Strikes()
		return fault{before: before, after: after}
	})
	for round := range 2 {
		w.create(fmt.Sprint("ep_", round), fmt.Sprint("ep_x", round))
		w.change("ep_0")
		d.Watch(true)
		_, err := w.seal.Run(d.Life())
		d.Watch(false)
		if d.Died(t.Context()) {
			w.seal = w.sealer()
			w.run()
		} else if err != nil {
			w.run()
		}
	}
	w.check(6)
	if found := w.log.findings(); len(found) > 0 {
		t.Errorf("found %v", found)
	}
}
