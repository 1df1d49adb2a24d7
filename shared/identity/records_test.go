package identity_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/identity"
)

// A stored time has whole microseconds, in UTC.
func drawTime(t *rapid.T, label string) time.Time {
	if rapid.Bool().Draw(t, label+" is set") {
		return time.UnixMicro(rapid.Int64Range(1, 1<<51).Draw(t, label)).UTC()
	}
	return time.Time{}
}

func drawCredentials(t *rapid.T, label string) identity.Credentials {
	var c identity.Credentials
	for i := range rapid.IntRange(0, 2).Draw(t, label) {
		one := identity.Credential{ID: fmt.Sprintf("%s%d", label, i), CreatedAt: drawTime(t, "created"), ExpiresAt: drawTime(t, "expires")}
		copy(one.Hash[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
		c = append(c, one)
	}
	return c
}

func TestClientsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := soundClient()
		want.Name = rapid.StringN(1, 20, -1).Draw(t, "name")
		want.Disabled = rapid.Bool().Draw(t, "disabled")
		want.Secrets, want.Keys = drawCredentials(t, "secret"), drawCredentials(t, "key")
		got, err := identity.ParseClient(want.ID, want.Document())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("client (-want +got):\n%s", diff)
		}
	})
}

func TestTenantsLocationsAndLinksReadBack(t *testing.T) {
	t.Parallel()
	tenant := identity.Tenant{ID: "ten_a", Name: "Group", Suspended: true, CreatedAt: noon, Retention: identity.Retention{Guests: 90, Originals: 30, Messages: 7}}
	gotTenant, err := identity.ParseTenant(tenant.ID, tenant.Document())
	if err != nil || gotTenant != tenant {
		t.Errorf("tenant = %v, %v", gotTenant, err)
	}
	location := identity.Location{
		ID: someLocation, Tenant: "ten_a", Name: "Corner", Timezone: "Europe/Oslo", Currency: "NOK", Country: "NO", CreatedAt: noon,
	}
	gotLocation, err := identity.ParseLocation(location.ID, location.Document())
	if err != nil || gotLocation != location {
		t.Errorf("location = %v, %v", gotLocation, err)
	}
	link := soundLink()
	gotLink, err := identity.ParseLink(link.ID, link.Document())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(link, gotLink); diff != "" {
		t.Errorf("link (-want +got):\n%s", diff)
	}
}

// All hold in the store's own types, so that what is read compares with what was written.
func TestDocumentsHoldOnlyStoredTypes(t *testing.T) {
	t.Parallel()
	c := soundClient()
	c.Keys = identity.Credentials{{ID: "k", CreatedAt: noon.In(time.FixedZone("x", 3600)).Add(1)}}
	for _, doc := range []map[string]any{
		c.Document(), soundLink().Document(),
		identity.Tenant{}.Document(), identity.Location{CreatedAt: noon.Local()}.Document(),
	} {
		checkStored(t, "document", doc)
	}
}

func checkStored(t *testing.T, at string, value any) {
	t.Helper()
	switch v := value.(type) {
	case nil, bool, string, []byte, int64, float64:
	case time.Time:
		if v.Location() != time.UTC || v.Nanosecond()%1000 != 0 {
			t.Errorf("%s: %v is not in UTC or finer than microseconds", at, v)
		}
	case []any:
		for i, one := range v {
			checkStored(t, fmt.Sprintf("%s[%d]", at, i), one)
		}
	case map[string]any:
		for name, one := range v {
			checkStored(t, at+"."+name, one)
		}
	default:
		t.Errorf("%s is a %T", at, v)
	}
}

func TestABrokenDocumentIsToldWhole(t *testing.T) {
	t.Parallel()
	_, err := identity.ParseClient("cli_a", map[string]any{
		"name": int64(7), "scopes": []any{"orders:read", true}, "keys": []any{"x", map[string]any{"hash": []byte("short")}},
		"later": "fields are left alone",
	})
	if err == nil {
		t.Fatal("a broken document was read")
	}
	for _, want := range []string{
		"client.tenant is missing", "client.name is a int64, not a string", "client.scopes[1] is a bool",
		"client.expiresAt is missing", "client.keys[0] is a string", "client.keys[1].hash has 5 bytes",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error misses %q:\n%v", want, err)
		}
	}
}
