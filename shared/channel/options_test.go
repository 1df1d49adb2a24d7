package channel_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
)

func TestLinksAreCheckedByTheirAdapter(t *testing.T) {
	t.Parallel()
	secret := map[string]string{"webhook": "s3cret", "clientId": "c"}
	for name, c := range map[string]struct {
		adapter     string
		options     channel.Options
		credentials map[string]string
		at          []string
	}{
		"a sound one":           {"deliverect", nil, secret, nil},
		"no such adapter":       {"nobody", nil, secret, []string{"body.adapter"}},
		"no secret":             {"deliverect", nil, nil, []string{"body.credentials.webhook"}},
		"an empty secret":       {"deliverect", nil, map[string]string{"webhook": ""}, []string{"body.credentials.webhook"}},
		"an option of no use":   {"deliverect", channel.Options{"colour": "red"}, secret, []string{"body.options.colour"}},
		"both of these at once": {"deliverect", channel.Options{"colour": "red"}, nil, []string{"body.options.colour", "body.credentials.webhook"}},
	} {
		err := channel.CheckLink(c.adapter, c.options, c.credentials)
		if diff := cmp.Diff(c.at, detailsOf(t, err)); diff != "" || (c.at != nil) != fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the fault tells the secret", name)
		}
	}
}
