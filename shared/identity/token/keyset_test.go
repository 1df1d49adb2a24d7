package token_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/identity/token"
)

func publish(s signer, version string, notBefore, notAfter time.Time) token.PublishedKey {
	return token.PublishedKey{JWK: s.public, Version: version, NotBefore: notBefore, NotAfter: notAfter}
}

func versions(s token.KeySet) []string {
	var names []string
	for _, k := range s {
		names = append(names, k.Version)
	}
	return names
}

// A key is published an hour before it signs, and its predecessor retires when the last token has ended.
func TestSigningKeysRollWithAnOverlap(t *testing.T) {
	t.Parallel()
	old, young := newSigner(t), newSigner(t)
	set := token.KeySet{
		publish(old, "1", noon.Add(-24*time.Hour), noon.Add(token.MaxLife+time.Second)),
		publish(young, "2", noon, time.Time{}),
	}
	for _, c := range []struct {
		name     string
		at       time.Time
		signs    string
		accepted []string
	}{
		{"before the new one begins", noon.Add(-time.Second), "1", []string{"1", "2"}},
		{"once it has begun", noon, "2", []string{"1", "2"}},
		{"while old tokens live", noon.Add(token.MaxLife), "2", []string{"1", "2"}},
		{"when the last has ended", noon.Add(token.MaxLife + token.Leeway + time.Second), "2", []string{"2"}},
	} {
		got, ok := set.Signing(c.at)
		if !ok || got.Version != c.signs {
			t.Errorf("%s: version %q signs, want %q", c.name, got.Version, c.signs)
		}
		if diff := cmp.Diff(c.accepted, versions(set.Accepted(c.at))); diff != "" {
			t.Errorf("%s: accepted (-want +got):\n%s", c.name, diff)
		}
		if n := len(set.JWKS(c.at).Keys); n != len(c.accepted) {
			t.Errorf("%s: %d keys are published", c.name, n)
		}
	}
}

func TestNoKeySignsWhatItDoesNotOutlive(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	for name, set := range map[string]token.KeySet{
		"no key":               nil,
		"one that is to begin": {publish(s, "1", noon.Add(1), time.Time{})},
		"one that ends soon":   {publish(s, "1", noon.Add(-time.Hour), noon.Add(token.MaxLife))},
	} {
		if k, ok := set.Signing(noon); ok {
			t.Errorf("%s: version %q signs", name, k.Version)
		}
	}
}

func TestKeySetsReadBack(t *testing.T) {
	t.Parallel()
	want := token.KeySet{publish(newSigner(t), "v1", noon, noon.Add(time.Hour)), publish(newSigner(t), "v2", noon, time.Time{})}
	fields, err := want.Document()
	if err != nil {
		t.Fatal(err)
	}
	got, err := token.ParseKeySet(fields)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestADamagedKeySetIsNotRead(t *testing.T) {
	t.Parallel()
	s, other := newSigner(t), newSigner(t)
	sound := publish(s, "v1", noon, time.Time{})
	for name, spoil := range map[string]func(*token.PublishedKey){
		"another key's id":  func(k *token.PublishedKey) { k.ID = other.public.ID },
		"another algorithm": func(k *token.PublishedKey) { k.Algorithm = "HS256" },
		"no version":        func(k *token.PublishedKey) { k.Version = "" },
		"no beginning":      func(k *token.PublishedKey) { k.NotBefore = time.Time{} },
	} {
		k := sound
		spoil(&k)
		fields, err := token.KeySet{k}.Document()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := token.ParseKeySet(fields); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	for name, fields := range map[string]map[string]any{
		"nothing": nil, "no list": {"keys": "x"}, "no map": {"keys": []any{"x"}}, "no key": {"keys": []any{map[string]any{}}},
	} {
		if _, err := token.ParseKeySet(fields); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}
