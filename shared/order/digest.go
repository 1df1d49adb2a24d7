package order

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// content is an order with what its public JSON leaves out.
type content struct {
	Order
	PhoneMasked bool                      `json:"phoneMasked,omitzero"`
	EmailMasked bool                      `json:"emailMasked,omitzero"`
	Extra       map[string]jsontext.Value `json:"extra,omitempty"`
}

// Canonical returns the order's content as bytes: the same bytes for the same content, for the digest that recognises a
// repeated order.
//
// The same content is: equal fields, where times are equal when they are the same instant (a channel may spell a zone
// differently when it sends again), empty and missing lists are equal, and JSON in Extra is equal whatever the order of
// its members, its spacing and its escapes. Lists are compared in order. It fails only for text that is not UTF-8 and
// for Extra that is not JSON, which [Order.Check] and the adapters refuse.
func (o Order) Canonical() ([]byte, error) {
	c := content{Order: o}
	c.PlacedAt, c.RequestedFor = o.PlacedAt.canonical(), o.RequestedFor.canonical()
	if o.Customer != nil {
		c.PhoneMasked, c.EmailMasked = o.Customer.PhoneMasked, o.Customer.EmailMasked
	}
	var err error
	if c.Extra, err = canonicalExtra(o.Extra); err != nil {
		return nil, err
	}
	canonical, err := json.Marshal(c, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("spell order canonically: %w", err)
	}
	return canonical, nil
}

func canonicalExtra(extra map[string]jsontext.Value) (map[string]jsontext.Value, error) {
	if len(extra) == 0 {
		return nil, nil
	}
	spelled := make(map[string]jsontext.Value, len(extra))
	for path, value := range extra {
		v := value.Clone()
		// Integers stay as they are: RFC 8785 would round ids beyond 2^53 and take different ones for equal.
		if err := v.Canonicalize(jsontext.CanonicalizeRawInts(false)); err != nil {
			return nil, fmt.Errorf("spell extra canonically: %w", err)
		}
		spelled[path] = v
	}
	return spelled, nil
}

// Diff returns where two orders differ in content (see [Order.Canonical]), as in `body.items[0].quantity`, never the
// values. It is empty exactly when they are the same content.
func Diff(a, b Order) []string {
	left, errA := a.Canonical()
	right, errB := b.Canonical()
	if errA != nil || errB != nil {
		return []string{"body"}
	}
	return appendDiff(nil, bodyLocation(), left, right)
}

func appendDiff(found []string, at location, a, b jsontext.Value) []string {
	if bytes.Equal(a, b) {
		return found
	}
	before := len(found)
	switch {
	case a.Kind() == '{' && b.Kind() == '{' && string(at) != "body.extra":
		left, right := split[map[string]jsontext.Value](a), split[map[string]jsontext.Value](b)
		names := maps.Clone(left)
		maps.Copy(names, right)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			found = appendDiff(found, at.field(name), left[name], right[name])
		}
	case a.Kind() == '[' && b.Kind() == '[':
		left, right := split[[]jsontext.Value](a), split[[]jsontext.Value](b)
		for i := range max(len(left), len(right)) {
			found = appendDiff(found, at.index(i), nth(left, i), nth(right, i))
		}
	}
	if len(found) == before {
		found = append(found, at.String())
	}
	return found
}

// split takes one level of our own JSON apart; what cannot be taken apart is empty.
func split[T any](value jsontext.Value) (parts T) {
	if err := json.Unmarshal(value, &parts); err != nil {
		var none T
		return none
	}
	return parts
}

func nth(values []jsontext.Value, i int) jsontext.Value {
	if i < len(values) {
		return values[i]
	}
	return nil
}
