package webhook_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	official "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/webhook"
)

const vectors = "../../../shared/samples/standard-webhooks/vectors.json"

func TestPublishedVectorsAreReproduced(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(vectors)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("NOT CHECKED: the published vectors are not beside this checkout")
	}
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Secret, ID, Payload, Signature string
		Timestamp                      int64
	}
	if err := json.Unmarshal(file, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d vectors, %v", len(cases), err)
	}
	for _, c := range cases {
		secrets, at := []webhook.Secret{parse(t, c.Secret)}, time.Unix(c.Timestamp, 0)
		got, err := webhook.Sign(secrets, c.ID, at, []byte(c.Payload))
		want := webhook.Headers{ID: c.ID, Timestamp: strconv.FormatInt(c.Timestamp, 10), Signature: c.Signature}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("headers differ (-want +got), %v:\n%s", err, diff)
		}
		if err := webhook.Verify(secrets, want, []byte(c.Payload), at); err != nil {
			t.Errorf("verify a published vector: %v", err)
		}
	}
}

func TestTheOfficialLibraryAcceptsWhatIsSigned(t *testing.T) {
	t.Parallel()
	body := []byte(`{"type":"order.received","data":{"name":"Smörgås ☕"}}`)
	old, current := generate(t), generate(t)
	headers := sign(t, []webhook.Secret{current, old}, "evt_1", time.Now(), body)
	for name, secret := range map[string]webhook.Secret{"the current secret": current, "the one before it": old} {
		receiver, err := official.NewWebhook(secret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if err := receiver.Verify(body, carry(headers)); err != nil {
			t.Errorf("a receiver with %s: %v", name, err)
		}
	}
	stranger, err := official.NewWebhook(generate(t).Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Verify(body, carry(headers)); err == nil {
		t.Error("a receiver with another secret accepts the message")
	}
}

func TestWhatTheOfficialLibrarySignsIsAccepted(t *testing.T) {
	t.Parallel()
	secret, body, now := generate(t), []byte("body"), time.Now()
	sender, err := official.NewWebhook(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	signature, err := sender.Sign("msg_1", now, body)
	if err != nil {
		t.Fatal(err)
	}
	h := webhook.Headers{ID: "msg_1", Timestamp: strconv.FormatInt(now.Unix(), 10), Signature: signature}
	if err := webhook.Verify([]webhook.Secret{generate(t), secret}, h, body, now); err != nil {
		t.Error(err)
	}
}

func TestVerifyNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	at, body := time.Unix(1_700_000_000, 0), []byte(`{"a":1}`)
	secrets := []webhook.Secret{generate(t)}
	good := sign(t, secrets, "evt_1", at, body)
	for name, c := range map[string]struct {
		change func(*webhook.Headers)
		body   string
		now    time.Time
		want   error
	}{
		"untouched":                         {nil, `{"a":1}`, at, nil},
		"five minutes late":                 {nil, `{"a":1}`, at.Add(webhook.Tolerance), nil},
		"later than that":                   {nil, `{"a":1}`, at.Add(webhook.Tolerance + time.Second), webhook.TooOld},
		"five minutes early":                {nil, `{"a":1}`, at.Add(-webhook.Tolerance), nil},
		"earlier than that":                 {nil, `{"a":1}`, at.Add(-webhook.Tolerance - time.Second), webhook.TooNew},
		"another body":                      {nil, `{"a":2}`, at, webhook.Mismatch},
		"a body with a space more":          {nil, `{"a": 1}`, at, webhook.Mismatch},
		"no id":                             {func(h *webhook.Headers) { h.ID = "" }, `{"a":1}`, at, webhook.NoID},
		"another id":                        {func(h *webhook.Headers) { h.ID = "evt_2" }, `{"a":1}`, at, webhook.Mismatch},
		"an id with a full stop":            {func(h *webhook.Headers) { h.ID = "evt.1" }, `{"a":1}`, at, webhook.BadID},
		"an endless id":                     {func(h *webhook.Headers) { h.ID = strings.Repeat("e", 257) }, `{"a":1}`, at, webhook.BadID},
		"no time":                           {func(h *webhook.Headers) { h.Timestamp = "" }, `{"a":1}`, at, webhook.NoTimestamp},
		"another time":                      {func(h *webhook.Headers) { h.Timestamp = "1700000001" }, `{"a":1}`, at, webhook.Mismatch},
		"a time with a sign":                {func(h *webhook.Headers) { h.Timestamp = "+1700000000" }, `{"a":1}`, at, webhook.BadTimestamp},
		"a time in hexadecimal":             {func(h *webhook.Headers) { h.Timestamp = "0x6553f100" }, `{"a":1}`, at, webhook.BadTimestamp},
		"a negative time":                   {func(h *webhook.Headers) { h.Timestamp = "-1" }, `{"a":1}`, at, webhook.BadTimestamp},
		"a time at the end of days":         {func(h *webhook.Headers) { h.Timestamp = "9223372036854775807" }, `{"a":1}`, at, webhook.TooNew},
		"a time beyond that":                {func(h *webhook.Headers) { h.Timestamp = "9223372036854775808" }, `{"a":1}`, at, webhook.BadTimestamp},
		"no signature":                      {func(h *webhook.Headers) { h.Signature = "" }, `{"a":1}`, at, webhook.NoSignature},
		"a signature without version":       {func(h *webhook.Headers) { h.Signature = h.Signature[3:] }, `{"a":1}`, at, webhook.NoneReadable},
		"a signature of another version":    {func(h *webhook.Headers) { h.Signature = "v2" + h.Signature[2:] }, `{"a":1}`, at, webhook.NoneReadable},
		"half a signature":                  {func(h *webhook.Headers) { h.Signature = h.Signature[:20] }, `{"a":1}`, at, webhook.NoneReadable},
		"beside one of another version":     {func(h *webhook.Headers) { h.Signature = "v1a,AAAA " + h.Signature }, `{"a":1}`, at, nil},
		"behind more than a sender can own": {func(h *webhook.Headers) { h.Signature = strings.Repeat(zeroSignature+" ", 32) + h.Signature }, `{"a":1}`, at, webhook.Mismatch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := good
			if c.change != nil {
				c.change(&h)
			}
			if got := webhook.Verify(secrets, h, []byte(c.body), c.now); !errors.Is(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

const zeroSignature = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

func TestNothingIsBelievedWithoutASecret(t *testing.T) {
	t.Parallel()
	h := webhook.Headers{ID: "evt_1", Timestamp: "1700000000", Signature: zeroSignature}
	if err := webhook.Verify(nil, h, nil, time.Unix(1_700_000_000, 0)); !errors.Is(err, webhook.Mismatch) {
		t.Errorf("got %v", err)
	}
	if _, err := webhook.Sign(nil, "evt_1", time.Now(), nil); err == nil {
		t.Error("a message is signed with no secret")
	}
}

func TestIdsThatCouldBlurTheSignedTextAreNotSigned(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "a.b", "a b", "a\nb", "é", strings.Repeat("a", 257)} {
		if _, err := webhook.Sign([]webhook.Secret{generate(t)}, id, time.Now(), nil); err == nil {
			t.Errorf("%q is signed", id)
		}
	}
}

func TestWhatIsSignedVerifiesAndWhatIsChangedDoesNot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 1<<40).Draw(t, "at"), 0)
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		id := rapid.StringMatching(`[!-\-/-~]{1,40}`).Draw(t, "id")
		count := rapid.IntRange(1, 4).Draw(t, "secrets")
		secrets := make([]webhook.Secret, count)
		for i := range secrets {
			secrets[i] = generate(t)
		}
		h, err := webhook.Sign(secrets, id, at, body)
		if err != nil {
			t.Fatal(err)
		}
		known := secrets[rapid.IntRange(0, count-1).Draw(t, "known"):][:1]
		skew := time.Duration(rapid.Int64Range(-300, 300).Draw(t, "skew")) * time.Second
		if err := webhook.Verify(known, h, body, at.Add(skew)); err != nil {
			t.Fatalf("refused: %v", err)
		}
		changed := append(bytes.Clone(body), 0)
		changed[rapid.IntRange(0, len(changed)-1).Draw(t, "where")] ^= 1
		if err := webhook.Verify(secrets, h, changed, at); !errors.Is(err, webhook.Mismatch) {
			t.Fatalf("a changed body: %v", err)
		}
	})
}

func TestSecretsOfTheWrongShapeAreRefused(t *testing.T) {
	t.Parallel()
	text := func(n int) string { return "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"shortest":           {text(24), true},
		"longest":            {text(64), true},
		"too short":          {text(23), false},
		"too long":           {text(65), false},
		"no prefix":          {strings.TrimPrefix(text(32), "whsec_"), false},
		"a private key":      {"whsk_" + base64.StdEncoding.EncodeToString(make([]byte, 32)), false},
		"not base64":         {"whsec_" + strings.Repeat("*", 40), false},
		"trailing bits set":  {strings.TrimSuffix(text(32), "A=") + "B=", false},
		"a line break in it": {text(32)[:20] + "\n" + text(32)[20:], false},
	} {
		_, err := webhook.ParseSecret(c.text)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), strings.TrimPrefix(c.text, "whsec_")) {
			t.Errorf("%s: the error quotes the secret: %v", name, err)
		}
	}
}

func TestSecretsShowOnlyWhenRevealed(t *testing.T) {
	t.Parallel()
	secret := generate(t)
	again := parse(t, secret.Reveal())
	if again.Reveal() != secret.Reveal() || generate(t).Reveal() == secret.Reveal() {
		t.Error("a revealed secret does not read back, or two are the same")
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "secret", secret, "in", []webhook.Secret{secret})
	encoded, err := json.Marshal(map[string]any{"secret": secret})
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimPrefix(secret.Reveal(), "whsec_")
	shown := fmt.Sprintf("%v %+v %#v %s %q", secret, secret, secret, secret, secret) + log.String() + string(encoded)
	if strings.Contains(shown, key) || !strings.Contains(shown, "hidden") {
		t.Errorf("the secret shows in %s", shown)
	}
}

func TestOutcomeFollowsTheStandard(t *testing.T) {
	t.Parallel()
	want := map[int]webhook.Outcome{
		0: webhook.Retry, 101: webhook.Retry, 200: webhook.Delivered, 201: webhook.Delivered, 204: webhook.Delivered,
		299: webhook.Delivered, 301: webhook.Retry, 308: webhook.Retry, 400: webhook.Retry, 401: webhook.Retry,
		404: webhook.Retry, 410: webhook.Gone, 429: webhook.Retry, 500: webhook.Retry, 503: webhook.Retry,
	}
	for status, outcome := range want {
		if got := (webhook.Result{Status: status}).Outcome(); got != outcome {
			t.Errorf("%d: %v, want %v", status, got, outcome)
		}
	}
}

// FuzzVerify feeds hostile headers: whatever they hold, they are refused with a reason unless the official library would
// take them too.
func FuzzVerify(f *testing.F) {
	f.Add("evt_1", "1700000000", zeroSignature, []byte("{}"))
	f.Add("evt_1", "1700000000", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1a,x v1,", []byte{})
	f.Add("", "-0", ",,, v1 ,v1", []byte(nil))
	f.Add("a.b", "1e9", "v1,"+strings.Repeat("A", 1<<12), []byte("x"))
	key := bytes.Repeat([]byte{7}, 32)
	secret, err := webhook.ParseSecret("whsec_" + base64.StdEncoding.EncodeToString(key))
	if err != nil {
		f.Fatal(err)
	}
	reference, err := official.NewWebhookRaw(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		h := webhook.Headers{ID: id, Timestamp: timestamp, Signature: signature}
		err := webhook.Verify([]webhook.Secret{secret}, h, body, time.Unix(1_700_000_000, 0))
		var reason webhook.Refusal
		if err != nil && !errors.As(err, &reason) {
			t.Fatalf("%v is no refusal", err)
		}
		if err == nil && reference.VerifyIgnoringTimestamp(body, carry(h)) != nil {
			t.Fatalf("accepted what the official library refuses: %+v", h)
		}
	})
}

func FuzzParseSecret(f *testing.F) {
	f.Add("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	f.Add("whsec_")
	f.Fuzz(func(t *testing.T, text string) {
		secret, err := webhook.ParseSecret(text)
		if err == nil && secret.Reveal() != text {
			t.Fatalf("%q reads back as %q", text, secret.Reveal())
		}
	})
}

func BenchmarkSign(b *testing.B) {
	secret, err := webhook.NewSecret(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	secrets, body := []webhook.Secret{secret}, bytes.Repeat([]byte("x"), 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := webhook.Sign(secrets, "evt_1", time.Unix(1, 0), body); err != nil {
			b.Fatal(err)
		}
	}
}

func carry(h webhook.Headers) http.Header {
	header := http.Header{}
	header.Set(webhook.HeaderID, h.ID)
	header.Set(webhook.HeaderTimestamp, h.Timestamp)
	header.Set(webhook.HeaderSignature, h.Signature)
	return header
}

func sign(t *testing.T, secrets []webhook.Secret, id string, at time.Time, body []byte) webhook.Headers {
	t.Helper()
	h, err := webhook.Sign(secrets, id, at, body)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func generate(t rapid.TB) webhook.Secret {
	t.Helper()
	s, err := webhook.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parse(t *testing.T, text string) webhook.Secret {
	t.Helper()
	s, err := webhook.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
