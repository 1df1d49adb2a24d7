package identity_test

import (
	"errors"
	"testing"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
)

// details returns the details of an error that must be [fault.Invalid].
func details(t *testing.T, err error) []fault.Detail {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Invalid {
		t.Fatalf("error = %v, want an invalid fault", err)
	}
	return f.Details
}

func TestTheZeroCallerMayDoNothing(t *testing.T) {
	t.Parallel()
	var nobody identity.Caller
	for _, d := range identity.Permissions() {
		if nobody.Can(d.Permission) {
			t.Errorf("nobody may %s", d.Allows)
		}
	}
	if nobody.MayUse("loc_a") || nobody.MayUse("") || nobody.MayUse(identity.EveryLocation) {
		t.Error("nobody may use a location")
	}
}

func TestLocationsReach(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reach    identity.Locations
		location string
		want     bool
	}{
		"its own":                            {identity.Locations{"loc_a", "loc_b"}, "loc_b", true},
		"another":                            {identity.Locations{"loc_a"}, "loc_b", false},
		"any under every":                    {identity.Locations{identity.EveryLocation}, "loc_b", true},
		"no location under every":            {identity.Locations{identity.EveryLocation}, "", false},
		"a star is no location":              {identity.Locations{identity.EveryLocation}, "*", false},
		"a star among others is not all":     {identity.Locations{"loc_a", "*"}, "loc_b", false},
		"a prefix of its own is another one": {identity.Locations{"loc_ab"}, "loc_a", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.reach.Has(c.location); got != c.want {
				t.Errorf("%v.Has(%q) = %t", c.reach, c.location, got)
			}
		})
	}
}

func TestActorsReadBack(t *testing.T) {
	t.Parallel()
	for _, kind := range []identity.Kind{
		identity.KindClient, identity.KindUser, identity.KindStaff,
		identity.KindOperator, identity.KindChannel, identity.KindSystem,
	} {
		want := identity.Actor{Kind: kind, ID: "a:b"}
		if got, ok := identity.ParseActor(want.String()); !ok || got != want {
			t.Errorf("ParseActor(%q) = %v, %t", want, got, ok)
		}
	}
	for _, bad := range []string{"", "client", "client:", "robot:r1", ":x", "Client:x"} {
		if got, ok := identity.ParseActor(bad); ok {
			t.Errorf("ParseActor(%q) = %v, want a refusal", bad, got)
		}
	}
}
