package ledgerdb_test

import (
	"fmt"
	"slices"
	"testing"

	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
)

// spreadOrders is a busy day of one chain: many links, and platforms' numbers that count up.
func spreadOrders() []string {
	ids := make([]string, 0, 60_000)
	for link := range 60 {
		for number := range 1_000 {
			ids = append(ids, order.ID("ten_chain", fmt.Sprintf("lnk_%03d", link), fmt.Sprintf("%d", 4_200_000+number)))
		}
	}
	return ids
}

// TestOrdersThatComeInARowAreSpreadOverAllRanges holds what takes load off single servers of the database: wherever it
// splits the orders into ranges, those of any moment fall into all of them alike.
func TestOrdersThatComeInARowAreSpreadOverAllRanges(t *testing.T) {
	t.Parallel()
	ids := spreadOrders()
	sorted := slices.Sorted(slices.Values(ids))
	const ranges = 64
	for from := 0; from < len(ids); from += 10_000 { // orders that come one after the other
		share := [ranges]int{}
		for _, id := range ids[from : from+10_000] {
			at, _ := slices.BinarySearch(sorted, id)
			share[at*ranges/len(sorted)]++
		}
		if most := slices.Max(share[:]); most > 10_000/ranges*3/2 {
			t.Errorf("of 10,000 orders from the %dth on, one range of %d takes %d", from, ranges, most)
		}
	}
}

// TestPartsOfQueuesAreAlike holds the same of the indexes that begin with the part.
func TestPartsOfQueuesAreAlike(t *testing.T) {
	t.Parallel()
	share := [16]int{}
	ids := spreadOrders()
	for _, id := range ids {
		share[ledgerdb.ShardOf(id)]++
	}
	even := len(ids) / len(share)
	if slices.Max(share[:]) > even*11/10 || slices.Min(share[:]) < even*9/10 {
		t.Errorf("the parts have %v documents, and %d each would be even", share, even)
	}
}
