package identity_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
)

const someSession = "ses_aaaaaaaaaaaaaaaaaaaaaaaaaa"

// login is a session that has just begun, and its token.
func login(t *testing.T) (identity.Session, identity.Secret) {
	t.Helper()
	token, err := identity.NewSessionToken(someSession, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return identity.Session{
		ID: someSession, Tenant: "ten_a", User: "usr_a", Role: identity.Manager, Token: token.Hash(),
		CreatedAt: noon, SeenAt: noon, ProvedAt: noon, ExpiresAt: noon.Add(identity.SessionLife),
	}, token
}

func TestASessionTokenReadsBack(t *testing.T) {
	t.Parallel()
	_, token := login(t)
	form := regexp.MustCompile(`^rys_a{26}_[0-9A-Za-z]{49}$`)
	again, id, err := identity.ParseSessionToken(token.Reveal())
	if err != nil || again != token || id != someSession || !form.MatchString(token.Reveal()) {
		t.Fatalf("%q read as %v of %q: %v", token.Reveal(), again, id, err)
	}
	for i := range token.Reveal() {
		wrong := token.Reveal()[:i] + "~" + token.Reveal()[i+1:]
		if _, _, err := identity.ParseSessionToken(wrong); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("position %d may be anything: %v", i, err)
		}
	}
	if strings.Contains(token.String(), token.Reveal()[31:]) {
		t.Error("the token prints")
	}
}

func FuzzParseSessionToken(f *testing.F) {
	f.Add("rys_aaaaaaaaaaaaaaaaaaaaaaaaaa_2nEDRgWNZ0lR6gWFsHIhAcxwepOvwxbueLbwYaGKw773HCiTX")
	f.Add("rys_")
	f.Fuzz(func(t *testing.T, text string) {
		token, id, err := identity.ParseSessionToken(text)
		if err == nil && (token.Reveal() != text || !identity.WellFormed(identity.SessionPrefix, id)) && id != "ses_"+text[4:30] {
			t.Errorf("%q read as %q of %q", text, token.Reveal(), id)
		}
	})
}

func TestStagesLetPeopleDoOnlyTheNextStep(t *testing.T) {
	t.Parallel()
	for stage, want := range map[identity.Stage]string{
		identity.SecondFactor: "sessions:own",
		identity.Enroll:       "account:factors sessions:own",
		identity.SetPassword:  "account:password sessions:own",
		identity.Complete:     identity.Owner.Permissions().String(),
		"made up":             "sessions:own",
	} {
		if diff := cmp.Diff(want, stage.Permissions(identity.Owner).String()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", stage, diff)
		}
		if p := stage.Permissions("root"); len(p) != 0 {
			t.Errorf("an unknown role may %s", p)
		}
	}
}

func TestASessionEndsByTimeAndBySilence(t *testing.T) {
	t.Parallel()
	s, _ := login(t)
	for after, want := range map[time.Duration]bool{
		0: true, identity.SessionIdle - time.Second: true, identity.SessionIdle: false, identity.SessionLife: false,
	} {
		if s.ActiveAt(noon.Add(after)) != want {
			t.Errorf("after %s: active %t", after, !want)
		}
	}
	s.SeenAt = noon.Add(identity.SessionLife - time.Minute)
	if !s.ActiveAt(s.SeenAt) || s.ActiveAt(s.ExpiresAt) || !s.Ends().Equal(s.ExpiresAt) {
		t.Error("use prolongs a session past its end")
	}
}

func TestAProofIsRecentForAWhile(t *testing.T) {
	t.Parallel()
	s, _ := login(t)
	if !s.Caller(noon).SteppedUp || s.Caller(noon.Add(identity.StepUpLife)).SteppedUp {
		t.Error("a proof holds for another time than it should")
	}
	s.Stage = identity.SecondFactor
	if s.Caller(noon).SteppedUp {
		t.Error("a password alone counts as the second factor")
	}
}

func TestTheTokenInUseIsReplaced(t *testing.T) {
	t.Parallel()
	s, parent := login(t)
	s, child, err := s.Refresh(parent, [32]byte{1}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if s.Knows(child, noon) != identity.TokenLive || s.Knows(parent, noon) != identity.TokenRacing ||
		s.Knows(parent, noon.Add(identity.RefreshGrace)) != identity.TokenSpent {
		t.Error("the session does not know its tokens")
	}
	_, stranger := login(t)
	if s.Knows(stranger, noon) != identity.TokenUnknown {
		t.Error("the session knows a stranger's token")
	}
}

func TestTwoTabsThatRaceGetTheSameToken(t *testing.T) {
	t.Parallel()
	s, parent := login(t)
	s, first, err := s.Refresh(parent, [32]byte{1}, noon)
	if err != nil {
		t.Fatal(err)
	}
	after, second, err := s.Refresh(parent, [32]byte{2}, noon.Add(identity.RefreshGrace-1))
	if err != nil || first != second {
		t.Fatalf("%v and %v: %v", first, second, err)
	}
	if diff := cmp.Diff(s, after); diff != "" {
		t.Errorf("the second changed the session (-want +got):\n%s", diff)
	}
}

func TestAStolenTokenIsNoticedHoweverOldItIs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := identity.Session{ID: someSession, ExpiresAt: noon.Add(identity.SessionLife), SeenAt: noon}
		token, err := identity.NewSessionToken(someSession, bytes.NewReader(make([]byte, 32)))
		if err != nil {
			t.Fatal(err)
		}
		s.Token = token.Hash()
		var all []identity.Secret
		now := noon
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			all = append(all, token)
			now = now.Add(identity.RefreshGrace)
			if rapid.Bool().Draw(t, "proves") {
				if token, err = identity.NewSessionToken(someSession, bytes.NewReader(bytes.Repeat([]byte{byte(i) + 1}, 32))); err != nil {
					t.Fatal(err)
				}
				s = s.Proceed(token, identity.Complete, now)
				continue
			}
			if s, token, err = s.Refresh(token, [32]byte{byte(i)}, now); err != nil {
				t.Fatal(err)
			}
		}
		stolen := all[rapid.IntRange(0, len(all)-1).Draw(t, "stolen")]
		if _, _, err := s.Refresh(stolen, [32]byte{}, now.Add(identity.RefreshGrace)); !errors.Is(err, identity.ErrTokenReused) {
			t.Fatalf("the use of a stolen token: %v", err)
		}
	})
}

func TestAStrangersTokenDoesNotEndASession(t *testing.T) {
	t.Parallel()
	s, _ := login(t)
	_, forged := login(t)
	if _, _, err := s.Refresh(forged, [32]byte{}, noon); !fault.Is(err, fault.Unauthenticated) || errors.Is(err, identity.ErrTokenReused) {
		t.Errorf("a forged token: %v", err)
	}
}
