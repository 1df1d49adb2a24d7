package identity

import (
	"fmt"
	"slices"
	"strings"

	"ryggrad.internal/hub/shared/fault"
)

// Scopes are the permissions of a credential: sorted, each once. Build them with [NewScopes] or [ParseScopes].
type Scopes []Permission

// NewScopes returns the permissions as scopes. It doesn't ask whether they are known.
func NewScopes(permissions ...Permission) Scopes {
	s := slices.Clone(permissions)
	slices.Sort(s)
	return slices.Compact(s)
}

// ParseScopes reads the space-separated list of RFC 6749, section 3.3. Order and repeats don't matter. Unknown scopes
// are refused with [fault.Invalid], one detail for each, located by its place in the list as in `scope[2]`.
func ParseScopes(list string) (Scopes, error) {
	var s Scopes
	var unknown []fault.Detail
	for i, word := range strings.Fields(list) {
		p := Permission(word)
		if !p.Known() {
			unknown = append(unknown, fault.Detail{Location: fmt.Sprintf("scope[%d]", i), Message: "is not a known scope"})
		}
		s = append(s, p)
	}
	if len(unknown) > 0 {
		return nil, fault.New(fault.Invalid, "some scopes are unknown").With(unknown...)
	}
	return NewScopes(s...), nil
}

// String gives the space-separated list, sorted.
func (s Scopes) String() string { return strings.Join(s.Strings(), " ") }

// Strings gives each scope's text, for a document or a JSON list.
func (s Scopes) Strings() []string {
	words := make([]string, len(s))
	for i, p := range s {
		words[i] = string(p)
	}
	return words
}

// Has tells whether p is among the scopes.
func (s Scopes) Has(p Permission) bool { return slices.Contains(s, p) }

// Beyond returns the scopes of s that are not in limit, so that a caller can be told what it may not have.
func (s Scopes) Beyond(limit Scopes) Scopes {
	return slices.DeleteFunc(slices.Clone(s), limit.Has)
}
