package order_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/order"
)

func TestTheIDOfAnOrderNeverChanges(t *testing.T) {
	t.Parallel()
	// Worked out by another program from the words of ID's comment.
	for want, got := range map[string]string{
		"ord_fukwrg4aoeja54foblcpixsqhi": order.ID("ten_demo", "lnk_1", "A-20931"),
		"ord_lkhvqglh2if4ompyxtusz5atoa": order.ID("ten_demo", "lnk_1", "A-20931", "2026-03-01T18:04:05Z"),
		"ord_g5dqr77xogo5lf46zb25k3gsfa": order.ID("", ""),
	} {
		if got != want {
			t.Errorf("ID = %s, want %s", got, want)
		}
	}
}

func TestPartsOfAnIDCannotRunIntoEachOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.String(), 2, 5).Draw(t, "parts")
		other := rapid.SliceOfN(rapid.String(), 2, 5).Draw(t, "other")
		same := slices.Equal(parts, other)
		a, b := order.ID(parts[0], parts[1], parts[2:]...), order.ID(other[0], other[1], other[2:]...)
		if (a == b) != same {
			t.Fatalf("ID(%q) = %s, ID(%q) = %s", parts, a, other, b)
		}
		if !order.IsID(a) {
			t.Fatalf("IsID(%s) is false", a)
		}
	})
	if order.ID("ab", "c") == order.ID("a", "bc") {
		t.Error("the tenant runs into the link")
	}
}

func TestOnlyIDsLookLikeIDs(t *testing.T) {
	t.Parallel()
	id := order.ID("ten_demo", "lnk_1", "A-20931")
	for name, text := range map[string]string{
		"nothing":              "",
		"another prefix":       "cli_" + id[4:],
		"capitals":             strings.ToUpper(id),
		"too short":            id[:len(id)-1],
		"too long":             id + "a",
		"a digit of no base32": id[:len(id)-2] + "1" + id[len(id)-1:],
		"spare bits set":       id[:len(id)-1] + "b",
		"a line break":         id[:10] + "\n" + id[11:],
		"a path":               id[:10] + "/" + id[11:],
	} {
		if order.IsID(text) {
			t.Errorf("%s: IsID(%q) is true", name, text)
		}
	}
}
