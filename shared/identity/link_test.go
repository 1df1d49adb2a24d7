package identity_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/identity"
)

func TestLocationsAreChecked(t *testing.T) {
	t.Parallel()
	sound := identity.Location{Name: "Kök & Bar", Timezone: "Europe/Stockholm", Currency: "SEK", Country: "SE"}
	if err := sound.Check(); err != nil {
		t.Fatalf("a sound location is refused: %v", err)
	}
	for name, c := range map[string]struct {
		spoil func(*identity.Location)
		want  string
	}{
		"a name with a line break": {func(l *identity.Location) { l.Name = "a\nb" }, "body.name"},
		"a broken name":            {func(l *identity.Location) { l.Name = "\xff" }, "body.name"},
		"no zone":                  {func(l *identity.Location) { l.Timezone = "" }, "body.timezone"},
		"the machine's zone":       {func(l *identity.Location) { l.Timezone = "Local" }, "body.timezone"},
		"a path for a zone":        {func(l *identity.Location) { l.Timezone = "../../etc/passwd" }, "body.timezone"},
		"a small currency":         {func(l *identity.Location) { l.Currency = "sek" }, "body.currency"},
		"an unknown currency":      {func(l *identity.Location) { l.Currency = "QQQ" }, "body.currency"},
		"a long country":           {func(l *identity.Location) { l.Country = "SWE" }, "body.country"},
		"a continent":              {func(l *identity.Location) { l.Country = "150" }, "body.country"},
		"a country that never was": {func(l *identity.Location) { l.Country = "XX" }, "body.country"},
	} {
		l := sound
		c.spoil(&l)
		if got := details(t, l.Check()); len(got) != 1 || got[0].Location != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

func manyOptions(n int) map[string]string {
	options := map[string]string{}
	for i := range n {
		options["o"+strconv.Itoa(i)] = "x"
	}
	return options
}

func soundLink() identity.Link {
	return identity.Link{
		ID: someLink, Tenant: "ten_a", Adapter: "deliverect", Enabled: true, Sealed: []byte{1},
		Locations: []identity.LinkedLocation{{Location: someLocation}},
		Options:   map[string]string{"header": "X-Signature", "separator": "."},
		Policy:    identity.Policy{OnDeadline: identity.DeadlineExpire}, CreatedAt: noon,
	}
}

func TestLinksAreChecked(t *testing.T) {
	t.Parallel()
	if err := soundLink().Check(); err != nil {
		t.Fatalf("a sound link is refused: %v", err)
	}
	at := func(external string) identity.LinkedLocation {
		return identity.LinkedLocation{External: external, Location: someLocation}
	}
	for name, c := range map[string]struct {
		spoil func(*identity.Link)
		want  string
	}{
		"a path for an adapter":   {func(l *identity.Link) { l.Adapter = "a/b" }, "body.adapter"},
		"an option's odd name":    {func(l *identity.Link) { l.Options = map[string]string{"a.b": "c"} }, "body.options"},
		"an option without end":   {func(l *identity.Link) { l.Options = map[string]string{"header": strings.Repeat("x", 501)} }, "body.options.header"},
		"options without end":     {func(l *identity.Link) { l.Options = manyOptions(21) }, "body.options"},
		"no location":             {func(l *identity.Link) { l.Locations = nil }, "body.locations"},
		"a strange location":      {func(l *identity.Link) { l.Locations[0].Location = "x" }, "body.locations[0].location"},
		"one name for two":        {func(l *identity.Link) { l.Locations = append(l.Locations[:0], at("a"), at("a")) }, "body.locations[1].external"},
		"one of two without name": {func(l *identity.Link) { l.Locations = append(l.Locations[:0], at("a"), at("")) }, "body.locations[1].external"},
		"no policy":               {func(l *identity.Link) { l.Policy = identity.Policy{} }, "body.policy.onDeadline"},
	} {
		l := soundLink()
		c.spoil(&l)
		if got := details(t, l.Check()); len(got) != 1 || got[0].Location != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

func TestALinkFindsTheLocation(t *testing.T) {
	t.Parallel()
	single, many := soundLink(), soundLink()
	many.Locations = []identity.LinkedLocation{{External: "s1", Location: "loc_1"}, {External: "s2", Location: "loc_2"}}
	if got, ok := single.Resolve("whatever"); !ok || got != someLocation {
		t.Errorf("the only location: %q, %t", got, ok)
	}
	if got, ok := many.Resolve("s2"); !ok || got != "loc_2" {
		t.Errorf("one of two: %q, %t", got, ok)
	}
	if got, ok := many.Resolve("s3"); ok {
		t.Errorf("an unknown one: %q", got)
	}
}

func TestAChannelOnlyPlacesAndReports(t *testing.T) {
	t.Parallel()
	got := soundLink().Caller()
	want := identity.Caller{
		Tenant: "ten_a", Actor: identity.Actor{Kind: identity.KindChannel, ID: someLink},
		Scopes: identity.Scopes{"orders:status", "orders:write"}, Locations: identity.Locations{someLocation},
		Channel: someLink, Credential: someLink,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
}

func TestLinkSecretsRotateWithAnOverlap(t *testing.T) {
	t.Parallel()
	s := identity.LinkSecrets{}.Rotate("webhook", "first", time.Hour, noon).Rotate("api", "login", time.Hour, noon)
	s = s.Rotate("webhook", "second", time.Hour, noon)
	if diff := cmp.Diff([]string{"second", "first"}, s.Named("webhook", noon)); diff != "" {
		t.Errorf("during the overlap (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"second"}, s.Named("webhook", noon.Add(time.Hour))); diff != "" {
		t.Errorf("after it (-want +got):\n%s", diff)
	}
	s = s.Rotate("webhook", "third", time.Hour, noon)
	if diff := cmp.Diff([]string{"third", "second"}, s.Named("webhook", noon)); diff != "" {
		t.Errorf("rotated again (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"login"}, s.Named("api", noon.AddDate(1, 0, 0))); diff != "" {
		t.Errorf("the other secret (-want +got):\n%s", diff)
	}
}

func TestLinkSecretsReadBack(t *testing.T) {
	t.Parallel()
	want := identity.LinkSecrets{{Name: "a", Value: "v\"\n"}, {Name: "b", Value: "", ExpiresAt: noon}}
	b, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := identity.ParseLinkSecrets(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Value != want[0].Value || !got[1].ExpiresAt.Equal(noon) {
		t.Errorf("read back %d secrets, not what was written", len(got))
	}
}

func FuzzParseLinkSecrets(f *testing.F) {
	f.Add([]byte(`[{"name":"a","value":"b","expiresAt":"2026-07-01T12:00:00Z"}]`))
	f.Add([]byte(`[{"name":"a","name":"b","value":""}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := identity.ParseLinkSecrets(b)
		if err != nil {
			return
		}
		if _, err := s.Encode(); err != nil {
			t.Errorf("read but not written: %v", err)
		}
	})
}
