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
		"a whole profile":       {"generic", channel.Options{"scheme": "hmac", "header": "X-Sig", "encoding": "base64", "separator": ".", "timeHeader": "X-Time", "timeFormat": "ms"}, secret, nil},
		"no such scheme":        {"generic", channel.Options{"scheme": "rot13"}, map[string]string{"webhook": key}, []string{"body.options.scheme"}},
		"an empty option":       {"generic", channel.Options{"header": ""}, map[string]string{"webhook": key}, []string{"body.options.header"}},
		"no standard secret":    {"generic", nil, secret, []string{"body.credentials.webhook"}},
		"a standard secret":     {"generic", nil, map[string]string{"webhook": key}, nil},
		"a short shared secret": {"glovo", nil, map[string]string{"webhook": "fifteen letters"}, []string{"body.credentials.webhook"}},
		"a long one":            {"glovo", channel.Options{"undocumentedProof": "accepted"}, map[string]string{"webhook": "sixteen  letters"}, nil},
		"no password":           {"doordash", channel.Options{"scheme": "basic"}, map[string]string{"webhook": "sixteen  letters"}, []string{"body.credentials.webhook"}},
		"a short password":      {"doordash", channel.Options{"scheme": "basic"}, map[string]string{"webhook": "hub:short"}, []string{"body.credentials.webhook"}},
		"user and password":     {"doordash", channel.Options{"scheme": "basic"}, map[string]string{"webhook": basicKey}, nil},
		"it is documented":      {"hubrise", channel.Options{"undocumentedProof": "accepted"}, secret, []string{"body.options.undocumentedProof"}},
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

func TestUndocumentedPlatformsAreOffUntilSomebodySaysOtherwise(t *testing.T) {
	t.Parallel()
	var off []string
	for _, a := range channel.Adapters() {
		if a.Off(nil) && a.Off(channel.Options{channel.OptionUndocumented: "yes"}) {
			off = append(off, a.Name)
		}
		if a.Off(channel.Options{channel.OptionUndocumented: "accepted"}) {
			t.Errorf("%s cannot be turned on", a.Name)
		}
	}
	if diff := cmp.Diff([]string{"deliveryhero", "doordash", "glovo", "takeaway"}, off); diff != "" {
		t.Errorf("off (-want +got):\n%s", diff)
	}
}
