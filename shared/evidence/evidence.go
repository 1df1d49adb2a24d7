package evidence

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"ryggrad.internal/hub/shared/fault"
)

const (
	maxFacts = 64  // of one piece of evidence
	maxText  = 200 // bytes of a fact that is text
)

// FactOK is the fact by which evidence says that what was tried worked. Without it, it did.
const FactOK = "ok"

// Evidence is the newest of its kind.
type Evidence struct {
	Kind  Kind
	At    time.Time // what the kind says it is
	Facts Facts
}

// Facts are plain values by name: bool, int64, float64, string and [time.Time].
type Facts map[string]any

// New returns evidence with its facts as they are stored: an int becomes an int64. It refuses an unknown kind, a zero
// time, and facts that are not plain.
func New(kind Kind, at time.Time, facts map[string]any) (Evidence, error) {
	if !kind.Known() || at.IsZero() || len(facts) > maxFacts {
		return Evidence{}, fault.New(fault.Invalid, "evidence needs a known kind, a time and at most %d facts", maxFacts)
	}
	e := Evidence{Kind: kind, At: at.UTC().Truncate(time.Microsecond), Facts: make(Facts, len(facts))}
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		value, ok := plain(facts[name])
		if !ok || !named(name) {
			return Evidence{}, fault.New(fault.Invalid, "the fact %q of the evidence %s is not plain", name, kind)
		}
		e.Facts[name] = value
	}
	return e, nil
}

// named tells whether a text can name a fact: a short word, as a key's name or a month is one.
func named(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$`).MatchString(name)
}

func plain(v any) (any, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case string:
		return v, len(v) <= maxText && utf8.ValidString(v)
	case time.Time:
		return v.UTC().Truncate(time.Microsecond), !v.IsZero()
	case bool, int64:
		return v, true
	default:
		return nil, false
	}
}

// Document returns the evidence as a database document.
func (e Evidence) Document() map[string]any {
	return map[string]any{"at": e.At, "facts": map[string]any(e.Facts)}
}

// Parse reads evidence that [Evidence.Document] wrote.
func Parse(id string, fields map[string]any) (Evidence, error) {
	at, _ := fields["at"].(time.Time)
	facts, _ := fields["facts"].(map[string]any)
	e, err := New(Kind(id), at, facts)
	if err != nil {
		return Evidence{}, fmt.Errorf("read the evidence %q: %w", id, err)
	}
	return e, nil
}

// OK tells whether what was tried worked.
func (f Facts) OK() bool {
	ok, said := f[FactOK].(bool)
	return ok || !said
}

// Number returns a fact that is a number.
func (f Facts) Number(name string) (float64, bool) {
	switch v := f[name].(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	default:
		return 0, false
	}
}
