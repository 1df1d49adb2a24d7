package order

import "strings"

// Currency is an ISO 4217 code in capital letters.
type Currency string

// The active codes of ISO 4217 (list one) by the number of decimal digits of their minor unit. Codes without a minor
// unit (metals, funds, tests) are no money that an order can be in, so they are not here.
const (
	digits0 = " BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF "
	digits2 = " AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF" +
		" CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG" +
		" HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR" +
		" MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD" +
		" SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD" +
		" XCG YER ZAR ZMW ZWG "
	digits3 = " BHD IQD JOD KWD LYD OMR TND "
	digits4 = " CLF UYW "
)

// Exponent returns the decimal digits of the currency's minor unit: 2 for EUR, 0 for JPY, 3 for KWD. It is false for a
// code that ISO 4217 does not list as money in use.
func (c Currency) Exponent() (int, bool) {
	if len(c) != 3 || strings.Contains(string(c), " ") {
		return 0, false
	}
	word := " " + string(c) + " "
	switch {
	case strings.Contains(digits2, word):
		return 2, true
	case strings.Contains(digits0, word):
		return 0, true
	case strings.Contains(digits3, word):
		return 3, true
	case strings.Contains(digits4, word):
		return 4, true
	}
	return 0, false
}
