package identity

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"ryggrad.internal/hub/shared/fault"
)

// maxName is the longest name, in code points, of anything that people name.
const maxName = 120

// maxLocations is how many locations a client can name: as many as fit into its access token.
const maxLocations = 100

// faults collects what is wrong with a record, so that all of it is told at once.
type faults []fault.Detail

func (f *faults) add(location, message string) {
	*f = append(*f, fault.Detail{Location: location, Message: message})
}

// name checks a name that people gave: not blank, not long, nothing that breaks a line or a page.
func (f *faults) name(name string) {
	if strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > maxName {
		f.add("body.name", fmt.Sprintf("must have 1 to %d characters", maxName))
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		f.add("body.name", "must be printable text")
	}
}

func (f *faults) locations(locations Locations) {
	if len(locations) == 0 {
		f.add("body.locations", "is empty")
	}
	if len(locations) > maxLocations {
		f.add("body.locations", fmt.Sprintf("has more than %d; ask for all of them with *", maxLocations))
	}
	if locations.Every() {
		return
	}
	for i, l := range locations {
		if !WellFormed(LocationPrefix, l) {
			f.add(fmt.Sprintf("body.locations[%d]", i), "is not a location's id")
		}
	}
}

func (f *faults) fault(what string) error {
	if len(*f) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "%s breaks the rules", what).With(*f...)
}
