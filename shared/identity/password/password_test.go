package password_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity/password"
	"ryggrad.internal/hub/shared/identity/password/internal/keyed"
)

func TestArgon2idIsRFC9106s(t *testing.T) {
	t.Parallel()
	same := func(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }
	got := keyed.Derive(keyed.ID, same(1, 32), same(2, 16), same(3, 8), same(4, 12), 3, 32, 4, 32)
	const want = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659" // section 5.3
	if hex.EncodeToString(got) != want {
		t.Errorf("tag %x, want %s", got, want)
	}
}

func peppers(ids ...string) password.Peppers {
	var p password.Peppers
	for _, id := range ids {
		p = append(p, password.Pepper{ID: id, Key: bytes.Repeat([]byte(id[:1]), 32)})
	}
	return p
}

func TestAPasswordIsRecognised(t *testing.T) {
	t.Parallel()
	first, both := peppers("a1"), peppers("a1", "b2")
	stored := password.Recommended().Hash("räksmörgås utan ost", first.Newest(), password.Salt{1})
	for name, c := range map[string]struct {
		text    string
		peppers password.Peppers
		want    password.Answer
		err     error
	}{
		"the same":                      {"räksmörgås utan ost", first, password.Right, nil},
		"the same letters, decomposed":  {"ra\u0308ksmo\u0308rga\u030as utan ost", first, password.Right, nil},
		"another case":                  {"Räksmörgås utan ost", first, password.Wrong, nil},
		"a space more":                  {"räksmörgås utan ost ", first, password.Wrong, nil},
		"cut":                           {"räksmörgås utan os", first, password.Wrong, nil},
		"nothing":                       {"", first, password.Wrong, nil},
		"after the pepper was replaced": {"räksmörgås utan ost", both, password.RightButOld, nil},
		"after the pepper was lost":     {"räksmörgås utan ost", peppers("b2"), password.Wrong, password.ErrPepper},
	} {
		got, err := password.Recommended().Verify(c.text, stored, c.peppers)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if another := password.Recommended().Hash("räksmörgås utan ost", first.Newest(), password.Salt{2}); another == stored {
		t.Error("another salt gives the same hash")
	}
}

func TestThePepperIsNeeded(t *testing.T) {
	t.Parallel()
	stored := password.Recommended().Hash("a long enough password", password.Pepper{ID: "a1", Key: []byte("one")}, password.Salt{})
	got, err := password.Recommended().Verify("a long enough password", stored, password.Peppers{{ID: "a1", Key: []byte("another")}})
	if got != password.Wrong || err != nil {
		t.Errorf("under another key it is %v, %v", got, err)
	}
}

func TestOldParametersAreToBeReplaced(t *testing.T) {
	t.Parallel()
	// Made by this package with 8 MiB and one pass.
	const old = "$argon2id$v=19$m=8192,t=1,p=1,keyid=a1$AQAAAAAAAAAAAAAAAAAAAA$TAG"
	p := peppers("a1")
	tag := strings.Split(password.Cost{MemoryKiB: 8192, Passes: 1}.Hash("a long enough password", p.Newest(), password.Salt{1}), "$")[5]
	if got, err := password.Recommended().Verify("a long enough password", strings.Replace(old, "TAG", tag, 1), p); got != password.RightButOld || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestNoPasswordIsADecoys(t *testing.T) {
	t.Parallel()
	p := peppers("a1")
	for _, text := range []string{"", "password", strings.Repeat("x", 128)} {
		if got, err := password.Recommended().Verify(text, password.Recommended().Decoy(p.Newest()), p); got != password.Wrong || err != nil {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestStoredHashesCannotAskForTooMuch(t *testing.T) {
	t.Parallel()
	good := password.Recommended().Hash("x", peppers("a1").Newest(), password.Salt{})
	for _, change := range [][2]string{
		{"m=19456", "m=4194304"}, {"t=2", "t=4000000"}, {"p=1", "p=200"}, {"p=1", "p=0"}, {"m=19456", "m=0"}, {"t=2", "t=0"},
		{"argon2id", "argon2i"}, {"v=19", "v=16"}, {"m=19456", "m=99999999999999"}, {"keyid=a1", "keyid="},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if _, err := password.Recommended().Verify("x", bad, peppers("a1")); !errors.Is(err, password.ErrForm) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1,keyid=a1$AQAAAAAAAAAAAAAAAAAAAA$AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$")
	f.Fuzz(func(t *testing.T, stored string) {
		if answer, _ := password.Recommended().Verify("a password", stored, peppers("a1")); answer != password.Wrong {
			t.Errorf("%q takes a password", stored)
		}
	})
}

func TestPeppersDoNotPrint(t *testing.T) {
	t.Parallel()
	p := peppers("s3")
	if text := fmt.Sprintf("%v %+v %#v %s", p, p[0], p[0], p); strings.Contains(text, "ssss") || strings.Contains(text, "115 115") {
		t.Errorf("a pepper prints: %s", text)
	}
}

func TestPasswordsAreChecked(t *testing.T) {
	t.Parallel()
	words := password.Words("anna.karlsson@pizzeria-roma.example", "Anna Karlsson", "Pizzeria Roma")
	for name, c := range map[string]struct {
		text   string
		factor bool
		ok     bool
	}{
		"a passphrase of common words":      {"correct horse battery staple", false, true},
		"15 characters":                     {"kvastskaft-tuba", false, true},
		"14 characters":                     {"kvastskaft-tub", false, false},
		"14 with a second factor":           {"kvastskaft-tub", true, true},
		"8 with a second factor":            {"gv7kq2mz", true, true},
		"7 with a second factor":            {"gv7kq2m", true, false},
		"128 of any letters":                {strings.Repeat("åß語🍕xqzv", 16), false, true},
		"129":                               {strings.Repeat("åß語🍕xqzv", 16) + "!", false, false},
		"64 digits, not counted":            {"8302716549027364518273645091827364501928374650918273645546372819", false, true},
		"only signs":                        {"-_.:,;!/&%()=?+*~^", false, true},
		"spaces inside":                     {"  two   spaces  each  ", false, true},
		"a common one with a second factor": {"sunshine", true, false},
		"in capitals":                       {"SUNSHINE", true, false},
		"with digits after it":              {"sunshine2026!!!", true, false},
		"repeated":                          {"passwordpassword", false, false},
		"repeated with a sign":              {"passwordpassword!", false, false},
		"counting":                          {"123456789012345", false, false},
		"the alphabet":                      {"abcdefghijklmnop", false, false},
		"one letter":                        {strings.Repeat("z", 40), false, false},
		"three letters over and over":       {strings.Repeat("qkx", 9), false, false},
		"their name and a year":             {"AnnaKarlsson2026", false, false},
		"the tenant and the hub":            {"pizzeria-roma-ryggrad", false, false},
		"a common one beside the hub":       {"ryggradpassword", false, false},
		"their name within a passphrase":    {"anna cycles to the harbour", false, true},
		"not UTF-8":                         {"kvastskaft-tuba\xff", false, false},
		"a great many bytes":                {strings.Repeat("a\u0308", 5000), false, false},
		"wide letters count as themselves":  {"ｐａｓｓｗｏｒｄ", true, false},
	} {
		err := password.Check(c.text, password.Rules{Location: "body.newPassword", SecondFactor: c.factor, Words: words})
		if (err == nil) != c.ok || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		var f *fault.Error
		if errors.As(err, &f) && (f.Details[0].Location != "body.newPassword" || strings.Contains(fmt.Sprint(f.Details), c.text)) {
			t.Errorf("%s: %v", name, f.Details)
		}
	}
}

func TestTheListIsLongAndSorted(t *testing.T) {
	t.Parallel()
	list := password.List()
	if len(list) < 40_000 {
		t.Fatalf("the list has %d passwords", len(list))
	}
	for i := 1; i < len(list); i++ {
		if list[i-1] >= list[i] {
			t.Fatalf("%q stands before %q", list[i-1], list[i])
		}
	}
	if !password.Common("password") || !password.Common("123456") || password.Common("") || password.Common("räksmörgås") {
		t.Error("the list knows the wrong ones")
	}
}

func TestInitialPasswordsKeepTheRules(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		text, err := password.Initial(rand.Reader)
		if err != nil || len(text) != 23 || seen[text] {
			t.Fatalf("%q, %v", text, err)
		}
		seen[text] = true
		if err := password.Check(text, password.Rules{}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if text, err := password.Initial(strings.NewReader("short")); err == nil {
		t.Errorf("made %q from five bytes", text)
	}
}

func TestNormalisingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		if once := password.Normal(text); password.Normal(once) != once {
			t.Fatalf("%q", text)
		}
		_ = password.Check(text, password.Rules{Words: password.Words(text)})
	})
}

func TestTheGateBoundsWhatRunsAtOnce(t *testing.T) {
	t.Parallel()
	gate := password.NewGate(1, 1)
	running, release, done := make(chan int), make(chan struct{}), make(chan error)
	go func() { done <- gate.Pass(context.Background(), func() { running <- 1; <-release }) }()
	<-running
	given, giveUp := context.WithCancel(t.Context())
	giveUp()
	if err := gate.Pass(given, func() { t.Error("two run at once") }); !fault.Is(err, fault.Unavailable) {
		t.Errorf("who gave up: %v", err)
	}
	go func() { done <- gate.Pass(context.Background(), func() { running <- 2 }) }()
	close(release)
	if next := <-running; next != 2 {
		t.Errorf("%d ran after the first", next)
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestWhoFindsNoPlaceIsToldToComeAgain(t *testing.T) {
	t.Parallel()
	gate := password.NewGate(1, 0)
	err := gate.Pass(t.Context(), func() {
		err := gate.Pass(context.Background(), func() { t.Error("two run at once") })
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Unavailable || f.RetryAfter == 0 {
			t.Errorf("without a place: %v", err)
		}
	})
	if err != nil {
		t.Error(err)
	}
	if err := gate.Pass(t.Context(), func() {}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func BenchmarkHash(b *testing.B) {
	b.ReportAllocs()
	p := peppers("a1").Newest()
	for b.Loop() {
		password.Recommended().Hash("a long enough password", p, password.Salt{})
	}
}
