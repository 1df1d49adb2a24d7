package totp

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCodesAreRFC4226s(t *testing.T) {
	t.Parallel()
	s := FromBytes([]byte("12345678901234567890"))
	for counter, want := range []string{ // appendix D
		"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
	} {
		if got := s.Code(int64(counter)); got != want {
			t.Errorf("counter %d: %s, want %s", counter, got, want)
		}
	}
}

func TestCodesAreRFC6238s(t *testing.T) {
	t.Parallel()
	s := FromBytes([]byte("12345678901234567890"))
	for at, want := range map[int64]string{ // appendix B, SHA-1, eight digits
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		step := Step(time.Unix(at, 0))
		if got := s.code(step, 8); got != want || s.Code(step) != want[2:] {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

// The same vectors as others publish them, where somebody has laid them beside the checkout.
func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../../shared/vectors/rfc/rfc6238-totp.json")
	if err != nil {
		t.Skipf("SKIPPED: no published vectors here: %v", err)
	}
	var file struct {
		Seeds map[string]string `json:"seeds"`
		Tests []struct {
			Time      int64  `json:"time"`
			Algorithm string `json:"algorithm"`
			TOTP      string `json:"totp"`
		} `json:"tests"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, v := range file.Tests {
		if v.Algorithm != "SHA1" {
			continue // no other is made here
		}
		checked++
		if got := FromBytes([]byte(file.Seeds["SHA1"])).code(Step(time.Unix(v.Time, 0)), 8); got != v.TOTP {
			t.Errorf("at %d: %s, want %s", v.Time, got, v.TOTP)
		}
	}
	if checked == 0 {
		t.Error("the file has no vectors of SHA-1")
	}
}

func TestAStepIsTakenOnceAndForward(t *testing.T) {
	t.Parallel()
	s, err := New(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_790_000_010, 0)
	present := Step(now)
	for name, c := range map[string]struct {
		step, last int64
		want       bool
	}{
		"the present":               {present, 0, true},
		"the one before":            {present - 1, 0, true},
		"the next":                  {present + 1, 0, true},
		"two before":                {present - 2, 0, false},
		"two ahead":                 {present + 2, 0, false},
		"taken before":              {present, present, false},
		"one before the last taken": {present - 1, present, false},
		"one after the last taken":  {present, present - 1, true},
	} {
		if got, ok := s.Check(s.Code(c.step), now, c.last); ok != c.want || ok && got != c.step {
			t.Errorf("%s: step %d, %t", name, got-present, ok)
		}
	}
	code := s.Code(present)
	for _, bad := range []string{"", "000000x", code + "0", code[:5], "-" + code, strings.Repeat("1", 1<<16)} {
		if _, ok := s.Check(bad, now, 0); ok {
			t.Errorf("%.20q is taken", bad)
		}
	}
	if _, ok := s.Check(code[:3]+" "+code[3:], now, 0); !ok {
		t.Error("a code as apps show it is refused")
	}
}

func TestSecretsReadBackAndDoNotPrint(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "key")
		s := FromBytes(key)
		again, err := Parse(s.Reveal())
		if err != nil || string(again.Bytes()) != string(key) {
			t.Fatalf("%v", err)
		}
		if shown := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); shown != "[secret] [secret] [secret] [secret]" {
			t.Fatalf("it prints %s", shown)
		}
	})
	for _, bad := range []string{"", "1", "ÅÄÖ", "A==="} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestTheURIIsWhatAppsRead(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(FromBytes([]byte("12345678901234567890")).URI("Ryggrad & co", "a+b@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Ryggrad & co:a+b@example.com" ||
		u.Query().Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || u.Query().Get("issuer") != "Ryggrad & co" {
		t.Errorf("%s", u)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("755224", int64(0))
	f.Fuzz(func(t *testing.T, code string, last int64) {
		s, now := FromBytes([]byte("12345678901234567890")), time.Unix(1_790_000_000, 0)
		step, ok := s.Check(code, now, last)
		if ok && (step <= last || s.Code(step) != strings.ReplaceAll(code, " ", "")) {
			t.Errorf("%q is taken as step %d after %d", code, step, last)
		}
	})
}
