package envelope

import "ryggrad.internal/hub/shared/envelope/phone"

// Phone returns a telephone number in the form under which it is looked up: E.164, as package phone reads it. Region is
// the ISO 3166 country where the order was placed; it may be empty when the number begins with `+`.
func Phone(number, region string) (c Contact, ok bool) {
	e164, ok := phone.E164(number, region)
	if !ok {
		return Contact{}, false
	}
	return Contact{kind: phoneContact, value: e164}, true
}
