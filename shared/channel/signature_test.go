package channel_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
)

// noon is when the requests of these tests arrive.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// key is a secret that every scheme takes.
const (
	key      = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	basicKey = "hub:a password of length"
)

// a profile is one way of an adapter to prove its webhooks.
type profile struct {
	adapter string
	options channel.Options
	secret  string
}

func profiles() []profile {
	var all []profile
	for _, a := range channel.Adapters() {
		all = append(all, profile{a.Name, nil, key})
		if a.Undocumented {
			all = append(all, profile{a.Name, channel.Options{"scheme": "basic"}, basicKey}, profile{a.Name, channel.Options{"prefix": "Bearer ", "header": "X-Token"}, key})
		}
	}
	return append(all,
		profile{"generic", channel.Options{"scheme": "hmac"}, key},
		profile{"generic", channel.Options{"scheme": "hmac", "header": "X-Sig", "encoding": "base64", "prefix": "sha256="}, key},
		profile{"generic", channel.Options{"scheme": "hmac", "timeHeader": "X-Time", "separator": ":"}, key},
		profile{"generic", channel.Options{"scheme": "hmac", "timeHeader": "X-Time", "timeFormat": "ms"}, key},
		profile{"generic", channel.Options{"scheme": "hmac", "timeHeader": "X-Time", "timeFormat": "rfc3339"}, key},
		profile{"square", channel.Options{"notificationUrl": "https://hub.example/w"}, key},
	)
}

// proven returns a request with the proof that the platform gives.
func proven(tb testing.TB, p profile, body string) (channel.Adapter, channel.Request) {
	tb.Helper()
	a, ok := channel.Named(p.adapter)
	if !ok {
		tb.Fatalf("there is no adapter %s", p.adapter)
	}
	r := channel.Request{URL: "https://hub.example/v1/channels/x/y/events", Body: []byte(body), At: noon()}
	proof, err := a.Prove(r, p.secret, p.options)
	if err != nil {
		tb.Fatal(err)
	}
	headers := http.Header{}
	for name, value := range proof {
		headers.Set(name, value)
	}
	r.Header = headers.Values
	return a, r
}

func verify(a channel.Adapter, r channel.Request, options channel.Options, secrets ...string) error {
	p := channel.Proof{Options: options}
	for _, s := range secrets {
		p.Secrets = append(p.Secrets, []byte(s))
	}
	return a.Verify(r, p)
}

func TestEveryProofHoldsAndNoOther(t *testing.T) {
	t.Parallel()
	for _, p := range profiles() {
		a, r := proven(t, p, `{"a":1}`)
		other := strings.Replace(p.secret, "MDEy", "NDEy", 1)
		if other == p.secret {
			other = p.secret + "x"
		}
		if err := verify(a, r, p.options, p.secret); err != nil {
			t.Errorf("%v: the platform's own proof does not hold: %v %v", p, err, detailsOf(t, err))
		}
		if err := verify(a, r, p.options, other, p.secret); err != nil {
			t.Errorf("%v: under the older of two secrets it does not hold: %v", p, err)
		}
		for name, err := range map[string]error{
			"another secret": verify(a, r, p.options, other), "no secret": verify(a, r, p.options), "an empty secret": verify(a, r, p.options, ""),
			"no header": verify(a, channel.Request{Body: r.Body, At: r.At, URL: r.URL}, p.options, p.secret),
		} {
			if !fault.Is(err, fault.Unauthenticated) || len(detailsOf(t, err)) == 0 || tells(err, p.secret) || tells(err, other) {
				t.Errorf("%v, %s: %v", p, name, err)
			}
		}
		r.Body = []byte(`{"a":2}`)
		err := verify(a, r, p.options, p.secret)
		if signsBody := a.Undocumented || a.Name == "jet"; signsBody == (err != nil) {
			t.Errorf("%v: of another body it holds: %v", p, err)
		}
	}
}

// tells tells whether an error's texts say the secret.
func tells(err error, secret string) bool {
	var f *fault.Error
	if !errors.As(err, &f) {
		return false
	}
	said := f.Error()
	for _, d := range f.Details {
		said += d.Location + d.Message
	}
	return strings.Contains(said, secret)
}

func TestARefusalTellsWhichPartDiffers(t *testing.T) {
	t.Parallel()
	hmacTime := channel.Options{"scheme": "hmac", "timeHeader": "X-Time"}
	for name, c := range map[string]struct {
		profile profile
		change  func(http.Header, *channel.Request)
		at      string
		message string
	}{
		"a body that was changed":      {profile{"hubrise", nil, key}, func(_ http.Header, r *channel.Request) { r.Body = []byte("{}") }, "body", "2 bytes with the SHA-256 44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
		"base64 instead of digits":     {profile{"hubrise", nil, key}, set("X-HubRise-Hmac-SHA256", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), "header.X-HubRise-Hmac-SHA256", "64 hexadecimal digits"},
		"a digest without its prefix":  {profile{"generic", channel.Options{"scheme": "hmac", "prefix": "sha256="}, key}, set("X-Signature", strings.Repeat("0", 64)), "header.X-Signature", `after "sha256="`},
		"no sequence guid":             {profile{"deliveroo", nil, key}, unset("X-Deliveroo-Sequence-Guid"), "header.X-Deliveroo-Sequence-Guid", "is missing"},
		"another sequence guid":        {profile{"deliveroo", nil, key}, set("X-Deliveroo-Sequence-Guid", "x"), "header.X-Deliveroo-Hmac-Sha256", "does not match"},
		"another address":              {profile{"square", nil, key}, func(_ http.Header, r *channel.Request) { r.URL += "x" }, "header.X-Square-Hmacsha256-Signature", "does not match"},
		"a time long ago":              {profile{"generic", hmacTime, key}, func(_ http.Header, r *channel.Request) { r.At = r.At.Add(301 * time.Second) }, "header.X-Time", "in the past"},
		"a time to come":               {profile{"generic", hmacTime, key}, func(_ http.Header, r *channel.Request) { r.At = r.At.Add(-301 * time.Second) }, "header.X-Time", "in the future"},
		"a time that is none":          {profile{"generic", hmacTime, key}, set("X-Time", "noon"), "header.X-Time", "seconds since 1970"},
		"another time":                 {profile{"generic", hmacTime, key}, set("X-Time", strconv.FormatInt(noon().Unix()+1, 10)), "header.X-Signature", "does not match"},
		"a standard webhook long ago":  {profile{"generic", nil, key}, func(_ http.Header, r *channel.Request) { r.At = r.At.Add(301 * time.Second) }, "header.webhook-timestamp", "in the past"},
		"a standard webhook, other id": {profile{"generic", nil, key}, set("webhook-id", "other"), "header.webhook-signature", "no v1 signature fits"},
		"a token that is none":         {profile{"glovo", channel.Options{"prefix": "Bearer "}, key}, set("Authorization", "Basic x"), "header.Authorization", "begin with"},
		"no Basic credentials":         {profile{"doordash", channel.Options{"scheme": "basic"}, basicKey}, set("Authorization", "Bearer x"), "header.Authorization", "RFC 7617"},
		"another password":             {profile{"doordash", channel.Options{"scheme": "basic"}, basicKey}, set("Authorization", "Basic aHViOng="), "header.Authorization", "user and password"},
	} {
		a, r := proven(t, c.profile, `{"a":1}`)
		headers := http.Header{}
		proof, _ := a.Prove(r, c.profile.secret, c.profile.options)
		for name, value := range proof {
			headers.Set(name, value)
		}
		c.change(headers, &r)
		r.Header = headers.Values
		err := verify(a, r, c.profile.options, c.profile.secret)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Unauthenticated || !says(f.Details, c.at, c.message) {
			t.Errorf("%s: %+v, want %s saying %q", name, f, c.at, c.message)
		}
	}
}

func set(name, value string) func(http.Header, *channel.Request) {
	return func(h http.Header, _ *channel.Request) { h.Set(name, value) }
}

func unset(name string) func(http.Header, *channel.Request) {
	return func(h http.Header, _ *channel.Request) { h.Del(name) }
}

func says(details []fault.Detail, at, message string) bool {
	for _, d := range details {
		if d.Location == at && strings.Contains(d.Message, message) {
			return true
		}
	}
	return false
}

// TestWhatEachPlatformSigns computes the proofs anew, as the platforms' documents say, without the code under test.
func TestWhatEachPlatformSigns(t *testing.T) {
	t.Parallel()
	const body, guid, url = `{"a":1}`, "4f6c0f0a-0000-4000-8000-000000000000", "https://hub.example/w"
	digest := func(content string) []byte {
		m := hmac.New(sha256.New, []byte(key))
		m.Write([]byte(content))
		return m.Sum(nil)
	}
	plain := hex.EncodeToString(digest(body))
	for name, headers := range map[string]map[string]string{
		"deliverect":   {"X-Server-Authorization-HMAC-SHA256": plain},
		"ubereats":     {"X-Uber-Signature": plain},
		"hubrise":      {"X-HubRise-Hmac-SHA256": plain},
		"ifood":        {"X-IFood-Signature": plain},
		"opendelivery": {"X-App-Signature": plain},
		"otter":        {"X-HMAC-SHA256": plain},
		"deliveroo":    {"X-Deliveroo-Sequence-Guid": guid, "X-Deliveroo-Hmac-Sha256": hex.EncodeToString(digest(guid + " " + body))},
		"square":       {"x-square-hmacsha256-signature": base64.StdEncoding.EncodeToString(digest(url + body))},
		"jet":          {"X-Flyt-Api-Key": key},
	} {
		a, ok := channel.Named(name)
		h := http.Header{}
		for header, value := range headers {
			h.Set(header, value)
		}
		if err := verify(a, channel.Request{Header: h.Values, Body: []byte(body), URL: url, At: noon()}, nil, key); !ok || err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	legacy := http.Header{"X-Deliveroo-Sequence-Guid": {guid}, "X-Deliveroo-Hmac-Sha256": {hex.EncodeToString(digest(guid + " \n " + body))}}
	if a, _ := channel.Named("deliveroo"); verify(a, channel.Request{Header: legacy.Values, Body: []byte(body)}, nil, key) != nil {
		t.Error("the older form of Deliveroo's signature does not hold")
	}
	keeta := http.Header{"X-App-Signature": {base64.StdEncoding.EncodeToString(digest(body))}}
	if a, _ := channel.Named("opendelivery"); verify(a, channel.Request{Header: keeta.Values, Body: []byte(body)}, nil, key) != nil {
		t.Error("Open Delivery's signature in base64 does not hold")
	}
}

// The vectors that others have published hold where they are at hand.
func TestPublishedSignatures(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "samples")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no vectors at %s", dir)
	}
	var iFood struct{ Secret, Header, Body, Signature string }
	load(t, filepath.Join(dir, "ifood", "webhook-signature-vector.json"), &iFood)
	a, _ := channel.Named("ifood")
	h := http.Header{}
	h.Set(iFood.Header, iFood.Signature)
	if err := verify(a, channel.Request{Header: h.Values, Body: []byte(iFood.Body)}, nil, iFood.Secret); err != nil {
		t.Errorf("iFood's own vector does not hold: %v", err)
	}
	if m, err := a.Read(channel.Request{Body: []byte(iFood.Body)}, anywhere("BRL")); err != nil {
		t.Errorf("iFood's own vector is read as %v, %v", m, err)
	}
	var standard []struct {
		Secret, ID, Payload, Signature string
		Timestamp                      int64
	}
	load(t, filepath.Join(dir, "standard-webhooks", "vectors.json"), &standard)
	generic, _ := channel.Named("generic")
	for _, v := range standard {
		h := http.Header{"Webhook-Id": {v.ID}, "Webhook-Timestamp": {strconv.FormatInt(v.Timestamp, 10)}, "Webhook-Signature": {v.Signature}}
		if err := verify(generic, channel.Request{Header: h.Values, Body: []byte(v.Payload), At: time.Unix(v.Timestamp, 0)}, nil, v.Secret); err != nil {
			t.Errorf("the vector %s does not hold: %v", v.ID, err)
		}
	}
	if len(standard) == 0 {
		t.Error("there is no vector of Standard Webhooks")
	}
}

func load(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// FuzzProofs feeds headers to every scheme: nothing but the proof itself may hold, and no refusal may tell the secret.
func FuzzProofs(f *testing.F) {
	f.Add("", "", "")
	f.Add(strings.Repeat("0", 64), "1772366400", "{}")
	f.Add("v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "1772366400", "")
	f.Add("Basic aHViOng=", "2026-03-01T12:00:00Z", "")
	all := profiles()
	f.Fuzz(func(t *testing.T, value, at, body string) {
		for _, p := range all {
			a, ok := channel.Named(p.adapter)
			if !ok {
				t.Fatal(p.adapter)
			}
			r := channel.Request{Body: []byte(body), At: noon(), Header: func(name string) []string {
				if strings.Contains(strings.ToLower(name), "time") {
					return []string{at}
				}
				return []string{value}
			}}
			err := verify(a, r, p.options, p.secret)
			if err == nil && !strings.Contains(value, p.secret) && !strings.Contains(value, base64.StdEncoding.EncodeToString([]byte(basicKey))) {
				t.Fatalf("%v: %q proves %q", p, value, body)
			}
			if err != nil && !strings.Contains(value+body+at, p.secret) && tells(err, p.secret) {
				t.Fatalf("%v: the refusal tells the secret: %v", p, err)
			}
		}
	})
}
