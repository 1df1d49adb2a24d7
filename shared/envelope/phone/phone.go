package phone

import "strings"

// E164 returns a telephone number as `+` and its digits, country calling code first, as ITU-T E.164 writes it. Region is
// the ISO 3166 country where a number without a country code is dialled; it may be empty, and then only numbers with a
// `+` are taken. An extension is dropped. It is not ok for what cannot be dialled from abroad: too short or long for its
// country, of an unknown country, without its area code, or with letters for digits.
func E164(number, region string) (e164 string, ok bool) {
	digits, plus, ok := read(number)
	if !ok {
		return "", false
	}
	home := table().regions[strings.ToUpper(region)]
	plan, national, ok := split(digits, plus, home)
	if !ok {
		return "", false
	}
	national = plan.significant(national)
	if !plan.main().possible(national) {
		return "", false
	}
	return "+" + plan.code + national, true
}

// split finds the country that a number belongs to and what follows the calling code.
func split(digits string, plus bool, home *plan) (p *plan, national string, ok bool) {
	if plus {
		if p, national, ok = international(digits); ok {
			return p, national, true
		}
	}
	if home == nil {
		return nil, "", false
	}
	// Even what follows a plus may be written as it is dialled from home, as in +0046.
	if rest, found := home.afterExitCode(digits); found {
		return international(rest)
	}
	if national, found := home.afterOwnCode(digits); found {
		return home.main(), national, true
	}
	return home, digits, !plus
}

// international splits digits that begin with a calling code.
func international(digits string) (p *plan, national string, ok bool) {
	for n := 1; n <= maxCode && n <= len(digits); n++ {
		if p := table().codes[digits[:n]]; p != nil {
			return p, digits[n:], true
		}
	}
	return nil, "", false
}
