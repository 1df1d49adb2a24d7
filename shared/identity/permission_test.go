package identity_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
)

func TestEveryPermissionIsDescribedOnce(t *testing.T) {
	t.Parallel()
	seen := map[identity.Permission]bool{}
	for _, d := range identity.Permissions() {
		if seen[d.Permission] || d.Allows == "" || !d.Permission.Known() {
			t.Errorf("%q is there twice, or without a description", d.Permission)
		}
		seen[d.Permission] = true
		if d.Permission.ForIntegration() != d.Integration {
			t.Errorf("%q.ForIntegration() is not what the table says", d.Permission)
		}
	}
	if !seen[identity.OrdersReadPII] || identity.Permission("orders:*").Known() || identity.Permission("").Known() {
		t.Error("the table misses a permission or knows one that does not exist")
	}
}

func TestIntegrationsHoldNothingThatGivesCredentials(t *testing.T) {
	t.Parallel()
	for _, p := range []identity.Permission{
		identity.ClientsWrite, identity.UsersWrite, identity.ChannelsWrite, identity.SupportGrant, "made:up",
	} {
		if p.ForIntegration() {
			t.Errorf("an integration may hold %s", p)
		}
	}
}

func TestScopesAreSortedAndUnique(t *testing.T) {
	t.Parallel()
	got, err := identity.ParseScopes(" orders:write  events:read orders:write ")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("events:read orders:write", got.String()); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
}

func TestEveryUnknownScopeIsNamed(t *testing.T) {
	t.Parallel()
	_, err := identity.ParseScopes("orders:write Orders:write orders:read orders:* ORDERS")
	want := []fault.Detail{
		{Location: "scope[1]", Message: "is not a known scope"},
		{Location: "scope[3]", Message: "is not a known scope"},
		{Location: "scope[4]", Message: "is not a known scope"},
	}
	if diff := cmp.Diff(want, details(t, err)); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
}

func TestScopesBeyondALimit(t *testing.T) {
	t.Parallel()
	all := identity.NewScopes(identity.OrdersRead, identity.OrdersWrite, identity.AuditRead)
	limit := identity.NewScopes(identity.OrdersRead)
	if diff := cmp.Diff("audit:read orders:write", all.Beyond(limit).String()); diff != "" {
		t.Errorf("beyond (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("audit:read orders:read orders:write", all.String()); diff != "" {
		t.Errorf("the scopes themselves changed (-want +got):\n%s", diff)
	}
}

func FuzzParseScopes(f *testing.F) {
	f.Add("orders:write events:read")
	f.Add("orders:*\torders:read\u00a0x")
	f.Fuzz(func(t *testing.T, list string) {
		scopes, err := identity.ParseScopes(list)
		if err != nil {
			return
		}
		again, err := identity.ParseScopes(scopes.String())
		if err != nil || !cmp.Equal(scopes, again) {
			t.Errorf("%q became %q (%v)", scopes, again, err)
		}
	})
}
