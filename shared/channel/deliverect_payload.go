package channel

import (
	"github.com/go-json-experiment/json/jsontext"

	"ryggrad.internal/hub/shared/order"
)

// deliverectOrder is the payload. Members without a field here are kept in Rest, at every level.
type deliverectOrder struct {
	ChannelOrderID     string               `json:"channelOrderId"`
	DisplayID          string               `json:"channelOrderDisplayId"`
	Location           string               `json:"location"`
	Currency           string               `json:"currency"`
	Status             jsontext.Value       `json:"status"`
	CancellationReason string               `json:"cancellationReason"`
	OrderType          integer              `json:"orderType"`
	PlacedTime         string               `json:"placedTime"`
	PickupTime         string               `json:"pickupTime"`
	DeliveryTime       string               `json:"deliveryTime"`
	DeliveryIsAsap     bool                 `json:"deliveryIsAsap"`
	DecimalDigits      *integer             `json:"decimalDigits"`
	Items              []deliverectItem     `json:"items"`
	Payment            *deliverectPayment   `json:"payment"`
	AlreadyPaid        *bool                `json:"orderIsAlreadyPaid"`
	Taxes              jsontext.Value       `json:"taxes"`
	DeliveryCost       integer              `json:"deliveryCost"`
	DeliveryCostTax    integer              `json:"deliveryCostTax"`
	ServiceCharge      integer              `json:"serviceCharge"`
	ServiceChargeTax   integer              `json:"serviceChargeTax"`
	BagFee             integer              `json:"bagFee"`
	SmallOrderFee      integer              `json:"smallOrderFee"`
	Tip                integer              `json:"tip"`
	DriverTip          integer              `json:"driverTip"`
	DiscountTotal      integer              `json:"discountTotal"`
	Discounts          []deliverectDiscount `json:"discounts"`
	Customer           deliverectCustomer   `json:"customer"`
	DeliveryAddress    deliverectAddress    `json:"deliveryAddress"`
	Note               string               `json:"note"`
	Rest               rest                 `json:",embed"`
}

// rest is what an object has beyond the members that we know.
type rest map[string]jsontext.Value

type deliverectItem struct {
	PLU      string           `json:"plu"`
	Name     string           `json:"name"`
	Price    integer          `json:"price"`
	Quantity integer          `json:"quantity"`
	Remark   string           `json:"remark"`
	SubItems []deliverectItem `json:"subItems"`
	Rest     rest             `json:",embed"`
}

type deliverectPayment struct {
	Amount *integer `json:"amount"`
	Type   integer  `json:"type"`
	Due    *integer `json:"due"`
	Rest   rest     `json:",embed"`
}

type deliverectTax struct {
	Name  string  `json:"name"`
	Total integer `json:"total"`
	Rest  rest    `json:",embed"`
}

type deliverectDiscount struct {
	Name     string  `json:"name"`
	Provider string  `json:"provider"`
	Amount   integer `json:"amount"`
	Rest     rest    `json:",embed"`
}

type deliverectCustomer struct {
	Name       string `json:"name"`
	Phone      string `json:"phoneNumber"`
	AccessCode string `json:"phoneAccessCode"`
	Email      string `json:"email"`
	Note       string `json:"note"`
	Rest       rest   `json:",embed"`
}

type deliverectAddress struct {
	Street       string         `json:"street"`
	StreetNumber string         `json:"streetNumber"`
	PostalCode   string         `json:"postalCode"`
	City         string         `json:"city"`
	Country      string         `json:"country"`
	Extra        string         `json:"extraAddressInfo"`
	Coordinates  jsontext.Value `json:"coordinates"`
	Rest         rest           `json:",embed"`
}

// deliverectType names an order type; a code that is not documented is none.
func deliverectType(code integer) order.Type {
	switch code {
	case 1:
		return order.Pickup
	case 2:
		return order.Delivery
	case 3:
		return order.DineIn
	case 4:
		return order.Curbside
	default:
		return ""
	}
}

// deliverectMethod names a payment type and says whether such payments have been made when the order comes.
func deliverectMethod(code integer) (method, status string) {
	switch code {
	case 0:
		return "card_online", order.Paid
	case 1:
		return "cash", order.Unpaid
	case 2:
		return "on_delivery", order.Unpaid
	case 3:
		return "online", order.Paid
	case 4:
		return "card_at_door", order.Unpaid
	case 5:
		return "pin_at_door", order.Unpaid
	case 6:
		return "voucher_at_door", order.Unpaid
	case 7:
		return "meal_voucher", order.PaymentUnknown
	case 8:
		return "bank_contact", order.PaymentUnknown
	default:
		return "other", order.PaymentUnknown
	}
}
