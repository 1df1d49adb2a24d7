package channel_test

import (
	"fmt"
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
	write    func(o order.Order) any
}

// renderings are the forms of every platform, as far as they hold what [held] compares.
func renderings() map[string]rendering {
	return map[string]rendering{
		"deliverect": {levels: 3, placed: true, write: func(o order.Order) any {
			return object{
				"channelOrderId": o.ChannelOrderID, "channelOrderDisplayId": o.DisplayID, "orderType": map[order.Type]int{order.Pickup: 1, order.Delivery: 2}[o.Type],
				"placedTime": o.PlacedAt, "deliveryIsAsap": true, "decimalDigits": exponent(o), "payment": object{"amount": o.Total, "type": 3},
				"deliveryCost": fee(o), "note": o.Note, "customer": object{"name": o.Customer.Name, "phoneNumber": o.Customer.Phone},
				"items": lines(o.Items, "subItems", func(i order.Item) object {
					return object{"plu": i.PLU, "name": i.Name, "quantity": i.Quantity, "price": i.UnitPrice, "remark": i.Note}
				}),
			}
		}},
		"deliveroo": {levels: 3, currency: true, placed: true, write: func(o order.Order) any {
			money := func(n int64) object { return object{"fractional": n, "currency_code": o.Currency} }
			return object{"event": "order.new", "body": object{"order": object{
				"id": o.ChannelOrderID, "display_id": o.DisplayID, "asap": true, "fulfillment_type": either(o.Type == order.Pickup, "customer", "restaurant"),
				"status_log": []object{{"at": o.PlacedAt, "status": "placed"}}, "order_notes": o.Note, "partner_order_total": money(o.Total),
				"delivery": object{"delivery_fee": money(fee(o))}, "customer": object{"first_name": o.Customer.Name, "contact_number": o.Customer.Phone},
				"items": lines(o.Items, "modifiers", func(i order.Item) object {
					return object{"pos_item_id": i.PLU, "name": i.Name, "quantity": i.Quantity, "unit_price": money(i.UnitPrice)}
				}),
			}}}
		}},
		"deliveryhero": {levels: 3, placed: true, write: func(o order.Order) any {
			text := func(n int64) string { return string(major(o, n)) }
			return object{
				"token": o.ChannelOrderID, "shortCode": o.DisplayID, "expeditionType": o.Type, "createdAt": o.PlacedAt, "comments": object{"customerComment": o.Note},
				"customer": object{"firstName": o.Customer.Name, "mobilePhone": o.Customer.Phone}, "payment": object{"status": "paid", "type": "online"},
				"price": object{"grandTotal": text(o.Total), "deliveryFees": []object{{"value": text(fee(o))}}},
				"products": lines(o.Items, "children", func(i order.Item) object {
					return object{"remoteCode": i.PLU, "name": i.Name, "quantity": fmt.Sprint(i.Quantity), "unitPrice": text(i.UnitPrice), "comment": i.Note}
				}),
			}
		}},
		"doordash": {levels: 1, write: func(o order.Order) any {
			return object{
				"id": o.ChannelOrderID, "delivery_short_code": o.DisplayID, "is_pickup": o.Type == order.Pickup, "order_special_instructions": o.Note,
				"subtotal": o.Total - fee(o), "delivery_fee": fee(o), "tax": 0, "consumer": object{"first_name": o.Customer.Name, "phone": o.Customer.Phone},
				"categories": []object{{"items": grouped(o.Items, "extras", "options", func(i order.Item) object {
					return object{"merchant_supplied_id": i.PLU, "name": i.Name, "quantity": i.Quantity, "price": i.UnitPrice, "special_instructions": i.Note}
				})}},
			}
		}},
		"generic": {levels: 3, currency: true, placed: true, write: func(o order.Order) any { return o }},
		"glovo": {levels: 3, currency: true, placed: true, write: func(o order.Order) any {
			return object{
				"order_id": o.ChannelOrderID, "order_code": o.DisplayID, "is_picked_up_by_customer": o.Type == order.Pickup, "order_time": o.PlacedAt,
				"currency": o.Currency, "estimated_total_price": o.Total, "delivery_fee": fee(o), "special_requirements": o.Note, "payment_method": "DELAYED",
				"customer": object{"name": o.Customer.Name, "phone_number": o.Customer.Phone},
				"products": lines(o.Items, "attributes", func(i order.Item) object {
					return object{"id": i.PLU, "name": i.Name, "quantity": i.Quantity, "price": i.UnitPrice, "comment": i.Note}
				}),
			}
		}},
		"hubrise": {fetched: true, levels: 3, currency: true, placed: true, write: func(o order.Order) any {
			money := func(n int64) string { return string(major(o, n)) + " " + string(o.Currency) }
			return object{
				"id": o.ChannelOrderID, "collection_code": o.DisplayID, "service_type": either(o.Type == order.Pickup, "collection", "delivery"),
				"created_at": o.PlacedAt, "asap": true, "total": money(o.Total), "customer_notes": o.Note,
				"charges": []object{{"type": "delivery", "price": money(fee(o))}}, "payments": []object{{"type": "online", "amount": money(o.Total)}},
				"customer": object{"first_name": o.Customer.Name, "phone": o.Customer.Phone},
				"items": lines(o.Items, "options", func(i order.Item) object {
					return object{"sku_ref": i.PLU, "product_name": i.Name, "quantity": fmt.Sprint(i.Quantity, ".0"), "price": money(i.UnitPrice), "customer_notes": i.Note}
				}),
			}
		}},
		"ifood": {fetched: true, levels: 3, placed: true, write: func(o order.Order) any {
			return object{
				"id": o.ChannelOrderID, "displayId": o.DisplayID, "orderType": either(o.Type == order.Pickup, "TAKEOUT", "DELIVERY"), "orderTiming": "IMMEDIATE",
				"createdAt": o.PlacedAt, "extraInfo": o.Note, "total": object{"deliveryFee": major(o, fee(o)), "orderAmount": major(o, o.Total)},
				"payments": object{"prepaid": major(o, o.Total), "pending": 0}, "customer": object{"name": o.Customer.Name, "phone": object{"number": o.Customer.Phone}},
				"items": lines(o.Items, "options", func(i order.Item) object {
					return object{"externalCode": i.PLU, "name": i.Name, "quantity": i.Quantity, "unitPrice": major(o, i.UnitPrice), "observations": i.Note}
				}),
			}
		}},
		"jet": {levels: 3, currency: true, placed: true, write: func(o order.Order) any {
			return object{
				"OrderId": o.ChannelOrderID, "FriendlyOrderReference": o.DisplayID, "Currency": o.Currency, "PlacedDate": o.PlacedAt, "TotalPrice": major(o, o.Total),
				"Fulfilment":    object{"Method": either(o.Type == order.Pickup, "Collection", "Delivery"), "CustomerDueAsap": true, "PhoneNumber": o.Customer.Phone},
				"CustomerNotes": object{"noteForRestaurant": o.Note}, "Customer": object{"Name": o.Customer.Name},
				"PriceBreakdown": object{"Fees": object{"Delivery": major(o, fee(o))}}, "Payment": object{"Lines": []object{{"Type": "card", "Paid": true, "Value": major(o, o.Total)}}},
				"Items": lines(o.Items, "Items", func(i order.Item) object {
					return object{"Reference": i.PLU, "Name": i.Name, "Quantity": i.Quantity, "UnitPrice": major(o, i.UnitPrice), "Notes": i.Note}
				}),
			}
		}},
		"opendelivery": {fetched: true, levels: 3, currency: true, placed: true, write: func(o order.Order) any {
			money := func(n int64) object { return object{"value": major(o, n), "currency": o.Currency} }
			return object{
				"id": o.ChannelOrderID, "displayId": o.DisplayID, "type": either(o.Type == order.Pickup, "TAKEOUT", "DELIVERY"), "createdAt": o.PlacedAt,
				"extraInfo": o.Note, "total": object{"orderAmount": money(o.Total)}, "otherFees": []object{{"type": "DELIVERY_FEE", "price": money(fee(o))}},
				"payments": object{"pending": 0}, "customer": object{"name": o.Customer.Name, "phone": object{"number": o.Customer.Phone}},
				"items": lines(o.Items, "options", func(i order.Item) object {
					return object{"externalCode": i.PLU, "name": i.Name, "quantity": i.Quantity, "unitPrice": money(i.UnitPrice), "specialInstructions": i.Note}
				}),
			}
		}},
		"otter": {fetched: true, levels: 3, currency: true, placed: true, write: func(o order.Order) any {
			return object{
				"id": o.ChannelOrderID, "externalIdentifiers": object{"friendlyId": o.DisplayID}, "currencyCode": o.Currency, "orderedAt": o.PlacedAt,
				"customer": object{"name": o.Customer.Name, "phone": o.Customer.Phone}, "customerNote": o.Note,
				"fulfillmentInfo":  object{"fulfillmentMode": strings.ToUpper(string(o.Type)), "schedulingType": "ASAP"},
				"orderTotal":       object{"deliveryFee": major(o, fee(o)), "total": major(o, o.Total)},
				"customerPayments": []object{{"value": major(o, o.Total), "processingStatus": "PROCESSED", "paymentMethod": "CARD"}},
				"items": lines(o.Items, "modifiers", func(i order.Item) object {
					return object{"skuId": i.PLU, "name": i.Name, "quantity": i.Quantity, "price": major(o, i.UnitPrice), "note": i.Note}
				}),
			}
		}},
		"square": {fetched: true, levels: 1, currency: true, placed: true, write: func(o order.Order) any {
			money := func(n int64) object { return object{"amount": n, "currency": o.Currency} }
			how := strings.ToLower(string(o.Type))
			return object{"order": object{
				"id": o.ChannelOrderID, "reference_id": o.DisplayID, "created_at": o.PlacedAt, "total_money": money(o.Total),
				"service_charges": []object{{"name": "delivery fee", "applied_money": money(fee(o))}},
				"fulfillments": []object{{"type": strings.ToUpper(how), how + "_details": object{
					"schedule_type": "ASAP", "note": o.Note, "recipient": object{"display_name": o.Customer.Name, "phone_number": o.Customer.Phone},
				}}},
				"line_items": lines(o.Items, "modifiers", func(i order.Item) object {
					return object{"catalog_object_id": i.PLU, "name": i.Name, "quantity": fmt.Sprint(i.Quantity), "base_price_money": money(i.UnitPrice), "note": i.Note}
				}),
			}}
		}},
		"takeaway": {levels: 3, currency: true, placed: true, write: func(o order.Order) any {
			return object{
				"id": o.ChannelOrderID, "publicReference": o.DisplayID, "orderType": o.Type, "orderDate": o.PlacedAt, "isAsap": true, "currency": o.Currency,
				"totalPrice": major(o, o.Total), "deliveryCosts": major(o, fee(o)), "remark": o.Note, "isPaid": true, "paymentMethod": "ideal",
				"customer": object{"name": o.Customer.Name, "phoneNumber": o.Customer.Phone},
				"products": lines(o.Items, "sideDishes", func(i order.Item) object {
					return object{"id": i.PLU, "name": i.Name, "count": i.Quantity, "price": major(o, i.UnitPrice), "remark": i.Note}
				}),
			}
		}},
		"ubereats": {fetched: true, levels: 3, currency: true, placed: true, write: func(o order.Order) any {
			money := func(n int64) object { return object{"amount": n, "currency_code": o.Currency} }
			return object{
				"id": o.ChannelOrderID, "display_id": o.DisplayID, "type": either(o.Type == order.Pickup, "PICK_UP", "DELIVERY_BY_UBER"), "placed_at": o.PlacedAt,
				"eater":   object{"first_name": o.Customer.Name, "phone": o.Customer.Phone},
				"payment": object{"charges": object{"total": money(o.Total), "delivery_fee": money(fee(o))}},
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
	o.Total, _ = o.Sum()
	o.Payment = order.Payment{Method: "online", Status: order.Paid}
	return o
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
		Total: o.Total, Note: o.Note, Payment: order.Payment{Status: o.Payment.Status},
	}
	if r.placed {
		kept.PlacedAt = o.PlacedAt
	}
	if o.Customer != nil {
		kept.Customer = &order.Customer{Name: o.Customer.Name, Phone: o.Customer.Phone}
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
				unpaid := a.Name == "square" // its orders are paid by tenders, which this form has none of
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
