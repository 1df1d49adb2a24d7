package channel

import (
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

// DeliverectSignature is the header by which Deliverect signs: the hexadecimal HMAC-SHA256 of the body.
const DeliverectSignature = "X-Server-Authorization-HMAC-SHA256"

// Deliverect's statuses of an order that it sends to a POS.
const (
	deliverectNew    = 10
	deliverectCancel = 100
)

// POSOrder is what a POS is told of an order beside the order itself.
type POSOrder struct {
	ID        string // by which the POS reports the order's status
	Cancelled bool
	Reason    string // of the cancellation
}

// DeliverectForPOS writes an order in the form in which Deliverect sends orders to a POS (developers.deliverect.com, "POS
// API: orders webhook"), for a POS that speaks that already. Amounts have the currency's own digits. What the form has no
// place for is left out: who funds a discount other than by name, which taxes prices include, what is in extra; fees of
// other kinds are added to the service charge, so that the amounts add up.
func DeliverectForPOS(o order.Order, to POSOrder) ([]byte, error) {
	digits, _ := o.Currency.Exponent()
	out := posOrder{
		ID: to.ID, OrderID: to.ID, ChannelOrderID: o.ChannelOrderID, DisplayID: o.DisplayID, Location: o.Location,
		Status: deliverectNew, OrderType: posType(o.Type), Currency: string(o.Currency), DecimalDigits: int64(digits),
		PlacedTime: o.PlacedAt, ASAP: o.RequestedFor == "", Items: posItems(o.Items), Note: o.Note,
		Payment:     posPayment{Amount: o.Total, Type: posMethod(o.Payment.Method), Due: o.Payment.Due},
		AlreadyPaid: o.Payment.Status == order.Paid, Taxes: []posTax{}, Discounts: []posDiscount{},
	}
	if to.Cancelled {
		out.Status, out.CancellationReason = deliverectCancel, to.Reason
	}
	if o.Type == order.Delivery {
		out.DeliveryTime = o.RequestedFor
	} else {
		out.PickupTime = o.RequestedFor
	}
	out.amounts(o)
	out.guest(o)
	body, err := json.Marshal(out, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write an order for a POS: %w", err)
	}
	return body, nil
}

// ReadDeliverectStatus reads what a POS reports of an order in Deliverect's form (`POST /orderStatus/{orderId}`). It is false
// for codes that mean nothing here, or nothing new: they are kept and ignored, as Deliverect does.
func ReadDeliverectStatus(body []byte) (change order.Change, ok bool, err error) {
	var in struct {
		Status     integer `json:"status"`
		Reason     string  `json:"reason"`
		PickupTime string  `json:"pickupTime"`
	}
	if err := decode(body, &in); err != nil {
		return order.Change{}, false, err
	}
	change.Status, ok = deliverect().StatusOf(strconv.FormatInt(int64(in.Status), 10))
	change.Reason = order.Shorten(in.Reason, order.MaxReason)
	change.ReadyAt, _ = readTime(in.PickupTime)
	return change, ok && change.Status != order.Received, nil
}

// longestPreparation bounds the minutes that a POS can ask for.
const longestPreparation = 24 * 60

// ReadDeliverectPreparation reads how much longer a POS says that an order takes, in Deliverect's form
// (`POST /updatePreparationTime`): our id of the order, and the time from when it says so.
func ReadDeliverectPreparation(body []byte) (id string, takes time.Duration, err error) {
	var in struct {
		Order   string   `json:"order"`
		Minutes *integer `json:"minutes"`
	}
	if err := decode(body, &in); err != nil {
		return "", 0, err
	}
	var found []fault.Detail
	if in.Order == "" {
		found = append(found, fault.Detail{Location: "body.order", Message: "is missing"})
	}
	switch {
	case in.Minutes == nil:
		found = append(found, fault.Detail{Location: "body.minutes", Message: "is missing"})
	case *in.Minutes < 0 || *in.Minutes > longestPreparation:
		found = append(found, fault.Detail{Location: "body.minutes", Message: "is not between 0 and " + strconv.Itoa(longestPreparation)})
	}
	if len(found) > 0 {
		return "", 0, fault.New(fault.Invalid, "the report breaks the rules").With(found...)
	}
	return in.Order, time.Duration(*in.Minutes) * time.Minute, nil
}

type posOrder struct {
	ID                 string        `json:"_id"`
	OrderID            string        `json:"orderId"`
	ChannelOrderID     string        `json:"channelOrderId"`
	DisplayID          string        `json:"channelOrderDisplayId"`
	Location           string        `json:"location"`
	Status             int64         `json:"status"`
	CancellationReason string        `json:"cancellationReason,omitzero"`
	OrderType          int64         `json:"orderType"`
	Currency           string        `json:"currency"`
	DecimalDigits      int64         `json:"decimalDigits"`
	PlacedTime         order.Time    `json:"placedTime"`
	PickupTime         order.Time    `json:"pickupTime,omitzero"`
	DeliveryTime       order.Time    `json:"deliveryTime,omitzero"`
	ASAP               bool          `json:"deliveryIsAsap"`
	Items              []posItem     `json:"items"`
	Payment            posPayment    `json:"payment"`
	AlreadyPaid        bool          `json:"orderIsAlreadyPaid"`
	Taxes              []posTax      `json:"taxes"`
	TaxTotal           int64         `json:"taxTotal"`
	DeliveryCost       int64         `json:"deliveryCost"`
	ServiceCharge      int64         `json:"serviceCharge"`
	BagFee             int64         `json:"bagFee"`
	SmallOrderFee      int64         `json:"smallOrderFee"`
	Tip                int64         `json:"tip"`
	DriverTip          int64         `json:"driverTip"`
	DiscountTotal      int64         `json:"discountTotal"`
	Discounts          []posDiscount `json:"discounts"`
	Customer           *posCustomer  `json:"customer,omitempty"`
	DeliveryAddress    *posAddress   `json:"deliveryAddress,omitempty"`
	Note               string        `json:"note"`
}

type posItem struct {
	PLU      string    `json:"plu"`
	Name     string    `json:"name"`
	Price    int64     `json:"price"`
	Quantity int64     `json:"quantity"`
	Remark   string    `json:"remark,omitzero"`
	SubItems []posItem `json:"subItems"`
}

type posPayment struct {
	Amount int64 `json:"amount"`
	Type   int64 `json:"type"`
	Due    int64 `json:"due"`
}

type posTax struct {
	Name  string `json:"name"`
	Total int64  `json:"total"`
}

type posDiscount struct {
	Name     string `json:"name"`
	Provider string `json:"provider,omitzero"`
	Amount   int64  `json:"amount"`
}

type posCustomer struct {
	Name  string `json:"name"`
	Phone string `json:"phoneNumber"`
	Email string `json:"email"`
	Note  string `json:"note"`
}

type posAddress struct {
	Street       string          `json:"street"`
	StreetNumber string          `json:"streetNumber"`
	PostalCode   string          `json:"postalCode"`
	City         string          `json:"city"`
	Country      string          `json:"country"`
	Extra        string          `json:"extraAddressInfo"`
	Coordinates  *posCoordinates `json:"coordinates,omitempty"`
}

type posCoordinates struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

func posItems(items []order.Item) []posItem {
	all := make([]posItem, len(items))
	for i, item := range items {
		all[i] = posItem{item.PLU, item.Name, item.UnitPrice, item.Quantity, item.Note, posItems(item.Modifiers)}
	}
	return all
}

// amounts fills in what is charged and taken off beside the items.
func (p *posOrder) amounts(o order.Order) {
	fees := map[string]*int64{
		"delivery": &p.DeliveryCost, "bag": &p.BagFee, "small_order": &p.SmallOrderFee, "tip": &p.Tip, "driver_tip": &p.DriverTip,
	}
	for _, f := range o.Fees {
		at, ok := fees[f.Kind]
		if !ok {
			at = &p.ServiceCharge
		}
		*at += f.Amount
	}
	for _, d := range o.Discounts {
		p.Discounts = append(p.Discounts, posDiscount{d.Name, d.FundedBy, d.Amount})
		p.DiscountTotal -= d.Amount
	}
	for _, t := range o.Taxes {
		p.Taxes = append(p.Taxes, posTax{t.Name, t.Amount})
		p.TaxTotal += t.Amount
	}
}

func (p *posOrder) guest(o order.Order) {
	if c := o.Customer; c != nil {
		p.Customer = &posCustomer{c.Name, c.Phone, c.Email, c.Note}
	}
	if a := o.DeliveryAddress; a != nil {
		p.DeliveryAddress = &posAddress{
			Street: a.Street, StreetNumber: a.StreetNumber, PostalCode: a.PostalCode, City: a.City, Country: a.Country, Extra: a.Extra,
		}
		if at := a.Coordinates; at != nil {
			p.DeliveryAddress.Coordinates = &posCoordinates{at.Latitude, at.Longitude}
		}
	}
}

func posType(t order.Type) int64 {
	for code := range integer(5) {
		if deliverectType(code) == t && t != "" {
			return int64(code)
		}
	}
	return 0
}

// posMethod returns the code of a payment method; 9 is any other.
func posMethod(method string) int64 {
	for code := range integer(9) {
		if known, _ := deliverectMethod(code); known == method {
			return int64(code)
		}
	}
	return 9
}
