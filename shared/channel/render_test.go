package channel_test

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/order"
)

type object = map[string]any

// A rendering writes an order as a platform would send it.
type rendering struct {
	fetched  bool // whether it is what the platform gives when asked
	levels   int  // of modifiers that the form holds
	currency bool // whether it names the currency
	placed   bool // whether it says when the order was placed
	notes    bool // whether items have notes
	email    bool
	wanted   bool            // whether it says for when the order is wanted
	address  order.Address   // which parts of an address it has: those that say something
	discount *order.Discount // what it says of one beside its amount; what it leaves to the order is empty
	write    func(o order.Order) any
}

// renderings are the forms of every platform, as far as they hold what [held] compares.
func renderings() map[string]rendering {
	return map[string]rendering{
		"deliverect": {levels: 3, placed: true, notes: true, email: true, wanted: true, address: parts("snpcCxg"), discount: &order.Discount{FundedBy: "channel"}, write: func(o order.Order) any {
			return object{
				"channelOrderId": o.ChannelOrderID, "channelOrderDisplayId": o.DisplayID, "orderType": map[order.Type]int{order.Pickup: 1, order.Delivery: 2}[o.Type],
				"placedTime": o.PlacedAt, "deliveryIsAsap": o.RequestedFor == "", either(o.Type == order.Pickup, "pickupTime", "deliveryTime"): o.RequestedFor, "decimalDigits": exponent(o), "payment": object{"amount": o.Total, "type": 3},
				"deliveryCost": fee(o), "note": o.Note, "customer": object{"name": o.Customer.Name, "phoneNumber": o.Customer.Phone, "email": o.Customer.Email},
				"deliveryAddress": spelled(o, object{"street": "s", "streetNumber": "n", "postalCode": "p", "city": "c", "country": "C", "extraAddressInfo": "x",
					"coordinates": object{"latitude": "lat", "longitude": "lng"}}),
				"discountTotal": -off(o), "discounts": offs(o, func(d order.Discount) object {
					return object{"name": d.Name, "provider": d.FundedBy, "amount": d.Amount}
				}),
				"items": lines(o.Items, "subItems", func(i order.Item) object {
					return object{"plu": i.PLU, "name": i.Name, "quantity": i.Quantity, "price": i.UnitPrice, "remark": i.Note}
				}),
			}
		}},
		"deliveroo": {levels: 3, currency: true, placed: true, wanted: true, address: parts("spcCxg"), discount: &order.Discount{Name: "Offer", FundedBy: "unknown"}, write: func(o order.Order) any {
			money := func(n int64) object { return object{"fractional": n, "currency_code": o.Currency} }
			return object{"event": "order.new", "body": object{"order": object{
				"id": o.ChannelOrderID, "display_id": o.DisplayID, "asap": o.RequestedFor == "", "confirm_at": o.RequestedFor, "offer_discount": money(off(o)), "fulfillment_type": either(o.Type == order.Pickup, "customer", "restaurant"),
				"status_log": []object{{"at": o.PlacedAt, "status": "placed"}}, "order_notes": o.Note, "partner_order_total": money(o.Total),
				"delivery": object{"delivery_fee": money(fee(o))}, "delivery_address": spelled(o, object{"line1": "s", "postcode": "p", "city": "c", "country": "C", "line2": "x", "latitude": "lat", "longitude": "lng"}),
				"customer": object{"first_name": o.Customer.Name, "contact_number": o.Customer.Phone},
				"items": lines(o.Items, "modifiers", func(i order.Item) object {
					return object{"pos_item_id": i.PLU, "name": i.Name, "quantity": i.Quantity, "unit_price": money(i.UnitPrice)}
				}),
			}}}
		}},
		"deliveryhero": {levels: 3, placed: true, notes: true, email: true, wanted: true, address: parts("snpcxg"), discount: &order.Discount{FundedBy: "unknown"}, write: func(o order.Order) any {
			text := func(n int64) string { return string(major(o, n)) }
			return object{
				"token": o.ChannelOrderID, "shortCode": o.DisplayID, "expeditionType": o.Type, "createdAt": o.PlacedAt, "comments": object{"customerComment": o.Note},
				"customer": object{"firstName": o.Customer.Name, "mobilePhone": o.Customer.Phone, "email": o.Customer.Email}, "preOrder": o.RequestedFor != "",
				"delivery":  object{"expectedDeliveryTime": o.RequestedFor, "address": spelled(o, object{"street": "s", "number": "n", "postcode": "p", "city": "c", "deliveryInstructions": "x", "latitude": "lat", "longitude": "lng"})},
				"discounts": offs(o, func(d order.Discount) object { return object{"name": d.Name, "amount": text(d.Amount)} }), "payment": object{"status": "paid", "type": "online"},
				"price": object{"grandTotal": text(o.Total), "deliveryFees": []object{{"value": text(fee(o))}}},
				"products": lines(o.Items, "children", func(i order.Item) object {
					return object{"remoteCode": i.PLU, "name": i.Name, "quantity": fmt.Sprint(i.Quantity), "unitPrice": text(i.UnitPrice), "comment": i.Note}
				}),
			}
		}},
		"doordash": {levels: 1, notes: true, email: true, address: parts("spcCxg"), write: func(o order.Order) any {
			return object{
				"id": o.ChannelOrderID, "delivery_short_code": o.DisplayID, "is_pickup": o.Type == order.Pickup, "order_special_instructions": o.Note,
				"subtotal": o.Total - fee(o), "delivery_fee": fee(o), "tax": 0, "consumer": object{"first_name": o.Customer.Name, "phone": o.Customer.Phone, "email": o.Customer.Email},
				"delivery_address": spelled(o, object{"street": "s", "zip_code": "p", "city": "c", "country_code": "C", "subpremise": "x", "lat": "lat", "lng": "lng"}),
				"categories": []object{{"items": grouped(o.Items, "extras", "options", func(i order.Item) object {
					return object{"merchant_supplied_id": i.PLU, "name": i.Name, "quantity": i.Quantity, "price": i.UnitPrice, "special_instructions": i.Note}
				})}},
			}
		}},
		"generic": {levels: 3, currency: true, placed: true, notes: true, email: true, wanted: true, address: parts("snpcCxg"), discount: &order.Discount{FundedBy: "loyalty"}, write: func(o order.Order) any { return o }},
		"glovo": {levels: 3, currency: true, placed: true, notes: true, address: parts("sxg"), discount: &order.Discount{Name: "Promotion", FundedBy: "restaurant"}, write: func(o order.Order) any {
			return object{
				"order_id": o.ChannelOrderID, "order_code": o.DisplayID, "is_picked_up_by_customer": o.Type == order.Pickup, "order_time": o.PlacedAt,
				"currency": o.Currency, "estimated_total_price": o.Total, "delivery_fee": fee(o), "special_requirements": o.Note, "payment_method": "DELAYED",
				"partner_discounts_products": off(o), "delivery_address": spelled(o, object{"label": "s", "details": "x", "latitude": "lat", "longitude": "lng"}),
				"customer": object{"name": o.Customer.Name, "phone_number": o.Customer.Phone},
				"products": lines(o.Items, "attributes", func(i order.Item) object {
					return object{"id": i.PLU, "name": i.Name, "quantity": i.Quantity, "price": i.UnitPrice, "comment": i.Note}
				}),
			}
		}},
		"hubrise": {fetched: true, levels: 3, currency: true, placed: true, notes: true, email: true, wanted: true, address: parts("spcCxg"), discount: &order.Discount{FundedBy: "unknown"}, write: func(o order.Order) any {
			money := func(n int64) string { return string(major(o, n)) + " " + string(o.Currency) }
			return object{
				"id": o.ChannelOrderID, "collection_code": o.DisplayID, "service_type": either(o.Type == order.Pickup, "collection", "delivery"),
				"created_at": o.PlacedAt, "asap": o.RequestedFor == "", "expected_time": o.RequestedFor, "total": money(o.Total), "customer_notes": o.Note,
				"discounts": offs(o, func(d order.Discount) object { return object{"name": d.Name, "price_off": money(d.Amount)} }),
				"charges":   []object{{"type": "delivery", "price": money(fee(o))}}, "payments": []object{{"type": "online", "amount": money(o.Total)}},
				"customer": both(object{"first_name": o.Customer.Name, "phone": o.Customer.Phone, "email": o.Customer.Email},
					spelled(o, object{"address_1": "s", "postal_code": "p", "city": "c", "country": "C", "address_2": "x", "latitude": "lat", "longitude": "lng"})),
				"items": lines(o.Items, "options", func(i order.Item) object {
					return object{"sku_ref": i.PLU, "product_name": i.Name, "quantity": fmt.Sprint(i.Quantity, ".0"), "price": money(i.UnitPrice), "customer_notes": i.Note}
				}),
			}
		}},
		"ifood": {fetched: true, levels: 3, placed: true, notes: true, email: true, wanted: true, address: parts("snpcCxg"), discount: &order.Discount{Name: "CART", FundedBy: "channel"}, write: func(o order.Order) any {
			return object{
				"id": o.ChannelOrderID, "displayId": o.DisplayID, "orderType": either(o.Type == order.Pickup, "TAKEOUT", "DELIVERY"), "orderTiming": either(o.RequestedFor == "", "IMMEDIATE", "SCHEDULED"),
				"schedule": object{"deliveryDateTimeStart": o.RequestedFor},
				"benefits": offs(o, func(d order.Discount) object {
					return object{"target": d.Name, "sponsorshipValues": []object{{"name": "IFOOD", "value": major(o, d.Amount)}, {"name": "MERCHANT", "value": 0}}}
				}),
				"delivery": object{"deliveryAddress": spelled(o, object{"streetName": "s", "streetNumber": "n", "postalCode": "p", "city": "c", "country": "C", "complement": "x",
					"coordinates": object{"latitude": "lat", "longitude": "lng"}})},
				"createdAt": o.PlacedAt, "extraInfo": o.Note, "total": object{"deliveryFee": major(o, fee(o)), "orderAmount": major(o, o.Total)},
				"payments": object{"prepaid": major(o, o.Total), "pending": 0}, "customer": object{"name": o.Customer.Name, "phone": object{"number": o.Customer.Phone}, "email": o.Customer.Email},
				"items": lines(o.Items, "options", func(i order.Item) object {
					return object{"externalCode": i.PLU, "name": i.Name, "quantity": i.Quantity, "unitPrice": major(o, i.UnitPrice), "observations": i.Note}
				}),
			}
		}},
		"jet": {levels: 3, currency: true, placed: true, notes: true, email: true, wanted: true, address: parts("spcCg"), discount: &order.Discount{Name: "Discount", FundedBy: "unknown"}, write: func(o order.Order) any {
			return object{
				"OrderId": o.ChannelOrderID, "FriendlyOrderReference": o.DisplayID, "Currency": o.Currency, "PlacedDate": o.PlacedAt, "TotalPrice": major(o, o.Total),
				"Fulfilment": object{"Method": either(o.Type == order.Pickup, "Collection", "Delivery"), "CustomerDueAsap": o.RequestedFor == "", "CustomerDueDate": o.RequestedFor,
					"PhoneNumber": o.Customer.Phone, "Address": spelled(o, object{"Lines": []any{"s"}, "PostalCode": "p", "City": "c", "Country": "C", "Geolocation": object{"Latitude": "lat", "Longitude": "lng"}})},
				"CustomerNotes": object{"noteForRestaurant": o.Note}, "Customer": object{"Name": o.Customer.Name, "Email": o.Customer.Email},
				"PriceBreakdown": object{"Discount": major(o, off(o)), "Fees": object{"Delivery": major(o, fee(o))}}, "Payment": object{"Lines": []object{{"Type": "card", "Paid": true, "Value": major(o, o.Total)}}},
				"Items": lines(o.Items, "Items", func(i order.Item) object {
					return object{"Reference": i.PLU, "Name": i.Name, "Quantity": i.Quantity, "UnitPrice": major(o, i.UnitPrice), "Notes": i.Note}
				}),
			}
		}},
		"opendelivery": {fetched: true, levels: 3, currency: true, placed: true, notes: true, email: true, wanted: true, address: parts("snpcCxg"), discount: &order.Discount{FundedBy: "restaurant"}, write: func(o order.Order) any {
			money := func(n int64) object { return object{"value": major(o, n), "currency": o.Currency} }
			return object{
				"id": o.ChannelOrderID, "displayId": o.DisplayID, "type": either(o.Type == order.Pickup, "TAKEOUT", "DELIVERY"), "createdAt": o.PlacedAt,
				"extraInfo": o.Note, "total": object{"orderAmount": money(o.Total)}, "otherFees": []object{{"type": "DELIVERY_FEE", "price": money(fee(o))}},
				"payments": object{"pending": 0}, "customer": object{"name": o.Customer.Name, "phone": object{"number": o.Customer.Phone}, "email": o.Customer.Email},
				"orderTiming": either(o.RequestedFor == "", "INSTANT", "SCHEDULED"), "schedule": object{"scheduledDateTimeStart": o.RequestedFor},
				"discounts": offs(o, func(d order.Discount) object {
					return object{"amount": money(d.Amount), "sponsorshipValues": []object{{"name": "MERCHANT", "discountCode": d.Name, "amount": money(d.Amount)}}}
				}),
				"delivery": object{"deliveryAddress": spelled(o, object{"street": "s", "number": "n", "postalCode": "p", "city": "c", "country": "C", "complement": "x",
					"coordinates": object{"latitude": "lat", "longitude": "lng"}})},
				"items": lines(o.Items, "options", func(i order.Item) object {
					return object{"externalCode": i.PLU, "name": i.Name, "quantity": i.Quantity, "unitPrice": money(i.UnitPrice), "specialInstructions": i.Note}
				}),
			}
		}},
		"otter": {fetched: true, levels: 3, currency: true, placed: true, notes: true, email: true, wanted: true, address: parts("spcCxg"), discount: &order.Discount{FundedBy: "unknown"}, write: func(o order.Order) any {
			return object{
				"id": o.ChannelOrderID, "externalIdentifiers": object{"friendlyId": o.DisplayID}, "currencyCode": o.Currency, "orderedAt": o.PlacedAt,
				"customer": object{"name": o.Customer.Name, "phone": o.Customer.Phone, "email": o.Customer.Email}, "customerNote": o.Note,
				"fulfillmentInfo": object{"fulfillmentMode": strings.ToUpper(string(o.Type)), "schedulingType": either(o.RequestedFor == "", "ASAP", "SCHEDULED"),
					"pickupTime": o.RequestedFor},
				"orderTotal": object{"deliveryFee": major(o, fee(o)), "total": major(o, o.Total), "discount": major(o, off(o)), "couponCode": coupon(o)},
				"deliveryInfo": both(spelled(o, object{"note": "x"}), object{"destination": spelled(o, object{"addressLines": []any{"s"}, "postalCode": "p", "city": "c", "countryCode": "C",
					"location": object{"latitude": "lat", "longitude": "lng"}})}),
				"customerPayments": []object{{"value": major(o, o.Total), "processingStatus": "PROCESSED", "paymentMethod": "CARD"}},
				"items": lines(o.Items, "modifiers", func(i order.Item) object {
					return object{"skuId": i.PLU, "name": i.Name, "quantity": i.Quantity, "price": major(o, i.UnitPrice), "note": i.Note}
				}),
			}
		}},
		"square": {fetched: true, levels: 1, currency: true, placed: true, notes: true, email: true, wanted: true, address: parts("spcCx"), discount: &order.Discount{FundedBy: "restaurant"}, write: func(o order.Order) any {
			money := func(n int64) object { return object{"amount": n, "currency": o.Currency} }
			how := strings.ToLower(string(o.Type))
			return object{"order": object{
				"id": o.ChannelOrderID, "reference_id": o.DisplayID, "created_at": o.PlacedAt, "total_money": money(o.Total),
				"discounts":       offs(o, func(d order.Discount) object { return object{"name": d.Name, "applied_money": money(d.Amount)} }),
				"service_charges": []object{{"name": "delivery fee", "applied_money": money(fee(o))}},
				"fulfillments": []object{{"type": strings.ToUpper(how), how + "_details": object{
					"schedule_type": either(o.RequestedFor == "", "ASAP", "SCHEDULED"), either(o.Type == order.Pickup, "pickup_at", "deliver_at"): o.RequestedFor, "note": o.Note,
					"recipient": object{"display_name": o.Customer.Name, "phone_number": o.Customer.Phone, "email_address": o.Customer.Email,
						"address": spelled(o, object{"address_line_1": "s", "postal_code": "p", "locality": "c", "country": "C", "address_line_2": "x"})},
				}}},
				"line_items": lines(o.Items, "modifiers", func(i order.Item) object {
					return object{"catalog_object_id": i.PLU, "name": i.Name, "quantity": fmt.Sprint(i.Quantity), "base_price_money": money(i.UnitPrice), "note": i.Note}
				}),
			}}
		}},
		"takeaway": {levels: 3, currency: true, placed: true, notes: true, email: true, wanted: true, address: parts("snpcCxg"), discount: &order.Discount{Name: "Discount", FundedBy: "unknown"}, write: func(o order.Order) any {
			return object{
				"id": o.ChannelOrderID, "publicReference": o.DisplayID, "orderType": o.Type, "orderDate": o.PlacedAt, "isAsap": o.RequestedFor == "", "requestedTime": o.RequestedFor, "totalDiscount": major(o, off(o)), "currency": o.Currency,
				"totalPrice": major(o, o.Total), "deliveryCosts": major(o, fee(o)), "remark": o.Note, "isPaid": true, "paymentMethod": "ideal",
				"customer": both(object{"name": o.Customer.Name, "phoneNumber": o.Customer.Phone, "emailAddress": o.Customer.Email},
					spelled(o, object{"street": "s", "streetNumber": "n", "postalCode": "p", "city": "c", "countryCode": "C", "extraAddressInfo": "x", "latitude": "lat", "longitude": "lng"})),
				"products": lines(o.Items, "sideDishes", func(i order.Item) object {
					return object{"id": i.PLU, "name": i.Name, "count": i.Quantity, "price": major(o, i.UnitPrice), "remark": i.Note}
				}),
			}
		}},
		"ubereats": {fetched: true, levels: 3, currency: true, placed: true, notes: true, email: true, address: parts("sxg"), discount: &order.Discount{Name: "Promotion", FundedBy: "unknown"}, write: func(o order.Order) any {
			money := func(n int64) object { return object{"amount": n, "currency_code": o.Currency} }
			return object{
				"id": o.ChannelOrderID, "display_id": o.DisplayID, "type": either(o.Type == order.Pickup, "PICK_UP", "DELIVERY_BY_UBER"), "placed_at": o.PlacedAt,
				"eater": object{"first_name": o.Customer.Name, "phone": o.Customer.Phone, "email": o.Customer.Email,
					"delivery": object{"location": spelled(o, object{"street_address": "s", "unit_number": "x", "latitude": "lat", "longitude": "lng"})}},
				"payment": object{"charges": object{"total": money(o.Total), "delivery_fee": money(fee(o)), "total_promo_applied": money(-off(o))}},
				"cart": object{"special_instructions": o.Note, "items": grouped(o.Items, "selected_modifier_groups", "selected_items", func(i order.Item) object {
					return object{"external_data": i.PLU, "title": i.Name, "quantity": i.Quantity, "special_instructions": i.Note, "price": object{"base_unit_price": money(i.UnitPrice)}}
				})},
			}
		}},
	}
}

func either[T any](yes bool, a, b T) T {
	if yes {
		return a
	}
	return b
}

func fee(o order.Order) int64 { return o.Fees[0].Amount }

// off is what is taken off in all.
func off(o order.Order) (sum int64) {
	for _, d := range o.Discounts {
		sum += d.Amount
	}
	return sum
}

// offs writes each discount.
func offs(o order.Order, write func(order.Discount) object) []object {
	all := []object{}
	for _, d := range o.Discounts {
		all = append(all, write(d))
	}
	return all
}

// coupon is what a form that has one discount calls it.
func coupon(o order.Order) string {
	if len(o.Discounts) == 0 {
		return ""
	}
	return o.Discounts[0].Name
}

// parts is an address of the parts that the letters name: street, number, postal code, city, Country, extra, place on the
// globe.
func parts(letters string) (a order.Address) {
	for letter, part := range map[string]*string{"s": &a.Street, "n": &a.StreetNumber, "p": &a.PostalCode, "c": &a.City, "C": &a.Country, "x": &a.Extra} {
		if strings.Contains(letters, letter) {
			*part = letter
		}
	}
	if strings.Contains(letters, "g") {
		a.Coordinates = &order.Coordinates{}
	}
	return a
}

// spelled writes an order's address in a form in which the letters of [parts] stand for them, and lat and lng for the place.
func spelled(o order.Order, form object) object {
	a := o.DeliveryAddress
	if a == nil {
		return object{}
	}
	values := map[string]any{"s": a.Street, "n": a.StreetNumber, "p": a.PostalCode, "c": a.City, "C": a.Country, "x": a.Extra}
	if a.Coordinates != nil {
		values["lat"], values["lng"] = a.Coordinates.Latitude, a.Coordinates.Longitude
	}
	written := object{}
	for name, what := range form {
		switch what := what.(type) {
		case string:
			written[name] = values[what]
		case object:
			written[name] = spelled(o, what)
		case []any:
			written[name] = []any{values[fmt.Sprint(what...)]}
		}
	}
	return written
}

// both joins two objects.
func both(a, b object) object {
	maps.Copy(a, b)
	return a
}

func exponent(o order.Order) int {
	digits, _ := o.Currency.Exponent()
	return digits
}

// major writes an amount as a decimal number of units of the currency.
func major(o order.Order, amount int64) jsontext.Value {
	digits := exponent(o)
	if digits == 0 {
		return jsontext.Value(fmt.Sprint(amount))
	}
	scale := int64(math.Pow10(digits))
	return jsontext.Value(fmt.Sprintf("%d.%0*d", amount/scale, digits, amount%scale))
}

// lines writes items with their modifiers under the name.
func lines(items []order.Item, under string, write func(order.Item) object) []object {
	all := []object{}
	for _, i := range items {
		line := write(i)
		line[under] = lines(i.Modifiers, under, write)
		all = append(all, line)
	}
	return all
}

// grouped writes items with each modifier in a group of its own.
func grouped(items []order.Item, groups, members string, write func(order.Item) object) []object {
	all := []object{}
	for _, i := range items {
		line := write(i)
		inside := []object{}
		for _, m := range i.Modifiers {
			inside = append(inside, object{members: grouped([]order.Item{m}, groups, members, write)})
		}
		line[groups] = inside
		all = append(all, line)
	}
	return all
}

// anyOrder draws an order that the form holds.
func (r rendering) anyOrder(t *rapid.T, name string) order.Order {
	text := func(label string) string {
		return rapid.StringMatching(`[A-Za-zÅäö漢"\\/&<>' ]{0,12}[A-Za-zÅäö漢]`).Draw(t, label)
	}
	o := order.Order{
		ChannelOrderID: rapid.StringMatching(`[A-Za-z0-9:-]{1,16}`).Draw(t, "id"), DisplayID: rapid.StringMatching(`[A-Z0-9]{1,6}`).Draw(t, "display"),
		Location: "loc_1", Type: rapid.SampledFrom([]order.Type{order.Delivery, order.Pickup}).Draw(t, "type"), Currency: "SEK",
		Fees:  []order.Fee{{Kind: "delivery", Amount: rapid.Int64Range(1, 10_000).Draw(t, "fee")}},
		Items: someItems(t, 1, r.levels, text), Note: text("note"), Customer: &order.Customer{Name: strings.TrimSpace(text("name")), Phone: "+46701740605"},
	}
	if r.currency {
		o.Currency = rapid.SampledFrom([]order.Currency{"EUR", "JPY", "KWD", "SEK"}).Draw(t, "currency")
	}
	if name == "ifood" {
		o.Currency = "BRL"
	}
	if r.placed {
		o.PlacedAt = rapid.SampledFrom([]order.Time{"2026-03-01T18:04:05+01:00", "2026-03-01T18:04:05.123Z", "1999-12-31T23:59:59-11:00"}).Draw(t, "placed")
	}
	o.Note = strings.TrimSpace(o.Note)
	r.more(t, &o, text)
	o.Total, _ = o.Sum()
	o.Payment = order.Payment{Method: "online", Status: order.Paid}
	return o
}

// more draws what not every form holds, and not every order has.
func (r rendering) more(t *rapid.T, o *order.Order, text func(string) string) {
	some := func(label string) bool { return rapid.Bool().Draw(t, label) }
	if r.notes {
		for i := range o.Items {
			o.Items[i].Note = strings.TrimSpace(text("remark"))
		}
	}
	if r.email && some("has an email") {
		o.Customer.Email = rapid.StringMatching(`[a-z]{1,8}@mail\.example`).Draw(t, "email")
	}
	if r.wanted && some("is scheduled") {
		o.RequestedFor = rapid.SampledFrom([]order.Time{"2026-03-01T20:00:00+01:00", "2026-03-02T00:15:00Z"}).Draw(t, "wanted")
	}
	if r.discount != nil && some("has a discount") {
		d := *r.discount
		d.Amount = rapid.Int64Range(1, fee(*o)).Draw(t, "off") // an order costs something
		if d.Name == "" {
			d.Name = rapid.StringMatching(`[A-Z][a-z]{0,8}`).Draw(t, "discount")
		}
		o.Discounts = []order.Discount{d}
	}
	if o.Type == order.Delivery && some("has an address") {
		o.DeliveryAddress = r.someAddress(t, text)
	}
}

func (r rendering) someAddress(t *rapid.T, text func(string) string) *order.Address {
	a := r.address
	for label, part := range map[string]*string{"street": &a.Street, "number": &a.StreetNumber, "code": &a.PostalCode, "city": &a.City, "country": &a.Country, "extra": &a.Extra} {
		if *part != "" {
			*part = strings.TrimSpace(text(label))
		}
	}
	if a.Coordinates != nil {
		a.Coordinates = &order.Coordinates{Latitude: rapid.SampledFrom([]float64{59.30851, -33.9, 0.5}).Draw(t, "latitude"), Longitude: rapid.SampledFrom([]float64{18.07221, -70.001, 179.5}).Draw(t, "longitude")}
	}
	return &a
}

func someItems(t *rapid.T, least, levels int, text func(string) string) []order.Item {
	if levels < 0 {
		return nil
	}
	var items []order.Item
	for range rapid.IntRange(least, 3).Draw(t, "lines") {
		item := order.Item{
			PLU: rapid.StringMatching(`[A-Z0-9-]{1,8}`).Draw(t, "plu"), Name: text("item"), Quantity: rapid.Int64Range(1, 9).Draw(t, "quantity"),
			UnitPrice: rapid.Int64Range(0, 20_000).Draw(t, "price"), Modifiers: someItems(t, 0, levels-1, text),
		}
		items = append(items, item)
	}
	return items
}

// held is what every form holds: what must come out as it went in.
func held(o order.Order, r rendering) order.Order {
	kept := order.Order{
		ChannelOrderID: o.ChannelOrderID, DisplayID: o.DisplayID, Location: o.Location, Type: o.Type, Currency: o.Currency, Items: o.Items, Fees: o.Fees,
		Total: o.Total, Note: o.Note, Payment: order.Payment{Status: o.Payment.Status}, RequestedFor: o.RequestedFor, Discounts: o.Discounts,
		DeliveryAddress: o.DeliveryAddress,
	}
	if r.placed {
		kept.PlacedAt = o.PlacedAt
	}
	if o.Customer != nil {
		kept.Customer = &order.Customer{Name: o.Customer.Name, Phone: o.Customer.Phone, Email: o.Customer.Email}
	}
	return kept
}

// TestWhatAFormHoldsComesOutAsItWentIn draws orders, writes them in every platform's form, and reads them.
func TestWhatAFormHoldsComesOutAsItWentIn(t *testing.T) {
	t.Parallel()
	for _, a := range channel.Adapters() {
		r, ok := renderings()[a.Name]
		if !ok {
			t.Errorf("nobody writes the form of %s", a.Name)
			continue
		}
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				want := r.anyOrder(t, a.Name)
				body, err := json.Marshal(r.write(want))
				if err != nil {
					t.Fatal(err)
				}
				m, err := readRendered(a, r, want, body)
				got, ok := m.(channel.NewOrder)
				if err != nil || !ok {
					t.Fatalf("%s\nis read as %T: %v", body, m, err)
				}
				unpaid := a.Name == "square" && want.Total > 0 // its orders are paid by tenders, which this form has none of
				if unpaid {
					want.Payment.Status = order.Unpaid
				}
				if diff := cmp.Diff(held(want, r), held(got.Order, r), cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("%s\n(-want +got):\n%s", body, diff)
				}
				if sum, ok := got.Order.Sum(); !ok || sum != want.Total {
					t.Fatalf("the parts add up to %d, want %d", sum, want.Total)
				}
			})
		})
	}
}

func readRendered(a channel.Adapter, r rendering, o order.Order, body []byte) (channel.Message, error) {
	if r.fetched {
		return a.ReadFetched(body, channel.Reference{Ref: channel.Ref{ChannelOrderID: o.ChannelOrderID}}, anywhere("SEK"))
	}
	return a.Read(channel.Request{Path: "orders", Body: body}, anywhere("SEK"))
}
