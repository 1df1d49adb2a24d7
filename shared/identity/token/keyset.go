package token

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// PublishedKey is a signing key from its publication to the end of its last token.
type PublishedKey struct {
	JWK

	Version   string    // the full name of the KMS key version that signs
	NotBefore time.Time // when it begins to sign; it is published earlier, so that verifiers know it by then
	NotAfter  time.Time // when its last token has ended; zero while it is not retired
}

// KeySet are the signing keys, oldest first. The rules take the time, so that publishing, signing and retiring follow
// from the stored set alone.
type KeySet []PublishedKey

// Signing returns the key to sign with: the newest that has begun and outlives what it signs.
func (s KeySet) Signing(now time.Time) (PublishedKey, bool) {
	var newest PublishedKey
	for _, k := range s {
		begun := !now.Before(k.NotBefore)
		lasts := k.NotAfter.IsZero() || now.Add(MaxLife).Before(k.NotAfter)
		if begun && lasts && !k.NotBefore.Before(newest.NotBefore) {
			newest = k
		}
	}
	return newest, newest.ID != ""
}

// Accepted returns the keys whose tokens are taken, those to come included.
func (s KeySet) Accepted(now time.Time) KeySet {
	var accepted KeySet
	for _, k := range s {
		if k.NotAfter.IsZero() || now.Before(k.NotAfter.Add(Leeway)) {
			accepted = append(accepted, k)
		}
	}
	return accepted
}

// JWKS returns the accepted keys for publication.
func (s KeySet) JWKS(now time.Time) JWKS {
	set := JWKS{Keys: []JWK{}}
	for _, k := range s.Accepted(now) {
		set.Keys = append(set.Keys, k.JWK)
	}
	return set
}

// PublishAhead is how long a key is published before it signs: longer than any verifier goes on with what it knows.
const PublishAhead = time.Hour

// Rolling tells whether a key waits to begin.
func (s KeySet) Rolling(now time.Time) bool {
	return slices.ContainsFunc(s, func(k PublishedKey) bool { return now.Before(k.NotBefore) })
}

// Retired returns the keys whose last tokens have ended.
func (s KeySet) Retired(now time.Time) KeySet {
	accepted := s.Accepted(now)
	return slices.DeleteFunc(slices.Clone(s), func(k PublishedKey) bool {
		return slices.ContainsFunc(accepted, func(a PublishedKey) bool { return a.ID == k.ID })
	})
}

// Roll adds a key that begins to sign in [PublishAhead]. The others sign until then and retire when their last tokens have
// ended; those that have retired already are gone.
func (s KeySet) Roll(next PublishedKey, now time.Time) KeySet {
	next.NotBefore, next.NotAfter = now.Add(PublishAhead), time.Time{}
	last := next.NotBefore.Add(MaxLife + Leeway)
	var rolled KeySet
	for _, k := range s.Accepted(now) {
		if k.NotAfter.IsZero() || last.Before(k.NotAfter) {
			k.NotAfter = last
		}
		rolled = append(rolled, k)
	}
	return append(rolled, next)
}

// Replace puts a key in the place of all others, whose tokens are refused from now on: for a key that somebody else may
// have. Instances that go on with what they know take and sign the old ones until they read again, and take those that they
// have verified for [RememberedFor] after that.
func (s KeySet) Replace(next PublishedKey, now time.Time) KeySet {
	next.NotBefore, next.NotAfter = now, time.Time{}
	var replaced KeySet
	for _, k := range s.Accepted(now) {
		k.NotAfter = now.Add(-Leeway)
		replaced = append(replaced, k)
	}
	return append(replaced, next)
}

// Age is how long the key that signs has done so.
func (s KeySet) Age(now time.Time) time.Duration {
	k, ok := s.Signing(now)
	if !ok {
		return 0
	}
	return now.Sub(k.NotBefore)
}

// Document gives the set's fields for the store. It holds public keys only.
func (s KeySet) Document() (map[string]any, error) {
	keys := make([]any, len(s))
	for i, k := range s {
		public, err := json.Marshal(k.JWK)
		if err != nil {
			return nil, fmt.Errorf("describe a signing key: %w", err)
		}
		keys[i] = map[string]any{
			"jwk": string(public), "version": k.Version, "notBefore": stored(k.NotBefore), "notAfter": stored(k.NotAfter),
		}
	}
	return map[string]any{"keys": keys}, nil
}

// ParseKeySet reads what [KeySet.Document] wrote. A key that is not one of ES256 is an error, so that no verifier ever
// holds another kind.
func ParseKeySet(fields map[string]any) (KeySet, error) {
	keys, ok := fields["keys"].([]any)
	if !ok {
		return nil, errors.New("read signing keys: there is no list of them")
	}
	set := make(KeySet, len(keys))
	for i, value := range keys {
		k, err := parsePublished(value)
		if err != nil {
			return nil, fmt.Errorf("read signing key %d: %w", i, err)
		}
		set[i] = k
	}
	return set, nil
}

func parsePublished(value any) (PublishedKey, error) {
	fields, _ := value.(map[string]any)
	public, _ := fields["jwk"].(string)
	var k PublishedKey
	if err := json.Unmarshal([]byte(public), &k.JWK, json.RejectUnknownMembers(true)); err != nil {
		return k, err
	}
	key, err := k.Key()
	if err != nil {
		return k, err
	}
	if again, err := NewJWK(key); err != nil || again.ID != k.ID {
		return k, errors.New("its id is not its thumbprint")
	}
	k.Version, _ = fields["version"].(string)
	k.NotBefore, _ = fields["notBefore"].(time.Time)
	k.NotAfter, _ = fields["notAfter"].(time.Time)
	if k.Version == "" || k.NotBefore.IsZero() {
		return k, errors.New("it has no version or no beginning")
	}
	return k, nil
}

// stored gives a time the form it has in the store: UTC, whole microseconds, null when it is zero.
func stored(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Truncate(time.Microsecond)
}
