package identity_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/identity"
)

func TestEveryPermissionHasAColumnForEveryRole(t *testing.T) {
	t.Parallel()
	for _, d := range identity.Permissions() {
		if !d.HeldBy(identity.Owner) {
			t.Errorf("the owner lacks %s", d.Permission)
		}
		for _, r := range identity.Roles() {
			if d.HeldBy(r) != r.Permissions().Has(d.Permission) {
				t.Errorf("%s and %s disagree", r, d.Permission)
			}
		}
	}
}

func TestWhatRolesMustNotHold(t *testing.T) {
	t.Parallel()
	for role, never := range map[identity.Role][]identity.Permission{
		identity.Admin:   {identity.SupportGrant},
		identity.Manager: {identity.ClientsRead, identity.UsersRead, identity.ChannelsWrite, identity.AuditRead, identity.SubjectsExport},
		identity.Support: {identity.OrdersReadPII, identity.OrdersWrite, identity.ClientsRead, identity.UsersRead, identity.SupportGrant, identity.SubjectsExport},
		identity.Auditor: {identity.OrdersReadPII, identity.OrdersStatus, identity.EndpointsWrite, identity.UsersWrite, identity.ClientsWrite},
		identity.Viewer:  {identity.OrdersReadPII, identity.OrdersStatus, identity.UsersRead, identity.AuditRead},
		"root":           {identity.OrdersRead, identity.SessionsOwn},
	} {
		for _, p := range never {
			if role.Permissions().Has(p) {
				t.Errorf("%s holds %s", role, p)
			}
		}
	}
}

func TestRolesThatReachPeopleOrKeysNeedASecondFactor(t *testing.T) {
	t.Parallel()
	var need []identity.Role
	for _, r := range identity.Roles() {
		if r.NeedsSecondFactor() {
			need = append(need, r)
		}
		if r.Permissions().Has(identity.UsersWrite) && !r.NeedsSecondFactor() {
			t.Errorf("%s manages people without a second factor", r)
		}
	}
	if diff := cmp.Diff([]identity.Role{identity.Owner, identity.Admin, identity.Support}, need); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

func TestNobodyMakesSomebodyMorePowerful(t *testing.T) {
	t.Parallel()
	for _, r := range identity.Roles() {
		for _, other := range identity.Roles() {
			want := r == identity.Owner || r == identity.Admin && other != identity.Owner
			if r.MayManage(other) != want {
				t.Errorf("%s may manage %s: %t", r, other, !want)
			}
			if want && slices.ContainsFunc(other.Permissions(), func(p identity.Permission) bool { return !r.Permissions().Has(p) }) {
				t.Errorf("%s may make a %s, who holds more", r, other)
			}
		}
	}
}

func TestOnlyPeopleStepUp(t *testing.T) {
	t.Parallel()
	person := identity.Caller{Actor: identity.Actor{Kind: identity.KindUser, ID: "usr_a"}}
	if !person.MustStepUp() {
		t.Error("a person need not prove anything")
	}
	person.SteppedUp = true
	program := identity.Caller{Actor: identity.Actor{Kind: identity.KindClient, ID: "cli_a"}}
	if person.MustStepUp() || program.MustStepUp() {
		t.Error("somebody must prove what they have proved, or cannot")
	}
}
