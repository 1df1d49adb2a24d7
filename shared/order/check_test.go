package order_test

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

func locations(details []fault.Detail) []string {
	at := make([]string, len(details))
	for i, d := range details {
		at[i] = d.Location
	}
	return at
}

func TestAGoodOrderHasNoFaults(t *testing.T) {
	t.Parallel()
	if found := sample().Check(); len(found) > 0 {
		t.Errorf("faults: %v", found)
	}
}

func TestEveryFaultIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	o := sample()
	o.ChannelOrderID, o.Location, o.Type, o.Currency = "", "a\x00b", "drone", "EURO"
	o.PlacedAt, o.RequestedFor = "yesterday", "2026-03-01"
	o.Items[0].Quantity, o.Items[0].UnitPrice = -1, order.MaxAmount+1
	o.Items[0].Modifiers[0].Quantity = 10000
	o.Items = append(o.Items, order.Item{Quantity: 1})
	o.Discounts[0].FundedBy, o.Fees[0].Kind, o.Payment.Method, o.Payment.Status = "", "4111 1111", "_card", "paid!"
	o.Taxes[0].Amount, o.Total, o.Payment.Due = math.MinInt64, math.MaxInt64, -order.MaxAmount-1
	o.Customer.Name, o.DeliveryAddress.City = strings.Repeat("é", 301), "\xff"
	o.DeliveryAddress.Coordinates = &order.Coordinates{Latitude: math.NaN(), Longitude: 181}
	want := []string{
		"body.channelOrderId", "body.currency", "body.customer.name", "body.deliveryAddress.city",
		"body.deliveryAddress.coordinates.latitude", "body.deliveryAddress.coordinates.longitude", "body.discounts[0].fundedBy",
		"body.fees[0].kind", "body.items[0].modifiers[0].quantity", "body.items[0].quantity", "body.items[0].unitPrice",
		"body.items[1]", "body.location", "body.payment.due", "body.payment.method", "body.payment.status", "body.placedAt",
		"body.requestedFor", "body.taxes[0].amount", "body.total", "body.type",
	}
	got := locations(o.Check())
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestFaultsNeverTellTheValue(t *testing.T) {
	t.Parallel()
	o := sample()
	o.Customer.Name, o.Type, o.Currency, o.PlacedAt = strings.Repeat("Anna", 100), "Anna", "Anna", "Anna"
	for _, d := range o.Check() {
		if strings.Contains(d.Location+d.Message, "Anna") {
			t.Errorf("fault tells the value: %+v", d)
		}
	}
}

func nest(levels int) []order.Item {
	items := []order.Item{{PLU: "X", Name: "x", Quantity: 1}}
	for range levels {
		items = []order.Item{{PLU: "X", Name: "x", Quantity: 1, Modifiers: items}}
	}
	return items
}

func TestModifiersMayBeEightLevelsDeep(t *testing.T) {
	t.Parallel()
	o := sample()
	for levels, want := range map[int]int{8: 0, 9: 1, 5000: 1} {
		o.Items = nest(levels)
		found := o.Check()
		if len(found) != want {
			t.Errorf("%d levels: faults %v, want %d", levels, found, want)
		}
		if want == 1 && found[0].Location != "body.items[0]"+strings.Repeat(".modifiers[0]", 8)+".modifiers" {
			t.Errorf("%d levels: the fault is at %s", levels, found[0].Location)
		}
	}
}

func TestCountsAreBounded(t *testing.T) {
	t.Parallel()
	many := func(n int) []order.Item { return slices.Repeat(nest(0), n) }
	full := order.Item{PLU: "X", Name: "x", Quantity: 1, Modifiers: many(200)}
	for name, c := range map[string]struct {
		items []order.Item
		want  []string
	}{
		"no items":                      {nil, []string{"body.items"}},
		"as many items as allowed":      {many(500), []string{}},
		"an item too many":              {many(501), []string{"body.items"}},
		"a modifier too many":           {[]order.Item{{PLU: "X", Name: "x", Quantity: 1, Modifiers: many(201)}}, []string{"body.items[0].modifiers"}},
		"too many altogether":           {slices.Repeat([]order.Item{full}, 10), []string{"body.items"}},
		"as many altogether as allowed": {slices.Concat(slices.Repeat([]order.Item{full}, 9), many(191)), []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := sample()
			o.Items = c.items
			if diff := cmp.Diff(c.want, locations(o.Check())); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestALongListOfFaultsIsCut(t *testing.T) {
	t.Parallel()
	o := sample()
	o.Items = slices.Repeat([]order.Item{{}}, 400)
	if n := len(o.Check()); n != 100 {
		t.Errorf("%d faults, want the first 100", n)
	}
}

func TestHumaCanReadTheSchema(t *testing.T) {
	t.Parallel()
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	schema := registry.Schema(reflect.TypeFor[order.Order](), false, "")
	valid := func(body []byte) []error {
		var value any
		if err := json.Unmarshal(body, &value); err != nil {
			t.Fatalf("read body: %v", err)
		}
		result := huma.ValidateResult{}
		huma.Validate(registry, schema, huma.NewPathBuffer([]byte("body"), 4), huma.ModeWriteToServer, value, &result)
		return result.Errors
	}
	body, err := json.Marshal(sample())
	if err != nil {
		t.Fatalf("write order: %v", err)
	}
	if faults := valid(body); len(faults) > 0 {
		t.Errorf("the sample is refused: %v", faults)
	}
	items := string(body[bytes.Index(body, []byte(`"items"`)):bytes.Index(body, []byte(`,"discounts"`))])
	for name, change := range map[string][2]string{
		"an unknown field":          {`"displayId"`, `"extra":{},"displayId"`},
		"an unknown field deep":     {`"plu"`, `"phoneMasked":true,"plu"`},
		"a fraction":                {`"total":2050`, `"total":20.5`},
		"a huge number":             {`"total":2050`, `"total":1e30`},
		"no time of placing":        {`"placedAt":"2026-03-01T18:04:05+01:00",`, ``},
		"a quantity of zero":        {`"quantity":2`, `"quantity":0`},
		"a bad currency":            {`"EUR"`, `"eur"`},
		"an unknown type":           {`"delivery",`, `"drone",`},
		"no items":                  {items, `"items":[]`},
		"null for items":            {items, `"items":null`},
		"a wrong quantity far down": {`"quantity":1`, `"quantity":"1"`},
	} {
		broken := strings.Replace(string(body), change[0], change[1], 1)
		if broken == string(body) || len(valid([]byte(broken))) == 0 {
			t.Errorf("%s is taken: %s", name, broken)
		}
	}
}

// The schema's bounds and Check's must be the same: every bound of a struct tag is tried on both sides through Check.
func TestCheckAgreesWithTheSchema(t *testing.T) {
	t.Parallel()
	o := sample()
	bounds := 0
	tryBounds(reflect.ValueOf(&o).Elem(), "body", func(at, bound string, bad bool) {
		bounds++
		found := slices.ContainsFunc(o.Check(), func(d fault.Detail) bool { return strings.HasPrefix(d.Location, at) })
		if found != bad {
			t.Errorf("%s beyond %s is %t, Check finds %t", at, bound, bad, found)
		}
	})
	if bounds < 80 {
		t.Errorf("only %d bounds tried", bounds)
	}
}

// tryBounds sets each field of v that has bounds to the outermost good value and to one beyond, and calls try for each.
func tryBounds(v reflect.Value, at string, try func(at, bound string, bad bool)) {
	for i := range v.NumField() {
		f, tag := v.Field(i), v.Type().Field(i).Tag
		name, _, _ := strings.Cut(tag.Get("json"), ",")
		here := at + "." + name
		switch {
		case f.Kind() == reflect.Pointer:
			tryBounds(f.Elem(), here, try)
		case f.Kind() == reflect.Struct:
			tryBounds(f, here, try)
		case f.Kind() == reflect.Slice:
			for j := range f.Len() {
				tryBounds(f.Index(j), fmt.Sprintf("%s[%d]", here, j), try)
			}
		case tag.Get("maxLength") != "":
			n, _ := strconv.Atoi(tag.Get("maxLength"))
			attempt(f, reflect.ValueOf(strings.Repeat("x", n)), func() { try(here, tag.Get("maxLength"), false) })
			attempt(f, reflect.ValueOf(strings.Repeat("x", n+1)), func() { try(here, tag.Get("maxLength"), true) })
		case tag.Get("maximum") != "":
			for bound, step := range map[string]float64{"minimum": -1, "maximum": 1} {
				n, _ := strconv.ParseFloat(tag.Get(bound), 64)
				attempt(f, reflect.ValueOf(n), func() { try(here, bound, false) })
				attempt(f, reflect.ValueOf(n+step), func() { try(here, bound, true) })
			}
		}
	}
}

func attempt(field, value reflect.Value, try func()) {
	before := reflect.ValueOf(field.Interface())
	field.Set(value.Convert(field.Type()))
	try()
	field.Set(before)
}
