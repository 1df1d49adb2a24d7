package order

import (
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A Guest is everything of an order that a guest typed or that names one. It is what gets encrypted; its JSON form is
// the plaintext.
type Guest struct {
	Customer        *Customer                 `json:"customer,omitzero"`
	PhoneMasked     bool                      `json:"phoneMasked,omitzero"` // see [Customer]
	EmailMasked     bool                      `json:"emailMasked,omitzero"`
	DeliveryAddress *Address                  `json:"deliveryAddress,omitzero"`
	Note            string                    `json:"note,omitzero"`
	ItemNotes       map[string]string         `json:"itemNotes,omitzero"` // by place, as in `body.items[0].modifiers[1]`
	Extra           map[string]jsontext.Value `json:"extra,omitzero"`     // a channel's unknown fields may hold anything
}

// Split takes the order apart: the face, which holds nothing of the guest and may be stored and shown in plain, and the
// guest. [Merge] puts them together again.
func (o Order) Split() (face Order, guest Guest) {
	guest = Guest{DeliveryAddress: o.DeliveryAddress, Note: o.Note, Extra: o.Extra}
	if o.Customer != nil {
		c := *o.Customer
		guest.PhoneMasked, guest.EmailMasked = c.PhoneMasked, c.EmailMasked
		c.PhoneMasked, c.EmailMasked = false, false
		guest.Customer = &c
	}
	face = o
	face.Customer, face.DeliveryAddress, face.Note, face.Extra = nil, nil, "", nil
	face.Items = cloneItems(o.Items)
	walk(bodyLocation().field("items"), face.Items, 0, func(at location, _ int, item *Item) bool {
		if item.Note != "" {
			if guest.ItemNotes == nil {
				guest.ItemNotes = map[string]string{}
			}
			guest.ItemNotes[at.String()] = item.Note
			item.Note = ""
		}
		return true
	})
	return face, guest
}

// Merge puts a face and its guest together again.
func Merge(face Order, guest Guest) Order {
	o := face
	o.Items = cloneItems(face.Items)
	o.DeliveryAddress, o.Note, o.Extra = guest.DeliveryAddress, guest.Note, guest.Extra
	if guest.Customer != nil {
		c := *guest.Customer
		c.PhoneMasked, c.EmailMasked = guest.PhoneMasked, guest.EmailMasked
		o.Customer = &c
	}
	if len(guest.ItemNotes) > 0 {
		walk(bodyLocation().field("items"), o.Items, 0, func(at location, _ int, item *Item) bool {
			item.Note = guest.ItemNotes[string(at)]
			return true
		})
	}
	return o
}

const masked = "***"

// Masked returns the order as a caller may see it who must not see personal data: of a name its first letter, of a phone
// number its last two digits, of an e-mail address its first letter, of an address city and country; every note is
// `***` where there is one, and Extra is left out.
func (o Order) Masked() Order {
	o = o.clone()
	o.Extra = nil
	o.Note = hide(o.Note)
	walk(bodyLocation().field("items"), o.Items, 0, func(_ location, _ int, item *Item) bool {
		item.Note = hide(item.Note)
		return true
	})
	if c := o.Customer; c != nil {
		c.Name, c.Phone, c.Email, c.Note = initial(c.Name), lastDigits(c.Phone), initial(c.Email), hide(c.Note)
	}
	if a := o.DeliveryAddress; a != nil {
		o.DeliveryAddress = &Address{
			Street: hide(a.Street), StreetNumber: hide(a.StreetNumber), PostalCode: hide(a.PostalCode),
			City: a.City, Country: a.Country, Extra: hide(a.Extra),
		}
	}
	return o
}

func hide(text string) string {
	if text == "" {
		return ""
	}
	return masked
}

func initial(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	_, size := utf8.DecodeRuneInString(text)
	return text[:size] + masked
}

func lastDigits(phone string) string {
	var digits []byte
	for i := range len(phone) {
		if c := phone[i]; '0' <= c && c <= '9' {
			digits = append(digits, c)
		}
	}
	if len(digits) < 6 { // two of so few would tell too much
		return hide(phone)
	}
	return masked + string(digits[len(digits)-2:])
}
