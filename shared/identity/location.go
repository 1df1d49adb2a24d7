package identity

import (
	"time"
	_ "time/tzdata" // zones must not depend on the machine

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
)

// Location is a restaurant: a place with a clock and a currency that orders go to.
type Location struct {
	ID        string // `loc_…`
	Tenant    string
	Name      string
	Timezone  string // of the IANA database, as in `Europe/Stockholm`
	Currency  string // ISO 4217, upper case
	Country   string // ISO 3166-1 alpha-2, upper case
	CreatedAt time.Time
}

// Check tells everything that is wrong with a location that is about to be stored.
func (l Location) Check() error {
	var f faults
	f.name(l.Name)
	if !knownZone(l.Timezone) {
		f.add("body.timezone", "is not a zone of the IANA database, as in Europe/Stockholm")
	}
	if unit, err := currency.ParseISO(l.Currency); err != nil || unit.String() != l.Currency {
		f.add("body.currency", "is not an ISO 4217 code, as in SEK")
	}
	if region, err := language.ParseRegion(l.Country); err != nil || !region.IsCountry() || region.String() != l.Country {
		f.add("body.country", "is not an ISO 3166-1 alpha-2 code, as in SE")
	}
	return f.fault("the location")
}

// knownZone refuses the two names that mean the machine's own zone to [time.LoadLocation].
func knownZone(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil && name != "" && name != "Local"
}
