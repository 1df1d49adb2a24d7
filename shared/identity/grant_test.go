package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/identity"
)

const somebody = "usr_aaaaaaaaaaaaaaaaaaaaaaaaaa"

func soundGrant() identity.Grant {
	return identity.Grant{
		ID: "grt_aaaaaaaaaaaaaaaaaaaaaaaaaa", Tenant: "ten_a", Person: somebody, Scopes: identity.NewScopes(identity.OrdersRead, identity.DeliveriesRead),
		Reason: "orders are missing", GrantedBy: "usr_b", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
}

func TestGrantsAreChecked(t *testing.T) {
	t.Parallel()
	if err := soundGrant().Check(noon); err != nil {
		t.Fatalf("a sound grant is refused: %v", err)
	}
	for location, spoil := range map[string]func(*identity.Grant){
		"body.person":    func(g *identity.Grant) { g.Person = "kim" },
		"body.scope":     func(g *identity.Grant) { g.Scopes = nil },
		"body.scope[0]":  func(g *identity.Grant) { g.Scopes = identity.Scopes{identity.ClientsRead} },
		"body.reason":    func(g *identity.Grant) { g.Reason = strings.Repeat("x", 501) },
		"body.expiresAt": func(g *identity.Grant) { g.ExpiresAt = noon.Add(24*time.Hour + time.Second) },
	} {
		g := soundGrant()
		spoil(&g)
		if got := details(t, g.Check(noon)); len(got) != 1 || got[0].Location != location {
			t.Errorf("details = %v, want one at %s", got, location)
		}
	}
}

func TestCredentialsKeysExportsAndPeopleStayOutOfSupportsReach(t *testing.T) {
	t.Parallel()
	for _, p := range []identity.Permission{
		identity.ClientsRead, identity.ClientsWrite, identity.UsersRead, identity.UsersWrite, identity.ChannelsWrite,
		identity.EndpointsWrite, identity.SubjectsExport, identity.SubjectsErase, identity.SupportGrant, identity.SupportRead,
		identity.OrdersWrite, identity.LocationsWrite, identity.AuditRead, identity.SessionsOwn, identity.AccountPassword, identity.AccountFactors, "x",
	} {
		if p.ForSupport() {
			t.Errorf("support may be granted %s", p)
		}
	}
}

func TestAGrantAllowsItsPersonItsScopeInItsTime(t *testing.T) {
	t.Parallel()
	g := soundGrant()
	if !g.Allows(somebody, identity.NewScopes(identity.OrdersRead), noon) {
		t.Fatal("what was granted is refused")
	}
	ended := g
	ended.EndedAt = noon
	for name, allowed := range map[string]bool{
		"another person": g.Allows("usr_b", g.Scopes, noon),
		"more":           g.Allows(somebody, identity.NewScopes(identity.OrdersRead, identity.OrdersReadPII), noon),
		"nothing":        g.Allows(somebody, nil, noon),
		"later":          g.Allows(somebody, g.Scopes, g.ExpiresAt),
		"once it ended":  ended.Allows(somebody, g.Scopes, noon),
	} {
		if allowed {
			t.Errorf("%s is allowed", name)
		}
	}
}

func TestAGrantIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	g := soundGrant()
	g.EndedAt = noon.Add(time.Minute)
	got, err := identity.ParseGrant(g.ID, g.Document())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(g, got); diff != "" {
		t.Errorf("grant (-want +got):\n%s", diff)
	}
}
