package identity_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/identity"
)

func TestEndsAreToldThirtySevenAndOneDayAhead(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, c := range []struct {
		name string
		life time.Duration // of the client
		left time.Duration
		want int
	}{
		{"a year ahead", 365 * day, 365 * day, 0},
		{"a second before the first", 365 * day, 30*day + time.Second, 0},
		{"thirty days ahead", 365 * day, 30 * day, 30},
		{"eight days ahead", 365 * day, 8 * day, 30},
		{"seven days ahead", 365 * day, 7 * day, 7},
		{"one day ahead", 365 * day, day, 1},
		{"an hour ahead", 365 * day, time.Hour, 1},
		{"at its end", 365 * day, 0, 0},
		{"after its end", 365 * day, -day, 0},
		{"a life of ten days, at its begin", 10 * day, 10 * day, 0},
		{"a life of ten days, near its end", 10 * day, 6 * day, 7},
		{"a life of an hour", time.Hour, time.Minute, 0},
	} {
		client := soundClient()
		client.ExpiresAt = client.CreatedAt.Add(c.life)
		got := client.Expiring(client.ExpiresAt.Add(-c.left))
		if c.want == 0 && len(got) == 0 {
			continue
		}
		want := []identity.Expiry{{Client: client.ID, Kind: "client", ExpiresAt: client.ExpiresAt, Days: c.want}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestACredentialThatEndsBeforeItsClientIsToldToo(t *testing.T) {
	t.Parallel()
	client := soundClient()
	now := client.CreatedAt.AddDate(0, 6, 0)
	client.Keys = identity.Credentials{
		{ID: "old", CreatedAt: client.CreatedAt, ExpiresAt: now.Add(5 * 24 * time.Hour)},
		{ID: "new", CreatedAt: now},
		{ID: "gone", CreatedAt: client.CreatedAt, ExpiresAt: now.Add(-time.Hour)},
	}
	want := []identity.Expiry{{Client: client.ID, Kind: "api_key", Credential: "old", ExpiresAt: client.Keys[0].ExpiresAt, Days: 7}}
	if diff := cmp.Diff(want, client.Expiring(now)); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	client.Disabled = true
	if got := client.Expiring(now); len(got) != 0 {
		t.Errorf("of a disabled client: %v", got)
	}
}
