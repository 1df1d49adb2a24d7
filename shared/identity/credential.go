package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"time"

	"ryggrad.internal/hub/shared/fault"
)

// maxActive is how many credentials of one kind a client may have at a time: the one in use and its successor.
const maxActive = 2

// Credential is what is kept of something that a client proves itself with.
type Credential struct {
	ID        string
	Hash      [sha256.Size]byte // of the whole text, see [Secret.Hash]; of a public key, of its text
	Public    string            // a public key, as the JSON of its JWK; else ""
	Sealed    []byte            // a signing secret, encrypted under the tenant's key; else none
	CreatedAt time.Time
	ExpiresAt time.Time // zero: it ends with its client
}

// NewCredential returns what is to be kept of a secret.
func NewCredential(s Secret, now time.Time) Credential {
	return Credential{ID: s.ID(), Hash: s.Hash(), CreatedAt: now}
}

// ActiveAt tells whether the credential has not expired.
func (c Credential) ActiveAt(now time.Time) bool {
	return c.ExpiresAt.IsZero() || now.Before(c.ExpiresAt)
}

// Credentials are a client's credentials of one kind, oldest first.
type Credentials []Credential

// ActiveAt returns those that have not expired.
func (c Credentials) ActiveAt(now time.Time) Credentials {
	return slices.DeleteFunc(slices.Clone(c), func(have Credential) bool { return !have.ActiveAt(now) })
}

// Match finds the active credential that the secret opens. It compares with every one of them in constant time.
func (c Credentials) Match(s Secret, now time.Time) (Credential, bool) {
	hash := s.Hash()
	found := -1
	for i, have := range c {
		if subtle.ConstantTimeCompare(have.Hash[:], hash[:]) == 1 && have.ActiveAt(now) {
			found = i
		}
	}
	if found < 0 {
		return Credential{}, false
	}
	return c[found], true
}

// MaxOverlap is how long a former credential may go on at most.
const MaxOverlap = 30 * 24 * time.Hour

// Rotate adds the successor of the active credential, which stays valid for the overlap and not longer. Expired ones
// are dropped. An overlap that is none or exceeds [MaxOverlap] is [fault.Invalid]. With two active already it refuses with [fault.Conflict]: one of them must be removed first, because
// ending it would cut off whoever still uses it.
func (c Credentials) Rotate(successor Credential, overlap time.Duration, now time.Time) (Credentials, error) {
	if overlap < 0 || overlap > MaxOverlap {
		return nil, fault.New(fault.Invalid, "the overlap must be 0 to %d days", int(MaxOverlap.Hours()/24))
	}
	active := c.ActiveAt(now)
	if len(active) >= maxActive {
		return nil, fault.New(fault.Conflict, "%d are active already; remove one first", maxActive)
	}
	end := now.Add(overlap)
	for i := range active {
		if active[i].ExpiresAt.IsZero() || end.Before(active[i].ExpiresAt) {
			active[i].ExpiresAt = end
		}
	}
	return append(active, successor), nil
}

// Without removes the credential at once. Removing one that isn't there is [fault.NotFound].
func (c Credentials) Without(id string) (Credentials, error) {
	i := slices.IndexFunc(c, func(have Credential) bool { return have.ID == id })
	if i < 0 {
		return nil, fault.New(fault.NotFound, "there is no such secret")
	}
	return slices.Delete(slices.Clone(c), i, i+1), nil
}
