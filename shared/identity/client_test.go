package identity_test

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

const (
	someLocation = "loc_aaaaaaaaaaaaaaaaaaaaaaaaaa"
	someLink     = "lnk_aaaaaaaaaaaaaaaaaaaaaaaaaa"
)

func soundClient() identity.Client {
	return identity.Client{
		ID: "cli_aaaaaaaaaaaaaaaaaaaaaaaaaa", Tenant: "ten_a", Name: "Till at the corner",
		Scopes:    identity.NewScopes(identity.OrdersWrite, identity.OrdersRead),
		Locations: identity.Locations{someLocation}, Channel: someLink,
		CreatedAt: noon, ExpiresAt: noon.AddDate(1, 0, 0),
	}
}

func TestClientsAreChecked(t *testing.T) {
	t.Parallel()
	if err := soundClient().Check(noon); err != nil {
		t.Fatalf("a sound client is refused: %v", err)
	}
	for location, spoil := range map[string]func(*identity.Client){
		"body.name":         func(c *identity.Client) { c.Name = " " },
		"body.scopes":       func(c *identity.Client) { c.Scopes = nil },
		"body.scopes[1]":    func(c *identity.Client) { c.Scopes = identity.NewScopes("orders:read", "users:write") },
		"body.locations":    func(c *identity.Client) { c.Locations = nil },
		"body.locations[0]": func(c *identity.Client) { c.Locations = identity.Locations{"loc_x"} },
		"body.channel":      func(c *identity.Client) { c.Channel = "../other" },
		"body.expiresAt":    func(c *identity.Client) { c.ExpiresAt = noon },
	} {
		c := soundClient()
		spoil(&c)
		got := details(t, c.Check(noon))
		if len(got) != 1 || got[0].Location != location {
			t.Errorf("details = %v, want one at %s", got, location)
		}
	}
}

func TestAClientMayNameAsManyLocationsAsATokenHolds(t *testing.T) {
	t.Parallel()
	c := soundClient()
	c.Locations = slices.Repeat(c.Locations, 100)
	if err := c.Check(noon); err != nil {
		t.Errorf("a hundred locations: %v", err)
	}
	c.Locations = slices.Repeat(c.Locations, 2)
	if got := details(t, c.Check(noon)); len(got) != 1 || got[0].Location != "body.locations" {
		t.Errorf("two hundred locations: %v", got)
	}
}

func TestAllFaultsOfAClientAreToldAtOnce(t *testing.T) {
	t.Parallel()
	c := identity.Client{Name: strings.Repeat("n", 121), ExpiresAt: noon.AddDate(3, 0, 0)}
	var at []string
	for _, d := range details(t, c.Check(noon)) {
		at = append(at, d.Location)
	}
	if diff := cmp.Diff([]string{"body.name", "body.scopes", "body.locations", "body.expiresAt"}, at); diff != "" {
		t.Errorf("locations (-want +got):\n%s", diff)
	}
}

func TestAClientEnds(t *testing.T) {
	t.Parallel()
	c := soundClient()
	if !c.ActiveAt(noon) || !c.ActiveAt(c.ExpiresAt.Add(-1)) || c.ActiveAt(c.ExpiresAt) {
		t.Error("the client does not end at its expiry")
	}
	c.Disabled = true
	if c.ActiveAt(noon) {
		t.Error("a disabled client is active")
	}
}

func TestTokensGetNoMoreThanTheirClientHas(t *testing.T) {
	t.Parallel()
	c := soundClient()
	all, err := c.Narrow(nil)
	if err != nil || !cmp.Equal(all, c.Scopes) {
		t.Errorf("asking for nothing gives %v, %v", all, err)
	}
	one, err := c.Narrow(identity.NewScopes(identity.OrdersRead))
	if err != nil || one.String() != "orders:read" {
		t.Errorf("asking for one gives %v, %v", one, err)
	}
	if more, err := c.Narrow(identity.NewScopes(identity.OrdersRead, identity.AuditRead)); !fault.Is(err, fault.Invalid) {
		t.Errorf("asking for more gives %v, %v", more, err)
	}
}

func TestTheCallerOfAClient(t *testing.T) {
	t.Parallel()
	got := soundClient().CallerWith("key1")
	want := identity.Caller{
		Tenant: "ten_a", Actor: identity.Actor{Kind: identity.KindClient, ID: soundClient().ID},
		Scopes: identity.Scopes{"orders:read", "orders:write"}, Locations: identity.Locations{someLocation},
		Channel: someLink, Credential: "key1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
}

func rotate(t *testing.T, have identity.Credentials, overlap time.Duration, now time.Time) (identity.Credentials, identity.Secret) {
	t.Helper()
	key := newKey(t, rand.Reader)
	next, err := have.Rotate(identity.NewCredential(key, now), overlap, now)
	if err != nil {
		t.Fatal(err)
	}
	return next, key
}

func TestBothKeysWorkWhileTheyOverlap(t *testing.T) {
	t.Parallel()
	one, old := rotate(t, nil, time.Hour, noon)
	two, young := rotate(t, one, time.Hour, noon)
	for _, c := range []struct {
		name   string
		secret identity.Secret
		at     time.Time
		want   bool
	}{
		{"the old one at once", old, noon, true},
		{"the old one to the end of the overlap", old, noon.Add(time.Hour - 1), true},
		{"not the old one after it", old, noon.Add(time.Hour), false},
		{"the young one at once", young, noon, true},
		{"the young one long after", young, noon.AddDate(1, 0, 0), true},
		{"never a stranger", newKey(t, rand.Reader), noon, false},
	} {
		got, ok := two.Match(c.secret, c.at)
		if ok != c.want || ok && got.ID != c.secret.ID() {
			t.Errorf("%s: %v, %t", c.name, got.ID, ok)
		}
	}
}

func TestRotationNeverCutsOffAUser(t *testing.T) {
	t.Parallel()
	one, _ := rotate(t, nil, time.Hour, noon)
	two, _ := rotate(t, one, time.Hour, noon)
	if _, err := two.Rotate(identity.Credential{ID: "third"}, time.Hour, noon); !fault.Is(err, fault.Conflict) {
		t.Errorf("a third active one: %v, want a conflict", err)
	}
	later, _ := rotate(t, two, time.Hour, noon.Add(time.Hour))
	if len(later) != 2 || later[0].ID != two[1].ID {
		t.Errorf("the expired one was not the one that went: %v", later)
	}
	if one[0].ExpiresAt != (time.Time{}) {
		t.Error("rotating changed the list it was given")
	}
}

func TestRotationNeverProlongs(t *testing.T) {
	t.Parallel()
	soon := identity.Credentials{{ID: "a", ExpiresAt: noon.Add(time.Minute)}}
	got, err := soon.Rotate(identity.Credential{ID: "b"}, time.Hour, noon)
	if err != nil || !got[0].ExpiresAt.Equal(noon.Add(time.Minute)) {
		t.Errorf("expiry moved to %v, %v", got[0].ExpiresAt, err)
	}
}

func TestRemovingACredential(t *testing.T) {
	t.Parallel()
	two := identity.Credentials{{ID: "a"}, {ID: "b"}}
	left, err := two.Without("a")
	if err != nil || len(left) != 1 || left[0].ID != "b" || two[0].ID != "a" {
		t.Errorf("left %v of %v, %v", left, two, err)
	}
	if _, err := left.Without("a"); !fault.Is(err, fault.NotFound) {
		t.Errorf("removing it twice: %v", err)
	}
}
