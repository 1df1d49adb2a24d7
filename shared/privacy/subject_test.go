package privacy_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/privacy"
)

func TestTheVerdict(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		privacy.Evidence
		want privacy.Verdict
	}{
		"nothing":                    {privacy.Evidence{}, privacy.Stranger},
		"a phone number alone":       {privacy.Evidence{Phone: true}, privacy.Candidate},
		"an e-mail address alone":    {privacy.Evidence{Email: true}, privacy.Candidate},
		"both contacts":              {privacy.Evidence{Phone: true, Email: true}, privacy.Confirmed},
		"a contact and the name":     {privacy.Evidence{Phone: true, Name: true}, privacy.Confirmed},
		"a contact and the postcode": {privacy.Evidence{Email: true, Postal: true}, privacy.Confirmed},
		"a contact and a known id":   {privacy.Evidence{Phone: true, Named: true}, privacy.Confirmed},
		"a known id alone":           {privacy.Evidence{Named: true}, privacy.Stranger},
		"name and postcode alone":    {privacy.Evidence{Name: true, Postal: true}, privacy.Stranger},
		"about a confirmed order":    {privacy.Evidence{About: true}, privacy.Confirmed},
	} {
		if got := c.Verdict(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func seek(t testing.TB, s privacy.Subject) privacy.Sought {
	t.Helper()
	sought, err := s.Seek()
	if err != nil {
		t.Fatal(err)
	}
	return sought
}

func TestWhatAMessageSays(t *testing.T) {
	t.Parallel()
	sought := seek(t, privacy.Subject{Phone: "070-174 06 05", Country: "SE", Email: "alva@example.com", Name: "Åsa Öberg", PostalCode: "111 22"})
	for body, want := range map[string]privacy.Evidence{
		`{"phone":"+46701740605"}`:                                                   {Phone: true},
		`{"phone":"+46 (0)70-174 06 05"}`:                                            {Phone: true},
		`{"phone":"0046701740605"}`:                                                  {Phone: true},
		`{"phone":46701740605}`:                                                      {Phone: true},
		`{"phone":"701740605"}`:                                                      {Phone: true},
		`{"phone":"+46701740606"}`:                                                   {},
		`{"phone":"+4670174060"}`:                                                    {},
		`{"phone":"070\u2013174\u202f06\u00a005"}`:                                   {Phone: true},
		`{"phone":"\u202a+46\u2011701740605\u202c"}`:                                 {Phone: true},
		`{"phone":"٠٧٠١٧٤٠٦٠٥"}`:                                                     {Phone: true},
		`{"note":"070-174 06 05 / 08-123 456 78"}`:                                   {Phone: true},
		`{"note":"08-123 456 78 070-174 06 05 2026-03-01"}`:                          {Phone: true},
		`{"note":"2 0701740605"}`:                                                    {Phone: true},
		`{"note":"2 x 12 +46701740605"}`:                                             {Phone: true},
		`{"note":"70 17 40 60, 5"}`:                                                  {},
		`{"id":"9946701740605123"}`:                                                  {},
		`phone=%2B46%2070-174%2006%2005&mail=alva%40example.com`:                     {Phone: true, Email: true},
		`mail=alva%40example.com&name=%C3%85sa+%C3%96berg&x=%zz`:                     {Email: true, Name: true},
		`{"mail":"ALVA@Example.com"}`:                                                {Email: true},
		`{"note":"write to alva@example.com."}`:                                      {Email: true},
		`{"mail":"malva@example.com"}`:                                               {},
		`{"mail":"alva@example.com.tr"}`:                                             {},
		`{"mail":"alva\u0040example.com"}`:                                           {Email: true},
		`{"mail":"alva\u200b@example.com","name":"\u200e\u00c5sa \u00d6berg\u200e"}`: {Email: true, Name: true},
		`{"name":"\u00c5SA  \u00d6BERG"}`:                                            {Name: true},
		`{"note":"for åsa öberg, please"}`:                                           {},
		`{"note":"for åsa öberg please"}`:                                            {Name: true},
		`{"zip":"11122"}`:                                                            {Postal: true},
		`{"zip":"111223"}`:                                                           {},
		`phone=+46701740605, mail=alva@example.com; {"broken"`:                       {Phone: true, Email: true},
		``:         {},
		"\xff\xfe": {},
		`[]`:       {},
	} {
		if got := sought.Message("msg_x", []byte(body)); got != want {
			t.Errorf("%s says %+v, want %+v", body, got, want)
		}
	}
}

func TestTheIdThatSomebodyKnowsSpeaks(t *testing.T) {
	t.Parallel()
	sought := seek(t, privacy.Subject{Phone: "+46701740605", Orders: []string{first}, Messages: []string{message}})
	if e := sought.Order(first, order.Order{}, true, false); e.Verdict() != privacy.Confirmed {
		t.Errorf("a known order is %+v", e)
	}
	if e := sought.Order(second, order.Order{}, true, false); e.Verdict() != privacy.Candidate {
		t.Errorf("an unknown order is %+v", e)
	}
	if left := sought.Unmatched([]string{first}, nil); len(left) != 1 || left[0] != message {
		t.Errorf("left is %v", left)
	}
}

func TestASubjectThatIsNoneIsRefusedWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	for _, s := range []privacy.Subject{
		{}, {Name: "Alva"}, {Phone: "0701740605"}, {Email: "alva"}, {Phone: "+46701740605", Email: "alva@"},
		{Email: "alva@example.com", Orders: []string{"0701740605"}}, {Email: "alva@example.com", Messages: []string{first}},
	} {
		_, err := s.Seek()
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", s, err)
		} else if strings.Contains(err.Error(), "0701740605") {
			t.Errorf("it repeats what was sent: %v", err)
		}
	}
}

func TestWhichOrderAMessageIsAbout(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := order.Record{ID: order.ID("ten", "lnk", "7", "x"), Tenant: "ten", Link: "lnk", Received: at, Order: order.Order{ChannelOrderID: "7"}}
	about := channel.Kept{Tenant: "ten", Link: "lnk", Ref: channel.Ref{ChannelOrderID: "7"}, ReceivedAt: at.Add(time.Hour)}
	for name, c := range map[string]struct {
		change func(*channel.Kept)
		want   bool
	}{
		"by the channel's id":            {func(*channel.Kept) {}, true},
		"by the order that it names":     {func(k *channel.Kept) { k.Order, k.Ref = r.ID, channel.Ref{} }, true},
		"by the whole identity":          {func(k *channel.Kept) { k.Ref.Identity = []string{"7", "x"} }, true},
		"another identity":               {func(k *channel.Kept) { k.Ref.Identity = []string{"7", "y"} }, false},
		"another order":                  {func(k *channel.Kept) { k.Order = first }, false},
		"another link":                   {func(k *channel.Kept) { k.Link = "other" }, false},
		"another tenant":                 {func(k *channel.Kept) { k.Tenant = "other" }, false},
		"the id used again, a year late": {func(k *channel.Kept) { k.ReceivedAt = at.AddDate(1, 0, 0) }, false},
		"about no order":                 {func(k *channel.Kept) { k.Ref = channel.Ref{} }, false},
	} {
		k := about
		c.change(&k)
		if got := privacy.About(k, r); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestANumberIsFoundHoweverItIsWritten spaces a number out in the ways that people do.
func TestANumberIsFoundHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	sought := seek(t, privacy.Subject{Phone: "+46701740605"})
	rapid.Check(t, func(t *rapid.T) {
		spaced := rapid.SampledFrom([]string{"+46", "0046", "46"}).Draw(t, "country")
		for i, digit := range "701740605" {
			if i > 0 && i < 8 {
				spaced += rapid.SampledFrom([]string{"", "", " ", "-"}).Draw(t, "gap")
			}
			spaced += string(digit)
		}
		body := rapid.SampledFrom([]string{"%", `{"a":"%"}`, `["x","%"]`, "tel: % (mobile)"}).Draw(t, "around")
		if e := sought.Message("msg_x", []byte(strings.Replace(body, "%", spaced, 1))); !e.Phone {
			t.Errorf("%q is not found", spaced)
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"a":["+46701740605",1e400,"\ud800"]}`))
	f.Add([]byte("+46 70 174 06 05\xff"))
	sought := seek(f, privacy.Subject{Phone: "+46701740605", Email: "alva@example.com", Name: "Alva"})
	f.Fuzz(func(t *testing.T, body []byte) {
		if e := sought.Message("msg_x", body); e.Named || e.About {
			t.Errorf("%q says %+v", body, e)
		}
	})
}
