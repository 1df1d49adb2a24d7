package identity_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
)

func newKey(t *testing.T, random io.Reader) identity.Secret {
	t.Helper()
	key, err := identity.NewAPIKey(random)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The expected text was computed apart from this code, with Python's zlib.crc32 and a base 62 written by hand.
func TestAnAPIKeyHasItsDocumentedForm(t *testing.T) {
	t.Parallel()
	random := make([]byte, 42)
	for i := range random {
		random[i] = byte(i)
	}
	const want = "ryg_live_aaaqeayeaudaocaj_2nEDRgWNZ0lR6gWFsHIhAcxwepOvwxbueLbwYaGKw773HCiTX"
	got := newKey(t, bytes.NewReader(random))
	if got.Reveal() != want || got.ID() != "aaaqeayeaudaocaj" || got.Hash() != sha256.Sum256([]byte(want)) {
		t.Errorf("key = %q, id %q", got.Reveal(), got.ID())
	}
}

// TestNoIDEndsInZ holds ids to what Cloud Run lets through at the end of a path.
func TestNoIDEndsInZ(t *testing.T) {
	t.Parallel()
	for last := range 256 {
		random := bytes.Repeat([]byte{'x'}, 42)
		random[9] = byte(last)
		key := newKey(t, bytes.NewReader(random))
		if again, err := identity.ParseAPIKey(key.Reveal()); strings.HasSuffix(key.ID(), "z") || err != nil || again.ID() != key.ID() {
			t.Errorf("%d gives %s, which reads back as %s, %v", last, key.ID(), again.ID(), err)
		}
		random[15] = byte(last)
		id, err := identity.NewID(identity.ClientPrefix, bytes.NewReader(random))
		if err != nil || strings.HasSuffix(id, "z") {
			t.Errorf("%d gives %s, %v", last, id, err)
		}
	}
}

func TestEverySecretReadsBack(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^ryg_live_[a-z2-7]{16}_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$`)
	rapid.Check(t, func(t *rapid.T) {
		random := rapid.SliceOfN(rapid.Byte(), 42, 42).Draw(t, "random")
		key, err := identity.NewAPIKey(bytes.NewReader(random))
		if err != nil || !form.MatchString(key.Reveal()) {
			t.Fatalf("key %q: %v", key.Reveal(), err)
		}
		if again, err := identity.ParseAPIKey(key.Reveal()); err != nil || again != key {
			t.Fatalf("ParseAPIKey = %v, %v", again, err)
		}
	})
}

func TestOneWrongCharacterIsNoticed(t *testing.T) {
	t.Parallel()
	text := newKey(t, rand.Reader).Reveal()
	for i := range text {
		for _, r := range []byte("0aZ_") {
			mistyped := text[:i] + string(r) + text[i+1:]
			if mistyped == text {
				continue
			}
			if _, err := identity.ParseAPIKey(mistyped); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("position %d as %q: %v", i, r, err)
			}
		}
	}
}

func TestWhatIsNoAPIKeyIsRefused(t *testing.T) {
	t.Parallel()
	key := newKey(t, rand.Reader).Reveal()
	other, err := identity.NewClientSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing":               "",
		"only the prefix":       "ryg_live_",
		"a client secret":       other.Reveal(),
		"upper case in the id":  "ryg_live_" + strings.ToUpper(key[9:25]) + key[25:],
		"cut":                   key[:len(key)-1],
		"a line break after it": key + "\n",
		"a space before it":     " " + key,
		"two of them":           key + key,
	} {
		if _, err := identity.ParseAPIKey(text); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		} else if len(text) > 30 && strings.Contains(err.Error(), text[30:]) {
			t.Errorf("%s: the error repeats the secret", name)
		}
	}
	if _, err := identity.ParseClientSecret(key); err == nil {
		t.Error("an API key passes for a client secret")
	}
}

func TestASecretDoesNotPrint(t *testing.T) {
	t.Parallel()
	key := newKey(t, rand.Reader)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "key", key)
	link := identity.LinkSecret{Name: "webhookSecret", Value: key.Reveal()}
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "link", link)
	shown := log.String() + fmt.Sprintf("%v %+v %#v %s %q", key, key, key, key, key) +
		fmt.Sprintf("%v %+v %#v %s %q", link, link, link, link, []identity.LinkSecret{link})
	if strings.Contains(shown, key.Reveal()[26:]) {
		t.Errorf("the secret shows in %s", shown)
	}
}

func TestWithoutRandomnessThereIsNoSecret(t *testing.T) {
	t.Parallel()
	if key, err := identity.NewAPIKey(strings.NewReader("too short")); err == nil {
		t.Errorf("made %v from nine bytes", key)
	}
	if id, err := identity.NewID(identity.ClientPrefix, strings.NewReader("too short")); err == nil {
		t.Errorf("made %q from nine bytes", id)
	}
}

func TestIDsAreWellFormed(t *testing.T) {
	t.Parallel()
	id, err := identity.NewID(identity.ClientPrefix, rand.Reader)
	if err != nil || !identity.WellFormed(identity.ClientPrefix, id) {
		t.Fatalf("NewID = %q, %v", id, err)
	}
	for _, bad := range []string{"", "cli_", id[:29], id + "a", "loc_" + id[4:], "cli_" + strings.ToUpper(id[4:]), "cli_../../../../../../../../..", id[:28] + "\n\n", "cli_\r\n" + id[6:]} {
		if identity.WellFormed(identity.ClientPrefix, bad) {
			t.Errorf("%q passes for a client's id", bad)
		}
	}
}

func FuzzParseAPIKey(f *testing.F) {
	f.Add("ryg_live_aaaqeayeaudaocaj_2nEDRgWNZ0lR6gWFsHIhAcxwepOvwxbueLbwYaGKw773HCiTX")
	f.Add("ryg_live_")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := identity.ParseAPIKey(text)
		if err == nil && (key.Reveal() != text || len(text) != 75 || key.ID() != text[9:25]) {
			t.Errorf("%q read as %q", text, key.Reveal())
		}
	})
}
